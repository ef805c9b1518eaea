"""Linear equations whose solution has the same last digits whatever the number of threads of a library."""

from __future__ import annotations

import numpy as np

from bayesbeam.evidence.estimate import FloatArray

# Unknowns that a library solves for in one thread; from a hundred on, more threads give other last digits.
_LARGEST = 64


def solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solution (n,) or (n, m) of a symmetric positive definite matrix (n, n) times it equal to ``right``.

    Notes
    -----
    Halves are eliminated until a library does the rest by itself; products in between are plain sums.
    """
    size = len(matrix)
    if size <= _LARGEST:
        return np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    flat = right.reshape(size, -1)
    half = size // 2
    across = matrix[:half, half:]
    both = solve(matrix[:half, :half], np.concatenate([across, flat[:half]], axis=1))
    first, own = both[:, : size - half], both[:, size - half :]
    rest = solve(matrix[half:, half:] - _product(across.T, first), flat[half:] - _product(across.T, own))
    return np.concatenate([own - _product(first, rest), rest]).reshape(right.shape)


def _product(one: FloatArray, other: FloatArray) -> FloatArray:
    """Product of two matrices, not by a library, which may share it out among threads."""
    product: FloatArray = np.einsum("ij,jk->ik", np.ascontiguousarray(one), np.ascontiguousarray(other))
    return product
