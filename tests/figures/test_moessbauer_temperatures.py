"""Ferrihydrite from 5 to 135 K: what its spectra have in common, and the shift that vibrating iron has."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Row, Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

COLD, WARM = (5, 15, 25, 35), (85, 95, 105, 115, 125, 135)


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "moessbauer_temperatures", tmp_path_factory.mktemp("moessbauer"))


def of_group(results: Shipped, group: str, name: str, measurement: str | None = None) -> Row:
    """Row of a parameter in the joint analysis of a group."""
    rows = results.groups[group]["rows"][0]["parameters"]
    (row,) = [row for row in rows if (row["parameter"], row["measurement"]) == (name, measurement)]
    return dict(row)


def test_every_result_is_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}


def test_seven_parts_in_ten_million_is_the_mass_of_iron() -> None:
    """3 k / (2 M c) by the constants of CODATA 2018 and the mass of iron-57, in mm/s/K."""
    classical = 3 * 1.380649e-23 / (2 * 56.9353928 * 1.66053907e-27 * 2.99792458e8) * 1e3
    assert classical == pytest.approx(7.307e-4, rel=1e-4)


def test_fields_fall_and_the_shift_stays_while_iron_is_ordered(results: Shipped) -> None:
    fields = [parameter(results.records[f"fh_{t}K", "ordered"], "iron.field")["mean"] for t in COLD]
    print(fields, {name: group["rows"][0]["gain"] for name, group in results.groups.items()})
    assert 47 < fields[0] < 50
    assert all(np.diff(fields) < -0.5)
    assert results.groups["ordered_shift"]["rows"][0]["gain"] > 5
    assert results.groups["ordered_width"]["rows"][0]["gain"] < -10
    assert 0.45 < of_group(results, "ordered_shift", "iron.isomer_shift")["mean"] < 0.50


def test_the_shift_follows_vibrations_that_are_not_classical(results: Shipped) -> None:
    gains = {
        name: results.groups[name]["rows"][0]["gain"] for name in ("same_shift", "classical_shift", "quantum_shift")
    }
    assert gains["quantum_shift"] - gains["same_shift"] > 5
    assert gains["quantum_shift"] - gains["classical_shift"] > 5
    einstein = of_group(results, "quantum_shift", "common.einstein")
    print(gains, einstein["mean"], einstein["sd"])
    assert 150 < einstein["q025"]
    assert einstein["q975"] < 650


def test_each_shift_is_that_of_the_formula_and_better_known(results: Shipped) -> None:
    for t in WARM:
        alone = parameter(results.records[f"fh_{t}K", "paramagnetic"], "iron.isomer_shift")
        joint = of_group(results, "quantum_shift", "iron.isomer_shift", f"fh_{t}K")
        assert joint["sd"] < 0.85 * alone["sd"]
        assert abs(joint["mean"] - alone["mean"]) < 3 * alone["sd"]
