"""Several patterns of one sample or of a series: phases that may be in some of them, one instrument, cells of each.

A phase that is too weak to be believed in any one pattern may be believed in all together. Each pattern is first
searched alone; then every candidate is weighed beside the set of each, and comes in if the sum over patterns is for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.candidates import gains, white_columns
from bayesbeam.diffraction.greedy import Found, Question, first_set, settled, worths
from bayesbeam.diffraction.members import member_of
from bayesbeam.diffraction.one_sample import names_of
from bayesbeam.diffraction.shapes import Fit, refine
from bayesbeam.errors import DataError, ModelError

FloatArray = NDArray[np.float64]

_SAME = 1e-4
_LEAST, _MOST_ROUNDS = 0.5, 4
_SHARED_SD = 0.1
"""Prior of what patterns of one instrument share, as a share of what it is for one pattern alone."""


@dataclass(frozen=True)
class Together:
    """Phases of several patterns.

    Attributes
    ----------
    names : tuple of str
        Phases that were weighed beside the sets (K), as they were asked for.
    probability : array (K,)
        That a phase is in any of the patterns.
    present : array (M, K)
        That it is in each.
    log_odds : array (M, K)
        Nats by which each pattern alone is for a phase, beside the others; priors of sets are left out.
    fits : tuple of Fit
        Of the phases that are more likely than not in each pattern.
    """

    names: tuple[str, ...]
    probability: FloatArray
    present: FloatArray
    log_odds: FloatArray
    fits: tuple[Fit, ...]

    def found(self, least: float = _LEAST) -> tuple[str, ...]:
        """Names of phases that are more likely than that in any pattern."""
        return tuple(name for name, share in zip(self.names, self.probability, strict=True) if share > least)


def find_in_all(asked: Sequence[Question], shared_instrument: bool = True) -> Together:
    """Phases of several patterns, in the order of a series.

    Parameters
    ----------
    asked : sequence of Question
        All with the same candidates and wavelengths.
    shared_instrument : bool
        Whether the zero and the widths of the instrument are nearly the same in all.

    Notes
    -----
    Given that a phase is in the series, it is in each pattern with probability 1/2, independently; whether it is in the
    series has the prior odds of one more phase. Each is weighed beside the others in closed form, as in the search of
    one pattern. Look-alikes are weighed beside each other: the one that came in first stays.

    Raises
    ------
    ModelError
        If there is no pattern, or candidates differ.
    DataError
        If wavelengths differ.
    """
    _check(asked)
    found = [first_set(one) for one in asked]
    questions = _shared(asked, found) if shared_instrument else list(asked)
    fits = _along(questions, [one.fit for one in found])
    for _ in range(_MOST_ROUNDS):
        odds, strain = _weighed(questions, found, fits)
        into = _series_odds(asked[0], odds, fits) > 0.0
        changed = False
        for i, fit in enumerate(fits):
            wanted = [
                int(k) for k in np.flatnonzero(into & (odds[i] > 0.0)) if asked[0].phases[k].name not in names_of(fit)
            ]
            kept = [one for one in fit.members if into[_number(asked[0], one.phase.name)]
                    and odds[i, _number(asked[0], one.phase.name)] > 0.0]  # fmt: skip
            new = [member_of(asked[0].phases[k], questions[i].data, questions[i].beam, fit.common, float(strain[i, k]))
                   for k in _best_first(wanted, odds[i])]  # fmt: skip
            made = [one for one in new[:1] if one is not None]
            if made or len(kept) < len(fit.members):
                frame = questions[i].frame(fit.common, fit)
                fits[i], changed = settled(questions[i], fit.common, [*kept, *made], frame), True
        if not changed:
            break
    odds, _ = _weighed(questions, found, fits)
    whole = 1.0 / (1.0 + np.exp(-np.clip(_series_odds(asked[0], odds, fits), -700.0, 700.0)))
    alone = 1.0 / (1.0 + np.exp(-np.clip(odds, -700.0, 700.0)))
    return Together(tuple(one.name for one in asked[0].phases), whole, whole * alone, odds, tuple(fits))


def _check(asked: Sequence[Question]) -> None:
    """Refuse patterns that do not belong together."""
    names = {tuple(phase.name for phase in one.phases) for one in asked}
    if len(names) != 1:
        found = f"{len(names)} lists of candidates" if asked else "no pattern"
        raise ModelError.at("patterns", found, "patterns with the same candidates", "")
    first = np.array(asked[0].beam.wavelengths)
    for number, one in enumerate(asked):
        other = np.array(one.beam.wavelengths)
        if len(other) != len(first) or float(np.abs(other / first - 1.0).max()) > _SAME:
            found = f"{other[0]:.6g} angstrom in pattern {number + 1}, {first[0]:.6g} in the first"
            raise DataError.at("patterns", found, "one wavelength", "Search patterns of other wavelengths apart.")


def _number(asked: Question, name: str) -> int:
    """Number of the phase of a name."""
    return [phase.name for phase in asked.phases].index(name)


def _best_first(numbers: Sequence[int], odds: FloatArray) -> list[int]:
    """Numbers by falling odds."""
    return sorted(numbers, key=lambda k: -float(odds[k]))


def _shared(asked: Sequence[Question], found: Sequence[Found]) -> list[Question]:
    """Questions with what patterns share as it is in the middle of all, with a narrow prior around it."""
    having = [one.fit.common for one in found if one.fit.members]
    if not having:
        return list(asked)
    middle = np.median(having, axis=0)
    return [replace(one, common_mean=middle, common_sd=_SHARED_SD * one.common_sd) for one in asked]


def _along(asked: Sequence[Question], fits: Sequence[Fit]) -> list[Fit]:
    """Fits with the shapes of a neighbour where they go better with a pattern than those that it was found with."""
    best = [settled(one, fit.common, fit.members, one.frame(fit.common, fit)) if fit.members else fit
            for one, fit in zip(asked, fits, strict=True)]  # fmt: skip
    for order in (range(1, len(best)), range(len(best) - 2, -1, -1)):
        for i in order:
            step = 1 if order.step > 0 else -1
            best[i] = from_neighbour(asked[i], best[i], best[i - step])
    return best


def from_neighbour(asked: Question, fit: Fit, neighbour: Fit) -> Fit:
    """Fit of a set from the shapes that its phases have in a neighbour, if it is the better one."""
    shapes = {one.phase.name: one.own for one in neighbour.members}
    if not any(one.phase.name in shapes for one in fit.members):
        return fit
    members = [replace(one, own=shapes.get(one.phase.name, one.own)) for one in fit.members]
    frame = asked.frame(fit.common, fit)
    there, here = (refine(asked.setting(frame), one.common, shapes, 0, shared=False).misfit
                   for one, shapes in ((neighbour, members), (fit, list(fit.members))))  # fmt: skip
    if there > here:
        return fit
    other = settled(asked, neighbour.common, members, frame)
    return other if _misfit(asked, other) < _misfit(asked, fit) - 1.0 else fit


def _misfit(asked: Question, fit: Fit) -> float:
    """Negative log density of a pattern, in the noise that goes with a fit, up to a constant."""
    law = asked.frame(fit.common, fit).law
    white = law.whitened(asked.data.y - fit.model)
    return 0.5 * float(white @ white) + 0.5 * law.log_determinant


def _weighed(
    asked: Sequence[Question], found: Sequence[Found], fits: Sequence[Fit]
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Nats (M, K) by which each pattern is for each phase beside its set, and the strains that go best."""
    odds, strain = np.zeros((2, len(asked), len(asked[0].phases)))
    for i, (one, first, fit) in enumerate(zip(asked, found, fits, strict=True)):
        frame = one.frame(fit.common, fit if fit.members else None)
        odds[i], strain[i] = gains(first.raw, white_columns(first.raw, frame), frame, fit.members, fit.parts)
        if fit.members:
            for member, worth in zip(fit.members, worths(one, fit), strict=True):
                odds[i, _number(one, member.phase.name)] = worth
    return np.maximum(odds, -700.0), strain


def _series_odds(asked: Question, odds: FloatArray, fits: Sequence[Fit]) -> FloatArray:
    """Log odds (K,) that each phase is in any pattern: the prior's, and log (1 + exp(odds)) / 2 of every pattern."""
    size = len(set().union(*(names_of(fit) for fit in fits)))
    inside = np.array([any(phase.name in names_of(fit) for fit in fits) for phase in asked.phases])
    prior = np.where(inside, asked.odds(max(size - 1, 0)), asked.odds(size))
    found: FloatArray = prior + (np.logaddexp(0.0, odds) - math.log(2.0)).sum(0)
    return found
