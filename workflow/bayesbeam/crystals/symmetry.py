"""Operators of a space group as arrays: parsed, closed, and the Laue group that makes families of lines.

Operators are kept as triplets such as ``-x,y+1/2,-z``; here they become integers and fractions of 24.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from bayesbeam.crystals.cell import Floats, Integers

DENOMINATOR = 24  # all translations of space groups are multiples of 1/24, as in gemmi
ROTATION_WEIGHTS = 5 ** np.arange(9)  # entries of rotations are -2 to 2, in settings in use -1 to 1


@dataclass(frozen=True, eq=False)
class Operators:
    """Rotation parts (n, 3, 3) and translations (n, 3) in units of 1/24, each operator once."""

    rotations: Integers
    translations: Integers

    @property
    def shifts(self) -> Floats:
        """Translations as fractions of the cell, (n, 3)."""
        return self.translations / float(DENOMINATOR)

    @property
    def count(self) -> int:
        """Number of operators, centrings included."""
        return len(self.rotations)


def operators_of(triplets: Sequence[str]) -> Operators:
    """Operators by triplets that ``triplet_of`` has passed, doubles left out."""
    parsed = [gemmi.Op(text) for text in triplets]
    rotations = np.array([op.rot for op in parsed], dtype=np.int64).reshape(-1, 3, 3) // DENOMINATOR
    translations = np.array([op.tran for op in parsed], dtype=np.int64).reshape(-1, 3) % DENOMINATOR
    _, places = np.unique(_code(rotations, translations), return_index=True)
    return Operators(rotations[places], translations[places])


def triplet_of(text: str) -> str:
    """Triplet as gemmi writes it.

    Raises
    ------
    ValueError
        If it cannot be read, or turns a lattice into another one; the message says what it is.
    """
    try:
        operator = gemmi.Op(text.strip().lower())
    except RuntimeError as problem:
        raise ValueError(str(problem)) from problem
    entries = np.array(operator.rot)
    whole = not np.any(entries % DENOMINATOR) and np.abs(entries).max() <= 2 * DENOMINATOR
    if not whole or abs(operator.det_rot()) != DENOMINATOR**3:
        raise ValueError(f"{text.strip()} is no rotation of a lattice")
    return operator.triplet()


def is_closed(operators: Operators) -> bool:
    """Whether products of operators are operators: whether they make a group."""
    rotations, translations = operators.rotations, operators.translations
    products = np.einsum("aij,bjk->abik", rotations, rotations)
    moved = (np.einsum("aij,bj->abi", rotations, translations) + translations[:, None, :]) % DENOMINATOR
    return bool(np.isin(_code(products, moved), _code(rotations, translations)).all())


def laue_rotations(operators: Operators) -> Integers:
    """Rotations of the Laue group up to their sign, (n, 3, 3): what takes indices of a family to each other."""
    rows = operators.rotations.reshape(-1, 9)
    first = np.argmax(rows != 0, axis=1)
    positive = rows * np.sign(rows[np.arange(len(rows)), first])[:, None]
    _, places = np.unique(positive @ ROTATION_WEIGHTS, return_index=True)
    return np.asarray(positive[places].reshape(-1, 3, 3), dtype=np.int64)


def fits_cell(operators: Operators, metric: Floats, tolerance: float = 0.01) -> bool:
    """Whether the rotations leave the metric as it is, to ``tolerance`` of its largest entry."""
    moved = np.einsum("nki,kl,nlj->nij", operators.rotations, metric, operators.rotations)
    return bool(np.abs(moved - metric).max() <= tolerance * np.abs(metric).max())


def _code(rotations: Integers, translations: Integers) -> Integers:
    """One integer for each operator."""
    turned = rotations.reshape(*rotations.shape[:-2], 9) @ ROTATION_WEIGHTS
    moved = translations @ np.array([1, DENOMINATOR, DENOMINATOR**2])
    return np.asarray(turned * DENOMINATOR**3 + moved, dtype=np.int64)
