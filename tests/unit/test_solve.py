"""Candidates that are solved exactly: through all stages, beside the sampler, and what is said where they cannot be."""

from __future__ import annotations

import csv
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.solve import unlike_linear
from bayesbeam.errors import ConfigErrors
from bayesbeam.evidence.closed_form import known_noise, known_noise_in_a_box
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.stages.plan import table_text
from bayesbeam.stages.report import build_report
from stage_fixture import QUICK, Lab, content, make_lab, peak, record, rows, strict

NORMAL = 'level: "normal(0.2, 3)", slope: "normal(0, 2)"'
SIGMA = "{family: normal, sigma: 0.4}"
FREE = '{family: normal, sigma: "log_uniform(0.05, 5)"}'


def line(priors: str = NORMAL, noise: str = SIGMA, solve: str = "auto", name: str = "line", others: str = "") -> str:
    parts = f"[{{component: linear, name: back, priors: {{{priors}}}}}{others}]"
    return f"  {name}:\n    solve: {solve}\n    parts: {parts}\n    noise: {noise}\n"


def made(folder: Path, candidates: str, data: str | None = None, **others: Any) -> Lab:
    return make_lab(folder, {"a": peak(0) if data is None else data}, candidates, **others)


def found(folder: Path, candidates: str, tag: str = "line", **others: Any) -> dict[str, Any]:
    return record(strict(made(folder, candidates, **others).separate()), tag)


def test_a_line_of_known_noise_is_that_of_closed_forms(tmp_path: Path) -> None:
    lab = made(tmp_path, line())
    one = record(strict(lab.separate()), "line")
    m = read_measurement(lab.measurements / "a.h5")
    design = np.stack([np.ones_like(m.x), m.x - 0.5 * (m.x[0] + m.x[-1])], 1)
    known = known_noise(design, m.y, 0.4, [0.2, 0.0], [3.0, 2.0])
    assert (one["engine"], one["verdict"], one["standard_error"]) == ("exact", "reliable", 0.0)
    assert abs(one["free_energy"] - known.free_energy) < 1e-9
    table = {row["parameter"]: row for row in one["parameters"]}
    for name, mean, sd in zip(("back.level", "back.slope"), known.posterior.mean, known.posterior.sd, strict=True):
        assert abs(table[name]["mean"] - mean) < 1e-12
        assert abs(table[name]["sd"] - sd) < 1e-12
        assert abs(table[name]["q975"] - mean - stats.norm.ppf(0.975) * sd) < 1e-10
    # sum of squares of residuals over sigma^2, as the 2012 paper states free energies
    assert abs(one["free_energy_excess"] - one["free_energy"] + 60 * math.log(0.4 * math.sqrt(2 * math.pi))) < 1e-9


def test_flat_priors_and_an_unknown_level_are_solved_too(tmp_path: Path) -> None:
    flat = line('level: "uniform(-2, 3)", slope: "uniform(0, 3)"')
    lab = made(tmp_path, flat + line(noise=FREE, name="free"))
    content_ = strict(lab.separate())
    m = read_measurement(lab.measurements / "a.h5")
    design = np.stack([np.ones_like(m.x), m.x - 0.5 * (m.x[0] + m.x[-1])], 1)
    boxed = known_noise_in_a_box(design, m.y, 0.4, [-2.0, 0.0], [3.0, 3.0])
    assert abs(record(content_, "line")["free_energy"] - boxed.free_energy) < 1e-9
    free = record(content_, "free")
    level = np.geomspace(0.05, 5.0, 20001)
    each = np.array([known_noise(design, m.y, s, [0.2, 0.0], [3.0, 2.0]).free_energy for s in level[::10]])
    step = math.log(level[10] / level[0])
    inside = np.r_[0.5, np.ones(len(each) - 2), 0.5] * step / math.log(100.0)
    assert abs(free["free_energy"] + np.logaddexp.reduce(np.log(inside) - each)) < 1e-6
    sigma = next(row for row in free["parameters"] if row["parameter"] == "noise.sigma")
    weight = inside * np.exp(each.min() - each)
    assert abs(sigma["mean"] - weight @ level[::10] / weight.sum()) < 1e-6
    assert abs(free["exact"]["least_level"] / level[::10][each.argmin()] - 1.0) < 0.01


def test_draws_are_those_of_the_posterior_and_the_same_in_any_batch(tmp_path: Path) -> None:
    data = {name: peak(k) for k, name in enumerate("abc")}
    lab = make_lab(tmp_path, data, line(noise=FREE), sampling=QUICK.replace("draws: 100", "draws: 1000"))
    lab.preprocess()
    together = read_records(lab.sample("line"))
    alone = read_records(lab.sample("line", ["b"], "alone"))
    assert content(alone["b"]) == content(together["b"])
    theta = together["b"].arrays["theta"]
    assert theta.shape == (400, 1, 4, 4)  # level, slope, pivot (fixed), sigma
    flat = theta.reshape(-1, 4)
    mean, sd = together["b"].arrays["exact_mean"][0], together["b"].arrays["exact_sd"][0]
    for j in (0, 1, 3):
        # false alarms: 6e-6 each
        assert abs(flat[:, j].mean() - mean[j]) < 4.5 * sd[j] / 40.0
    # every draw by itself: no correlation with the one before
    assert abs(np.corrcoef(flat[1:, 0], flat[:-1, 0])[0, 1]) < 4.5 / 40.0
    again = read_records(lab.sample("line", ["b"], "alone"))
    assert again["b"].facts["wall_seconds"] == alone["b"].facts["wall_seconds"]  # kept, not made anew


def test_the_sampler_is_compared_with_the_exact_solution(tmp_path: Path) -> None:
    better = QUICK.replace("300", "2000").replace("target_standard_error: 5", "target_standard_error: 0.05")
    one = found(tmp_path, line(noise=FREE, solve="both"), sampling=better)
    assert one["engine"] == "cpu"
    assert one["estimators"]["exact"]["value"] == one["exact"]["free_energy"]
    expected = (one["free_energy"] - one["exact"]["free_energy"]) / one["standard_error"]
    assert one["exact"]["z"] == pytest.approx(expected)
    scores = [one["exact"]["z"], *(row["z"] for row in one["parameters"] if row["kind"] != "derived")]
    assert len(scores) == 4
    assert max(map(abs, scores)) < 4.0


def test_sampling_can_be_asked_for(tmp_path: Path) -> None:
    one = found(tmp_path, line(solve="sample"))
    assert one["engine"] == "cpu"
    assert "exact" not in one


def test_a_joint_analysis_is_solved_as_one(tmp_path: Path) -> None:
    groups = "  - {group: ab, measurements: [a, b], candidate: line, shared: [back.slope]}\n"
    lab = make_lab(tmp_path, {"a": peak(0), "b": peak(1)}, line(), groups)
    lab.separate()
    lab.join("ab")
    joint = strict(lab.integrate("ab"))["rows"][0]
    assert (joint["engine"], joint["standard_error"]) == ("exact", 0.0)
    found_ = [read_measurement(lab.measurements / f"{name}.h5") for name in "ab"]
    x, y = [m.x - 1.5 for m in found_], np.concatenate([m.y for m in found_])
    n = len(x[0])
    design = np.column_stack([np.r_[np.ones(n), np.zeros(n)], np.r_[np.zeros(n), np.ones(n)], np.concatenate(x)])
    known = known_noise(design, y, 0.4, [0.2, 0.2, 0.0], [3.0, 3.0, 2.0])
    assert abs(joint["free_energy"] - known.free_energy) < 1e-9
    shared = next(row for row in joint["parameters"] if row["parameter"] == "back.slope")
    assert abs(shared["mean"] - known.posterior.mean[2]) < 1e-12


def test_ties_that_keep_a_candidate_linear(tmp_path: Path) -> None:
    """Two peaks of known shape, the second half as high, as one column."""
    shapes = 'fixed: {position: 1.5, sd: 0.2}, priors: {amplitude: "normal(0, 2)"}'
    second = "fixed: {position: 2.2, sd: 0.2}, tied: {amplitude: one.amplitude * 0.5}"
    parts = f"[{{component: gaussian, name: one, {shapes}}}, {{component: gaussian, name: two, {second}}}]"
    lab = made(tmp_path, f"  pair:\n    parts: {parts}\n    noise: {SIGMA}\n")
    one = record(strict(lab.separate()), "pair")
    m = read_measurement(lab.measurements / "a.h5")
    column = np.exp(-0.5 * ((m.x - 1.5) / 0.2) ** 2) + 0.5 * np.exp(-0.5 * ((m.x - 2.2) / 0.2) ** 2)
    assert abs(one["free_energy"] - known_noise(column[:, None], m.y, 0.4, 0.0, 2.0).free_energy) < 1e-9


NOT_LINEAR = [
    ('{component: gaussian, priors: {amplitude: "normal(0, 1)", position: "uniform(0, 3)"}, fixed: {sd: 0.2}}', SIGMA,
     "the curve is not linear in gaussian.amplitude, gaussian.position"),
    ("{component: constant}", "{family: student_t, sigma: 0.1}", "its noise is student_t, not normal"),
    ('{component: constant, priors: {level: "gamma(2, 1)"}}', SIGMA, "the prior of constant.level is gamma"),
    ("{component: constant, fixed: {level: 0}}", FREE, "no coefficient is free"),
    ('{component: gaussian, count: 2, fixed: {position: 1, sd: 0.2}}', SIGMA, "there are 2 gaussian, which can be"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "noise", "reason"), NOT_LINEAR)
def test_what_cannot_be_solved_is_told_from_what_can(tmp_path: Path, part: str, noise: str, reason: str) -> None:
    words = "  c:\n    solve: {}\n    parts: [{}]\n    noise: {}\n"
    spec = made(tmp_path, words.format("auto", part, noise)).campaign.expanded("c")[0].spec
    assert unlike_linear(spec).startswith(reason)
    for asked in ("exact", "both"):
        with pytest.raises(ConfigErrors) as caught:
            made(tmp_path, words.format(asked, part, noise))
        message = f"{asked}, but {re.escape(reason)}.*; expected a linear model with normal noise.* Write solve: auto"
        assert re.search(message, str(caught.value))


def test_columns_that_depend_on_each_other_are_named(tmp_path: Path) -> None:
    flat = 'level: "uniform(-9, 9)", slope: "uniform(-9, 9)"'
    table = rows(np.arange(8.0), np.sin(np.arange(8.0)))
    for solve in ("auto", "exact"):
        other = ', {component: constant, name: other, priors: {level: "uniform(-9, 9)"}}'
        lab = made(tmp_path / solve, line(flat, solve=solve, others=other), table)
        (refused,) = strict(lab.separate())["refused"]
        assert refused["tag"] == "line"
        expected = (
            "measurement a: other.level, which is made up of back.level; expected coefficients that the data tell"
        )
        assert refused["reason"].startswith(expected)
        assert "give it a normal prior, or write solve: sample" in refused["reason"]
    held = ', {component: constant, name: other, priors: {level: "normal(0, 1)"}}'
    assert found(tmp_path / "held", line(flat, others=held), data=table)["engine"] == "exact"


def test_three_that_are_cut_are_sampled_and_it_is_said_why(tmp_path: Path) -> None:
    cut = 'level: "uniform(0.1, 0.3)", slope: "uniform(-0.2, 0.05)"'
    other = ', {component: power, name: bow, exponent: 2, priors: {amplitude: "uniform(-0.05, 0.1)"}}'
    one = found(tmp_path, line(cut, others=other))
    assert one["engine"] == "cpu"
    assert "the ends of the priors of back.level, back.slope, bow.amplitude cut their posterior" in one["not_solved"]
    (refused,) = strict(made(tmp_path / "b", line(cut, solve="exact", others=other)).separate())["refused"]
    assert refused["reason"].startswith("measurement a: candidate line: the ends of the priors of back.level")
    assert refused["reason"].endswith("Write solve: auto, to sample it.")


def test_the_noise_curve_is_exact(tmp_path: Path) -> None:
    lab = made(tmp_path, line())
    one = record(strict(lab.separate()), "line")["noise_curve"]
    m = read_measurement(lab.measurements / "a.h5")
    design = np.stack([np.ones_like(m.x), m.x - 1.5], 1)
    for factor, value in zip(one["factor"][::10], one["free_energy"][::10], strict=True):
        known = known_noise(design, m.y, 0.4 * factor, [0.2, 0.0], [3.0, 2.0])
        assert abs(value - known.free_energy) < 1e-9
    assert set(one["standard_error"]) == {0.0}


def test_the_page_says_what_was_solved(tmp_path: Path) -> None:
    lab = made(tmp_path, line() + line(noise=FREE, name="free") + line(noise=FREE, solve="both", name="both"))
    lab.separate()
    (lab.results / "batches.tsv").write_text(table_text({"a": "b"}))
    build_report(lab.campaign, lab.results, lab.results / "report", "make run")
    page = re.sub(r"\s+", " ", (lab.results / "report" / "index.html").read_text(encoding="utf-8"))
    assert (
        "line: it is linear in all that is free, so its free energy and posterior are exact, by closed forms; " in page
    )
    assert (
        "free: it is linear in all that is free, so its free energy and posterior are exact, by closed forms and"
        in page
    )
    assert "Its free energy is least for a noise of 0.30" in page
    assert "both: sampled F" in page
    assert "Sampled and exact numbers of both" in page
    with (lab.results / "report" / "tables" / "exact.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [one["quantity"] for one in table] == ["free_energy", "back.level", "back.slope", "noise.sigma"]
    assert {one["candidate"] for one in table} == {"both"}
