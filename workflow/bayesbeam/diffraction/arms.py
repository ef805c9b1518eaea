"""The same question to two arms: sets by exact free energies, and all candidates at once by variational inference.

The second is believed where it finds the same phases as the first; where not, that is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.candidates import gain_of, gains, raw_columns, white_columns
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.search import Answer
from bayesbeam.diffraction.sets import Columns
from bayesbeam.diffraction.shapes import refine
from bayesbeam.diffraction.variational import variational_sets

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Arms:
    """Phases that each arm finds, by name and in the order of the candidates; share of starts that end with these."""

    exchange: tuple[str, ...]
    variational: tuple[str, ...]
    agreeing: float

    @property
    def agrees(self) -> bool:
        """Whether both find the same."""
        return self.exchange == self.variational


def both_arms(asked: Question, answer: Answer, seed: int = 0, starts: int = 100, device: str = "cpu") -> Arms:
    """What variational inference finds among all candidates, beside the most probable set of a search."""
    columns = library_columns(asked, answer)
    found = variational_sets(columns, starts, seed, device=device)
    best = answer.sets.members[0] if answer.sets.members else ()
    names = [phase.name for phase in asked.phases]
    exchange = sorted({int(answer.owner[j]) for j in best})
    other = sorted({int(columns.owner[j]) for j in found.members})
    return Arms(tuple(names[k] for k in exchange), tuple(names[k] for k in other), found.agreeing)


def library_columns(asked: Question, answer: Answer) -> Columns:
    """Columns of all candidates in the noise of an answer.

    Phases whose shapes were compared have these; any other has the cell that fits best beside the best set, changed
    alike along all edges.
    """
    fit, frame = answer.fit, answer.frame
    raw = raw_columns(asked.data, asked.phases, asked.beam, fit.common, asked.spread.edge, asked.threads)
    gain, strain = gains(raw, white_columns(raw, frame), frame, fit.members, fit.parts)
    compared = set(answer.owner.tolist())
    rest = [k for k in range(len(asked.phases)) if k not in compared and np.isfinite(gain[k])]
    shaped = [one.part(asked.data.x, asked.beam, fit.common) for one in answer.columns]
    coarse = [raw.patterns[k, int(np.argmin(np.abs(raw.strains - strain[k])))] for k in rest]
    parts = np.array([*shaped, *coarse], dtype=np.float64).reshape(-1, len(asked.data.x))
    white = frame.columns(np.ascontiguousarray(parts.T))
    gram, moment = white.T @ white, white.T @ frame.target
    cost = np.zeros(len(parts))
    cost[: len(shaped)] = _shape_costs(asked, answer)
    own = frame.columns(np.ascontiguousarray(fit.parts.T)) if len(fit.members) else np.zeros((len(frame.target), 0))
    alone = gain_of(np.diag(gram), moment, own.T @ white, own, frame.target)
    # What the best cell gains beyond the mean over all cells.
    cost[len(shaped) :] = np.maximum(alone[len(shaped) :] - gain[rest], 0.0)
    owner = np.concatenate([answer.owner, np.array(rest, dtype=np.int64)])
    return Columns(gram, moment, cost, owner, asked.log_prior)


def _shape_costs(asked: Question, answer: Answer) -> FloatArray:
    """Nats that the shapes of compared columns cost, each beside the best set without its phase."""
    fit = answer.fit
    setting = replace(asked.setting(answer.frame), common_sd=np.zeros_like(asked.common_sd))
    costs = []
    for one in answer.columns:
        others = [other for other in fit.members if other.phase.name != one.phase.name]
        movable = [*(False for _ in others), True]
        whole = refine(setting, fit.common, [*others, one], 0, shared=False, movable=movable)
        pull = sum(0.5 * float(np.square(other.own / asked.spread.of(other.phase)).sum()) for other in others)
        costs.append(whole.shape_cost - pull)
    return np.array(costs)
