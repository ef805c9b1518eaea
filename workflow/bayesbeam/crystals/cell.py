"""Unit cells: volume, spacings of lattice planes, and the changes that the crystal system allows.

A cell is ``(a, b, c, alpha, beta, gamma)`` in angstrom and degrees. Everything takes arrays; nothing knows of atoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


def metric(cell: ArrayLike) -> Floats:
    """Scalar products of the axes, angstrom^2.

    Parameters
    ----------
    cell : (..., 6)
        Lengths in angstrom and angles in degrees.

    Returns
    -------
    (..., 3, 3)
        ``metric[i, j] = a_i . a_j``; exact zeros at right angles.
    """
    values = np.asarray(cell, dtype=np.float64)
    lengths, angles = values[..., :3], values[..., 3:]
    cosines = np.where(angles == 90.0, 0.0, np.cos(np.radians(angles)))
    result = lengths[..., :, None] * lengths[..., None, :]
    for row, column, angle in ((1, 2, 0), (0, 2, 1), (0, 1, 2)):
        result[..., row, column] *= cosines[..., angle]
        result[..., column, row] *= cosines[..., angle]
    return result


def volume(cell: ArrayLike) -> Floats:
    """Volume of a cell, angstrom^3; nan where the angles make none."""
    determinant = np.linalg.det(metric(cell))
    return np.sqrt(np.where(determinant > 0.0, determinant, np.nan))


def spacing(cell: ArrayLike, hkl: ArrayLike, strain: ArrayLike = 0.0) -> Floats:
    """Spacings d of lattice planes, angstrom.

    Parameters
    ----------
    cell : (..., 6)
        Lengths in angstrom and angles in degrees.
    hkl : (L, 3)
        Indices.
    strain : (...) or (..., 3)
        Relative change of all lengths, or of each; the angles stay.

    Returns
    -------
    (..., L)

    Notes
    -----
    1/d^2 = h G* h with G* the inverse of the metric; a length that grows by 1 + e divides its index by 1 + e.
    """
    change = np.asarray(strain, dtype=np.float64)
    if change.ndim == 0 or change.shape[-1] != 3:
        change = change[..., None]
    reciprocal = np.linalg.inv(metric(cell))
    indices = np.asarray(hkl, dtype=np.float64) / (1.0 + change[..., None, :])
    squares = np.einsum("...li,...ij,...lj->...l", indices, reciprocal, indices)
    return np.asarray(1.0 / np.sqrt(squares), dtype=np.float64)


def strained(cell: ArrayLike, strain: ArrayLike) -> Floats:
    """Cell with its lengths changed by ``strain`` (..., 3), relative; the angles stay."""
    values = np.asarray(cell, dtype=np.float64)
    change = np.asarray(strain, dtype=np.float64)
    lengths = values[..., :3] * (1.0 + change)
    angles = np.broadcast_to(values[..., 3:], lengths.shape)
    return np.concatenate([lengths, angles], axis=-1)


def tied_axes(rotations: NDArray[np.int64]) -> tuple[int, int, int]:
    """Which lengths change together: (0, 0, 0) if cubic or rhombohedral, (0, 0, 1) if tetragonal or hexagonal.

    Parameters
    ----------
    rotations : (n, 3, 3)
        Rotation parts of all operators, acting on fractional coordinates.

    Notes
    -----
    An operator that takes axis i to a direction with a share of axis j makes the two equally long. That holds in the
    settings in use, where each axis is taken to an axis or, in the hexagonal plane, to the negative sum of two.
    """
    joined = np.any(np.asarray(rotations) != 0, axis=0) | np.eye(3, dtype=bool)
    joined |= joined.T
    for _ in range(2):
        joined = (joined.astype(np.int64) @ joined.astype(np.int64)) > 0
    firsts = [int(np.flatnonzero(row)[0]) for row in joined]
    order = sorted(set(firsts))
    return order.index(firsts[0]), order.index(firsts[1]), order.index(firsts[2])


def axis_strain(changes: ArrayLike, ties: Sequence[int]) -> Floats:
    """Strain of each axis (..., 3) from one change for each set of tied axes (..., n)."""
    return np.asarray(changes, dtype=np.float64)[..., list(ties)]
