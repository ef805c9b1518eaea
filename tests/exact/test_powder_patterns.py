"""Powder patterns against pymatgen with the same physics, for every CIF of the library that both read correctly.

The bound is 0.01 % of the strongest line. What is left is pymatgen's own: it leaves out lines below 0.001 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest
from tests.powder_profiles import Reference, difference, own_profile, profile, reference, sticks_of

import bayesbeam.crystals.lines as module
from bayesbeam.crystals.cell import Floats, Integers
from bayesbeam.crystals.checks import doubts
from bayesbeam.crystals.cif import read_cif
from bayesbeam.crystals.formula import agree, formula_of
from bayesbeam.crystals.geometry import spacing_of_angle
from bayesbeam.crystals.lines import lines_of
from bayesbeam.crystals.structure import Structure

BOUND = 1e-4
BOTH_HALVES = 2.0  # its factor of a tube is 1 + cos^2, ours half of that
READ_WRONGLY = {"FeCl3-Molysite"}  # by pymatgen: a rhombohedral cell with hexagonal operators, 18 g/cm^3
BROKEN = {"BN", "CoFe2O4", "CoSO4", "CuSO4", "MgCO3-Magnesite", "NiFe2O4", "W2C"}

# One of each crystal system.
SYSTEMS = {
    "triclinic": "Al2Si2O9H4-Kaolinite",
    "monoclinic": "ZrO2-Baddeleyite",
    "orthorhombic": "BaSO4-Barite",
    "tetragonal": "TiO2-Rutile",
    "trigonal": "SiO2-Quartz-alpha",
    "hexagonal": "Ca5P3O12F-Fluorapatite",
    "cubic": "FeS2-Pyrite",
}


@pytest.fixture(scope="module")
def theirs(request: pytest.FixtureRequest) -> Reference:
    return reference(Path(request.config.rootpath))


@pytest.fixture(scope="module")
def structures(request: pytest.FixtureRequest) -> dict[str, Structure]:
    folder = Path(request.config.rootpath) / "config/libraries/inorganic"
    return {file.stem: read_cif(file) for file in sorted(folder.glob("*.cif"))}


@pytest.fixture(scope="module")
def believed(structures: dict[str, Structure]) -> dict[str, Structure]:
    return {name: structure for name, structure in structures.items() if not doubts(structure)}


def apart(structure: Structure, theirs: Reference) -> float:
    return difference(
        BOTH_HALVES * own_profile(structure, theirs.wavelength, theirs.physics), profile(*theirs.sticks[structure.name])
    )


def system(structure: Structure) -> str:
    group = gemmi.find_spacegroup_by_ops(gemmi.GroupOps([gemmi.Op(text) for text in structure.operators]))
    return "" if group is None else group.crystal_system_str()


def test_who_reads_what(structures: dict[str, Structure], believed: dict[str, Structure], theirs: Reference) -> None:
    """We leave out seven; pymatgen refuses four of these, and reads one of the others with three times its atoms."""
    assert structures.keys() - believed.keys() == BROKEN
    assert set(theirs.refused) == {"BN", "CoSO4", "CuSO4", "W2C"}
    wrong = {name for name, one in believed.items() if not agree(theirs.contents[name], formula_of(one.formula))}
    assert wrong == READ_WRONGLY
    assert {system(structure) for structure in believed.values()} - {""} == SYSTEMS.keys()


def test_contents_are_the_same(believed: dict[str, Structure], theirs: Reference) -> None:
    for name in believed.keys() - READ_WRONGLY:
        assert believed[name].content == pytest.approx(theirs.contents[name], rel=1e-6), name


def test_every_pattern_is_the_same_to_a_hundredth_of_a_percent(
    believed: dict[str, Structure], theirs: Reference
) -> None:
    found = {name: apart(believed[name], theirs) for name in sorted(believed.keys() - READ_WRONGLY)}
    assert len(found) == 180
    assert {name: value for name, value in found.items() if value > BOUND} == {}
    assert float(np.median(list(found.values()))) < 1e-6


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_wrong_multiplicity_is_seen(kind: str, believed: dict[str, Structure], theirs: Reference) -> None:
    """The tenth strongest line with half its planes."""
    structure = believed[SYSTEMS[kind]]
    assert system(structure) == kind
    least = float(spacing_of_angle(120.0, theirs.wavelength))
    lines = lines_of(structure, least, theirs.physics)
    order = np.argsort(sticks_of(lines, theirs.wavelength)[1])[::-1]
    multiplicity = lines.multiplicity.copy()
    multiplicity[order[9]] //= 2
    wrong = BOTH_HALVES * profile(*sticks_of(replace(lines, multiplicity=multiplicity), theirs.wavelength))
    assert difference(wrong, profile(*theirs.sticks[structure.name])) > 10 * BOUND
    assert apart(structure, theirs) < BOUND


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_wrong_factor_of_angle_is_seen(
    kind: str, believed: dict[str, Structure], theirs: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lorentz without polarisation."""

    def unpolarised(angle_deg: Floats, optics: object) -> Floats:
        theta = np.radians(angle_deg) / 2.0
        return 1.0 / (np.sin(theta) ** 2 * np.cos(theta))

    monkeypatch.setattr("tests.powder_profiles.lorentz_polarisation", unpolarised)
    assert apart(believed[SYSTEMS[kind]], theirs) > 100 * BOUND


@pytest.mark.parametrize("kind", ["monoclinic", "orthorhombic", "trigonal", "hexagonal"])
def test_an_operator_left_out_is_seen(kind: str, believed: dict[str, Structure], theirs: Reference) -> None:
    """By the pattern where atoms are on general places, and before that by the check of operators."""
    whole = believed[SYSTEMS[kind]]
    parts = [
        replace(whole, operators=whole.operators[:number] + whole.operators[number + 1 :])
        for number in range(1, len(whole.operators))
    ]
    assert all(any("whose products" in str(doubt) for doubt in doubts(part)) for part in parts)
    assert min(apart(part, theirs) for part in parts) > 10 * BOUND


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_lost_translation_is_seen(kind: str, believed: dict[str, Structure], theirs: Reference) -> None:
    """The last operator with a translation, without it."""
    whole = believed[SYSTEMS[kind]]
    number = max(i for i, text in enumerate(whole.operators) if any(gemmi.Op(text).tran))
    rotation = gemmi.Op(whole.operators[number])
    rotation.tran = [0, 0, 0]
    operators = (*whole.operators[:number], rotation.triplet(), *whole.operators[number + 1 :])
    assert apart(replace(whole, operators=operators), theirs) > 100 * BOUND


def transposed(operators: object) -> Integers:
    return np.swapaxes(REALLY(operators), 1, 2)  # type: ignore[arg-type]


REALLY = module.laue_rotations


@pytest.mark.parametrize("kind", ["trigonal", "hexagonal"])
def test_indices_turned_the_wrong_way_are_seen(
    kind: str, believed: dict[str, Structure], theirs: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In cubic crystals this mistake hides: a rotation and its inverse are both there, and both are signed axes."""
    monkeypatch.setattr(module, "laue_rotations", transposed)
    assert apart(believed[SYSTEMS[kind]], theirs) > 100 * BOUND


def moved(structure: Structure) -> Iterator[Structure]:
    """The structure with one coordinate of one atom off by a thousandth, each in turn."""
    for number, site in enumerate(structure.sites):
        for axis in range(3):
            if len(structure.atoms[number]) == structure.symmetry.count:
                position = tuple(value + 0.001 * (i == axis) for i, value in enumerate(site.position))
                other = replace(site, position=position)  # type: ignore[arg-type]
                yield replace(structure, sites=(*structure.sites[:number], other, *structure.sites[number + 1 :]))


def test_a_misplaced_atom_is_seen(believed: dict[str, Structure], theirs: Reference) -> None:
    differences = [apart(one, theirs) for one in moved(believed["ZrO2-Baddeleyite"])]
    assert len(differences) == 9
    assert min(differences) > BOUND
