"""Which phases a pattern has: from a library to probabilities of sets, with the best fit of the most probable one.

A first set is found one phase after the other, and made better by exchange. Then every phase that could be added, and
every rival of one that is there, has a shape of its own as the set's members have; over all of them goes the sum over
sets, where any line may be of no candidate. Those that remain are shaped once more, all alike, in the noise of the best
set, and summed over again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.closed import better_set
from bayesbeam.diffraction.gram import Frame, frame_of
from bayesbeam.diffraction.greedy import Found, Question, first_set, settled
from bayesbeam.diffraction.law import Tolerance
from bayesbeam.diffraction.members import Member, parts_of
from bayesbeam.diffraction.open_lines import OpenSums, open_fit, open_law, open_sums
from bayesbeam.diffraction.open_sets import free_energy_of, open_sets, with_window_error
from bayesbeam.diffraction.rivals import Choice, choice_of, number_of, shape_cost
from bayesbeam.diffraction.sets import Sets
from bayesbeam.diffraction.shapes import Fit, Setting, refine

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ROUNDS, _ALONE, _SETTLE, _CYCLES = 3, 6, 2, 3
_LEAST, _MOST_POLISHED = 1e-3, 24


@dataclass(frozen=True)
class Answer:
    """What is there.

    Attributes
    ----------
    fit : Fit
        Of the most probable set, in the noise that goes with it.
    frame : Frame
        That noise, with the background: lines that are of no phase, or far off, are in it.
    probability : array (K,)
        Of each phase that was asked for.
    sets : Sets
        Sets of columns, the most probable first; ``columns`` says of which phases they are.
    columns : tuple of Member
        Shapes that were compared.
    owner : int array (C,)
        Number of the phase of each.
    worth : array (M,)
        Nats that each member of the fit adds to the rest.
    cost : array (C,)
        Nats that the shape of each column costs.
    """

    fit: Fit
    frame: Frame
    probability: FloatArray
    sets: Sets
    columns: tuple[Member, ...]
    owner: IntArray
    worth: FloatArray
    cost: FloatArray


def find_phases(asked: Question, seed: int = 0) -> Answer:
    """Probabilities of phases in a pattern; see the head of this file."""
    found, given = _closed(asked, seed)
    opened = _opened(asked, found.fit, given, len(found.names))
    for _ in range(_CYCLES - 1):
        # A set that lost a phase may have had it with a wrong cell: what may come besides is looked at once more.
        if {int(given.owner[j]) for j in opened.sets.members[0]} == {number_of(asked, name) for name in found.names}:
            break
        found = Found(opened.fit, asked.frame(opened.fit.common, opened.fit), found.raw)
        given = choice_of(asked, found)
        opened = _opened(asked, found.fit, given, len(found.names))
    polished = _polished(asked, opened, given)
    last = _opened(asked, opened.fit, polished, len(opened.fit.members))
    probability = last.sets.inclusion(polished.owner, len(asked.phases))
    sets = with_window_error(last.sets, last.sums, polished.cost, polished.owner, asked.log_prior)
    return Answer(last.fit, last.frame, probability, sets, tuple(polished.shapes), polished.owner,
                  _worths(asked, last.sums, polished, last.sets), polished.cost)  # fmt: skip


def _closed(asked: Question, seed: int) -> tuple[Found, Choice]:
    """A set that no exchange makes better in the noise that goes with it, and what it is to be compared with."""
    found = first_set(asked)
    given = choice_of(asked, found)
    for _ in range(_CYCLES):
        best = better_set(asked, found, given, seed)
        if {int(given.owner[j]) for j in best} == {number_of(asked, name) for name in found.names}:
            break
        fit = settled(asked, found.fit.common, [given.shapes[j] for j in best], found.frame)
        found = Found(fit, asked.frame(fit.common, fit), found.raw)
        given = choice_of(asked, found)
    return found, given


@dataclass(frozen=True)
class _Opened:
    """Posterior over sets with open lines, the fit of the best one and the noise that goes with it."""

    sums: OpenSums
    sets: Sets
    fit: Fit
    frame: Frame


def _opened(asked: Question, fit: Fit, given: Choice, first: int) -> _Opened:
    """Posterior over sets of columns, of which so many are first looked at as one set; the best one fitted anew."""
    sums = sums_of(asked, fit, given.shapes, asked.tolerance)
    sets = open_sets(sums, given.cost, given.owner, asked.log_prior, [tuple(range(first)), ()])
    return _Opened(sums, sets, *_fitted(asked, fit, [given.shapes[j] for j in sets.members[0]]))


def _polished(asked: Question, opened: _Opened, given: Choice) -> Choice:
    """Columns that may be there at all, each shaped once more beside the rest of the best set that has it."""
    sets, fit = opened.sets, opened.fit
    setting = Setting(asked.data, asked.beam, opened.frame, asked.common_mean, np.zeros_like(asked.common_sd),
                      asked.spread)  # fmt: skip
    best = list(sets.members[0])
    weight = sets.inclusion(np.arange(len(given.shapes)), len(given.shapes))
    others = [int(j) for j in np.argsort(-weight, kind="stable") if weight[j] > _LEAST and int(j) not in best]
    order = [*best, *others[:_MOST_POLISHED]]
    at_best = dict(zip(best, fit.members, strict=True))
    shapes, cost = [], []
    for j in order:
        home = next(one for one in sets.members if j in one)
        beside = [at_best.get(k, given.shapes[k]) for k in home if k != j]
        movable = [*(False for _ in beside), True]
        one = refine(setting, fit.common, [*beside, at_best.get(j, given.shapes[j])], _ALONE, False, movable)
        shapes.append(one.members[-1])
        cost.append(shape_cost(setting, fit, [*beside, one.members[-1]], len(beside), range(len(beside))))
    return Choice(shapes, given.owner[order], np.array(cost), given.stand_in[order], given.worth)


def _worths(asked: Question, sums: OpenSums, given: Choice, sets: Sets) -> FloatArray:
    """Nats that each member of the best set adds to the rest."""
    best, prior = sets.members[0], asked.log_prior
    without = [tuple(k for k in best if k != j) for j in best]
    values = np.array([free_energy_of(sums, given.cost, prior, one) + float(prior[len(one)]) for one in without])
    found: FloatArray = values - (sets.free_energy[0] + float(prior[len(best)]))
    return found


def sums_of(asked: Question, fit: Fit, columns: Sequence[Member], tolerance: Tolerance) -> OpenSums:
    """What sets of columns need, at the shared parameters and the background of a fit."""
    parts = parts_of(asked.data.x, asked.beam, fit.common, columns)
    return open_sums(asked.data, fit.common, tolerance, fit.background, parts)


def _fitted(asked: Question, fit: Fit, members: Sequence[Member]) -> tuple[Fit, Frame]:
    """Best fit of a set, shapes and all, where lines that are of no phase do not pull; the noise that goes with it."""
    frame = asked.frame(fit.common, fit)
    fit = refine(asked.setting(frame), fit.common, members, 0, shared=False)
    for _ in range(_SETTLE):
        sums = sums_of(asked, fit, fit.members, asked.tolerance)
        right = open_fit(sums, range(len(fit.members))).right
        law = open_law(asked.data, fit.common, asked.tolerance, fit.model, fit.background, right)
        frame = frame_of(law, asked.data.background, asked.data.y)
        fit = refine(asked.setting(frame), fit.common, fit.members, _ROUNDS)
    return fit, frame
