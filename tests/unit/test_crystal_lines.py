"""Lines of structures whose factors and multiplicities are textbook, and spacings by their closed forms."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from bayesbeam.crystals.cell import axis_strain, spacing, strained, tied_axes, volume
from bayesbeam.crystals.geometry import Optics, lorentz_polarisation, spacing_of_angle, two_theta_deg
from bayesbeam.crystals.lines import Lines, Physics, lines_of
from bayesbeam.crystals.scattering import TabulatedFactors
from bayesbeam.crystals.structure import Site, Structure
from bayesbeam.errors import DataError, ModelError

FACE_CENTRED_CUBIC = 225
DIAMOND = 227


def operators(number: int) -> tuple[str, ...]:
    return tuple(op.triplet() for op in gemmi.find_spacegroup_by_number(number).operations())


def silicon(b_iso: float | None = 0.0) -> Structure:
    """Diamond structure, origin at an atom."""
    return Structure("Si", (5.431,) * 3 + (90.0,) * 3, operators(DIAMOND), (Site("Si", "Si", (0.0,) * 3, 1.0, b_iso),))


def rock_salt() -> Structure:
    sites = (Site("Na", "Na", (0.0,) * 3, 1.0, 0.0), Site("Cl", "Cl", (0.5,) * 3, 1.0, 0.0))
    return Structure("NaCl", (5.64,) * 3 + (90.0,) * 3, operators(FACE_CENTRED_CUBIC), sites)


def family(lines: Lines, *hkl: int) -> int:
    """Place of the family that holds these indices of a cubic crystal."""
    wanted = sorted(abs(value) for value in hkl)
    return next(i for i, row in enumerate(np.abs(lines.hkl)) if sorted(row.tolist()) == wanted)


def test_diamond_has_its_families_and_no_others() -> None:
    lines = lines_of(silicon(), 1.0)
    names = [tuple(sorted(np.abs(row).tolist())) for row in lines.hkl]
    at_one_place = [(1, 1, 5), (3, 3, 3)]
    assert names[:6] == [(1, 1, 1), (0, 2, 2), (1, 1, 3), (0, 0, 4), (1, 3, 3), (2, 2, 4)]
    assert sorted(names[6:]) == at_one_place
    assert [int(lines.multiplicity[family(lines, *name)]) for name in ((1, 1, 1), (2, 2, 0), (3, 1, 1))] == [8, 12, 24]
    assert int(lines.multiplicity[family(lines, 5, 1, 1)]) == 24


def test_diamond_has_its_structure_factors() -> None:
    """F = 8 f where h + k + l = 4n, 4 (1 + i) f where it is odd."""
    lines = lines_of(silicon(), 1.0)
    f0 = TabulatedFactors().f0("Si", 0.5 / lines.spacing())
    for name, factor in (((1, 1, 1), 32.0), ((2, 2, 0), 64.0), ((3, 1, 1), 32.0), ((4, 0, 0), 64.0)):
        place = family(lines, *name)
        assert lines.squared_factor[place] == pytest.approx(factor * f0[place] ** 2, rel=1e-12)


def test_displacements_and_dispersion_enter_as_the_formula_says() -> None:
    wavelength = 1.5406
    factors = TabulatedFactors(wavelength)
    lines = lines_of(silicon(0.5), 1.0, Physics(factors))
    s = 0.5 / lines.spacing()
    terms = factors.dispersion("Si")
    wanted = 32.0 * abs(factors.f0("Si", s) + terms) ** 2 * np.exp(-2.0 * 0.5 * s**2)
    place = family(lines, 3, 1, 1)
    assert lines.squared_factor[place] == pytest.approx(wanted[place], rel=1e-12)
    unknown = lines_of(silicon(None), 1.0, Physics(b_unknown=0.5))
    assert unknown.squared_factor == pytest.approx(lines_of(silicon(0.5), 1.0).squared_factor, rel=1e-12)


def test_rock_salt_has_sums_and_differences() -> None:
    lines = lines_of(rock_salt(), 1.5)
    s = 0.5 / lines.spacing()
    factors = TabulatedFactors()
    sodium, chlorine = factors.f0("Na", s), factors.f0("Cl", s)
    odd, even = family(lines, 1, 1, 1), family(lines, 2, 0, 0)
    assert lines.squared_factor[odd] == pytest.approx(16.0 * (chlorine - sodium)[odd] ** 2, rel=1e-12)
    assert lines.squared_factor[even] == pytest.approx(16.0 * (chlorine + sodium)[even] ** 2, rel=1e-12)


def test_mass_and_density_of_rock_salt() -> None:
    crystal = rock_salt()
    assert crystal.content == {"Na": 4.0, "Cl": 4.0}
    assert crystal.mass == pytest.approx(4 * 58.443, abs=0.02)  # IUPAC weights of Na and Cl
    assert crystal.density == pytest.approx(2.164, abs=0.005)  # CRC Handbook, 2.17


def test_an_atom_near_a_special_position_is_one_atom() -> None:
    crystal = rock_salt()
    moved = Structure("NaCl", crystal.cell, crystal.operators, (Site("Na", "Na", (0.002, 0.0, 0.0)), crystal.sites[1]))
    assert [len(places) for places in moved.atoms] == [4, 4]
    off = Structure("NaCl", crystal.cell, crystal.operators, (Site("Na", "Na", (0.05, 0.0, 0.0)), crystal.sites[1]))
    assert [len(places) for places in off.atoms] == [24, 4]


def test_hexagonal_spacings_and_volume_by_their_closed_forms() -> None:
    a, c = 4.758, 12.99
    hkl = np.array([[0, 1, 2], [1, 0, 4], [1, 1, 0], [2, 1, -3]])
    h, k, last = hkl.T
    wanted = 1.0 / np.sqrt(4.0 / 3.0 * (h * h + h * k + k * k) / a**2 + last**2 / c**2)
    assert spacing((a, a, c, 90.0, 90.0, 120.0), hkl) == pytest.approx(wanted, rel=1e-12)
    assert float(volume((a, a, c, 90.0, 90.0, 120.0))) == pytest.approx(a * a * c * np.sqrt(3.0) / 2.0, rel=1e-12)


def test_strained_spacings_are_those_of_the_strained_cell() -> None:
    cell = (5.1, 6.2, 7.3, 80.0, 95.0, 103.0)
    hkl = np.array([[1, 0, 0], [1, -2, 3], [0, 1, 1]])
    strain = np.array([[0.01, -0.004, 0.002], [0.0, 0.0, 0.0]])
    wanted = np.stack([spacing(strained(cell, row), hkl) for row in strain])
    assert spacing(cell, hkl, strain) == pytest.approx(wanted, rel=1e-12)
    assert spacing(cell, hkl, 0.01) == pytest.approx(1.01 * spacing(cell, hkl), rel=1e-12)


@pytest.mark.parametrize(
    ("number", "ties"),
    [
        (225, (0, 0, 0)),
        (194, (0, 0, 1)),
        (167, (0, 0, 1)),
        (136, (0, 0, 1)),
        (62, (0, 1, 2)),
        (14, (0, 1, 2)),
        (2, (0, 1, 2)),
    ],
)
def test_axes_that_change_together(number: int, ties: tuple[int, int, int]) -> None:
    crystal = Structure("x", (5.0,) * 3 + (90.0,) * 3, operators(number), ())
    assert tied_axes(crystal.symmetry.rotations) == ties
    assert axis_strain([0.1, 0.2, 0.3], ties).tolist() == [[0.1, 0.2, 0.3][i] for i in ties]


def test_lorentz_and_polarisation() -> None:
    """At 2theta = 90 deg: 1/(sin^2 45 cos 45) = 2.828 times half of a tube, all or nothing of a polarised beam."""
    lorentz = 2.0 * np.sqrt(2.0)
    tube = lorentz_polarisation(90.0, Optics())
    assert float(tube) == pytest.approx(lorentz / 2.0, rel=1e-12)
    assert float(lorentz_polarisation(90.0, Optics("debye_scherrer", 0.0, 1.0))) == pytest.approx(lorentz, rel=1e-12)
    assert float(lorentz_polarisation(90.0, Optics("debye_scherrer", 0.0, 0.0))) == pytest.approx(0.0, abs=1e-12)
    graphite = lorentz_polarisation(60.0, Optics(monochromator_two_theta_deg=60.0))
    assert float(graphite) == pytest.approx((1 + 0.25 * 0.25) / 1.25 / (0.25 * np.sqrt(0.75)), rel=1e-12)
    lit = lorentz_polarisation(60.0, Optics(automatic_slits=True)) / lorentz_polarisation(60.0, Optics())
    assert float(lit) == pytest.approx(0.5, rel=1e-12)
    assert lorentz_polarisation([20.0, 90.0], Optics("none")).tolist() == [1.0, 1.0]
    with pytest.raises(ModelError, match="polarisation"):
        lorentz_polarisation(20.0, Optics(polarisation=1.5))


def test_angles_and_spacings_are_inverse() -> None:
    assert spacing_of_angle(two_theta_deg([0.9, 3.0], 1.5406), 1.5406) == pytest.approx([0.9, 3.0], rel=1e-12)
    assert np.isnan(two_theta_deg(0.7, 1.5406))


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ModelError, match="positive"):
        lines_of(silicon(), 0.0)
    with pytest.raises(ModelError, match="larger least spacing"):
        lines_of(silicon(), 0.01)
    with pytest.raises(DataError, match="wavelength"):
        lines_of(silicon(), 1.0, Physics(TabulatedFactors(15406.0)))
    with pytest.raises(DataError, match="Es"):
        TabulatedFactors().f0("Es", np.array([0.1]))
