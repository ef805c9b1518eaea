"""Candidates with ``linear: marginalise`` through the stages: files as ever, draws of all parameters, refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.keys import candidate_key
from bayesbeam.config.reference_linear import EXAMPLE_LINEAR
from bayesbeam.errors import ConfigErrors
from bayesbeam.io.samples import read_records
from bayesbeam.stages.pack import REFUSED
from short_runs import shorten
from stage_fixture import HASTY, Lab, make_lab, peak

PRIORS = 'amplitude: "normal(1, 1)", position: "uniform(0, 3)", sd: "log_uniform(0.05, 1)"'
PEAK = f"{{component: gaussian, name: peak, count: 1..2, priors: {{{PRIORS}}}}}"
MARGINAL = PEAK[:-1] + ", linear: marginalise}"
FLAT = '{component: constant, priors: {level: "normal(0, 1)"}}'
GROUP = "  - {group: pair, measurements: [a, b], candidate: peaks, shared: [peak.amplitude, peak.position]}\n"


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)


def candidates(*parts: str, noise: str = "{sigma: 0.1}", more: str = "") -> str:
    lines = "".join(f"      - {part}\n" for part in parts)
    return f"  peaks:\n    parts:\n{lines}    noise: {noise}\n{more}"


def lab(folder: Path, *parts: str, integration: str = "", **rest: str) -> Lab:
    data = {"a": peak(0), "b": peak(1)}
    return make_lab(folder, data, candidates(*parts, **rest), integration, sampling=HASTY)


def test_files_hold_draws_of_all_parameters(tmp_path: Path) -> None:
    found = lab(tmp_path, MARGINAL, FLAT)
    records = json.loads(found.separate().read_text(encoding="utf-8"))["records"]
    one = next(r for r in records if r["tag"] == "peaks-k2" and r["measurement"] == "a")
    names = [(row["parameter"], row["index"]) for row in one["parameters"] if row["kind"] == "parameter"]
    assert names == [(f"peak.{n}", k) for k in (1, 2) for n in ("amplitude", "position", "sd")] + [
        ("constant.level", None)
    ]
    assert all(row["sd"] > 0 for row in one["parameters"])
    stated = {row["parameter"]: row["prior"] for row in one["priors"]}
    assert stated["peak.amplitude"] == "normal(mean=1, sd=1), integrated out"
    assert stated["constant.level"] == "normal(mean=0, sd=1)"
    # Of a marginal likelihood, tempering is no change of the noise level.
    assert one["noise_curve"] is None
    theta = read_records(found.draws("peaks-k2"))["a"].arrays["theta"]
    assert theta.shape[-1] == 7
    assert len(np.unique(theta[..., 0])) == theta[..., 0].size


def test_the_example_of_the_manual_is_read(tmp_path: Path) -> None:
    text = EXAMPLE_LINEAR.removeprefix("candidates:\n")
    specs = [one.spec for one in make_lab(tmp_path, {"a": peak(0)}, text).campaign.expanded("lines")]
    assert [spec.parts[0].count for spec in specs] == [1, 2, 3, 4]
    assert [part.marginal for part in specs[0].parts] == [("amplitude",), ("level", "slope", "curvature", "third")]


def test_a_part_asks_by_itself_or_a_candidate_for_all_of_them(tmp_path: Path) -> None:
    every = candidates(PEAK, FLAT, more="    linear: marginalise\n")
    other = candidates(PEAK[:-1] + ", linear: sample}", FLAT, more="    linear: marginalise\n")
    wide = candidates(
        PEAK, '{component: constant, priors: {level: "uniform(-1, 1)"}}', more="    linear: marginalise\n"
    )
    found = []
    for k, text in enumerate((candidates(MARGINAL, FLAT), every, other, wide, candidates(PEAK, FLAT))):
        (tmp_path / str(k)).mkdir()
        spec = make_lab(tmp_path / str(k), {"a": peak(0)}, text).campaign.expanded("peaks")[0].spec
        found.append(([part.marginal for part in spec.parts], candidate_key(spec, 1)))
    assert [names for names, _ in found] == [
        [("amplitude",), ()], [("amplitude",), ("level",)], [(), ("level",)], [("amplitude",), ()], [(), ()],
    ]  # fmt: skip
    assert len({key for _, key in found}) == len(found)


def test_of_a_spline_its_modes_are_integrated_out_and_not_how_much_it_bends(tmp_path: Path) -> None:
    text = candidates(PEAK, "{component: spline, linear: marginalise}")
    spec = make_lab(tmp_path, {"a": peak(0)}, text).campaign.expanded("peaks")[0].spec
    assert spec.parts[1].marginal == ("level", "slope", *(f"mode_{k}" for k in range(1, 7)))


def test_what_a_group_shares_is_sampled_and_the_rest_integrated_out(tmp_path: Path) -> None:
    found = lab(tmp_path, MARGINAL.replace("1..2", "1"), FLAT[:-1] + ", linear: marginalise}", integration=GROUP)
    found.separate()
    found.join("pair")
    answer = json.loads(found.integrate("pair").read_text(encoding="utf-8"))
    assert answer["rows"]
    theta = read_records(found.results / "integration" / "pair" / "peaks.h5")["pair"].arrays["theta"]
    amplitude, level = theta[..., 0], theta[..., 3]
    assert np.array_equal(amplitude[:, 0], amplitude[:, 1])
    assert not (level[:, 0] == level[:, 1]).any()


def test_what_is_shared_up_to_a_factor_is_sampled_too(tmp_path: Path) -> None:
    tied = '{parameter: peak.amplitude, scale: "log_uniform(0.5, 2)", reference: a}'
    group = GROUP.replace("peak.amplitude", tied)
    found = lab(tmp_path, MARGINAL.replace("1..2", "1"), FLAT[:-1] + ", linear: marginalise}", integration=group)
    found.separate()
    found.join("pair")
    rows = json.loads(found.integrate("pair").read_text(encoding="utf-8"))["rows"][0]["parameters"]
    names = {(row["parameter"], row["measurement"]) for row in rows}
    assert {("constant.level", "a"), ("constant.level", "b"), ("common.peak_amplitude_scale", "b")} <= names


def test_starting_points_are_taken_without_what_is_integrated_out(tmp_path: Path) -> None:
    start = "    starts: [{peak.amplitude: 1.1, peak.position: 1.5, peak.sd: 0.2}]\n"
    found = lab(tmp_path, MARGINAL.replace("1..2", "1"), more=start)
    found.preprocess()
    record = read_records(found.sample("peaks", ["a"]))["a"]
    assert record.arrays["theta"].shape[-1] == 3


def test_an_exactly_known_curve_is_not_sampled_at_all(tmp_path: Path) -> None:
    found = lab(tmp_path, FLAT[:-1] + ", linear: marginalise}", more="    solve: sample\n")
    records = json.loads(found.separate().read_text(encoding="utf-8"))["records"]
    assert [record["engine"] for record in records] == ["none", "none"]
    assert all(record["parameters"][0]["sd"] > 0 for record in records)


def test_a_tie_that_is_not_linear_is_refused_with_its_reason(tmp_path: Path) -> None:
    second = '{component: gaussian, name: second, tied: {amplitude: "peak.amplitude * peak.amplitude"}}'
    found = lab(tmp_path, MARGINAL.replace("1..2", "1"), second)
    found.preprocess()
    with h5py.File(found.sample("peaks", ["a"])) as file:
        reason = json.loads(str(file["a"].attrs["facts"]))[REFUSED]
    assert "a curve that is not linear in peak.amplitude together" in reason
    assert "untie" in reason


SHIRLEY = "{component: shirley, linear: marginalise}"
MISTAKES = [
    (
        [PEAK[:-1].replace("normal(1, 1)", "uniform(0, 2)") + ", linear: marginalise}"], {},
        ["parts[0].priors.amplitude", "the prior uniform(low=0, high=2) of a linear parameter", "normal(mean="],
    ),
    ([MARGINAL], {"noise": "{family: normal_relative, sigma: 0.1}"},
     ["noise.family", "linear: marginalise with normal_relative noise", "normal noise of one level"]),
    ([MARGINAL], {"noise": '{sigma: 0.1, level: "log_uniform(0.1, 1)"}'},
     ["noise.level", "level with linear: marginalise", "Write the prior under sigma"]),
    ([PEAK, SHIRLEY], {}, ["parts[1].linear", "no free parameter in which shirley is linear"]),
    ([MARGINAL[:-1] + ", fixed: {}, tied: {amplitude: 2 * constant.level}}", FLAT], {},
     ["amplitude", "under tied and under priors"]),
    ([PEAK.replace("normal(1, 1)", "uniform(0, 2)")], {"more": "    linear: marginalise\n"},
     ["candidates.peaks.linear", "no parameter that is linear and has a normal prior"]),
    ([PEAK[:-1] + ", linear: marginalize}"], {}, ["parts[0].linear", "'marginalize'", "Did you mean marginalise?"]),
]  # fmt: skip


@pytest.mark.parametrize("mistake", range(len(MISTAKES)))
def test_mistakes_are_named(mistake: int, tmp_path: Path) -> None:
    parts, rest, words = MISTAKES[mistake]
    with pytest.raises(ConfigErrors) as error:
        lab(tmp_path, *parts, **rest)
    text = str(error.value)
    for word in words:
        assert word in text
