"""CIFs in, structures out: settings, occupancies, displacements; and what cannot be read says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from bayesbeam.crystals.checks import doubts
from bayesbeam.crystals.cif import read_cif, structure_of_cif
from bayesbeam.crystals.formula import agree, formula_of
from bayesbeam.crystals.structure import Structure
from bayesbeam.errors import DataError

HEAD = "data_x\n_chemical_formula_sum '{formula}'\n"
CELL = "".join(
    f"_cell_{name} {{{name}}}\n"
    for name in ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
)
NAMES = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
LOOP = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
LOOP_B = LOOP + "_atom_site_U_iso_or_equiv\n"
SALT = "Na1 0 0 0 1\nCl1 0.5 0.5 0.5 1\n"
FACES = "_symmetry_space_group_name_H-M 'F m -3 m'\n"
CUBE = (5.64, 5.64, 5.64, 90, 90, 90)


def cif(
    sites: str = SALT,
    symmetry: str = FACES,
    cell: tuple[float, ...] | None = CUBE,
    formula: str = "Na Cl",
    loop: str = LOOP,
) -> bytes:
    axes = "" if cell is None else CELL.format(**dict(zip(NAMES, cell, strict=True)))
    return (HEAD.format(formula=formula) + axes + symmetry + loop + sites).encode()


def read(*arguments: object, **named: object) -> Structure:
    return structure_of_cif(cif(*arguments, **named), "x.cif")  # type: ignore[arg-type]


def reasons(structure: Structure) -> str:
    return " ".join(str(doubt) for doubt in doubts(structure))


def test_salt_is_read_and_believed() -> None:
    salt = read()
    assert salt.content == {"Na": 4.0, "Cl": 4.0}
    assert doubts(salt) == ()
    assert salt.name == "x"
    assert "no operators in the file: those of F m -3 m taken" in salt.notes


def test_operators_of_the_file_come_before_the_name() -> None:
    """The name says 192 operators, the file two: the file is believed, and the content tells."""
    symmetry = FACES + "loop_\n_space_group_symop_operation_xyz\nx,y,z\n-x,-y,-z\n"
    salt = read(symmetry=symmetry)
    assert salt.symmetry.count == 2
    assert salt.content == {"Na": 1.0, "Cl": 1.0}


@pytest.mark.parametrize(
    ("cell", "oxygen", "setting"),
    [
        ((4.7778, 4.7778, 15.6640, 90, 90, 120), "0.2692 0 0.25", "H"),
        ((5.9050, 5.9050, 5.9050, 47.75, 47.75, 47.75), "0.5192 -0.0192 0.25", "R"),
    ],
)
def test_a_bare_rhombohedral_name_is_decided_by_the_cell(cell: tuple[float, ...], oxygen: str, setting: str) -> None:
    """MnCO3 in both settings has the same content a volume."""
    carbon = "0 0 0.25" if setting == "H" else "0.25 0.25 0.25"
    sites = f"Mn1 0 0 0 1\nC1 {carbon} 1\nO1 {oxygen} 1\n"
    crystal = read(sites, "_symmetry_space_group_name_H-M 'R -3 c'\n", cell, "Mn C O3")
    assert doubts(crystal) == ()
    assert any(f"R -3 c:{setting}" in note for note in crystal.notes)
    assert crystal.density == pytest.approx(3.70, abs=0.02)  # Graf 1961, as his entry in AMCSD


def test_the_origin_that_gives_the_formula_is_taken() -> None:
    """Diamond at 1/8 1/8 1/8 has eight atoms a cell with the second origin, with the first 32: the formula decides."""
    both = "Mg1 0.125 0.125 0.125 1\nAl1 0.5 0.5 0.5 1\nO1 0.2624 0.2624 0.2624 1\n"
    spinel = read(both, "_symmetry_space_group_name_H-M 'F d -3 m'\n", (8.08,) * 3 + (90,) * 3, "Mg Al2 O4")
    assert spinel.content == {"Mg": 8.0, "Al": 16.0, "O": 32.0}
    assert any("F d -3 m:2" in note for note in spinel.notes)


def test_occupancies_above_one_are_clipped_with_a_word() -> None:
    salt = read("Na1 0 0 0 1.2\nCl1 0.5 0.5 0.5 1\n")
    assert salt.sites[0].occupancy == 1.0
    assert any("occupancy of Na1 1.2 taken as 1" in note for note in salt.notes)


def test_displacements_are_read_averaged_or_not_believed() -> None:
    salt = read("Na1 0 0 0 1 0.02\nCl1 0.5 0.5 0.5 1 1.4\n", loop=LOOP_B)
    assert salt.sites[0].b_iso == pytest.approx(78.9568352 * 0.02, rel=1e-9)  # 8 pi^2
    assert salt.sites[1].b_iso is None
    assert any("displacement of Cl1" in note for note in salt.notes)
    anisotropic = (
        "loop_\n_atom_site_aniso_label\n_atom_site_aniso_U_11\n_atom_site_aniso_U_22\n_atom_site_aniso_U_33\n"
        "_atom_site_aniso_U_12\n_atom_site_aniso_U_13\n_atom_site_aniso_U_23\nZn1 0.012 0.012 0.006 0.006 0 0\n"
    )
    zinc = read(
        "Zn1 0 0 0 1\n" + anisotropic, "_symmetry_space_group_name_H-M 'P 6/m m m'\n", (3, 3, 5, 90, 90, 120), "Zn"
    )
    assert zinc.sites[0].b_iso == pytest.approx(78.9568352 * (2 * 0.012 + 0.006) / 3, rel=1e-9)
    as_b = anisotropic.replace("_U_", "_B_")
    zinc = read("Zn1 0 0 0 1\n" + as_b, "_symmetry_space_group_name_H-M 'P 6/m m m'\n", (3, 3, 5, 90, 90, 120), "Zn")
    assert zinc.sites[0].b_iso == pytest.approx((2 * 0.012 + 0.006) / 3, rel=1e-9)


def test_dummies_and_deuterium() -> None:
    loop = LOOP + "_atom_site_calc_flag\n"
    sites = "Na1 0 0 0 1 d\nCl1 0.5 0.5 0.5 1 d\nD1 0.25 0.25 0.25 1 d\nX1 0.1 0.1 0.1 1 dum\n"
    assert read(sites, loop=loop).elements == {"Na", "Cl", "H"}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"not a cif", "no CIF"),
        (b"\x00\xff\xfe", "no CIF"),
        (b"", "no atoms"),
        (b"data_x\n_cell_length_a 5\n", "no atoms"),
        (cif(sites="Na1 0 0 0 0\n"), "no atoms"),
        (cif(cell=None), "no cell"),
        (cif(cell=(5.6, 5.6, 5.6, 90, 90, 190)), "no cell"),
        (cif(cell=(5.6, 5.6, 0, 90, 90, 90)), "no cell"),
        (cif(cell=(5.6, 5.6, 5.6, 60, 60, 150)), "no cell"),
        (cif(symmetry=""), "no symmetry"),
        (cif(symmetry="_symmetry_space_group_name_H-M 'Q 77'\n"), "'Q 77'"),
        (cif(symmetry="loop_\n_space_group_symop_operation_xyz\nx,y,w\n"), "operator that cannot be read"),
        (cif(symmetry="loop_\n_space_group_symop_operation_xyz\nx,y,z\nx/2,y,z\n"), "x/2,y,z is no rotation"),
        (cif(symmetry="loop_\n_space_group_symop_operation_xyz\n" + "x,y,z\n" * 1000), "1000 operators"),
        (cif(sites="Na1 0 0 0 1\n" * 2001), "2001 sites"),
        (cif(sites="Na1 0 0 0 1\nQq1 0.5 0.5 0.5 1\n"), "no element"),
        (cif(sites="Na1 0 0 ? 1\n"), "without a place"),
        (cif() + b"_cell_length_a 7\n", "no CIF"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, found: str) -> None:
    with pytest.raises(DataError, match=r"^x\.cif: ") as caught:
        structure_of_cif(content, "x.cif")
    assert found in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_cif(tmp_path / "none.cif")


@pytest.mark.parametrize(
    ("structure", "found"),
    [
        (read(formula="Na2 Cl"), "a cell with Cl4 Na4; expected a multiple of Na2 Cl"),
        (read(cell=(2.5, 2.5, 2.5, 90, 90, 90)), "a density of 24.8"),
        (read(cell=(9.0, 9.0, 9.0, 90, 90, 90)), "a density of 0.5"),
        (read(SALT + "Cl2 0.5 0.5 0.51 1\n"), "on top of each other: Cl1, Cl2"),
        (read(cell=(5.64, 5.64, 6.64, 90, 90, 90)), "without the symmetry"),
        (read(symmetry="loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,y,z\n-x,-y,z\n"), "3 operators whose products"),
    ],
)
def test_unbelievable_structures_are_doubted(structure: Structure, found: str) -> None:
    assert found in reasons(structure)


def test_two_atoms_may_share_a_place_that_they_fill_together() -> None:
    mixed = read("Na1 0 0 0 0.6\nK1 0 0 0 0.4\nCl1 0.5 0.5 0.5 1\n", formula="Na0.6 K0.4 Cl")
    assert doubts(mixed) == ()
    assert "Na1, K1" in reasons(read("Na1 0 0 0 1\nK1 0 0 0 0.4\nCl1 0.5 0.5 0.5 1\n", formula="Na K0.4 Cl"))


def test_hydrogen_that_is_left_out_is_no_doubt_and_has_mass() -> None:
    """Mg(OH)2 without its hydrogen: the formula gives its mass."""
    sites = "Mg1 0 0 0 1\nO1 0.33333 0.66667 0.22 1\n"
    group = "_symmetry_space_group_name_H-M 'P -3 m 1'\n"
    brucite = read(sites, group, (3.148, 3.148, 4.779, 90, 90, 120), "Mg O2 H2")
    assert doubts(brucite) == ()
    assert brucite.mass == pytest.approx(58.32, abs=0.01)


def test_formulas() -> None:
    assert formula_of("Ba2 Cu3 O6.9 Y") == {"Ba": 2.0, "Cu": 3.0, "O": 6.9, "Y": 1.0}
    assert formula_of("'Al2 O3'") == {"Al": 2.0, "O": 3.0}
    assert formula_of("?") == formula_of("C6 H12 (x)") == formula_of("Na. Cl") == {}
    assert formula_of("Na" + "1" * 5000 + "?") == {}  # in no time
    assert agree({"Fe": 16, "O": 24}, {"Fe": 2, "O": 3})
    assert not agree({"Co": 16, "Fe": 8}, {"Co": 1, "Fe": 2})
    assert not agree({"Na": 1, "Cl": 1}, {"Na": 1})
