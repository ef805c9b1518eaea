"""Sharings of groups compared by the stages: patterns, divisions, blocks that are sampled once, conflict."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.io.samples import read_records
from bayesbeam.stages import blocks as stage
from stage_fixture import Lab, make_lab, no_news, rows

ONE = """\
  line:
    parts:
      - {component: gaussian, name: peak,
         priors: {amplitude: "uniform(0, 3)", position: "uniform(0, 3)", sd: "uniform(0.05, 0.5)"}}
    noise: {family: normal, sigma: 0.1}
"""
SAMPLING = "{target_standard_error: 0.4, seed: 7, max_sweeps: 6000, chains: 8, replicas: 8, draws: 400, device: cpu}"
GROUP = """\
  - group: few
    measurements: [a, b, c]
    candidate: line
    shared: [peak.position, peak.sd]
"""


def line(seed: int, position: float, sd: float = 0.2) -> str:
    x = np.linspace(0.0, 3.0, 60)
    y = np.exp(-0.5 * ((x - position) / sd) ** 2) + 0.1 * np.random.default_rng(seed).standard_normal(60)
    return rows(x, y)


def answer(lab: Lab, group: str = "few") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab.results / "integration" / f"{group}.json").read_text())
    return found


def lab_of(folder: Path, data: dict[str, str], words: str) -> Lab:
    lab = make_lab(folder, data, ONE, integration=GROUP + words, sampling=SAMPLING)
    lab.separate()
    lab.join("few")
    lab.integrate("few")
    return lab


@pytest.fixture(scope="module")
def outlier(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two spectra of one position, and a third a little off; all of one width."""
    data = {"a": line(0, 1.5), "b": line(1, 1.5), "c": line(2, 1.6)}
    return lab_of(tmp_path_factory.mktemp("outlier"), data, "    patterns: all\n")


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["sharing"]: row for row in found["sharing"]["rows"]}


def test_every_sharing_has_a_row(outlier: Lab) -> None:
    found = by_name(answer(outlier))
    assert {"none", "peak.position+peak.sd", "peak.position", "peak.sd", "a+b | c"} <= set(found)
    assert found["none"]["gain"] == 0.0
    assert found["none"]["free_energy"] == pytest.approx(answer(outlier)["rows"][0]["separate_free_energy"])
    assert sum(row["probability"] for row in found.values()) == pytest.approx(1.0, abs=1e-3)


def test_what_decides_is_sampled_together(outlier: Lab) -> None:
    found = by_name(answer(outlier))
    best = max(found.values(), key=lambda row: row["probability"])
    assert best["sharing"] in ("peak.sd", "a+b | c")
    assert best["method"] == "joint"
    assert best["verdict"] == "reliable", best["reasons"]
    assert found["peak.position+peak.sd"]["method"] == "joint"
    assert found["peak.position+peak.sd"]["gain"] < best["gain"] - 5


def test_the_decision_is_that_of_the_best_sharing(outlier: Lab) -> None:
    found = answer(outlier)
    best = max(found["sharing"]["rows"], key=lambda row: row["probability"])
    assert best["sharing"] in found["decision"]
    assert found["decision"].startswith(("Share in part, ", "Integrate within blocks, ", "Undecided: "))
    assert f"{found['sharing']['compared']} sharings" in found["decision"]


def test_a_joint_run_agrees_with_multiplied_posteriors(outlier: Lab) -> None:
    record = read_records(outlier.results / "integration" / "few" / stage.FOUND)["blocks"]
    gains = dict(zip(map(str, record.facts["keys"]), record.arrays["gain"], strict=True))
    errors = dict(
        zip(map(str, record.facts["keys"]), np.sqrt((record.arrays["influence"] ** 2).sum((1, 2))), strict=True)
    )
    rows = by_name(answer(outlier))
    for key, name in (("peak.sd", "peak.sd"), ("[0, 1]", "a+b | c")):
        key = key.replace("peak.", "")
        row = rows[name]
        if row["method"] == "joint":
            error = float(np.hypot(errors[key], row["gain_standard_error"]))
            assert abs(gains[key] - row["gain"]) < 4 * error + 0.05


def test_who_disagrees_in_what(outlier: Lab) -> None:
    found = answer(outlier)["sharing"]["conflict"]
    assert {(one["measurement"], one["parameter"]) for one in found} == {
        (m, p) for m in "abc" for p in ("peak.position", "peak.sd")
    }
    worst = max(found, key=lambda one: abs(one["tension"]))
    assert (worst["measurement"], worst["parameter"]) == ("c", "peak.position")
    assert worst["tension"] > 5
    assert worst["difference"] == pytest.approx(0.1, abs=0.03)
    assert worst["p_value"] < 1e-5
    gains = {one["measurement"]: one["gain"] for one in found}
    assert max(gains, key=lambda name: gains[name]) == "c"
    assert gains["c"] > 5


def test_c_shares_with_nobody(outlier: Lab) -> None:
    together = np.array(answer(outlier)["sharing"]["together"])
    assert together.shape == (3, 3)
    assert np.allclose(together, together.T)


def test_nothing_is_sampled_again_when_blocks_are_compared_again(outlier: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    out = outlier.results / "integration" / "few" / stage.FOUND
    before = out.read_bytes()
    monkeypatch.setattr(stage, "sample_jointly", None)
    stage.sample_blocks(outlier.campaign, "few", outlier.results, out, no_news)
    assert out.read_bytes() == before


def test_blocks_compared_anew_have_the_same_bytes(outlier: Lab, tmp_path: Path) -> None:
    out = outlier.results / "integration" / "few" / stage.FOUND
    again = tmp_path / "found.h5"
    stage.sample_blocks(outlier.campaign, "few", outlier.results, again, no_news)
    first, second = read_records(out), read_records(again)
    assert set(first) == set(second)
    for name, record in first.items():
        for key, values in record.arrays.items():
            assert np.array_equal(values, second[name].arrays[key], equal_nan=True), (name, key)


@pytest.fixture(scope="module")
def multiplied(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Three spectra of one truth, never sampled together."""
    data = {name: line(seed, 1.5) for seed, name in enumerate("abc")}
    return lab_of(tmp_path_factory.mktemp("multiplied"), data, "    method: two_stage\n")


def test_a_group_is_integrated_without_sampling_it(multiplied: Lab) -> None:
    found = answer(multiplied)
    assert not list((multiplied.results / "integration" / "few").glob("*.h5"))
    (row,) = found["rows"]
    assert row["engine"] == "posteriors multiplied"
    assert row["verdict"] == "reliable", row["reasons"]
    assert row["gain"] > 4
    assert found["decision"].startswith("Integrate")
    position = next(one for one in row["parameters"] if one["parameter"] == "peak.position")
    alone = json.loads((multiplied.results / "free_energy" / "b.json").read_text())["records"]
    sds = [next(p["sd"] for p in one["parameters"] if p["parameter"] == "peak.position") for one in alone]
    assert position["sd"] == pytest.approx(1 / np.sqrt(sum(s**-2 for s in sds)), rel=0.1)
    draws = read_records(multiplied.results / "integration" / "few.h5")["line"].arrays["draws"]
    assert draws[..., 0].mean() == pytest.approx(position["mean"], abs=position["sd"])
    methods = {one["method"] for one in found["sharing"]["rows"]}
    assert methods == {"", "two_stage"}


def test_peaks_in_doubtful_order_are_said_and_sampled_together_only(tmp_path: Path) -> None:
    two = ONE.replace("name: peak,", "name: peak, count: 2,")
    words = GROUP.replace("shared: [peak.position, peak.sd]", "shared: [peak.sd]")
    data = {name: line(seed, 1.5) for seed, name in enumerate("abc")}
    quick = SAMPLING.replace("6000", "400").replace("draws: 400", "draws: 100")
    lab = make_lab(tmp_path, data, two, integration=words, sampling=quick)
    lab.separate()
    lab.join("few")
    lab.integrate("few")
    found = answer(lab)
    assert "shared without their places" in found["sharing"]["reason"]
    assert {row["kind"] for row in found["sharing"]["rows"]} == {"none", "all"}
