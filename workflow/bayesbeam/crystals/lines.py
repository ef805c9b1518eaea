"""Lines of a powder: every family of lattice planes with its multiplicity and squared structure factor.

Families are kept apart even where they meet at one angle, so that a cell may change each of its axes. What geometry
and instrument make of the lines is decided elsewhere (geometry.py, and the profile).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bayesbeam.crystals.cell import Floats, Integers, metric, spacing
from bayesbeam.crystals.scattering import Factors, TabulatedFactors
from bayesbeam.crystals.structure import Structure
from bayesbeam.crystals.symmetry import laue_rotations
from bayesbeam.errors import ModelError

B_UNKNOWN = 0.6  # angstrom^2: displacement of atoms whose file says nothing; inorganic solids have 0.2 to 1.5
ABSENT = 1e-10  # of the largest squared factor: weaker lines are absences of the space group, up to rounding
MOST_INDICES = 1_000_000  # of a half space: a cell of 50 angstrom on each side, to a spacing of 0.8


@dataclass(frozen=True)
class Physics:
    """What is in a structure factor.

    Attributes
    ----------
    factors : Factors
        f0, f' and f''.
    displacements : bool
        Whether atoms move: the factor exp(-B s^2).
    b_unknown : float
        B in angstrom^2 where the file has none.
    """

    factors: Factors = field(default_factory=TabulatedFactors)
    displacements: bool = True
    b_unknown: float = B_UNKNOWN


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of one structure, by falling spacing.

    A line weighs ``multiplicity * squared_factor * LP`` in a pattern. With the scale S of that, the weight fraction of
    phase k is ``S_k mass_k volume_k`` over the sum of these.

    Attributes
    ----------
    cell : tuple (6,)
        Angstrom and degrees.
    ties : tuple (3,)
        Axes of the same number change together (``cell.axis_strain``).
    hkl : (L, 3)
        One member of each family.
    multiplicity : (L,)
        Number of planes of a family, opposite ones counted.
    squared_factor : (L,)
        Squared structure factor of a cell, electrons^2, mean of opposite planes.
    volume : float
        Angstrom^3 a cell.
    mass : float
        g/mol of cells.
    """

    name: str
    cell: tuple[float, ...]
    ties: tuple[int, int, int]
    hkl: Integers
    multiplicity: Integers
    squared_factor: Floats
    volume: float
    mass: float

    def spacing(self, strain: float | Floats = 0.0) -> Floats:
        """Spacings of all lines, (..., L) angstrom, of a cell changed by ``strain`` () or (..., 3)."""
        return spacing(self.cell, self.hkl, strain)


def lines_of(structure: Structure, least_spacing: float, physics: Physics | None = None) -> Lines:
    """Lines of a structure down to a spacing.

    Parameters
    ----------
    structure : Structure
        With believable content: see checks.py.
    least_spacing : float
        Smallest spacing d, angstrom.
    physics : Physics, optional
        Scattering factors and displacements; tabulated ones without anomalous terms by default.

    Raises
    ------
    ModelError
        If the spacing is not positive, or so small that there are millions of lines.
    DataError
        If an element has no scattering factors.

    Notes
    -----
    F = sum_j (f0 + f' + i f'') o exp(-B s^2) exp(2 pi i h x) over the atoms of the cell. With P the sum with f0 + f'
    and Q that with f'', opposite planes have |P|^2 + |Q|^2 on average, which is what a powder shows.
    """
    chosen = physics or Physics()
    hkl, multiplicity = families(structure, least_spacing)
    s = 0.5 / spacing(structure.cell, hkl)
    squared = _squared_factors(structure, hkl, s, chosen)
    kept = squared > ABSENT * max(squared.max(initial=0.0), 1e-300)
    order = np.argsort(s[kept], kind="stable")
    return Lines(
        structure.name,
        structure.cell,
        structure.ties,
        hkl[kept][order],
        multiplicity[kept][order],
        squared[kept][order],
        structure.volume,
        structure.mass,
    )


def families(structure: Structure, least_spacing: float) -> tuple[Integers, Integers]:
    """Families of planes with larger spacings: indices (L, 3) and multiplicities (L,), absences among them."""
    indices = _half_space(structure.cell, least_spacing, structure.name)
    base = 2 * int(np.abs(indices).max(initial=0)) * 3 + 3
    weights = np.array([base * base, base, 1])
    rotations = laue_rotations(structure.symmetry)
    codes = np.abs(indices @ weights)
    for rotation in rotations:
        kept = np.abs(indices @ rotation @ weights) <= codes
        indices, codes = indices[kept], codes[kept]
    images = np.sort(np.abs(np.einsum("li,nij,j->ln", indices, rotations, weights)), axis=1)
    different = 1 + np.count_nonzero(np.diff(images, axis=1), axis=1)
    return indices, 2 * different


def _half_space(cell: tuple[float, ...], least_spacing: float, name: str) -> Integers:
    """Indices of one half of all planes with spacings above the least one."""
    if not (least_spacing > 0.0 and math.isfinite(least_spacing)):
        raise ModelError.at(f"lines of {name}", f"a least spacing of {least_spacing} A", "a positive number")
    most = np.floor(np.array(cell[:3]) / least_spacing + 1e-9).astype(np.int64)
    if (count := int(np.prod(2.0 * most + 1.0) / 2.0)) > MOST_INDICES:
        raise ModelError.at(
            f"lines of {name}",
            f"{count} planes above {least_spacing} A",
            f"up to {MOST_INDICES}",
            "Take a larger least spacing.",
        )
    ranges = (np.arange(0, most[0] + 1), *(np.arange(-number, number + 1) for number in most[1:]))
    indices = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)
    base = 2 * int(most.max()) + 1
    weights = np.array([base * base, base, 1])
    indices = indices[indices @ weights > 0]
    reciprocal = np.linalg.inv(metric(cell))
    squares = np.einsum("li,ij,lj->l", indices, reciprocal, indices)
    return np.asarray(indices[squares <= (1.0 + 1e-12) / least_spacing**2], dtype=np.int64)


def _squared_factors(structure: Structure, hkl: Integers, s: Floats, physics: Physics) -> Floats:
    """Squared structure factors, mean of opposite planes, (L,)."""
    normal = np.zeros(len(hkl), dtype=np.complex128)
    absorbing = np.zeros(len(hkl), dtype=np.complex128)
    shared: dict[str, Floats] = {}
    for site, places in zip(structure.sites, structure.atoms, strict=True):
        if site.element not in shared:
            shared[site.element] = physics.factors.f0(site.element, s)
        phases = (2.0 * np.pi) * (hkl @ places.T)
        waves = np.cos(phases).sum(axis=1) + 1j * np.sin(phases).sum(axis=1)
        waves *= site.occupancy
        if physics.displacements:
            b_iso = physics.b_unknown if site.b_iso is None else site.b_iso
            waves *= np.exp(-b_iso * s**2)
        terms = physics.factors.dispersion(site.element)
        normal += waves * (shared[site.element] + terms.real)
        absorbing += waves * terms.imag
    return np.asarray(np.abs(normal) ** 2 + np.abs(absorbing) ** 2, dtype=np.float64)
