"""The eager engine for measurements of different kinds: a step in a number of one of them costs its curve alone.

In place of curves it keeps the log-likelihood of each measurement, as a curve of one point; their sum is that of all.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bayesbeam.sampling.engines.base import State
from bayesbeam.sampling.engines.eager import EagerEngine
from bayesbeam.targets.joint import JointTarget


class JointEngine(EagerEngine):
    """Moves of the eager engine, by measurements instead of terms; what is shared is a term of its own, the last."""

    def __init__(self, target: Any) -> None:
        super().__init__(target)
        self._joint: JointTarget = target
        self._everyone = len(target.owners)
        self._term_of_slot = dict.fromkeys(range(len(target.slots)), self._everyone)
        for number, owner in enumerate(target.owners):
            self._term_of_slot |= dict.fromkeys(owner.own, number)

    def _propose(self, state: State, term: int | None, proposal: Tensor) -> tuple[Tensor | None, Tensor]:
        """Log-likelihoods of those whose numbers moved, and the new sum."""
        if term is None or term == self._everyone:
            rows = self._joint.rows(proposal)
            return rows, rows.sum(0)
        row = self._joint.owner_row(term, proposal)
        # Not by the difference, which impossible states leave without a value.
        rows = torch.cat([state.rows[:term], row[None], state.rows[term + 1 :]])
        return row, rows.sum(0)

    def _settle(
        self,
        state: State,
        accept: Tensor,
        term: int | None,
        row: Tensor | None,
        prediction: Tensor,
        proposal: Tensor,
        likelihood: Tensor,
    ) -> None:
        """Keep what was accepted."""
        if row is not None and term == self._everyone:
            state.rows = torch.where(accept[..., None], row, state.rows)
            state.prediction = torch.where(accept[..., None], prediction, state.prediction)
            term, row = None, None
        super()._settle(state, accept, term, row, prediction, proposal, likelihood)


__all__ = ["JointEngine"]
