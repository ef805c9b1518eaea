"""The same question to two arms: sets by exact free energies, and all candidates at once by variational inference.

The second is believed where it finds the same phases as the first; where not, that is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.candidates import gain_of, gains, raw_columns, white_columns
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.members import parts_of
from bayesbeam.diffraction.search import Answer
from bayesbeam.diffraction.sets import MOST_COLUMNS, SHARE_SD, Columns, search_sets
from bayesbeam.diffraction.shapes import refine
from bayesbeam.diffraction.variational import variational_sets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_SWEEPS = 250


@dataclass(frozen=True)
class Arms:
    """Phases that each arm finds given the same columns, by name and in the order of the candidates.

    ``agreeing`` is the share of the starts of the variational one that end with the best.
    """

    exchange: tuple[str, ...]
    variational: tuple[str, ...]
    agreeing: float

    @property
    def agrees(self) -> bool:
        """Whether both find the same."""
        return self.exchange == self.variational


def both_arms(asked: Question, answer: Answer, seed: int = 0, starts: int = 64, device: str = "cpu") -> Arms:
    """What variational inference finds among all candidates, beside what sets with exact free energies say.

    Both see the same columns, in the noise of an answer. Where there are more than sets can be of, those that would add
    most to the best set are taken for the exact arm.
    """
    columns = library_columns(asked, answer)
    found = variational_sets(columns, starts, seed, device=device)
    kept = _most_likely(columns, found.members)
    few = Columns(columns.gram[np.ix_(kept, kept)], columns.moment[kept], columns.cost[kept], columns.owner[kept],
                  columns.log_prior)  # fmt: skip
    best = search_sets(few, seed, _SWEEPS, threads=asked.threads).members[0]
    names = [phase.name for phase in asked.phases]
    exact, other = ({int(columns.owner[j]) for j in one} for one in (kept[list(best)], found.members))
    return Arms(tuple(names[k] for k in sorted(exact)), tuple(names[k] for k in sorted(other)), found.agreeing)


def _most_likely(columns: Columns, members: Sequence[int]) -> IntArray:
    """Columns that may be in the best set: those of a set, and those that explain most beside it or alone."""
    chosen = list(members)
    own, rest = columns.gram[:, chosen], columns.gram[np.ix_(chosen, chosen)] + np.eye(len(chosen)) / SHARE_SD**2
    left = columns.moment - own @ np.linalg.solve(rest, columns.moment[chosen])
    root = np.sqrt(np.diag(columns.gram) + 1.0 / SHARE_SD**2)
    beside, alone = left / root, columns.moment / root
    order = [*chosen]
    for pair in zip(np.argsort(-beside, kind="stable"), np.argsort(-alone, kind="stable"), strict=True):
        order.extend(int(j) for j in pair)
    return np.array(list(dict.fromkeys(order))[:MOST_COLUMNS], dtype=np.int64)


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
    shaped = parts_of(asked.data.x, asked.beam, fit.common, answer.columns)
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
