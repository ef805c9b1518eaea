"""What makes a structure unbelievable: each doubt in words, with what to do about it.

A doubtful structure is left out by name; nothing here repairs one.
"""

from __future__ import annotations

from collections.abc import Iterator

import gemmi
import numpy as np

from bayesbeam.crystals.cell import metric
from bayesbeam.crystals.formula import HYDROGEN, agree, formula_of, written
from bayesbeam.crystals.structure import Structure
from bayesbeam.crystals.symmetry import fits_cell, is_closed
from bayesbeam.errors import Problem

LEAST_DENSITY, MOST_DENSITY = 0.8, 23.0  # g/cm^3: ices and light organics to osmium (22.6)
TOO_NEAR = 0.5  # angstrom: no two atoms; sites nearer than this share their place
FULL = 1.1  # sum of occupancies at one place, with what rounded ones add


def doubts(structure: Structure) -> tuple[Problem, ...]:
    """Why a structure is not believed; empty if it is.

    Notes
    -----
    Asked are: whether the operators make a group, whether the cell has their symmetry, whether atoms are on top of each
    other, whether the content of the cell is a multiple of the formula (hydrogen, which old structures leave out, is
    not counted), and whether the density is that of a solid.
    """
    return tuple(_doubts(structure))


def _doubts(structure: Structure) -> Iterator[Problem]:
    """Each doubt in turn."""
    where = structure.file or structure.name
    if not _make_a_group(structure):
        yield Problem(
            where,
            f"{len(structure.operators)} operators whose products are not among them",
            "all operators of a space group",
            "Complete the list of the CIF, or leave it out and name the space group.",
        )
    if not fits_cell(structure.symmetry, metric(structure.cell)):
        cell = " ".join(f"{value:g}" for value in structure.cell)
        yield Problem(
            where, f"a cell {cell} without the symmetry of its operators", "equal axes and angles", "Correct the CIF."
        )
    if crowd := _crowded(structure):
        yield Problem(
            where, f"atoms on top of each other: {crowd}", "one atom at a place", "Leave out copies by symmetry."
        )
    wanted = formula_of(structure.formula)
    if wanted and not agree(structure.content, wanted):
        yield Problem(
            where,
            f"a cell with {written(structure.content)}",
            f"a multiple of {structure.formula}",
            "Correct sites, occupancies, setting or formula.",
        )
    if not LEAST_DENSITY <= structure.density <= MOST_DENSITY:
        yield Problem(
            where,
            f"a density of {structure.density:.1f} g/cm^3",
            f"{LEAST_DENSITY} to {MOST_DENSITY}",
            "Correct cell or sites.",
        )


def _make_a_group(structure: Structure) -> bool:
    """Whether the operators make a group: one of the tables, or by their products."""
    listed = gemmi.GroupOps([gemmi.Op(text) for text in structure.operators])
    return gemmi.find_spacegroup_by_ops(listed) is not None or is_closed(structure.symmetry)


def _crowded(structure: Structure) -> str:
    """Labels of sites whose atoms share a place that is full without them; hydrogen, often split, is not asked."""
    kept = [number for number, site in enumerate(structure.sites) if site.element != HYDROGEN]
    if not kept:
        return ""
    owners = np.concatenate([np.full(len(structure.atoms[number]), number) for number in kept])
    places = np.concatenate([structure.atoms[number] for number in kept])
    occupancies = np.array([site.occupancy for site in structure.sites])[owners]
    scalar_products = metric(structure.cell)
    together: set[int] = set()
    for first in np.flatnonzero(np.diff(owners, prepend=-1)):  # one copy of each site sees what all copies see
        steps = places[first] - places
        steps -= np.round(steps)
        near = np.einsum("ai,ij,aj->a", steps, scalar_products, steps) < TOO_NEAR**2
        if float(occupancies[near].sum()) > FULL:
            together.update(owners[near].tolist())
    return ", ".join(structure.sites[number].label for number in sorted(together))
