"""Candidates with ties through the stages: what is tied and what is defined has a posterior, bad ties are refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.errors import ModelError
from bayesbeam.io.samples import read_records
from bayesbeam.io.store import read_measurement
from bayesbeam.stages.build import build_target
from bayesbeam.stages.memory import sizes_of
from stage_fixture import Lab, make_lab, peak

PRIORS = "priors: {amplitude: 'uniform(0, 3)', position: 'uniform(0, 3)', sd: 'log_uniform(0.05, 1)'}"
CANDIDATES = f"""\
  pair:
    parts:
      - {{name: a, component: gaussian, {PRIORS}}}
      - {{name: b, component: gaussian,
         tied: {{position: a.position + common.gap, amplitude: 0.5 * a.amplitude, sd: a.sd}}}}
    common: {{gap: {{prior: "uniform(0.1, 1)", unit: x}}}}
    derived: {{twice: {{formula: 2 * common.gap, unit: x}}, areas: {{formula: b.area / a.area}}}}
    noise: {{family: normal, sigma: 0.1}}
  peaks:
    parts:
      - {{name: p, component: gaussian, count: 1..2, tied: {{sd: common.width}},
         priors: {{amplitude: "uniform(0, 3)", position: "uniform(0, 3)"}}}}
    common: {{width: {{prior: "log_uniform(0.05, 1)", unit: x}}}}
    derived: {{apart: {{formula: "p[2].position - p[1].position", unit: x}}}}
    noise: {{family: normal, sigma: 0.1}}
"""
INTEGRATION = "  - {group: both, measurements: [m, n], candidate: pair, shared: [common.gap, a.sd]}\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    data = {"m": peak(0), "n": peak(1)}
    treatment = "{axis: {unit: eV}, signal: {unit: counts}}"
    made = make_lab(tmp_path_factory.mktemp("tied"), data, CANDIDATES, INTEGRATION, treatment=treatment)
    made.separate()
    made.join("both")
    made.integrate("both")
    return made


def record(lab: Lab, tag: str) -> dict[str, Any]:
    content = json.loads((lab.results / "free_energy" / "b.json").read_text(encoding="utf-8"))
    (found,) = [one for one in content["records"] if (one["measurement"], one["tag"]) == ("m", tag)]
    return dict(found)


def test_tied_and_defined_quantities_are_reported_with_units(lab: Lab) -> None:
    rows = {row["parameter"]: row for row in record(lab, "pair")["parameters"] if row["index"] in (None, 1)}
    assert rows["twice"]["mean"] == pytest.approx(2.0 * rows["common.gap"]["mean"])
    assert rows["areas"]["mean"] == pytest.approx(0.5)
    assert rows["b.position"]["mean"] == pytest.approx(rows["a.position"]["mean"] + rows["common.gap"]["mean"])
    assert [rows[name]["unit"] for name in ("common.gap", "twice", "b.position", "b.amplitude")] == [
        "eV", "eV", "eV", "counts",
    ]  # fmt: skip
    assert [rows[name]["kind"] for name in ("common.gap", "twice", "b.position")] == ["parameter", "derived", "derived"]


def test_ties_stand_among_the_priors(lab: Lab) -> None:
    shown = {row["parameter"]: row["prior"] for row in record(lab, "pair")["priors"]}
    assert shown["b.position"] == "= a.position + common.gap"
    assert shown["common.gap"] == "uniform(low=0.1, high=1)"


def test_quantities_of_a_peak_that_is_not_there_are_left_out(lab: Lab) -> None:
    names = [{row["parameter"] for row in record(lab, tag)["parameters"]} for tag in ("peaks-k1", "peaks-k2")]
    assert "apart" not in names[0]
    assert {"apart", "common.width", "p.sd"} <= names[1]


def test_curves_of_all_parts_are_kept(lab: Lab) -> None:
    found = read_records(lab.results / "free_energy" / "b.h5")["m/pair"]
    assert found.arrays["components"].shape[0] == 2
    assert found.facts["labels"] == ["a 1", "b 1"]


def test_common_numbers_are_shared_by_measurements(lab: Lab) -> None:
    answer = json.loads((lab.results / "integration" / "both.json").read_text(encoding="utf-8"))
    rows = [row for row in answer["rows"][0]["parameters"] if row["parameter"] == "common.gap"]
    assert [row["measurement"] for row in rows] == [None]


def test_planned_sizes_are_those_of_the_target(lab: Lab) -> None:
    m = read_measurement(lab.measurements / "m.h5")
    for expanded in lab.campaign.all_expanded():
        target = build_target(expanded.spec, [[m]])
        sizes = sizes_of(expanded.spec, (1, 1, m.x.size), "auto")
        assert (sizes.slots, sizes.moving) == (len(target.slots), len(target.moving))


def test_curves_that_do_not_move_with_the_axis_are_made_in_double_precision(lab: Lab, tmp_path: Path) -> None:
    m = read_measurement(lab.measurements / "m.h5")
    target = build_target(lab.campaign.expanded("pair")[0].spec, [[m]])
    assert target.dtype == torch.float32
    text = CANDIDATES.replace("sd: a.sd", "sd: 0.05 * a.position + 0.01")
    spec = make_lab(tmp_path, {"m": peak(0), "n": peak(1)}, text).campaign.expanded("pair")[0].spec
    assert build_target(spec, [[m]]).dtype == torch.float64


def test_a_tie_out_of_its_support_is_refused_with_its_share(lab: Lab, tmp_path: Path) -> None:
    text = CANDIDATES.replace("sd: a.sd", "sd: a.sd - 0.1")
    spec = make_lab(tmp_path, {"m": peak(0), "n": peak(1)}, text).campaign.expanded("pair")[0].spec
    m = read_measurement(lab.measurements / "m.h5")
    with pytest.raises(
        ModelError, match=r"measurement m: b.sd: its tie leads to -.*, outside 0 to inf, in 2\d\.\d% of"
    ):
        build_target(spec, [[m]])
