"""Summaries of a batch: strict JSON with the agreed fields, probabilities, relabelled draws, refusals with reasons."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import StoreError
from bayesbeam.io.samples import Record, read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.stages.summary import noise_words
from stage_fixture import FLAT, HASTY, PEAKS, Lab, make_lab, peak, record, rows, strict

FIELDS = """measurement candidate count tag title free_energy standard_error free_energy_excess estimators
    model_probability probability_error verdict reasons barrier exchange_rate_min exchange_rate_mean round_trips ess_min
    rhat_max chains replicas sweeps burn_in noise predictive_p cpu_seconds wall_seconds peak_memory_mb
    predicted_memory_mb likelihood_rows engine device seed versions key priors parameters parts""".split()
ROW = "parameter index unit kind mean sd q025 q16 median q84 q975 ess rhat".split()
ARRAYS = """draws prior_draws x y sd prediction predictive components residuals trace beta exchange_rate
    log_likelihood_mean""".split()
BAD = "0 1\n1 nan\n" + "".join(f"{i} 1\n" for i in range(2, 60))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("summary")
    data = {"a": peak(0), "bad": BAD, "few": peak(1, points=8)}
    candidates = PEAKS.replace("1..2", "2..3") + FLAT
    made = make_lab(folder, data, candidates, treatment="{axis: {unit: eV}, signal: {unit: counts}}")
    made.separate()
    return made


@pytest.fixture(scope="module")
def content(lab: Lab) -> dict[str, Any]:
    return strict(lab.results / "free_energy" / "b.json")


@pytest.fixture(scope="module")
def arrays(lab: Lab) -> dict[str, Record]:
    return read_records(lab.results / "free_energy" / "b.h5")


def test_fields(content: dict[str, Any]) -> None:
    assert (content["format"], content["batch"]) == (1, "b")
    assert [(one["measurement"], one["tag"]) for one in content["records"]] == [
        ("a", "peaks-k2"), ("a", "peaks-k3"), ("a", "flat"), ("few", "peaks-k2"), ("few", "flat"),
    ]  # fmt: skip
    for one in content["records"]:
        assert set(FIELDS) <= set(one)
        assert set(one["noise"]) == {"family", "words", "sigma_mean", "sigma_sd"}
        assert set(one["estimators"]) == {"bar", "bridge", "smc", "stepping_stone_forward", "stepping_stone_backward"}
        assert all({"value", "standard_error"} <= set(estimate) for estimate in one["estimators"].values())
        assert all(set(ROW) <= set(row) for row in one["parameters"])
        assert all(set(row) == {"parameter", "prior", "unit", "source"} for row in one["priors"])
        assert one["verdict"] == ("not reliable" if one["reasons"] else "reliable")
        assert 0 < one["exchange_rate_min"] <= one["exchange_rate_mean"] < 1
        assert (one["chains"], one["replicas"], one["device"], one["seed"]) == (4, 8, "cpu", 7)
        assert one["peak_memory_mb"] > 1
        assert one["likelihood_rows"] > 0


def test_words(content: dict[str, Any]) -> None:
    two = record(content, "peaks-k2")
    assert (two["candidate"], two["count"], two["title"], two["parts"]) == ("peaks", 2, "peaks, K = 2", "2 x gaussian")
    assert two["noise"] == {
        "family": "normal", "words": "normal noise: standard deviation 0.1 counts", "sigma_mean": 0.1, "sigma_sd": 0.0,
    }  # fmt: skip
    assert two["priors"][1] == {
        "parameter": "peak.position", "prior": "uniform(low=0, high=3)", "unit": "eV", "source": "campaign",
    }  # fmt: skip
    units = {row["parameter"]: row["unit"] for row in two["parameters"]}
    assert (units["peak.amplitude"], units["peak.position"]) == ("counts", "eV")
    assert record(content, "flat")["count"] is None


def test_a_signal_without_a_unit_has_none_in_words(lab: Lab) -> None:
    m = replace(read_measurement(lab.results / "measurements" / "a.h5"), y_unit="1")
    assert noise_words(lab.campaign.candidates_of("a")[0].spec, [], m)["words"].endswith("standard deviation 0.1")


@pytest.mark.parametrize(
    ("noise", "words", "sigma"),
    [
        ("{family: normal_relative, sigma: 0.1, relative: 0.034}",
         "normal relative noise: standard deviation 0.1 counts, with a relative model error of 0.034", None),
        ("{family: normal_counts, sigma: 0.1, gain: 2}",
         "normal counts noise: standard deviation 0.1 counts, with a variance of 2 times the curve", None),
        ("{family: normal, sigma: 0.1}", "normal noise: standard deviation 0.1 counts", 0.1),
    ],
)  # fmt: skip
def test_noise_that_is_stated_is_said_in_full(
    lab: Lab, tmp_path: Path, noise: str, words: str, sigma: float | None
) -> None:
    """Also what is fixed; and one standard deviation only where it is the same at all points."""
    candidates = FLAT.replace("{family: normal, sigma: 0.1}", noise)
    other = make_lab(tmp_path, {"a": peak(0)}, candidates, treatment="{signal: {unit: counts}}")
    m = read_measurement(lab.results / "measurements" / "a.h5")
    found = noise_words(other.campaign.candidates_of("a")[0].spec, [], m)
    assert found["words"] == words
    assert found["sigma_mean"] == sigma
    assert found["sigma_sd"] == (None if sigma is None else 0.0)


def test_refused_measurements_and_candidates_are_listed_with_their_reasons(content: dict[str, Any]) -> None:
    bad, few = content["refused"]
    assert bad["measurement"] == "bad"
    assert "tag" not in bad
    assert "nan" in bad["reason"]
    assert (few["measurement"], few["tag"]) == ("few", "peaks-k3")
    assert few["reason"].startswith("measurement few: it has 8 points for 9 parameters")


def test_probabilities_are_those_of_the_free_energies_and_sum_to_one(content: dict[str, Any]) -> None:
    for name in ("a", "few"):
        ours = [one for one in content["records"] if one["measurement"] == name]
        weights = np.exp(-np.array([one["free_energy"] for one in ours]) + min(one["free_energy"] for one in ours))
        np.testing.assert_allclose([one["model_probability"] for one in ours], weights / weights.sum(), atol=1e-12)
        assert sum(one["model_probability"] for one in ours) == pytest.approx(1.0, abs=1e-12)
        assert all(one["probability_error"] >= 0 for one in ours)


def test_excess_is_without_the_gaussian_normaliser(content: dict[str, Any]) -> None:
    flat = record(content, "flat")
    offset = 60 / 2 * np.log(2 * np.pi * 0.01)
    assert flat["free_energy_excess"] == pytest.approx(flat["free_energy"] - offset, rel=1e-12)


def test_derived_quantities(content: dict[str, Any], arrays: dict[str, Record]) -> None:
    rows = {(row["parameter"], row["index"]): row for row in record(content, "peaks-k2")["parameters"]}
    for k in (1, 2):
        assert {rows["peak.area", k]["kind"], rows["peak.area_fraction", k]["kind"]} == {"derived"}
        assert rows["peak.area", k]["unit"] == "eV counts"
        assert rows["peak.area_fraction", k]["unit"] in ("", "1")
    fractions = [rows["peak.area_fraction", k]["mean"] for k in (1, 2)]
    assert sum(fractions) == pytest.approx(1.0, abs=1e-12)
    columns = [(column["name"], column["index"]) for column in arrays["a/peaks-k2"].facts["columns"]]
    draws = dict(zip(columns, np.moveaxis(arrays["a/peaks-k2"].arrays["draws"], -1, 0), strict=True))
    expected = draws["peak.amplitude", 1] * draws["peak.sd", 1] * np.sqrt(2 * np.pi)
    np.testing.assert_allclose(draws["peak.area", 1], expected, rtol=1e-12)


def test_one_peak_that_is_there_and_one_that_may_be_anywhere_are_told_apart(
    content: dict[str, Any], arrays: dict[str, Record]
) -> None:
    found = arrays["a/peaks-k2"]
    (numbering,) = record(content, "peaks-k2")["numbering"]
    assert (numbering["part"], numbering["by"]) == ("peak", "assignment")
    assert record(content, "flat")["numbering"] == []
    positions = [k for k, column in enumerate(found.facts["columns"]) if column["name"] == "peak.position"]
    there, anywhere = sorted(found.arrays["draws"][..., positions].std((0, 1)))
    assert there < 0.05 < 0.3 < anywhere
    first, second = found.arrays["draws"][..., positions].mean((0, 1))
    assert first < second
    # each is then alone before the data: uniform on [0, 3], with 5 standard errors of 2000 draws
    prior = found.arrays["prior_draws"][:, positions]
    np.testing.assert_allclose(prior.mean(0), 1.5, atol=5 * 0.866 / np.sqrt(2000))
    assert 0.4 < (prior[:, 0] < prior[:, 1]).mean() < 0.6


def test_draws_and_prior_draws_are_relabelled(tmp_path: Path) -> None:
    """Two peaks that are apart are in order of position, and so are those of the prior."""
    x = np.linspace(0.0, 3.0, 60)
    y = np.exp(-0.5 * ((x - 0.8) / 0.2) ** 2) + np.exp(-0.5 * ((x - 2.2) / 0.2) ** 2)
    data = rows(x, y + 0.1 * np.random.default_rng(2).standard_normal(60))
    made = make_lab(tmp_path, {"a": data}, PEAKS.replace("1..2", "2"))
    made.separate()
    (one,) = strict(made.results / "free_energy" / "b.json")["records"]
    assert one["numbering"] == [{"part": "peak", "by": "order", "doubtful": []}]
    found = read_records(made.results / "free_energy" / "b.h5")["a/peaks"]
    positions = [k for k, column in enumerate(found.facts["columns"]) if column["name"] == "peak.position"]
    assert len(positions) == 2
    for name in ("draws", "prior_draws"):
        first, second = (found.arrays[name][..., k] for k in positions)
        assert (first < second).all()
    prior = found.arrays["prior_draws"]
    assert prior.shape == (2000, len(found.facts["columns"]))
    # minimum and maximum of two uniform draws on [0, 3] have means 1, 2 and sd 0.707: 5 standard errors of 2000 draws
    np.testing.assert_allclose(prior[:, positions].mean(0), [1.0, 2.0], atol=5 * 0.707 / np.sqrt(2000))


def test_rows_are_the_statistics_of_the_draws(content: dict[str, Any], arrays: dict[str, Record]) -> None:
    found, rows = arrays["a/flat"], record(content, "flat")["parameters"]
    draws = found.arrays["draws"][..., 0]
    assert [row["parameter"] for row in rows] == [column["name"] for column in found.facts["columns"]]
    assert rows[0]["mean"] == pytest.approx(draws.mean(), rel=1e-12)
    np.testing.assert_allclose(
        [rows[0][name] for name in ("q025", "q16", "median", "q84", "q975")],
        np.quantile(draws, (0.025, 0.16, 0.5, 0.84, 0.975)),
        rtol=1e-12,
    )


def test_arrays(arrays: dict[str, Record]) -> None:
    tags = {"a/peaks-k2", "a/peaks-k3", "a/flat", "few/peaks-k2", "few/flat"}
    assert set(arrays) == {*tags, "a/all-averaged", "few/all-averaged"}
    for name, terms in (("a/peaks-k2", 2), ("a/flat", 1)):
        found, facts = arrays[name].arrays, arrays[name].facts
        assert set(ARRAYS) <= set(found)
        assert all({"name", "index", "unit", "kind"} <= set(column) for column in facts["columns"])
        assert len(facts["labels"]) == terms
        assert found["draws"].shape[2] == len(facts["columns"])
        assert found["prediction"].shape == (5, 60)
        assert found["predictive"].shape == (4, 60)
        assert found["components"].shape == (terms, 3, 60)
        assert found["trace"].shape[0] == found["draws"].shape[0] == 4
        assert (np.diff(found["prediction"], axis=0) >= 0).all()
        assert (found["predictive"][0] < found["prediction"][0]).mean() > 0.95
        # curves may be in single precision: 2^-24 of a signal 30 sd high
        residuals = (found["y"] - found["prediction"][2]) / found["sd"]
        np.testing.assert_allclose(found["residuals"], residuals, atol=1e-5)
        np.testing.assert_allclose(found["sd"], 0.1, rtol=1e-6)


def test_predictive_p_tells_a_model_that_fits_from_one_that_cannot(content: dict[str, Any]) -> None:
    assert record(content, "flat")["predictive_p"] < 0.005  # a peak ten sd high is no constant
    assert 0.02 < record(content, "peaks-k2")["predictive_p"] < 0.98


def test_the_curve_and_total_areas_are_averaged_over_candidates(
    content: dict[str, Any], arrays: dict[str, Record]
) -> None:
    records = [one for one in content["records"] if one["measurement"] == "a"]
    curves = [arrays[f"a/{one['tag']}"].arrays for one in records]
    expected = sum(one["model_probability"] * c["curve_mean"] for one, c in zip(records, curves, strict=True))
    found = arrays["a/all-averaged"].arrays
    np.testing.assert_allclose(found["mean"], expected, rtol=1e-12)
    assert np.abs(found["mean"] - curves[0]["prediction"][2]).max() < 0.2
    (area,) = [one for one in content["averaged"] if (one["measurement"], one["parameter"]) == ("a", "peak.total_area")]
    # height 1, sd 0.2: 0.501; "flat" has no peak, and no weight
    assert abs(area["mean"] - 0.2 * np.sqrt(2 * np.pi)) < 4 * area["sd"] < 0.4
    assert (area["candidates"], area["unit"]) == (2, "eV counts")


def test_the_same_draws_give_the_same_bytes(lab: Lab) -> None:
    files = [lab.results / "free_energy" / name for name in ("b.json", "b.h5")]
    before = [file.read_bytes() for file in files]
    lab.summarise()
    assert [file.read_bytes() for file in files] == before


def test_a_batch_of_refused_measurements(tmp_path: Path) -> None:
    made = make_lab(tmp_path, {"bad": BAD}, FLAT)
    content = strict(made.separate())
    assert content["records"] == []
    assert [one["measurement"] for one in content["refused"]] == ["bad"]
    assert read_records(made.results / "free_energy" / "b.h5") == {}


def test_constants_and_fixed_parameters_leave_no_nan(tmp_path: Path) -> None:
    text = (
        PEAKS.replace("1..2", "2")
        .replace(', sd: "log_uniform(0.05, 1)"', "")
        .replace('amplitude: "uniform(0, 3)", ', "")
    )
    text = text.replace("priors:", "fixed: {amplitude: 1, sd: 0.2},\n         priors:")
    content = strict(make_lab(tmp_path, {"a": peak(0)}, text, sampling=HASTY).separate())
    rows = {(row["parameter"], row["index"]): row for row in content["records"][0]["parameters"]}
    assert ("peak.sd", 1) not in rows
    assert rows["peak.area_fraction", 1]["mean"] == pytest.approx(0.5, rel=1e-12)
    assert rows["peak.area_fraction", 1]["ess"] is None


def test_draws_that_are_missing_are_said_to_be(tmp_path: Path) -> None:
    made = make_lab(tmp_path, {"a": peak(0), "b": peak(1)}, FLAT, sampling=HASTY)
    made.preprocess()
    with pytest.raises(StoreError, match=r"flat\.h5: no such file; expected .*Run the workflow"):
        made.summarise()
    made.sample("flat", ["a"])
    with pytest.raises(StoreError, match=r"flat\.h5: no draws of measurement b; expected .*Run the workflow again"):
        made.summarise()
    assert not [*(made.results / "free_energy").rglob("*")]


def test_damaged_draws_leave_the_old_summary(tmp_path: Path) -> None:
    made = make_lab(tmp_path, {"a": peak(0)}, FLAT, sampling=HASTY)
    summary = made.separate()
    before = summary.read_bytes()
    draws = made.draws("flat")
    draws.write_bytes(draws.read_bytes()[:-100])
    with pytest.raises(StoreError, match=r"flat\.h5: .*truncated"):
        made.summarise()
    assert summary.read_bytes() == before
