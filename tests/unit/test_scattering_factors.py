"""Scattering factors against the package that the tables are from, and against the other table."""

from __future__ import annotations

import numpy as np
import pytest
import xraydb

from bayesbeam.crystals.scattering import TabulatedFactors

S = np.array([0.0, 0.1, 0.3, 0.6, 1.2])
ELEMENTS = ["H", "O", "Si", "Fe", "Ni", "Ag", "La", "Pb", "U"]


@pytest.mark.parametrize("element", ELEMENTS[1:])
def test_f0_is_that_of_the_database(element: str) -> None:
    assert TabulatedFactors().f0(element, S) == pytest.approx(xraydb.f0(element, S), rel=1e-12)


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("wavelength", [0.41, 0.70932, 1.54059, 1.78900, 2.28973])
def test_dispersion_is_that_of_the_database(element: str, wavelength: float) -> None:
    """Between points of the grid f' is a cubic spline there, straight here: 0.07 electrons apart by the L edge of U."""
    energy = 12398.419843320026 / wavelength
    terms = TabulatedFactors(wavelength).dispersion(element)
    assert terms.real == pytest.approx(float(xraydb.f1_chantler(element, energy)), abs=0.1 if element == "U" else 0.02)
    assert terms.imag == pytest.approx(float(xraydb.f2_chantler(element, energy)), rel=1e-6)


@pytest.mark.parametrize("element", ELEMENTS)
def test_both_tables_agree_where_both_hold(element: str) -> None:
    """Both are fits of calculations of the same kind."""
    both = [TabulatedFactors(None, table).f0(element, S) for table in ("waasmaier_kirfel", "itc92")]
    assert both[0] == pytest.approx(both[1], abs=0.06)


def test_without_a_wavelength_there_is_no_dispersion() -> None:
    assert TabulatedFactors().dispersion("Ni") == 0j


def test_hydrogen_is_bonded() -> None:
    """Less spread than a free atom, 1 / (1 + (2 pi a0 s)^2)^2 with Bohr's radius a0."""
    free = 1.0 / (1.0 + (2.0 * np.pi * 0.529177 * S) ** 2) ** 2
    bonded = TabulatedFactors().f0("H", S)
    assert xraydb.f0("H", S) == pytest.approx(free, abs=2e-3)
    assert (bonded[1:4] > free[1:4] + 0.015).all()
