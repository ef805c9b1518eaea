"""Compiled walk through all supports that begin with one column, each extending its parent by one column.

The factor of a parent's matrix is kept for all columns that may still follow, so that a support costs as many steps as
it has columns. Python's part is in ``exhaustive.py``.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from bayesbeam.sampling.engines.library import cached_here

_helper = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def _coefficients(gram: Any, moment: Any, chosen: Any, size: int, root: Any, mean: Any, square: Any) -> None:
    """Mean and mean square of the coefficients of one support, in units of the priors' sd.

    ``root`` is scratch: the factor's lower triangle, then its inverse.
    """
    for i in range(size):
        for j in range(i + 1):
            total = gram[chosen[i], chosen[j]]
            for t in range(j):
                total -= root[i, t] * root[j, t]
            root[i, j] = math.sqrt(total) if i == j else total / root[j, j]
    for i in range(size):
        known = moment[chosen[i]]
        for t in range(i):
            known -= root[i, t] * mean[t]
        mean[i] = known / root[i, i]
    for j in range(size):
        root[j, j] = 1.0 / root[j, j]
    for j in range(size):
        for i in range(j + 1, size):
            total = 0.0
            for t in range(j, i):
                total -= root[i, t] * root[t, j]
            root[i, j] = total * root[i, i]
    # mean = inverse' (inverse moment), covariance = inverse' inverse.
    for j in range(size):
        value, variance = 0.0, 0.0
        for i in range(j, size):
            value += root[i, j] * mean[i]
            variance += root[i, j] * root[i, j]
        mean[j] = value
        square[j] = variance


@_helper
def _enlist(best: Any, best_free_energy: Any, chosen: Any, size: int, value: float) -> None:
    """Put a support into the list of the best of its size; of equal ones the earlier stays first."""
    place = best_free_energy.shape[0] - 1
    while place > 0 and best_free_energy[place - 1] > value:
        best_free_energy[place] = best_free_energy[place - 1]
        for t in range(size):
            best[place, t] = best[place - 1, t]
        place -= 1
    best_free_energy[place] = value
    for t in range(size):
        best[place, t] = chosen[t]


@_helper
def _weigh(full: Any, sums: Any, scratch: Any, support: Any, size: int, value: float, unexplained: float) -> None:
    """Add one support to the weighted sums of its size, relative to the least free energy so far."""
    gram, moment, unit, always, shape, scale = full
    reference, weight, inclusion, mean, square = sums
    chosen, root, m, v = scratch
    if value < reference[size]:
        factor = math.exp(value - reference[size])
        weight[size] *= factor
        for j in range(inclusion.shape[1]):
            inclusion[size, j] *= factor
            mean[size, j] *= factor
            square[size, j] *= factor
        reference[size] = value
    share = math.exp(reference[size] - value)
    weight[size] += share
    for t in range(always):
        chosen[t] = t
    for t in range(size):
        chosen[always + t] = always + support[t]
    _coefficients(gram, moment, chosen, always + size, root, m, v)
    level = 1.0 if shape == 0.0 else (scale + 0.5 * unexplained) / (shape - 1.0)
    for t in range(always + size):
        j = chosen[t]
        value_here = unit[j] * m[t]
        inclusion[size, j] += share
        mean[size, j] += share * value_here
        square[size, j] += share * (value_here * value_here + level * unit[j] * unit[j] * v[t])


@_helper
def take_in(reduced: Any, state: Any, size: int) -> float:
    """Extend the factor by the column last chosen; returns the least share of a column that the chosen ones leave."""
    gram, offset = reduced[0], reduced[2]
    support, row, pivot, rest, logs, squares = state
    columns, i, d = gram.shape[0], support[size - 1], size - 1
    root = math.sqrt(pivot[d, i])
    known = rest[d, i] / root
    logs[size] = logs[d] + math.log(root)
    squares[size] = squares[d] + offset[i] - known * known
    for j in range(i + 1, columns):
        row[d, j] = gram[i, j]
    for t in range(d):
        factor = row[t, i]
        for j in range(i + 1, columns):
            row[d, j] -= factor * row[t, j]
    least = 1.0
    for j in range(i + 1, columns):
        part = row[d, j] / root
        row[d, j] = part
        pivot[size, j] = pivot[d, j] - part * part
        rest[size, j] = rest[d, j] - part * known
        least = min(least, pivot[size, j] / gram[j, j])
    return least


@_helper
def child(reduced: Any, state: Any, size: int, j: int) -> tuple[float, float]:
    """Free energy of the chosen columns and one more, and what they leave unexplained."""
    offset, constant, after, scale = reduced[2], reduced[3], reduced[4], reduced[5]
    pivot, rest, logs, squares = state[2], state[3], state[4], state[5]
    left = squares[size] + offset[j] - rest[size, j] * rest[size, j] / pivot[size, j]
    energy = 0.5 * left if after == 0.0 else after * math.log(scale + 0.5 * left)
    return constant + logs[size] + 0.5 * math.log(pivot[size, j]) + energy, left


@_helper
def _look(
    reduced: Any, full: Any, state: Any, sums: Any, density: Any, ranked: Any, scratch: Any, size: int, begin: int,
    lost: float,
) -> None:  # fmt: skip
    """Free energy of every support that one more column, from ``begin`` on, makes of the chosen ones."""
    support = state[0]
    low, per_width, histogram = density
    best, best_free_energy = ranked
    last, bins = best_free_energy.shape[1] - 1, histogram.shape[1]
    for j in range(begin, reduced[0].shape[0]):
        value, unexplained = child(reduced, state, size, j)
        place = int((value - low) * per_width)
        histogram[size + 1, min(max(place, 0), bins - 1)] += 1
        support[size] = j
        if value < best_free_energy[size + 1, last]:
            _enlist(best[size + 1], best_free_energy[size + 1], support, size + 1, value)
        if value < sums[0][size + 1] + lost:
            _weigh(full, sums, scratch, support, size + 1, value, unexplained)


def _walk(
    first: int, most: int, lost: float, reduced: Any, full: Any, state: Any, sums: Any, density: Any, ranked: Any,
    scratch: Any, following: Any,
) -> float:  # fmt: skip
    """All supports that extend the one of column ``first``, or for -1 those of one column.

    ``state`` begins with what is known without any column; row d of it is that of d columns. Returns the least share of
    a column that others leave.
    """
    if first < 0:
        _look(reduced, full, state, sums, density, ranked, scratch, 0, 0, lost)
        return 1.0
    support, columns = state[0], reduced[0].shape[0]
    least, size, following[0] = 1.0, 0, first
    while size >= 0:
        j = following[size]
        if j >= columns or (size == 0 and j > first):
            size -= 1
            continue
        following[size] = j + 1
        support[size] = j
        least = min(least, take_in(reduced, state, size + 1))
        _look(reduced, full, state, sums, density, ranked, scratch, size + 1, j + 1, lost)
        if size + 2 < most:
            size += 1
            following[size] = j + 1
    return least


# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    walk = njit(nogil=True, cache=True, error_model="numpy")(_walk)
