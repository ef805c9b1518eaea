"""What free energies of sets of phases are off by: by their integrals over amounts, and over shapes where sampled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.open_sampled import Correction, correction_of
from bayesbeam.diffraction.search import Answer, sums_of
from bayesbeam.stages.phase_refined import Sampled

MOST_CHECKED, LEAST_CHECKED = 5, 1e-3
"""Sets that are checked, and the probability that all but the first must have."""
Names = tuple[str, ...]


@dataclass(frozen=True)
class SetError:
    """What is to be added to the free energy of a set: for its amounts, and for its shapes where these were sampled."""

    amounts: Correction
    shapes: Correction | None

    @property
    def size(self) -> float:
        """How far the free energy is off, nats, as far as that is known."""
        return self.amounts.size if self.shapes is None else (self.amounts + self.shapes).size


def set_errors(question: Question, answer: Answer, sampled: Mapping[int, Sampled], seed: int) -> dict[Names, SetError]:
    """Errors of the most probable sets, by the names of their phases in order.

    What the integral over shapes is off by is that of the approximation of Laplace in the noise under which a set was
    sampled.
    """
    sums = sums_of(question, answer.fit, answer.columns, question.tolerance)
    shapes = {tuple(sorted(one.shaped.names)): one.found for one in sampled.values() if not one.reasons}
    found: dict[Names, SetError] = {}
    for rank, (members, weight) in enumerate(zip(answer.sets.members, answer.sets.probability, strict=True)):
        names = names_of(question, answer, members)
        if names in found:
            continue
        if len(found) == MOST_CHECKED or (rank and weight < LEAST_CHECKED):
            break
        other = shapes.get(names)
        moved = None if other is None else Correction(
            other.free_energy.value - other.laplace, other.free_energy.standard_error
        )  # fmt: skip
        found[names] = SetError(correction_of(sums, members, seed), moved)
    return found


def names_of(question: Question, answer: Answer, members: tuple[int, ...]) -> Names:
    """Names of the phases of a set of columns, in order."""
    return tuple(sorted(question.phases[int(answer.owner[j])].name for j in members))


def difference(one: SetError | None, best: SetError | None) -> float | None:
    """How far the difference of two free energies is off, nats; None where one of them was not checked.

    Shapes count only where those of both were sampled.
    """
    if one is None or best is None:
        return None
    both = one.shapes is not None and best.shapes is not None
    pairs = [(one.amounts, best.amounts), *([(one.shapes, best.shapes)] if both else [])]
    value = sum(mine.value - its.value for mine, its in pairs if mine and its)
    return math.hypot(value, *(part.standard_error for pair in pairs for part in pair if part))
