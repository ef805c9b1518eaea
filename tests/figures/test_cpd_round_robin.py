"""Weighed mixtures of the round robin on quantitative phase analysis, each searched in the whole library."""

from __future__ import annotations

import csv
import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Row, analyse

WEIGHED = "weighed."


def home_of(root: Path) -> Path:
    return root / "config" / "campaigns" / "cpd_round_robin"


def weighed(root: Path) -> dict[str, dict[str, float]]:
    """Mass per cent by measurement and structure."""
    text = (home_of(root) / "measurements.tsv").read_text(encoding="utf-8")
    return {
        row["id"]: {key.removeprefix(WEIGHED): float(value) for key, value in row.items() if key.startswith(WEIGHED)}
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
    }


def test_the_shipped_patterns_are_those_of_the_provenance(root: Path) -> None:
    data = home_of(root) / "data"
    told = (data / "PROVENANCE.md").read_text(encoding="utf-8")
    files = sorted(data.glob("*.prn"))
    assert len(files) == 5
    for file in files:
        assert f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" in told
    assert all(sum(one.values()) == pytest.approx(100.0, abs=0.05) for one in weighed(root).values())


@pytest.fixture(scope="module")
def found(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    results = analyse(home_of(root), tmp_path_factory.mktemp("cpd_round_robin"))
    return {measurement: one["phases"] for (measurement, _), one in results.records.items()}


@pytest.mark.nightly
@pytest.mark.figures
def test_the_three_phases_are_found_in_all_five_and_no_other(root: Path, found: dict[str, Any]) -> None:
    for name, true in weighed(root).items():
        rows = {row["name"]: row for row in found[name]["phases"]}
        assert all(rows[phase]["probability"] > 0.95 for phase in true), name
        assert all(rows[phase]["kind"] == "present" for phase in true), name
        others = [row for phase, row in rows.items() if phase not in true]
        assert not any(row["probability"] > 0.95 and row["weight_fraction"]["mean"] > 0.005 for row in others), name
        assert not found[name]["unknown"]["open"], name


@pytest.mark.nightly
@pytest.mark.figures
def test_fractions_are_those_that_were_weighed(root: Path, found: dict[str, Any]) -> None:
    """Within 1.5 % of the mass, below 10 % within 0.5; intervals of 95 % hold at least 13 of 15."""
    inside = 0
    for name, true in weighed(root).items():
        rows = {row["name"]: row["weight_fraction"] for row in found[name]["phases"]}
        for phase, percent in true.items():
            one = {word: 100.0 * value for word, value in rows[phase].items()}
            print(f"{name} {phase}: {one['mean']:.2f} ({one['q025']:.2f} to {one['q975']:.2f}), weighed {percent}")
            assert abs(one["mean"] - percent) < (0.5 if percent < 10.0 else 1.5)
            inside += one["q025"] <= percent <= one["q975"]
    assert inside >= 13
