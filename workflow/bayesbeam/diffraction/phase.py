"""One crystalline phase as the fit sees it: its lines, and what of its cell may change.

Edges that symmetry ties change together, and so do angles; right angles stay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesbeam.crystals.cell import metric
from bayesbeam.crystals.lines import Lines

FloatArray = NDArray[np.float64]
_RIGHT = 1e-3


@dataclass(frozen=True)
class Phase:
    """Lines of one phase, as families of planes that symmetry makes equal.

    Attributes
    ----------
    name : str
    cell : array (6,)
        Edges in angstrom and angles in degrees, as the structure has them.
    planes : array (L, 3)
        Indices (hkl) of one member of every family.
    strength : array (L,)
        Multiplicity times squared structure factor, electrons squared.
    mass_volume : float
        Mass of the content of a cell (g/mol) times its volume (cubic angstrom): times the scale of the lines it goes
        as the mass of the phase.
    edges, angles : tuple of tuple of int
        Edges (0 to 2) and angles (3 to 5) of the cell that change together, one parameter each.
    """

    name: str
    cell: FloatArray
    planes: FloatArray
    strength: FloatArray
    mass_volume: float
    edges: tuple[tuple[int, ...], ...]
    angles: tuple[tuple[int, ...], ...]

    @property
    def strains(self) -> int:
        """Number of parameters by which the cell may change."""
        return len(self.edges) + len(self.angles)

    @cached_property
    def change(self) -> NDArray[np.int64]:
        """Number (6,) of the parameter by which each edge and angle of the cell changes, -1 for none."""
        found = np.full(6, -1)
        for number, group in enumerate((*self.edges, *self.angles)):
            found[list(group)] = number
        return found

    @cached_property
    def upright(self) -> FloatArray:
        """Squared cosines (L,) of the angles between planes and the plane (0, 0, 1)."""
        return tilt(self, (0, 0, 1))


def phase_of(lines: Lines) -> Phase:
    """A phase from the lines of its structure."""
    cell = np.asarray(lines.cell, dtype=np.float64)
    edges = tuple(tuple(j for j in range(3) if lines.ties[j] == tie) for tie in dict.fromkeys(lines.ties))
    strength = np.asarray(lines.multiplicity * lines.squared_factor, dtype=np.float64)
    return Phase(lines.name, cell, np.asarray(lines.hkl, dtype=np.float64), strength, lines.mass * lines.volume,
                 edges, free_angles(cell, edges))  # fmt: skip


def free_angles(cell: FloatArray, edges: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Angles of a cell that may change: those that are not right, nor 120 degrees between two edges that are tied.

    Where all edges are tied, so are the angles.
    """
    oblique = [j for j in range(3, 6) if abs(float(cell[j]) - 90.0) > _RIGHT]
    if not oblique:
        return ()
    if len(edges) == 1:
        return ((3, 4, 5),)
    if len(edges) == 2 and abs(float(cell[5]) - 120.0) < _RIGHT:
        return ()
    return tuple((j,) for j in oblique)


def inverse_squares(phase: Phase, strain: FloatArray) -> FloatArray:
    """1/d^2 (L,) of all lines, inverse square angstrom, the cell being changed.

    ``strain``: relative changes of the edges, then changes of the angles in radians.
    """
    reciprocal = np.linalg.inv(metric(changed_cell(phase, strain)))
    return np.asarray(np.einsum("li,ij,lj->l", phase.planes, reciprocal, phase.planes))


def changed_cell(phase: Phase, strain: FloatArray) -> FloatArray:
    """Edges and angles (6,) of the cell after a change, as in ``inverse_squares``."""
    cell = phase.cell.copy()
    for value, group in zip(strain, (*phase.edges, *phase.angles), strict=True):
        for j in group:
            cell[j] = cell[j] * (1.0 + value) if j < 3 else cell[j] + math.degrees(value)
    return cell


def isotropic(phase: Phase, strain: float) -> FloatArray:
    """Parameters of a cell of which all edges change alike."""
    return np.array([strain] * len(phase.edges) + [0.0] * len(phase.angles))


def tilt(phase: Phase, axis: tuple[int, int, int]) -> FloatArray:
    """Squared cosine (L,) of the angle between the normal of each plane and that of the plane ``axis``."""
    reciprocal = np.linalg.inv(metric(phase.cell))
    pole = np.asarray(axis, dtype=np.float64)
    along = phase.planes @ reciprocal @ pole
    length = np.einsum("li,ij,lj->l", phase.planes, reciprocal, phase.planes) * float(pole @ reciprocal @ pole)
    found: FloatArray = np.square(along) / length
    return found
