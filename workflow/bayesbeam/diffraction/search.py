"""Which phases a pattern has: from a library to probabilities of sets, with the best fit of the most probable one.

A first set is found one phase after the other. Then every phase that could be added, and every rival of one that is
there, gets a shape of its own as the set's members have; over all of them goes the sum over sets, in the noise of that
set. The best sets are fitted once more, shapes, heights and all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.candidates import gains, white_columns
from bayesbeam.diffraction.gram import Frame
from bayesbeam.diffraction.greedy import Found, Question, first_set, rest_of, settled, worths
from bayesbeam.diffraction.members import Member, member_of
from bayesbeam.diffraction.sets import MOST_COLUMNS, Columns, Sets, free_energy_of, search_sets
from bayesbeam.diffraction.shapes import Fit, Setting, refine

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ADDED, _RIVALS, _WORTH_A_LOOK, _NEAR = 10, 4, -6.0, 12.0
_ROUNDS, _ALONE, _BEST, _LEAST_WEIGHT = 3, 10, 8, 1e-3
_CYCLES = 3


@dataclass(frozen=True)
class Answer:
    """What is there.

    Attributes
    ----------
    fit : Fit
        Of the most probable set, in the noise that goes with it.
    frame : Frame
        That noise, with the background.
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
    """

    fit: Fit
    frame: Frame
    probability: FloatArray
    sets: Sets
    columns: tuple[Member, ...]
    owner: IntArray
    worth: FloatArray


def find_phases(asked: Question, seed: int = 0) -> Answer:
    """Probabilities of phases in a pattern; see the head of this file."""
    found = first_set(asked)
    for cycle in range(_CYCLES):
        worth = worths(asked, found.fit)
        setting = replace(asked.setting(found.frame), common_sd=np.zeros_like(asked.common_sd))
        shapes, stand_in = _shapes(asked, found, worth, setting)
        owner = np.array([_number(asked, one.phase.name) for one in shapes], dtype=np.int64)
        members = [_number(asked, name) for name in found.names]
        sets = _sets(asked, setting, found.fit, _Shapes(shapes, owner, stand_in, worth), seed)
        best = sets.members[0] if sets.members else ()
        same = {int(owner[j]) for j in best} == set(members)
        if same or cycle == _CYCLES - 1:
            break
        fit = settled(asked, found.fit.common, [shapes[j] for j in best], found.frame)
        found = Found(fit, asked.frame(fit.common, fit), found.raw)
    probability = sets.inclusion(owner, len(asked.phases))
    return Answer(found.fit, asked.frame(found.fit.common, found.fit), probability, sets, tuple(shapes), owner, worth)


def _number(asked: Question, name: str) -> int:
    """Number of the phase of a name."""
    return [phase.name for phase in asked.phases].index(name)


@dataclass(frozen=True)
class _Shapes:
    """Columns to choose from: the members of a set first.

    ``stand_in`` (C,) is the number of the member that a column may replace, -1 where it comes besides; ``worth`` (M,)
    what each member adds to the rest.
    """

    shapes: list[Member]
    owner: IntArray
    stand_in: IntArray
    worth: FloatArray


def _shapes(
    asked: Question, found: Found, worth: FloatArray, setting: Setting
) -> tuple[list[Member], IntArray]:  # fmt: skip
    """Members of a set, what may come besides and what instead, each at its best shape; whom each may replace."""
    shapes = list(found.fit.members)
    stand_in = list(range(len(shapes)))
    pairs = [*((one, -1) for one in _added(asked, found, setting)), *_rivals(asked, found, worth, setting)]
    for one, place in pairs[: MOST_COLUMNS - len(shapes)]:
        shapes.append(one)
        stand_in.append(place)
    return shapes, np.array(stand_in, dtype=np.int64)


def _added(asked: Question, found: Found, setting: Setting) -> list[Member]:
    """Phases that may be there besides, at their best shapes beside the set."""
    frame = found.frame
    gain, strain = gains(found.raw, white_columns(found.raw, frame), frame, found.fit.members, found.fit.parts)
    names = set(found.names)
    order = [k for k in np.argsort(-gain, kind="stable") if asked.phases[k].name not in names]
    chosen = [k for k in order[:_ADDED] if gain[k] > _WORTH_A_LOOK]
    made = [_shaped(asked, setting, found.fit, list(found.fit.members), int(k), float(strain[k])) for k in chosen]
    return [one for one in made if one is not None]


def _rivals(asked: Question, found: Found, worth: FloatArray, setting: Setting) -> list[tuple[Member, int]]:
    """Phases that may be there instead of one of the set, at their best shapes beside the others."""
    made: list[tuple[Member, int]] = []
    for j, member in enumerate(found.fit.members):
        others = [one for k, one in enumerate(found.fit.members) if k != j]
        without = rest_of(asked, found.fit, j)
        frame = asked.frame(found.fit.common, without)
        parts = np.delete(found.fit.parts, j, axis=0)
        gain, strain = gains(found.raw, white_columns(found.raw, frame), frame, others, parts)
        own = gain[_number(asked, member.phase.name)]
        for k in np.argsort(-gain, kind="stable")[: _RIVALS + 1]:
            if asked.phases[k].name in found.names or gain[k] < min(own, worth[j]) - _NEAR:
                continue
            rival = _shaped(asked, setting, found.fit, others, int(k), float(strain[k]))
            if rival is not None:
                made.append((rival, j))
    return made


def _shaped(
    asked: Question, setting: Setting, fit: Fit, others: Sequence[Member], k: int, strain: float
) -> Member | None:
    """A phase at its best shape beside others, whose shapes stay."""
    new = member_of(asked.phases[k], asked.data, asked.beam, fit.common, strain)
    if new is None:
        return None
    movable = [*(False for _ in others), True]
    return refine(setting, fit.common, [*others, new], _ALONE, shared=False, movable=movable).members[-1]


def _sets(asked: Question, setting: Setting, fit: Fit, given: _Shapes, seed: int) -> Sets:
    """Posterior over sets of columns; the best are fitted anew, shapes and all."""
    x, shapes = asked.data.x, given.shapes
    parts = np.array([one.part(x, asked.beam, fit.common) for one in shapes]).reshape(-1, len(x))
    white = setting.frame.columns(np.ascontiguousarray(parts.T))
    members = set(range(len(fit.members)))
    beside = [sorted(members - {j, int(given.stand_in[j])}) for j in range(len(shapes))]
    cost = np.array([_shape_cost(setting, fit, shapes, j, others) for j, others in enumerate(beside)])
    gram = np.asarray(white.T @ white, dtype=np.float64)
    columns = Columns(gram, white.T @ setting.frame.target, cost, given.owner, asked.log_prior)
    sets = search_sets(columns, seed, threads=asked.threads)
    chosen = [*sets.members]
    chosen.extend(tuple(sorted(members - {j})) for j in members if tuple(sorted(members - {j})) not in chosen)
    value = np.array([free_energy_of(columns, one) for one in chosen])
    opened = replace(setting, common_sd=asked.common_sd)
    anew = [t for t, p in enumerate(sets.probability[:_BEST]) if t == 0 or p > _LEAST_WEIGHT]
    before = value[anew].copy()
    for t in anew:
        fitted = refine(opened, fit.common, [shapes[j] for j in chosen[t]], _ROUNDS)
        value[t] = fitted.free_energy - setting.frame.misfit - asked.log_prior[len(chosen[t])]
    # What fitting anew gains, on average, the sets that are not fitted are granted too.
    rest = np.setdiff1d(np.arange(len(chosen)), anew)
    value[rest] += float(np.mean(value[anew] - before))
    value -= _borne(columns, chosen, given)
    order = np.argsort(value, kind="stable")
    weight = np.exp(value[order[0]] - value[order])
    return Sets(tuple(chosen[t] for t in order), value[order], weight / weight.sum(), sets.error)


def _borne(columns: Columns, chosen: Sequence[tuple[int, ...]], given: _Shapes) -> FloatArray:
    """Nats to be given back to each set that has neither a member nor one in its stead.

    Where the noise is that of the whole set, lines of a missing member count for more than unknown lines do; between a
    member and what stands in its stead that is right, but nothing in its stead is worth no less than what the member
    adds in the noise of the rest.
    """
    whole = tuple(range(len(given.worth)))
    back = np.zeros(len(chosen))
    for j, worth in enumerate(given.worth):
        rest = tuple(k for k in whole if k != j)
        prior = float(columns.log_prior[len(whole)] - columns.log_prior[len(rest)])
        full = free_energy_of(columns, rest) - free_energy_of(columns, whole) - prior
        instead = set(given.owner[given.stand_in == j].tolist())
        filled = np.array([any(int(given.owner[k]) in instead for k in one) for one in chosen])
        back[~filled] += max(full - float(worth), 0.0)
    return back


def _shape_cost(setting: Setting, fit: Fit, shapes: Sequence[Member], j: int, beside: Sequence[int]) -> float:
    """Nats that the shape of a column costs, beside others."""
    others = [shapes[k] for k in beside]
    movable = [*(False for _ in others), True]
    whole = refine(setting, fit.common, [*others, shapes[j]], 0, shared=False, movable=movable)
    pull = sum(0.5 * float(np.square(one.own / setting.spread.of(one.phase)).sum()) for one in others)
    return whole.shape_cost - pull
