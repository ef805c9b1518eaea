"""Measured spectra of the shipped campaign: PET C 1s selects a number of lines, Au 4f integrates four channels."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import load_campaign
from stage_fixture import Lab

pytestmark = [pytest.mark.nightly, pytest.mark.figures]


@dataclass(frozen=True)
class Results:
    """Separate results by measurement and tag, and those of the group."""

    records: dict[tuple[str, str], dict[str, Any]]
    group: dict[str, Any]


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    campaign = load_campaign(root / "config" / "campaigns" / "first_look")
    asked = campaign.campaign.sampling.model_copy(update={"device": "cpu"})
    lab = Lab(
        replace(campaign, campaign=campaign.campaign.model_copy(update={"sampling": asked})),
        tmp_path_factory.mktemp("first_look"),
    )
    content = json.loads(lab.separate().read_text(encoding="utf-8"))
    assert content["refused"] == []
    lab.join("au4f")
    group = json.loads(lab.integrate("au4f").read_text(encoding="utf-8"))
    return Results({(one["measurement"], one["tag"]): one for one in content["records"]}, group)


def parameter(record: dict[str, Any], name: str, measurement: str | None = None) -> dict[str, Any]:
    (row,) = [row for row in record["parameters"] if (row["parameter"], row["measurement"]) == (name, measurement)]
    return dict(row)


def test_every_result_is_reliable(results: Results) -> None:
    for (measurement, tag), record in results.records.items():
        print(
            f"{measurement} {tag}: F {record['free_energy']:.2f} +- {record['standard_error']:.2f}, {record['verdict']}"
        )
    doubtful = {name: record["reasons"] for name, record in results.records.items() if record["reasons"]}
    assert doubtful == {}
    assert results.group["rows"][0]["reasons"] == []


def test_pet_c1s_selects_with_an_uncertainty(results: Results) -> None:
    lines = {k: results.records["pet_c1s", f"c1s-k{k}"] for k in (1, 2, 3, 4)}
    for k, record in lines.items():
        print(f"K={k}: p {record['model_probability']:.3g} +- {record['probability_error']:.2g}")
    assert sum(record["model_probability"] for record in lines.values()) == pytest.approx(1.0, abs=1e-9)
    # aromatic carbon, C-O and O-C=O: fewer than three lines cannot describe them
    assert lines[1]["model_probability"] + lines[2]["model_probability"] < 1e-3
    best = min(lines.values(), key=lambda record: float(record["free_energy"]))
    assert best["model_probability"] == max(record["model_probability"] for record in lines.values())
    gap = lines[3]["free_energy"] - lines[4]["free_energy"]
    error = math.hypot(lines[3]["standard_error"], lines[4]["standard_error"])
    print(f"F(3) - F(4) = {gap:.2f} +- {error:.2f}")
    assert 0 < error < 1
    rows = {(row["parameter"], row["index"]): row for row in lines[3]["parameters"]}
    print([f"{rows['line.position', k]['mean']:.2f} +- {rows['line.position', k]['sd']:.2f}" for k in (1, 2, 3)])
    print([f"{rows['line.area_fraction', k]['mean']:.3f}" for k in (1, 2, 3)])


def test_au4f_splitting_is_that_of_the_tables_and_sharper_when_integrated(results: Results) -> None:
    (row,) = results.group["rows"]
    joint = parameter(row, "doublet.splitting")
    width = joint["q975"] - joint["q025"]
    print(f"joint {joint['mean']:.4f} +- {joint['sd']:.4f}, 95 % {joint['q025']:.4f} to {joint['q975']:.4f}")
    assert joint["mean"] == pytest.approx(3.67, abs=0.02)
    for member in results.group["measurements"]:
        alone = parameter(results.records[member, "au4f_voigt"], "doublet.splitting")
        print(f"{member} {alone['mean']:.4f} +- {alone['sd']:.4f}, 95 % {alone['q025']:.4f} to {alone['q975']:.4f}")
        assert alone["mean"] == pytest.approx(3.67, abs=0.02)
        assert width < alone["q975"] - alone["q025"]


def test_au4f_decision_has_its_uncertainty(results: Results) -> None:
    best = results.group["best"]
    print(results.group["decision"])
    assert best["gain_standard_error"] > 0
    assert f"{-best['gain']:.2f} +- {best['gain_standard_error']:.2f} nats" in results.group["decision"]
