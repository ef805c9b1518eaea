"""Ferrihydrite from 5 to 135 K: a sextet that gives way to a doublet, on velocities of an iron foil."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.io.readers import ReadOptions, read_raw
from bayesbeam.techniques.velocity_scale import velocity_scale

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "ferrihydrite_moessbauer", tmp_path_factory.mktemp("ferrihydrite"))


def test_every_result_is_reliable(results: Shipped) -> None:
    print(results.doubtful())
    assert results.doubtful() == {}


def test_the_foil_is_iron_with_its_moments_in_the_plane(results: Shipped) -> None:
    """The field follows from the calibration; lines 2 and 5 stronger than in a powder do not."""
    assert results.best("alpha_iron")["tag"] != "powder"
    assert results.gap("alpha_iron", "powder", "foil")[0] > 100
    best = results.records["alpha_iron", "foil"]
    rows = {name: parameter(best, f"iron.{name}") for name in ("field", "isomer_shift", "middle_ratio", "fwhm")}
    print({name: (row["mean"], row["sd"]) for name, row in rows.items()})
    assert rows["field"]["mean"] == pytest.approx(33.04, abs=0.02)
    assert rows["isomer_shift"]["mean"] == pytest.approx(0.0, abs=0.003)
    assert 2.0 < rows["middle_ratio"]["q025"] < rows["middle_ratio"]["q975"] < 4.0
    assert rows["fwhm"]["q025"] > 0.194  # source and absorber, natural


def test_a_sextet_gives_way_to_a_doublet(results: Shipped) -> None:
    for name in ("fh_5K", "fh_45K", "fh_55K"):
        assert results.gap(name, "spread_doublet", "spread_sextet")[0] > 50
    for name in ("fh_77K", "fh_135K"):
        assert results.gap(name, "spread_sextet", "spread_doublet")[0] > 50
    for name in results.metadata:
        print(name, results.best(name)["tag"], results.best(name)["checks"]["together"])


def test_field_shift_and_splitting_are_those_of_ferrihydrite(results: Shipped) -> None:
    """47 to 50 T and 0.47 to 0.50 mm/s at 5 K, 0.45 mm/s in the doublet (literature); velocities are right to 0.02."""
    cold, warm = results.records["fh_5K", "spread_sextet"], results.records["fh_77K", "spread_doublet"]
    field, shift = (parameter(cold, f"ordered.{name}")["mean"] for name in ("field", "isomer_shift"))
    assert 47.0 < field < 50.0
    assert shift == pytest.approx(0.485, abs=0.035)
    assert parameter(warm, "para.isomer_shift")["mean"] == pytest.approx(0.45, abs=0.03)
    fields = [
        parameter(results.records[name, "spread_sextet"], "ordered.field") for name in ("fh_5K", "fh_45K", "fh_55K")
    ]
    print(field, shift, [(row["mean"], row["sd"]) for row in fields])
    assert [row["mean"] for row in fields] == sorted((row["mean"] for row in fields), reverse=True)


def test_the_table_of_velocities_is_that_of_the_foil(root: Path) -> None:
    """And the sextet, unfolded, is right to counting noise: chi-square 0.90 +- 0.045 a degree of freedom."""
    folder = root / "config" / "campaigns" / "ferrihydrite_moessbauer" / "data"
    scale = velocity_scale(read_raw(folder / "alpha_iron.dat", ReadOptions(x=None, y=0)).y, rising=False)
    table = np.loadtxt(folder / "velocity.csv", delimiter=",", skiprows=5)
    np.testing.assert_allclose(table[:, 1], scale.velocity, atol=2e-5)
    np.testing.assert_allclose(table[:, 2], scale.uncertainty, atol=2e-5)
    print(scale.chi_square, scale.degrees_of_freedom, scale.departure)
    assert scale.chi_square / scale.degrees_of_freedom == pytest.approx(0.895, abs=0.01)
