"""Structures whose patterns cannot be told apart: copies of one structure are merged, look-alikes make families.

Merged are structures of one composition whose profiles have a cosine above 0.98; a family holds those above 0.95,
whatever they are made of: a search answers with the family first and with its members after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.formula import agree
from bayesbeam.crystals.library import Entry, Library

COPY = 0.98
LOOK_ALIKE = 0.95


def grouped(library: Library, cosines: Floats, copy: float = COPY, look_alike: float = LOOK_ALIKE) -> Library:
    """Library with copies merged and families named.

    Parameters
    ----------
    library : Library
    cosines : (K, K)
        Likeness of its entries: ``likeness.cosines``.
    copy, look_alike : float
        Cosines above which structures of one composition are one, and above which structures are a family.
    """
    copies = _copies(library.entries, cosines, copy)
    merged = {number for others in copies.values() for number in others}
    kept = [number for number in range(len(library.entries)) if number not in merged]
    names = library.names
    return replace(
        library.kept(kept),
        copies={names[number]: tuple(sorted(names[other] for other in others)) for number, others in copies.items()},
        families=tuple(
            tuple(names[kept[i]] for i in family) for family in _families(cosines[np.ix_(kept, kept)], look_alike)
        ),
    )


def _copies(entries: tuple[Entry, ...], cosines: Floats, limit: float) -> Mapping[int, list[int]]:
    """Numbers merged into the better entry of each set of copies."""
    copies: dict[int, list[int]] = {}
    heads: list[int] = []
    for number in sorted(range(len(entries)), key=lambda one: _preference(entries[one])):
        alike = [head for head in heads if cosines[number, head] > limit and _same(entries[number], entries[head])]
        if alike:
            copies.setdefault(max(alike, key=lambda head: float(cosines[number, head])), []).append(number)
        else:
            heads.append(number)
    return dict(sorted(copies.items()))


def _preference(entry: Entry) -> tuple[int, bool, bool, str]:
    """What makes a better entry: nothing put right, displacements known, a setting whose axes are free, its name."""
    return len(entry.notes), not entry.known_displacements, _equal_axes(entry), entry.name


def _equal_axes(entry: Entry) -> bool:
    """Whether the cell is that of a rhombohedral setting, which can only be stretched as a whole."""
    return len(set(entry.cell[:3])) == 1 and entry.cell[3] != 90.0


def _same(first: Entry, second: Entry) -> bool:
    """Whether two entries have one composition."""
    return agree(first.content, second.content)


def _families(cosines: Floats, limit: float) -> list[list[int]]:
    """Connected sets of more than one."""
    near = cosines > limit
    left = set(range(len(near)))
    families = []
    while left:
        family, fresh = set(), {min(left)}
        while fresh:
            family |= fresh
            fresh = {int(other) for one in fresh for other in np.flatnonzero(near[one])} - family
        left -= family
        if len(family) > 1:
            families.append(sorted(family))
    return families
