"""A library of structures: an index of what is in it, lines of each, and by name what was left out and why.

Files and their cache are read elsewhere (io/crystal_library.py); merging and families are in groups.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import gemmi

from bayesbeam.crystals.checks import doubts
from bayesbeam.crystals.cif import structure_of_cif
from bayesbeam.crystals.formula import formula_of
from bayesbeam.crystals.lines import Lines, Physics, lines_of
from bayesbeam.crystals.structure import Structure
from bayesbeam.errors import BayesbeamError, ConfigError, DataError, nearest

LINES_VERSION = 1  # raised whenever reading, checks or lines change a number or a decision: caches are then made anew
OUTSIDE = "which is not among the elements"
SYMBOLS = tuple(gemmi.Element(number).name for number in range(1, 119))


@dataclass(frozen=True)
class Entry:
    """One structure in the index."""

    name: str
    file: str
    formula: str
    mineral: str
    space_group: str
    system: str
    cell: tuple[float, ...]
    volume: float
    density: float
    content: Mapping[str, float]
    known_displacements: bool
    hash: str
    notes: tuple[str, ...] = ()

    @property
    def elements(self) -> frozenset[str]:
        """Elements in it, hydrogen of the formula among them."""
        return frozenset(self.content) | frozenset(formula_of(self.formula))


@dataclass(frozen=True)
class Skipped:
    """A structure that is left out, with the reasons."""

    file: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Library:
    """Candidates with their lines, in the order of their names.

    Attributes
    ----------
    entries, lines : tuple
        Index and lines, one each a structure.
    skipped : tuple
        What was left out because it is broken or was not asked for.
    copies : mapping
        Names that were merged into an entry, by the name of the entry.
    families : tuple
        Names of entries whose patterns look alike; entries without look-alikes are in none.
    """

    entries: tuple[Entry, ...]
    lines: tuple[Lines, ...]
    skipped: tuple[Skipped, ...] = ()
    copies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    families: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all entries."""
        return tuple(entry.name for entry in self.entries)

    def kept(self, numbers: Collection[int]) -> Library:
        """The library of the entries of these numbers alone."""
        order = sorted(numbers)
        entries = tuple(self.entries[number] for number in order)
        return replace(self, entries=entries, lines=tuple(self.lines[number] for number in order))


def admit(content: bytes, file: str, least_spacing: float, physics: Physics) -> tuple[Entry, Lines] | Skipped:
    """Entry and lines of a CIF, or why it is left out.

    Whatever a user can put right (a CIF that cannot be read, a doubtful structure, an element without scattering
    factors) makes a ``Skipped``; anything else is a mistake of ours and is raised.
    """
    try:
        structure = structure_of_cif(content, file)
        if found := doubts(structure):
            return Skipped(file, tuple(str(doubt).removeprefix(f"{file}: ") for doubt in found))
        lines = lines_of(structure, least_spacing, physics)
    except BayesbeamError as problem:
        return Skipped(file, (str(problem).removeprefix(f"{file}: "),))
    return entry_of(structure), lines


def entry_of(structure: Structure) -> Entry:
    """Line of the index that tells of a structure."""
    operators = gemmi.GroupOps([gemmi.Op(text) for text in structure.operators])
    group = gemmi.find_spacegroup_by_ops(operators)
    return Entry(
        name=structure.name,
        file=structure.file,
        formula=structure.formula,
        mineral=structure.mineral,
        space_group=structure.space_group if group is None else group.xhm(),
        system="" if group is None else group.crystal_system_str(),
        cell=structure.cell,
        volume=structure.volume,
        density=structure.density,
        content=dict(sorted(structure.content.items())),
        known_displacements=all(site.b_iso is not None for site in structure.sites),
        hash=structure.hash,
        notes=structure.notes,
    )


def check_elements(allowed: Collection[str], where: str = "elements") -> None:
    """Refuse what is no chemical symbol with a ConfigError that names it."""
    for symbol in allowed:
        if symbol not in SYMBOLS:
            raise ConfigError.at(where, f"{symbol!r}", "chemical symbols", nearest(symbol.capitalize(), SYMBOLS))


def of_elements(library: Library, allowed: Collection[str], where: str = "elements") -> Library:
    """Library of the structures that have no other elements than these; the rest is named under ``skipped``.

    Raises
    ------
    ConfigError
        If a symbol is no element.
    DataError
        If nothing is left.
    """
    check_elements(allowed, where)
    inside = [entry.elements <= set(allowed) for entry in library.entries]
    kept = library.kept([number for number, fits in enumerate(inside) if fits])
    if not kept.entries:
        raise DataError.at(
            where,
            f"no structure of {', '.join(sorted(allowed)) or 'no element'} alone among {len(library.entries)}",
            "at least one",
            "Name all elements that may be there, oxygen among them, or add structures.",
        )
    others = [
        Skipped(entry.file, (f"has {', '.join(sorted(entry.elements - set(allowed)))}, {OUTSIDE}",))
        for entry, fits in zip(library.entries, inside, strict=True)
        if not fits
    ]
    return replace(kept, skipped=(*library.skipped, *others))
