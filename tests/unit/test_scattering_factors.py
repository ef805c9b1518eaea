"""Scattering factors against the package that the tables are from, and against the other table."""

from __future__ import annotations

import numpy as np
import pytest
import xraydb

from bayesbeam.crystals.absorption import linear_attenuation, mass_attenuation
from bayesbeam.crystals.radiation import TUBES, tube
from bayesbeam.crystals.scattering import TabulatedFactors
from bayesbeam.errors import ConfigError, DataError

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


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("wavelength", [0.70932, 1.54059, 2.28973])
def test_attenuation_is_that_of_the_database(element: str, wavelength: float) -> None:
    wanted = float(xraydb.mu_chantler(element, 12398.419843320026 / wavelength))
    assert mass_attenuation(element, wavelength) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(
    ("content", "volume"),
    [({"Al": 12.0, "O": 18.0}, 254.8), ({"Ca": 4.0, "F": 8.0}, 163.0), ({"Zn": 2.0, "O": 2.0}, 47.6)],
)
def test_attenuation_of_crystals_by_another_table(content: dict[str, float], volume: float) -> None:
    """Elam's compilation, which is 4 % apart from Chantler's at most; grams of a mole of cells over its volume."""
    energy = 12398.419843320026 / 1.5418
    per_mole = sum(
        number * xraydb.atomic_mass(element) * float(xraydb.mu_elam(element, energy))
        for element, number in content.items()
    )
    wanted = per_mole / (6.02214076e23 * volume * 1e-24)
    assert linear_attenuation(content, volume, 1.5418) == pytest.approx(wanted, rel=0.05)


def test_attenuation_outside_of_the_table_is_refused() -> None:
    with pytest.raises(DataError, match="where attenuation by Fe is tabulated"):
        mass_attenuation("Fe", 15406.0)
    with pytest.raises(DataError, match="element Np"):
        mass_attenuation("Np", 1.5406)


def test_doublets_are_near_those_of_another_table() -> None:
    """Energies of Elam's table, in eV and thousandths apart: the doublet is as far apart there as here."""
    for anode, doublet in TUBES.items():
        lines = xraydb.xray_lines(anode, "K")
        elam = [12398.419843320026 / lines[name].energy for name in ("Ka1", "Ka2")]
        assert [doublet.alpha1, doublet.alpha2] == pytest.approx(elam, rel=4e-4)
        assert doublet.alpha1 < doublet.mean < doublet.alpha2
    assert tube("Cu").mean == pytest.approx(1.5418, abs=1e-4)  # the K alpha of handbooks


def test_an_unknown_anode_is_named() -> None:
    with pytest.raises(ConfigError, match="'Ca'; expected an anode"):
        tube("Ca")
