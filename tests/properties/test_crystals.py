"""Whatever is in a CIF, it becomes a structure or an error with a reason; lines are those of the atoms in the cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.checks import doubts
from bayesbeam.crystals.cif import structure_of_cif
from bayesbeam.crystals.formula import formula_of
from bayesbeam.crystals.geometry import Optics, lorentz_polarisation, spacing_of_angle, two_theta_deg
from bayesbeam.crystals.lines import Lines, lines_of
from bayesbeam.crystals.structure import Site, Structure
from bayesbeam.errors import BayesbeamError

ROOT = Path(__file__).resolve().parents[2]
QUARTZ = (ROOT / "config/libraries/inorganic/SiO2-Quartz-alpha.cif").read_bytes()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real CIF with some bytes replaced, dropped or doubled."""
    content = bytearray(QUARTZ)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(content) - 1))
        length = draw(st.integers(0, 40))
        content[place : place + length] = draw(st.binary(max_size=12))
    return bytes(content)


@given(damaged() | st.binary(max_size=300))
def test_any_bytes_make_a_structure_or_an_error(content: bytes) -> None:
    try:
        structure = structure_of_cif(content, "x.cif")
        if not doubts(structure):
            lines_of(structure, 1.5)
    except BayesbeamError as problem:
        assert "expected" in str(problem)  # noqa: PT017


@given(st.text(max_size=30))
def test_any_formula_makes_numbers(text: str) -> None:
    assert all(number > 0.0 for number in formula_of(text).values())


@given(st.floats(0.3, 2.5), st.lists(st.floats(0.5, 170.0), min_size=1, max_size=5))
def test_angles_come_back(wavelength: float, angles: list[float]) -> None:
    back = two_theta_deg(spacing_of_angle(angles, wavelength), wavelength)
    assert back == pytest.approx(angles, rel=1e-9)
    assert (lorentz_polarisation(angles, Optics()) > 0.0).all()


@st.composite
def crystals(draw: st.DrawFn) -> Structure:
    """A crystal of any space group with two atoms anywhere, in a cell that fits its system."""
    group = draw(st.sampled_from([group for group in gemmi.spacegroup_table() if group.ext not in ("R",)]))
    a, b, c = (draw(st.floats(3.0, 6.0)) for _ in range(3))
    angle = draw(st.floats(85.0, 110.0))
    system = group.crystal_system_str()
    cells = {
        "triclinic": (a, b, c, 90.0, angle, 95.0),
        "orthorhombic": (a, b, c, 90.0, 90.0, 90.0),
        "cubic": (a, a, a, 90.0, 90.0, 90.0),
    }
    unique = {"monoclinic": (90.0, angle, 90.0), "tetragonal": (90.0, 90.0, 90.0)}.get(system, (90.0, 90.0, 120.0))
    cell = cells.get(system, (a, b if system == "monoclinic" else a, c, *unique))
    operators = tuple(op.triplet() for op in group.operations())
    places = st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
    sites = (Site("Ti1", "Ti", draw(places)), Site("O1", "O", draw(places), draw(st.floats(0.2, 1.0))))
    crystal = Structure("x", cell, operators, sites)
    fits = not any("without the symmetry" in str(doubt) for doubt in doubts(crystal))
    return crystal if fits else replace(crystal, cell=(a, a, a, 90.0, 90.0, 90.0), operators=("x,y,z",))


@given(crystals())
def test_lines_are_those_of_all_atoms_without_symmetry(crystal: Structure) -> None:
    """The cell written out with the identity alone: the intensity at each spacing is the same."""
    sites = tuple(
        replace(site, position=tuple(place))
        for site, places in zip(crystal.sites, crystal.atoms, strict=True)
        for place in places.tolist()
    )
    plain = replace(crystal, operators=("x,y,z",), sites=sites)
    (ours, by_place), (theirs, at_place) = (summed(lines_of(one, 1.2)) for one in (crystal, plain))
    assert ours == pytest.approx(theirs, rel=1e-9)
    assert by_place == pytest.approx(at_place, rel=1e-8, abs=1e-8 * float(at_place.max()))


def summed(lines: Lines) -> tuple[Floats, Floats]:
    """Spacings, and the intensity at each; below a billionth of the strongest is rounding."""
    intensities = lines.multiplicity * lines.squared_factor
    apart = np.flatnonzero(np.diff(np.log(lines.spacing())) < -1e-7) + 1
    starts = np.concatenate([[0], apart])
    sums = np.add.reduceat(intensities, starts)
    kept = sums > 1e-9 * sums.max()
    return lines.spacing()[starts][kept], sums[kept]
