"""Compiled sweeps of walkers over supports. Python's part is in ``chains.py``; moves and numbers are those of torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bayesbeam.sampling.engines.draws import philox, uniform
from bayesbeam.sampling.engines.library import cached_here
from bayesbeam.sparse.walkers import ANY, EXCHANGE_SLOT, IN, OUT

_helper = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def log_evidence(sums: Any, support: Any, size: int, root: Any, known: Any) -> float:
    """Log evidence of one support, -F, by the factor of its sums."""
    gram, moment, offset, squares, constant, after, scale = sums
    logs, left = 0.0, squares
    for i in range(size):
        a = support[i]
        for j in range(i):
            total = gram[a, support[j]]
            for t in range(j):
                total -= root[i, t] * root[j, t]
            root[i, j] = total / root[j, j]
        total, part = gram[a, a], moment[a]
        for t in range(i):
            total -= root[i, t] * root[i, t]
            part -= root[i, t] * known[t]
        root[i, i] = math.sqrt(total)
        known[i] = part / root[i, i]
        logs += 0.5 * math.log(total)
        left += offset[a] - known[i] * known[i]
    energy = 0.5 * left if after == 0.0 else after * math.log(scale + 0.5 * left)
    return -(constant + logs + energy)


@_helper
def _with(support: Any, size: int, column: int, new: Any) -> None:
    """Put a column into a rising list."""
    t = 0
    while t < size and support[t] < column:
        new[t] = support[t]
        t += 1
    new[t] = column
    for s in range(t, size):
        new[s + 1] = support[s]


@_helper
def _without(support: Any, size: int, place: int, new: Any) -> None:
    """Leave out the column at one place of a list."""
    for t in range(place):
        new[t] = support[t]
    for t in range(place + 1, size):
        new[t - 1] = support[t]


@_helper
def _other(support: Any, size: int, number: int) -> int:
    """Column of a number among those that are not in."""
    column = number
    for t in range(size):
        if support[t] <= column:
            column += 1
    return column


@_helper
def _alike(total: Any, u: float) -> int:
    """Column drawn by likeness from sums along a row."""
    low, high, wanted = 0, total.shape[0] - 1, u * total[total.shape[0] - 1]
    while low < high:
        middle = (low + high) // 2
        if total[middle] > wanted:
            high = middle
        else:
            low = middle + 1
    return low


@_helper
def propose(
    support: Any, size: int, columns: int, steps: Any, kind: float, u: float, v: float, new: Any, less: Any
) -> tuple[int, float]:
    """Propose another support into ``new``; returns its size, -1 for none, and the log ratio of prior and proposals."""
    change, likeness = steps[0], steps[1]
    out = min(int(u * size), size - 1)
    if kind < IN:
        if size == change.shape[0] or size == columns:
            return -1, 0.0
        _with(support, size, _other(support, size, min(int(v * (columns - size)), columns - size - 1)), new)
        return size + 1, change[size]
    if size == 0:
        return -1, 0.0
    if kind < OUT:
        _without(support, size, out, new)
        return size - 1, -change[size - 1]
    if size == columns:
        return -1, 0.0
    old = support[out]
    if kind < ANY:
        column, ratio = _other(support, size, min(int(v * (columns - size)), columns - size - 1)), 0.0
    else:
        column = _alike(likeness[old], v)
        for t in range(size):
            if support[t] == column:
                return -1, 0.0
        ratio = math.log(likeness[old, columns - 1] / likeness[column, columns - 1])
    _without(support, size, out, less)
    _with(less, size - 1, column, new)
    return size, ratio


@_helper
def _remember(best: Any, cost: Any, support: Any, size: int, value: float) -> None:
    """Put a support into a list of the best, unless it is there."""
    low, high = 0, cost.shape[0]
    while low < high:
        middle = (low + high) // 2
        if cost[middle] < value:
            low = middle + 1
        else:
            high = middle
    place, longest = low, best.shape[1]
    while place < cost.shape[0] and cost[place] == value:
        same = True
        for t in range(longest):
            same = same and best[place, t] == (support[t] if t < size else -1)
        if same:
            return
        place += 1
    for row in range(cost.shape[0] - 1, low, -1):
        cost[row] = cost[row - 1]
        for t in range(longest):
            best[row, t] = best[row - 1, t]
    cost[low] = value
    for t in range(longest):
        best[low, t] = support[t] if t < size else -1


@_helper
def _exchange(beta: Any, walkers: Any, c: int, sweep: int, key: Any, chance: Any) -> None:
    """Exchange states of neighbouring rungs, even pairs in even sweeps."""
    support, size, value, replica, last, halves = walkers
    rungs, longest = support.shape[1], support.shape[2]
    for r in range(rungs - 1):
        ratio = (beta[r + 1] - beta[r]) * (value[c, r] - value[c, r + 1])
        chance[r] = math.exp(min(ratio, 0.0))
    for r in range(sweep % 2, rungs - 1, 2):
        word = philox(np.uint64(c * 65536 + r), np.uint64(sweep), np.uint64(EXCHANGE_SLOT), key[0], key[1])[0]
        if uniform(word) < chance[r]:
            for t in range(longest):
                support[c, r, t], support[c, r + 1, t] = support[c, r + 1, t], support[c, r, t]
            size[c, r], size[c, r + 1] = size[c, r + 1], size[c, r]
            value[c, r], value[c, r + 1] = value[c, r + 1], value[c, r]
            replica[c, r], replica[c, r + 1] = replica[c, r + 1], replica[c, r]
    for end, at in ((1, replica[c, 0]), (2, replica[c, rungs - 1])):
        if last[c, at] == 3 - end:
            halves[c] += 1
        last[c, at] = end


def _advance(
    low: int, high: int, first: int, moves: int, key: Any, beta: Any, sums: Any, steps: Any, walkers: Any, block: Any
) -> None:
    """Advance the chains ``low`` to ``high - 1`` by as many sweeps as ``block`` has room for.

    Without room, only the log evidence of their states is computed.
    """
    support, size, value = walkers[0], walkers[1], walkers[2]
    values, sizes, top, exchange, best, cost = block
    log_prior, last = steps[2], cost.shape[1] - 1
    rungs, longest, columns = support.shape[1], support.shape[2], sums[1].shape[0]
    root, known = np.empty((longest, longest)), np.empty(longest)
    new, less = np.empty(longest, np.int64), np.empty(longest, np.int64)
    for c in range(low, high):
        if values.shape[0] == 0:
            for r in range(rungs):
                value[c, r] = log_evidence(sums, support[c, r], size[c, r], root, known)
        for s in range(values.shape[0]):
            number = np.uint64(first + s)
            for r in range(rungs):
                for m in range(moves):
                    w0, w1, w2, w3 = philox(np.uint64(c * 65536 + r), number, np.uint64(m), key[0], key[1])
                    before = size[c, r]
                    kind, u, v = uniform(w0), uniform(w1), uniform(w2)
                    count, ratio = propose(support[c, r], before, columns, steps, kind, u, v, new, less)
                    if count < 0:
                        continue
                    found = log_evidence(sums, new, count, root, known)
                    less_likely = -found - log_prior[count]
                    if less_likely <= cost[c, last]:
                        _remember(best[c], cost[c], new, count, less_likely)
                    if uniform(w3) < math.exp(min(ratio + beta[r] * (found - value[c, r]), 0.0)):
                        size[c, r], value[c, r] = count, found
                        for t in range(longest):
                            support[c, r, t] = new[t] if t < count else columns
            values[s, c], sizes[s, c], top[s, c] = value[c], size[c], support[c, rungs - 1]
            _exchange(beta, walkers, c, first + s, key, exchange[s, c])


# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    advance = njit(nogil=True, cache=True, error_model="numpy")(_advance)
