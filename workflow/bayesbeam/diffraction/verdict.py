"""What is said of each phase after a search: present, a possible trace, or not; of families, and of unknown lines.

A probability says how much better the pattern is told with a phase than without. It says ``present`` only if enough of
the phase's own lines are seen besides, for one line may be anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.law import Tolerance
from bayesbeam.diffraction.open_sets import open_sets
from bayesbeam.diffraction.search import Answer, sums_of
from bayesbeam.diffraction.unexplained import FEWEST_LINES, LEAST_SHARE, Unknown, lines_of_member, unknown_lines

FloatArray = NDArray[np.float64]

PRESENT, TRACE, ABSENT = "present", "possible trace", "not present"
TOLD, _LIKELY = 0.01, 0.5


@dataclass(frozen=True)
class PhaseVerdict:
    """One phase.

    Attributes
    ----------
    probability : float
    kind : str
        "present": more likely than not, with enough lines of its own and intensity; "possible trace": more likely
        than not without them; "not present" otherwise.
    family : str or None
        Name of its family.
    lines_seen, lines_in_range : int
        Groups of lines that are its own and stand out, and all; of phases outside the best set none is seen.
    worth : float
        Nats that it adds to the rest of the best set; 0 outside it.
    share : float
        Of the intensity above the background, in the best set.
    """

    name: str
    probability: float
    kind: str
    family: str | None
    lines_seen: int
    lines_in_range: int
    worth: float
    share: float


@dataclass(frozen=True)
class FamilyVerdict:
    """Phases whose patterns look alike, and the probability that one of them, whichever, is there."""

    name: str
    members: tuple[str, ...]
    probability: float


@dataclass(frozen=True)
class Verdict:
    """What is said after a search.

    ``phases`` are those of the best set and those of a probability of 1 % or more, the most probable first;
    ``families`` those of which one of them is a member; ``spacing`` (L,) are d in angstrom of the unknown lines, at the
    first wavelength, zero and displacement taken out.
    """

    phases: tuple[PhaseVerdict, ...]
    families: tuple[FamilyVerdict, ...]
    unknown: Unknown
    spacing: FloatArray


def verdict_of(asked: Question, answer: Answer, families: Sequence[Sequence[str]] = ()) -> Verdict:
    """What is said of phases, families and unknown lines."""
    family = {name: family_name(members) for members in families for name in members}
    place = {one.phase.name: j for j, one in enumerate(answer.fit.members)}
    told = [k for k, one in enumerate(asked.phases) if one.name in place or answer.probability[k] >= TOLD]
    told.sort(key=lambda k: -float(answer.probability[k]))
    rows = tuple(_phase(asked, answer, k, place.get(asked.phases[k].name), family) for k in told)
    names = {one.name for one in rows}
    known = [tuple(members) for members in families if names & set(members)]
    grouped = tuple(FamilyVerdict(family_name(one), one, any_of(asked, answer, one)) for one in known)
    fit = answer.fit
    unknown = unknown_lines(asked.data, fit.model, fit.background, asked.tolerance)
    return Verdict(rows, grouped, unknown, spacings(asked, fit.common, unknown.position))


def family_name(members: Sequence[str]) -> str:
    """Name of a family: that of its first member, and how many more there are."""
    return f"{members[0]} and {len(members) - 1} alike"


def any_of(asked: Question, answer: Answer, names: Sequence[str]) -> float:
    """Probability that at least one of the phases of these names is there."""
    numbers = {k for k, one in enumerate(asked.phases) if one.name in set(names)}
    sets = answer.sets
    return float(sum(weight for members, weight in zip(sets.members, sets.probability, strict=True)
                     if any(int(answer.owner[j]) in numbers for j in members)))  # fmt: skip


def kind_of(probability: float, seen: int, in_range: int, share: float) -> str:
    """Present, a possible trace, or not present."""
    if probability <= _LIKELY:
        return ABSENT
    enough = seen >= FEWEST_LINES or 0 < in_range == seen
    return PRESENT if enough and share > LEAST_SHARE else TRACE


def _phase(
    asked: Question, answer: Answer, k: int, place: int | None, family: Mapping[str, str]
) -> PhaseVerdict:  # fmt: skip
    """What is said of one phase, which may be in the best set."""
    fit, name, probability = answer.fit, asked.phases[k].name, float(answer.probability[k])
    if place is not None:
        seen, in_range = lines_of_member(asked.data, answer.frame, asked.beam, fit.common, fit.members, place)
        share, worth = fit.members[place].height, float(answer.worth[place])
        kind = kind_of(probability, seen, in_range, share)
        return PhaseVerdict(name, probability, kind, family.get(name), seen, in_range, worth, share)
    column = next(j for j, owner in enumerate(answer.owner) if owner == k)
    alone = [replace(answer.columns[column], height=0.0)]
    in_range = lines_of_member(asked.data, answer.frame, asked.beam, fit.common, alone, 0)[1]
    return PhaseVerdict(name, probability, TRACE if probability > _LIKELY else ABSENT, family.get(name), 0, in_range,
                        0.0, 0.0)  # fmt: skip


def spacings(asked: Question, common: FloatArray, two_theta: FloatArray) -> FloatArray:
    """Spacings d (angstrom) of lines at angles 2 theta (degrees) as measured."""
    shift = common[0] + common[1] * np.cos(np.radians(0.5 * two_theta))
    theta = np.radians(0.5 * (two_theta - shift))
    found: FloatArray = 0.5 * asked.beam.wavelengths[0] / np.sin(theta)
    return found


def with_error(asked: Question, answer: Answer, factor: float) -> FloatArray:
    """Probability (K,) of each phase if the errors of the model are so many times as large.

    Shapes are those of the search, and so are the phases that come into question at all.
    """
    return with_tolerance(asked, answer, asked.tolerance.times(factor))


def with_tolerance(asked: Question, answer: Answer, tolerance: Tolerance) -> FloatArray:
    """Probability (K,) of each phase under other errors of the model, shapes being those of the search."""
    sums = sums_of(asked, answer.fit, answer.columns, tolerance)
    starts = [*answer.sets.members[:1], ()]
    sets = open_sets(sums, answer.cost, answer.owner, asked.log_prior, starts)
    return sets.inclusion(answer.owner, len(asked.phases))
