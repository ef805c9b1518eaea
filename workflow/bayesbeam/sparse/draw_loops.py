"""Compiled walk through supports that picks those where the sum of weights passes given numbers; see ``draws.py``."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from bayesbeam.sampling.engines.library import cached_here
from bayesbeam.sparse.loops import child, take_in

_helper = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def _pick(reduced: Any, state: Any, size: int, begin: int, wanted: Any, picked: Any) -> None:
    """Add the weights of the chosen columns and one more, from ``begin`` on, and note what is picked on the way."""
    reference, total, marks, place, end = wanted
    support, k = state[0], size + 1
    if place[k] == end[k]:
        return
    for j in range(begin, reduced[0].shape[0]):
        total[k] += math.exp(min(reference[k] - child(reduced, state, size, j)[0], 700.0))
        while place[k] < end[k] and marks[place[k]] < total[k]:
            for t in range(size):
                picked[place[k], t] = support[t]
            picked[place[k], size] = j
            place[k] += 1


def _walk(first: int, most: int, reduced: Any, state: Any, following: Any, wanted: Any, picked: Any) -> None:
    """Go the way of :func:`bayesbeam.sparse.loops.walk`."""
    if first < 0:
        _pick(reduced, state, 0, 0, wanted, picked)
        return
    support, columns = state[0], reduced[0].shape[0]
    size, following[0] = 0, first
    while size >= 0:
        j = following[size]
        if j >= columns or (size == 0 and j > first):
            size -= 1
            continue
        following[size] = j + 1
        support[size] = j
        take_in(reduced, state, size + 1)
        _pick(reduced, state, size + 1, j + 1, wanted, picked)
        if size + 2 < most:
            size += 1
            following[size] = j + 1


# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    walk = njit(nogil=True, cache=True, error_model="numpy")(_walk)
