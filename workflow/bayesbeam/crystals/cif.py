"""A crystal structure from a CIF: cell, operators, sites; what had to be put right is said in words.

Operators are taken from the file; only where there are none does the name of the space group decide, and a bare
rhombohedral name by the angles of the cell and the content. Whether the result is believable is for checks.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import gemmi

from bayesbeam.crystals.formula import agree, formula_of
from bayesbeam.crystals.sites import sites_of
from bayesbeam.crystals.structure import Structure
from bayesbeam.crystals.symmetry import triplet_of
from bayesbeam.errors import DataError

LARGEST_FILE = 16_000_000  # bytes; a structure takes some thousand
MOST_OPERATORS = 768  # of a space group: 192, in a cell of four times the volume
OPERATOR_TAGS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop.operation_xyz",
)
NAME_TAGS = ("_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt", "_space_group_name_H-M_full")
HALL_TAGS = ("_symmetry_space_group_name_Hall", "_space_group_name_Hall")
NUMBER_TAGS = ("_space_group_IT_number", "_symmetry_Int_Tables_number")
MINERAL_TAGS = ("_chemical_name_mineral", "_chemical_name_common", "_chemical_name_systematic")


def read_cif(path: Path | str) -> Structure:
    """Structure of a CIF, named by its file.

    Raises
    ------
    DataError
        If the file cannot be read, or has no cell, no atoms or no symmetry; the message says what to do.
    """
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError as problem:
        raise DataError.at(file.name, f"a file that cannot be read ({problem.strerror})", "a CIF") from problem
    return structure_of_cif(content, file.name)


def structure_of_cif(content: bytes, file: str) -> Structure:
    """Structure of the content of a CIF; ``file`` names it in messages and gives its name. Errors as ``read_cif``."""
    block, notes = _block(content, file)
    small = gemmi.make_small_structure_from_block(block)
    cell = _cell(small, file)
    sites, words = sites_of(block, small, file)
    formula = _text(block, ("_chemical_formula_sum",))
    found = [
        Structure(
            name=name_of(file),
            cell=cell,
            operators=operators,
            sites=sites,
            space_group=_text(block, NAME_TAGS),
            formula=formula,
            mineral=_text(block, MINERAL_TAGS),
            file=file,
            notes=(*notes, *words, *said),
        )
        for operators, said in _settings(block, cell, file)
    ]
    wanted = formula_of(formula)
    return next((item for item in found if wanted and agree(item.content, wanted)), found[0])


def name_of(file: str) -> str:
    """Name of a structure: that of its file, with what names may not have turned to underscores."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", Path(file).stem)[:64]


def _block(content: bytes, file: str) -> tuple[gemmi.cif.Block, list[str]]:
    """First block with atoms."""
    if len(content) > LARGEST_FILE:
        raise DataError.at(file, f"{len(content)} bytes", f"a CIF of up to {LARGEST_FILE}")
    try:
        document = gemmi.cif.read_string(content.decode("utf-8", errors="replace"))
    except (ValueError, RuntimeError) as problem:
        said = " ".join(str(problem).split())
        raise DataError.at(file, f"text that is no CIF ({said})", "a CIF", "Check it with a CIF checker.") from problem
    blocks = [block for block in document if block.find_values("_atom_site_fract_x")]
    if not blocks:
        raise DataError.at(
            file,
            "no atoms (no _atom_site_fract_x)",
            "sites with fractional coordinates",
            "Take a CIF of a solved structure; a cell alone has no intensities.",
        )
    more = [f"first of {len(blocks)} structures in the file"] if len(blocks) > 1 else []
    return blocks[0], more


def _cell(small: gemmi.SmallStructure, file: str) -> tuple[float, ...]:
    """Lengths and angles."""
    cell = tuple(float(value) for value in small.cell.parameters)
    usual = cell == (1.0, 1.0, 1.0, 90.0, 90.0, 90.0)  # what gemmi says of a file without a cell
    sound = all(math.isfinite(value) and value > 0.0 for value in cell) and max(cell[3:]) < 180.0
    if usual or not sound or not small.cell.volume > 0.0:
        raise DataError.at(
            file, "no cell that encloses a volume", "_cell_length_a to _cell_angle_gamma", "Complete the CIF."
        )
    return cell


def _settings(
    block: gemmi.cif.Block, cell: tuple[float, ...], file: str
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Operators, with words, the most likely setting first: those of the file, else those of its name."""
    for tag in OPERATOR_TAGS:
        stated = [gemmi.cif.as_string(value) for value in block.find_values(tag)]
        if any(text.strip(" ?.") for text in stated):
            return [(_parsed(stated, file), ())]
    groups = list(_named(block, cell))
    if not groups:
        name = _text(block, (*NAME_TAGS, *HALL_TAGS, *NUMBER_TAGS))
        found = f"no operators, and a space group {name!r} that is not known" if name else "no symmetry"
        raise DataError.at(
            file, found, "_space_group_symop_operation_xyz or the name of a space group", "Complete the CIF."
        )
    return [
        (
            tuple(op.triplet() for op in group.operations()),
            (f"no operators in the file: those of {group.xhm()} taken",),
        )
        for group in groups
    ]


def _parsed(stated: Collection[str], file: str) -> tuple[str, ...]:
    """Triplets as gemmi writes them."""
    if len(stated) > MOST_OPERATORS:
        raise DataError.at(file, f"{len(stated)} operators", f"up to {MOST_OPERATORS}", "Take a smaller cell.")
    try:
        return tuple(triplet_of(text) for text in stated)
    except ValueError as problem:
        raise DataError.at(
            file, f"an operator that cannot be read ({problem})", "triplets such as -x,y+1/2,-z", "Correct the CIF."
        ) from problem


def _named(block: gemmi.cif.Block, cell: tuple[float, ...]) -> Iterable[gemmi.SpaceGroup]:
    """Space groups by name, the most likely setting first."""
    for tag in HALL_TAGS:
        if (hall := _text(block, (tag,))) and (group := _by_hall(hall)) is not None:
            yield group
            return
    name = _text(block, NAME_TAGS)
    number = _text(block, NUMBER_TAGS)
    first = gemmi.find_spacegroup_by_name(name, cell[3], cell[5]) if name else None
    if first is None and number.isdigit():
        first = gemmi.find_spacegroup_by_number(int(number))
    if first is None:
        return
    yield first
    if ":" not in name:
        same = [group for group in gemmi.spacegroup_table() if group.number == first.number and group != first]
        yield from (group for group in same if group.hm == first.hm)


def _by_hall(hall: str) -> gemmi.SpaceGroup | None:
    """Space group of a Hall symbol."""
    try:
        return gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(hall))
    except (ValueError, RuntimeError):
        return None


def _text(block: gemmi.cif.Block, tags: Iterable[str]) -> str:
    """First value that says something, in one line."""
    for tag in tags:
        if (value := block.find_value(tag)) is not None:
            text = " ".join(gemmi.cif.as_string(value).split())
            if text not in ("", "?", "."):
                return text
    return ""
