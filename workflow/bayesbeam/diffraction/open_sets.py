"""Which sets of phases, where any line may be of no candidate: the best sets and all their neighbours.

Sets are looked at outwards from given ones: of every set within a window of the best, all that have one column more,
one less, or one for another, until no new one is in the window.

Source
------
Madigan and Raftery, Journal of the American Statistical Association 89 (1994) 1535: Occam's window.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.open_lines import OpenSums, open_fit
from bayesbeam.diffraction.sets import Sets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

WINDOW, MOST_LOOKED_AT = 5.0, 3000
_LEAST = 1e-6


def open_sets(
    sums: OpenSums, cost: FloatArray, owner: IntArray, log_prior: FloatArray, starts: Iterable[tuple[int, ...]],
    window: float = WINDOW,
) -> Sets:  # fmt: skip
    """Posterior over sets of columns.

    Parameters
    ----------
    cost : array (C,)
        Nats that the shape of a column costs.
    owner : int array (C,)
        Number of the phase of each; a set has one column of a phase at most.
    log_prior : array (M+1,)
        Of one set of 0 to M phases.
    starts : sets of columns
        Where to begin.
    window : float
        Nats above the best set within which the neighbours of a set are looked at.
    """
    known: dict[tuple[int, ...], float] = {}
    right: dict[tuple[int, ...], FloatArray] = {}
    queue: list[tuple[float, tuple[int, ...]]] = []
    best = math.inf

    def look(members: tuple[int, ...], near: FloatArray | None) -> None:
        nonlocal best
        if members in known or len(known) >= MOST_LOOKED_AT:
            return
        rest = float(cost[list(members)].sum()) - float(log_prior[len(members)])
        found = open_fit(sums, members, near, best + window - rest)
        known[members], right[members] = found.free_energy + rest, found.right
        best = min(best, known[members])
        heapq.heappush(queue, (known[members], members))

    for one in starts:
        look(tuple(sorted(one)), None)
    while queue and queue[0][0] <= best + window:
        home = heapq.heappop(queue)[1]
        for one in neighbours(home, owner, len(log_prior) - 1):
            look(one, right[home])
    return _posterior(known)


def with_window_error(
    sets: Sets, sums: OpenSums, cost: FloatArray, owner: IntArray, log_prior: FloatArray
) -> Sets:  # fmt: skip
    """The same posterior; its error is how far the probability of a column moves in a window twice as wide."""
    wide = open_sets(sums, cost, owner, log_prior, [*sets.members[:1], ()], 2.0 * WINDOW)
    columns = np.arange(len(owner))
    moved = wide.inclusion(columns, len(owner)) - sets.inclusion(columns, len(owner))
    return replace(sets, error=float(np.abs(moved).max(initial=0.0)))


def free_energy_of(sums: OpenSums, cost: FloatArray, log_prior: FloatArray, members: tuple[int, ...]) -> float:
    """Free energy of one set, its prior included."""
    shapes = float(cost[list(members)].sum())
    return open_fit(sums, members).free_energy + shapes - float(log_prior[len(members)])


def neighbours(members: tuple[int, ...], owner: IntArray, most: int) -> Iterator[tuple[int, ...]]:
    """Sets with one column less, one more, or one for another."""
    for j in members:
        rest = tuple(k for k in members if k != j)
        yield rest
        others = {int(owner[k]) for k in rest}
        yield from (_with(rest, k) for k in range(len(owner)) if k not in members and int(owner[k]) not in others)
    if len(members) < most:
        own = {int(owner[k]) for k in members}
        yield from (_with(members, k) for k in range(len(owner)) if int(owner[k]) not in own)


def _with(members: tuple[int, ...], column: int) -> tuple[int, ...]:
    """A set with one column more, in order."""
    return tuple(sorted((*members, column)))


def _posterior(known: dict[tuple[int, ...], float]) -> Sets:
    """Sets by probability, those of next to none left out."""
    members = sorted(known, key=lambda one: (known[one], one))
    value = np.array([known[one] for one in members])
    weight = np.exp(value[0] - value)
    kept = int((weight > _LEAST * weight.sum()).sum())
    return Sets(tuple(members[:kept]), value[:kept], weight[:kept] / weight[:kept].sum(), 0.0)
