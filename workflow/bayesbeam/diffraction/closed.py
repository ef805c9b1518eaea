"""The best set of phases in closed form, in the noise of a set that was found: a step from one set to a better one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.greedy import Found, Question
from bayesbeam.diffraction.members import parts_of
from bayesbeam.diffraction.rivals import Choice, setting_of
from bayesbeam.diffraction.sets import Columns, free_energy_of, search_sets
from bayesbeam.diffraction.shapes import refine

FloatArray = NDArray[np.float64]

_ROUNDS, _BEST, _LEAST_WEIGHT = 3, 8, 1e-3
_SWEEPS = 400
"""Of the walk among sets: it only has to come by the best ones."""


def better_set(asked: Question, found: Found, given: Choice, seed: int) -> tuple[int, ...]:
    """The best set of columns in the noise of the one that was found; the best are fitted anew, shapes and all."""
    shapes, fit = given.shapes, found.fit
    setting = setting_of(asked, found)
    parts = parts_of(asked.data.x, asked.beam, fit.common, shapes)
    white = setting.frame.columns(np.ascontiguousarray(parts.T))
    members = set(range(len(fit.members)))
    gram = np.asarray(white.T @ white, dtype=np.float64)
    columns = Columns(gram, white.T @ setting.frame.target, given.cost, given.owner, asked.log_prior)
    sets = search_sets(columns, seed, _SWEEPS, threads=asked.threads)
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
    return chosen[int(value.argmin())]


def _borne(columns: Columns, chosen: Sequence[tuple[int, ...]], given: Choice) -> FloatArray:
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
