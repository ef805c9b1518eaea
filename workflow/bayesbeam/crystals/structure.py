"""One crystal structure: cell, operators, sites, and what follows from them: content, mass, density.

Decides nothing about files (cif.py) or about what is believable (checks.py).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import gemmi
import numpy as np

from bayesbeam.crystals.cell import Floats, metric, tied_axes, volume
from bayesbeam.crystals.formula import HYDROGEN, agree, formula_of
from bayesbeam.crystals.symmetry import Operators, operators_of

SAME_PLACE = 0.05  # angstrom: copies of an atom nearer than this are one atom on a special position
GRAM_PER_DALTON = 1.66053906892e-24  # CODATA 2022
BETWEEN_DECIMALS = 1.234e-7  # so that no coordinate in use is halfway between two rounded ones
CUBIC_CENTIMETRE = 1e24  # angstrom^3


@dataclass(frozen=True)
class Site:
    """An atom of the asymmetric unit: charge left out, ``b_iso`` in angstrom^2 or None where it is not known."""

    label: str
    element: str
    position: tuple[float, float, float]
    occupancy: float = 1.0
    b_iso: float | None = None


@dataclass(frozen=True)
class Structure:
    """A crystal structure as read, with words about what was changed in reading it.

    Attributes
    ----------
    name, file : str
        Name it goes by, and where it is from.
    cell : (6,)
        Angstrom and degrees.
    operators : tuple of str
        All operators of the space group as triplets, centrings included.
    space_group, formula, mineral : str
        As the file says; may be empty.
    notes : tuple of str
        What was put right in reading.
    """

    name: str
    cell: tuple[float, ...]
    operators: tuple[str, ...]
    sites: tuple[Site, ...]
    space_group: str = ""
    formula: str = ""
    mineral: str = ""
    file: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def symmetry(self) -> Operators:
        """Operators as arrays."""
        return operators_of(self.operators)

    @cached_property
    def volume(self) -> float:
        """Volume of the cell, angstrom^3."""
        return float(volume(self.cell))

    @cached_property
    def ties(self) -> tuple[int, int, int]:
        """Which axes change together; see ``cell.tied_axes``."""
        return tied_axes(self.symmetry.rotations)

    @cached_property
    def atoms(self) -> tuple[Floats, ...]:
        """Places of all copies of each site in the cell, (n, 3) each, fractional, in [0, 1)."""
        return tuple(_copies(site, self.symmetry, metric(self.cell)) for site in self.sites)

    @cached_property
    def content(self) -> Mapping[str, float]:
        """Number of atoms of each element in the cell."""
        numbers: dict[str, float] = {}
        for site, places in zip(self.sites, self.atoms, strict=True):
            numbers[site.element] = numbers.get(site.element, 0.0) + site.occupancy * len(places)
        return numbers

    @property
    def elements(self) -> frozenset[str]:
        """Elements in it."""
        return frozenset(site.element for site in self.sites)

    @cached_property
    def mass(self) -> float:
        """Mass of the content of the cell, g/mol of cells; hydrogen by the formula where the rest agrees with it."""
        numbers = {element: number for element, number in self.content.items() if element != HYDROGEN}
        stated = formula_of(self.formula)
        if numbers and stated and agree(self.content, stated):
            units = sum(numbers.values()) / sum(stated[element] for element in numbers)
            hydrogen = units * stated.get(HYDROGEN, 0.0)
        else:
            hydrogen = self.content.get(HYDROGEN, 0.0)
        numbers[HYDROGEN] = hydrogen
        return math.fsum(gemmi.Element(element).weight * number for element, number in numbers.items())

    @property
    def density(self) -> float:
        """Density, g/cm^3."""
        return self.mass * GRAM_PER_DALTON * CUBIC_CENTIMETRE / self.volume

    @cached_property
    def hash(self) -> str:
        """Hash of all that lines depend on: cell, operators, sites."""
        text = repr((self.cell, self.operators, self.sites))
        return hashlib.sha256(text.encode()).hexdigest()


def _copies(site: Site, symmetry: Operators, scalar_products: Floats) -> Floats:
    """Copies of a site, moved onto the special position if it is within ``SAME_PLACE`` of one."""
    start = np.array(site.position)
    images = symmetry.rotations @ start + symmetry.shifts
    steps = images - start
    steps -= np.round(steps)
    near = np.einsum("ni,ij,nj->n", steps, scalar_products, steps) < SAME_PLACE**2
    centre = start + steps[near].mean(axis=0)
    places = symmetry.rotations @ centre + symmetry.shifts
    rounded = np.round((places + BETWEEN_DECIMALS) % 1.0, 6) % 1.0
    _, first = np.unique(rounded @ np.array([1.0, 1e3, 1e6]), return_index=True)
    return np.asarray(places[np.sort(first)] % 1.0, dtype=np.float64)
