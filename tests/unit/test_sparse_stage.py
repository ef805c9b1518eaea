"""Candidates of few terms through the stages: exact numbers, draws, what is shown, and what is refused."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import simpson
from scipy.special import logsumexp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.evidence.closed_form import known_noise
from bayesbeam.io.samples import read_records
from bayesbeam.stages import sparse as stage
from bayesbeam.stages.keep import Running
from bayesbeam.stages.sample import sample_batch
from stage_fixture import Lab, content, make_lab, no_news, record, rows, strict

X = np.linspace(0.0, 3.0, 60)
PLACES = np.arange(0.0, 3.01, 0.5)
BELLS = """\
  few:
    parts: [{component: linear, priors: {level: "normal(mean=0.2, sd=2)"}, fixed: {slope: 0.1}}]
    sparse:
      dictionary: [{component: gaussian, name: bell, grid: [0, 3, 0.5], fixed: {sd: 0.3}}]
      most: 3
      prior: normal(mean=0.1, sd=1)
      sizes: each(0.2)
    noise: {sigma: 0.1}
"""
ONE = """\
  one:
    parts:
      - {component: linear, priors: {level: "normal(mean=0.2, sd=2)"}, fixed: {slope: 0.1}}
      - {component: gaussian, priors: {amplitude: "normal(mean=0.1, sd=1)"}, fixed: {position: 1.5, sd: 0.3}}
    noise: {sigma: 0.1}
"""


def bells() -> np.ndarray:
    return np.exp(-0.5 * ((X[:, None] - PLACES) / 0.3) ** 2)


def spectrum(seed: int = 1) -> np.ndarray:
    """Two bells on a line."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal(60)
    return 0.5 + 0.1 * (X - 1.5) + bells()[:, [2, 5]] @ [0.8, 0.3] + noise


def lab(folder: Path, candidates: str = BELLS, **others: str) -> Lab:
    made = make_lab(folder, {"a": rows(X, spectrum())}, candidates, **others)
    made.preprocess()
    return made


def exact(y: np.ndarray, sigma: float = 0.1) -> tuple[float, dict[tuple[int, ...], float]]:
    """Free energy over all sets, and the probability of each, one regression after another."""
    weight = {}
    chances = np.array([math.comb(7, k) * 0.2**k * 0.8 ** (7 - k) for k in range(4)])
    line = 0.1 * (X - X.mean())
    for k in range(4):
        for s in itertools.combinations(range(7), k):
            design = np.column_stack([np.ones(60), bells()[:, s]])
            mean, sd = [0.2, *[0.1] * k], [2.0, *[1.0] * k]
            f = known_noise(design, y - line, sigma, mean, sd).free_energy
            weight[s] = math.log(chances[k] / chances.sum() / math.comb(7, k)) - f
    total = float(logsumexp(list(weight.values())))
    return -total, {s: math.exp(value - total) for s, value in weight.items()}


def test_a_dictionary_of_peaks_has_the_free_energy_of_all_its_sets(tmp_path: Path) -> None:
    """1e-8 nats: the data file has nine digits. Also what the record says of terms and sets."""
    made = lab(tmp_path, BELLS + ONE)
    found = strict(made.separate())
    few, one = (record(found, tag) for tag in ("few", "one"))
    y = np.array([float(row.split()[1]) for row in rows(X, spectrum()).splitlines()])
    free_energy, chance = exact(y)
    assert few["free_energy"] == pytest.approx(free_energy, abs=1e-6)
    assert few["standard_error"] == 0.0
    assert few["verdict"] == "reliable"
    assert few["parts"] == "linear + up to 3 of 7 terms"
    assert few["model_probability"] + one["model_probability"] == pytest.approx(1.0)
    terms = {term["term"]: term for term in few["sparse"]["terms"]}
    assert terms["linear.level"]["inclusion"] == pytest.approx(1.0)
    for j in range(7):
        inclusion = sum(p for s, p in chance.items() if j in s)
        assert terms[f"bell_{j + 1}"]["inclusion"] == pytest.approx(inclusion, rel=1e-6)
    best = max(chance, key=lambda s: chance[s])
    assert few["sparse"]["ranking"][0]["terms"] == [f"bell_{j + 1}" for j in best]
    assert few["sparse"]["ranking"][0]["probability"] == pytest.approx(chance[best], rel=1e-6)
    assert [size["size"] for size in few["sparse"]["sizes"]] == [0, 1, 2, 3]
    assert sum(size["prior"] for size in few["sparse"]["sizes"]) == pytest.approx(1.0)
    parameters = {row["parameter"]: row for row in few["parameters"]}
    assert parameters["bell_3.amplitude"]["inclusion"] == terms["bell_3"]["inclusion"]
    assert parameters["bell_3.amplitude"]["mean"] == terms["bell_3"]["mean"]
    # What follows from a term is its own: half maxima of bells whose width is fixed, and areas.
    width, area = parameters["bell_3.fwhm"], parameters["bell_3.area"]
    assert width["mean"] == pytest.approx(2.0 * math.sqrt(2.0 * math.log(2.0)) * 0.3)
    assert area["mean"] == pytest.approx(terms["bell_3"]["mean"] * 0.3 * math.sqrt(2.0 * math.pi), rel=0.02)
    assert "inclusion" not in width.keys() | area.keys()
    assert parameters["linear.level"]["mean"] == pytest.approx(terms["linear.level"]["mean"])
    # The figures have those of the file of arrays.
    arrays = read_records(made.results / "free_energy" / "b.h5")["a/few"].arrays
    assert arrays["state_counts"].sum(1).tolist() == [1.0, 7.0, 21.0, 35.0]
    assert len(arrays["state_edges"]) == arrays["state_counts"].shape[1] + 1


def test_an_ordinary_candidate_has_the_free_energy_of_its_set(tmp_path: Path) -> None:
    """The one bell that is a set of the dictionary, solved by itself."""
    good = "{target_standard_error: 0.1, seed: 7, chains: 8, device: cpu}"
    made = lab(tmp_path, BELLS + ONE, sampling=good)
    found = strict(made.separate())
    few, one = (record(found, tag) for tag in ("few", "one"))
    (entry,) = [s for s in few["sparse"]["ranking"] if s["terms"] == ["bell_4"]]
    assert one["engine"] == "exact"
    assert abs(one["free_energy"] - entry["free_energy"]) < 1e-9


def test_draws_of_a_record_have_the_averages_of_its_terms(tmp_path: Path) -> None:
    made = lab(tmp_path)
    path = made.sample("few")
    found = read_records(path)["a"]
    theta = found.arrays["theta"][:, 0].reshape(-1, found.arrays["theta"].shape[-1])
    target = stage.build_target(made.campaign.expanded("few")[0].spec, [made_measurement(made)])
    names = [slot.name for slot in target.slots]
    for term in found.facts["sparse"]["terms"]:
        name = term["term"] if "." in term["term"] else f"{term['term']}.amplitude"
        draws = theta[:, names.index(name)]
        assert abs(draws.mean() - term["mean"]) < 4.5 * max(draws.std(), 1e-12) / math.sqrt(len(draws)) + 1e-9
    assert set(np.unique(theta[:, names.index("linear.slope")])) == {0.1}
    assert set(np.unique(theta[:, names.index("bell_1.sd")])) == {0.3}


def made_measurement(made: Lab) -> list[stage.Measurement]:
    from bayesbeam.io.store import read_measurement

    return [read_measurement(made.measurements / "a.h5")]


@pytest.mark.parametrize("search", ["exhaustive", "exchange"])
def test_threads_change_no_byte_of_a_record(search: str, tmp_path: Path) -> None:
    made = lab(tmp_path, BELLS.replace("sizes:", f"search: {search}\n      sizes:"))
    found = []
    for threads in (1, 2):
        out = tmp_path / f"{threads}.h5"
        sample_batch(made.campaign, ["a"], "few", made.measurements, out, no_news, Running(threads=threads))
        found.append(content(read_records(out)["a"]))
    assert found[0] == found[1]


def test_sampled_sets_agree_with_all_sets(tmp_path: Path) -> None:
    settings = "{target_standard_error: 0.1, seed: 7, chains: 10, device: cpu}"
    both = BELLS + BELLS.replace("  few:", "  sampled:").replace("sizes:", "search: exchange\n      sizes:")
    found = strict(lab(tmp_path, both, sampling=settings).separate())
    few, sampled = (record(found, tag) for tag in ("few", "sampled"))
    assert sampled["verdict"] == "reliable", sampled["reasons"]
    assert abs(sampled["free_energy"] - few["free_energy"]) < 4.0 * sampled["standard_error"]
    for one, other in zip(sampled["sparse"]["terms"], few["sparse"]["terms"], strict=True):
        assert one["term"] == other["term"]
        assert abs(one["inclusion"] - other["inclusion"]) < 0.01
    top = [[one["terms"] for one in r["sparse"]["ranking"][:10]] for r in (sampled, few)]
    assert top[0] == top[1]
    assert (sampled["sparse"]["search"], few["sparse"]["search"]) == ("exchange", "exhaustive")


def test_auto_samples_where_there_are_too_many_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "FEW_SETS", 63)
    assert read_records(lab(tmp_path).sample("few"))["a"].facts["sparse"]["search"] == "exchange"
    monkeypatch.setattr(stage, "FEW_SETS", 64)
    (tmp_path / "results" / "samples" / "b" / "few.h5").unlink()
    assert read_records(lab(tmp_path).sample("few"))["a"].facts["sparse"]["search"] == "exhaustive"


def test_an_unknown_noise_level_is_integrated_out_under_its_prior(tmp_path: Path) -> None:
    """Against the same candidate at many known levels, by Simpson's rule; and the ordinary candidate of one set."""
    prior = "noise: {sigma: 'log_uniform(0.02, 1)'}"
    settings = "{target_standard_error: 0.1, seed: 7, chains: 8, device: cpu}"
    made = lab(tmp_path, (BELLS + ONE).replace("noise: {sigma: 0.1}", prior), sampling=settings)
    found = strict(made.separate())
    few, one = (record(found, tag) for tag in ("few", "one"))
    y = np.array([float(row.split()[1]) for row in rows(X, spectrum()).splitlines()])
    log_level = np.linspace(math.log(0.02), math.log(1.0), 401)
    value = np.array([-exact(y, math.exp(t))[0] for t in log_level[::4]])
    top = value.max()
    integral = simpson(np.exp(value - top), x=log_level[::4]) / math.log(50.0)
    assert few["free_energy"] == pytest.approx(-top - math.log(integral), abs=1e-3)
    (entry,) = [s for s in few["sparse"]["ranking"] if s["terms"] == ["bell_4"]]
    assert one["engine"] == "exact"
    assert abs(one["free_energy"] - entry["free_energy"]) < 1e-9
    (sigma,) = [row for row in few["parameters"] if row["parameter"] == "noise.sigma"]
    assert 0.07 < sigma["mean"] < 0.13
    assert sigma["sd"] == pytest.approx(sigma["mean"] / math.sqrt(2.0 * 57.0), rel=0.15)
    assert "estimated standard deviation" in few["noise"]["words"]
    assert few["sparse"]["states_at"] == pytest.approx(sigma["mean"], rel=0.2)


COLUMNS = """\
  few:
    sparse:
      dictionary: [{columns: [p, q, r]}]
      most: 2
      prior: normal(mean=0, sd=1)
    noise: {sigma: 0.1}
"""
READ = "{read: {x: 0, y: 1, columns: {p: 2, q: 3, r: 4}}}"


@pytest.mark.parametrize(
    ("p", "q", "words"),
    [
        (2.0 * X, X, "the same column up to a factor: p and q"),
        (0.0 * X, X, "only zeros in p"),
    ],
)
def test_terms_that_these_data_cannot_tell_apart_are_refused_by_name(
    p: np.ndarray, q: np.ndarray, words: str, tmp_path: Path
) -> None:
    made = make_lab(tmp_path, {"a": rows(X, spectrum(), p, q, X**2), "b": rows(X, spectrum(), X, X**2, X**3)}, COLUMNS,
                    treatment=READ)  # fmt: skip
    found = strict(made.separate())
    (refused,) = found["refused"]
    assert (refused["measurement"], refused["tag"]) == ("a", "few")
    assert words in refused["reason"]
    assert record(found, "few", "b")["sparse"]["sets"] == 7


@pytest.mark.parametrize("search", ["exhaustive", "exchange"])
def test_a_measurement_whose_terms_rounding_makes_one_is_refused_and_others_are_solved(
    search: str, tmp_path: Path
) -> None:
    words = COLUMNS.replace("most: 2", f"most: 2\n      search: {search}").replace("sd=1", "sd=1e5")
    near = rows(X, spectrum(), 1e4 * X, 1e4 * X + 0.1 * X**2, X**3)
    made = make_lab(tmp_path, {"a": near, "b": rows(X, spectrum(), X, X**2, X**3)}, words, treatment=READ)
    found = strict(made.separate())
    (refused,) = found["refused"]
    assert refused["measurement"] == "a"
    assert "rounding" in refused["reason"]
    assert record(found, "few", "b")["sparse"]["sets"] == 7


def test_terms_of_all_kinds_are_columns_of_their_formulas(tmp_path: Path) -> None:
    words = """\
  few:
    sparse:
      dictionary: [{powers: [0, 2]}, {fourier: 2, period: 1.5}, {columns: [p]}]
      most: 2
      prior: normal(mean=0, sd=1)
    noise: {sigma: 0.1}
"""
    made = make_lab(
        tmp_path, {"a": rows(X, spectrum(), X**3)}, words, treatment="{read: {x: 0, y: 1, columns: {p: 2}}}"
    )
    made.preprocess()
    problem = stage.problem_of(made.campaign.expanded("few")[0].spec, made_measurement(made)[0])
    assert problem.names == ("power_0", "power_2", "cos_2", "sin_2", "p")
    turn = 2.0 * np.pi * X * 2.0 / 1.5
    expected = np.column_stack([X**0, X**2, np.cos(turn), np.sin(turn), X**3])
    np.testing.assert_allclose(problem.design, expected, atol=1e-7)
    np.testing.assert_allclose(problem.y, spectrum(), atol=1e-8)


def test_a_file_of_sampled_sets_is_kept_and_made_anew_where_the_question_changes(tmp_path: Path) -> None:
    made = lab(tmp_path)
    path = made.sample("few")
    before = path.read_bytes()
    made.sample("few")
    assert path.read_bytes() == before
    changed = lab(tmp_path, BELLS.replace("most: 3", "most: 2"))
    changed.sample("few")
    assert read_records(path)["a"].facts["sparse"]["sets"] == 29


def test_few_probable_terms_are_shown_of_many(tmp_path: Path) -> None:
    many = BELLS.replace("grid: [0, 3, 0.5]", "grid: [0, 3, 0.1]").replace("most: 3", "most: 2")
    made = lab(tmp_path, many)
    found = record(strict(made.separate()), "few")
    assert len(found["sparse"]["terms"]) == 32
    bells = {row["parameter"].split(".")[0] for row in found["parameters"]} - {"linear"}
    ranked = sorted(found["sparse"]["terms"][1:], key=lambda term: -term["inclusion"])
    assert {term["term"] for term in ranked[:12]} <= bells
    assert len(bells) < 31
    arrays = read_records(made.results / "free_energy" / "b.h5")["a/few"]
    assert len(arrays.facts["columns"]) == len(found["parameters"]) == arrays.arrays["draws"].shape[-1]
    assert len(arrays.facts["labels"]) == len(arrays.arrays["components"]) == len(bells) + 1
    # Under the prior a term is in with the chance that sizes say.
    chance = sum(size["size"] * size["prior"] for size in found["sparse"]["sizes"]) / 31
    places = [i for i, c in enumerate(arrays.facts["columns"]) if c["name"].endswith(".amplitude")]
    share = (arrays.arrays["prior_draws"][:, places] != 0.0).mean()
    assert abs(share - chance) < 4.5 * math.sqrt(chance / (2000 * len(places)))


def test_more_terms_than_points_are_no_hindrance(tmp_path: Path) -> None:
    """Only as many as may be in at once need points."""
    some = np.r_[0:60:5, 59]
    many = BELLS.replace("grid: [0, 3, 0.5]", "grid: [0, 3, 0.1]").replace("most: 3", "most: 2")
    made = make_lab(tmp_path, {"a": rows(X[some], spectrum()[some])}, many)
    assert record(strict(made.separate()), "few")["sparse"]["sets"] == 1 + 31 + 465
