"""What a run keeps: log-likelihoods of all rungs, draws at beta = 1, exchange statistics; and what it hands over."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.evidence.estimate import FreeEnergy

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """Whether a result may be believed, and if not why."""

    reliable: bool
    reasons: tuple[str, ...]

    @property
    def word(self) -> str:
        """One of the two words of a verdict."""
        return "reliable" if self.reliable else "not reliable"


@dataclass(frozen=True)
class Run:
    """Result of one group: draws, ladder, estimates, diagnostics, cost.

    Attributes
    ----------
    theta : array (S, D, C, P)
        Draws at beta = 1, thinned, labels as sampled.
    log_likelihood : array (T, C, R), nats
        Untempered log-likelihood of the group on every rung, every sweep after burn-in.
    beta : array (R,)
    exchange_rate : array (R-1,)
        Mean acceptance probability of each pair of neighbours.
    """

    name: str
    theta: FloatArray
    log_likelihood: FloatArray
    beta: FloatArray
    exchange_rate: FloatArray
    round_trips: float
    free_energy: FreeEnergy
    estimators: dict[str, FreeEnergy]
    effective_draws: FloatArray
    rhat: FloatArray
    verdict: Verdict
    sweeps: int
    burn_in: int
    likelihood_rows: int
    engine: str

    @property
    def barrier(self) -> float:
        """Global communication barrier: sum of the rejection probabilities along the ladder."""
        return float((1.0 - self.exchange_rate).sum())


@dataclass
class Trace:
    """Growing record of the groups of one run; draws at beta = 1 are thinned to stay within a limit.

    Each list holds a tensor a block of S sweeps: log-likelihoods (S, G, C, R), states (s, G, D, C, P) of every
    ``thin``-th sweep, exchange rates (S, G, R-1), half trips so far (S, G).
    """

    most_draws: int
    log_likelihood: list[Tensor] = field(default_factory=list)
    theta: list[Tensor] = field(default_factory=list)
    acceptance: list[Tensor] = field(default_factory=list)
    trips: list[Tensor] = field(default_factory=list)
    thin: int = 1
    sweeps: int = 0

    def add(self, log_likelihood: Tensor, theta: Tensor, acceptance: Tensor, trips: Tensor) -> None:
        """Take in a block of sweeps, of all their states at beta = 1."""
        self.log_likelihood.append(log_likelihood)
        self.acceptance.append(acceptance)
        self.trips.append(trips)
        self.theta.append(theta[-self.sweeps % self.thin :: self.thin])
        self.sweeps += len(log_likelihood)
        # Twice the limit, for the first part will be dropped as burn-in.
        while -(-self.sweeps // self.thin) > 2 * self.most_draws:
            self.theta = [torch.cat(self.theta)[::2].clone()]
            self.thin *= 2

    def likelihood_of(self, group: int) -> FloatArray:
        """Log-likelihoods of one group from the first sweep on, (T, C, R)."""
        return _host(torch.cat([value[:, group] for value in self.log_likelihood]))

    def draws_of(self, group: int, first: int) -> FloatArray:
        """Draws of one group at beta = 1 from sweep ``first`` on, (S, D, C, P)."""
        return _host(torch.cat([value[:, group] for value in self.theta])[-(-first // self.thin) :])

    def exchange_rate_of(self, group: int, first: int) -> FloatArray:
        """Mean exchange rate of each pair of one group from sweep ``first`` on, (R-1,)."""
        return _host(torch.cat([value[:, group] for value in self.acceptance])[first:].mean(0))

    def round_trips_of(self, group: int) -> float:
        """Round trips of one group; those of the burn-in count too, for they need no equilibrium."""
        return float(self.trips[-1][-1, group]) / 2

    def select(self, groups: Tensor) -> Trace:
        """Record of some of the groups."""
        return Trace(
            self.most_draws,
            [value[:, groups] for value in self.log_likelihood],
            [value[:, groups] for value in self.theta],
            [value[:, groups] for value in self.acceptance],
            [value[:, groups] for value in self.trips],
            self.thin,
            self.sweeps,
        )


def _host(values: Tensor) -> FloatArray:
    """Numbers on the host, contiguous."""
    return np.ascontiguousarray(values.cpu().numpy(), dtype=np.float64)


def mean_of_each(values: Tensor) -> Tensor:
    """Mean over the first axis of (T, G, n), each group by itself: the order of adding must not depend on G."""
    return torch.stack([values[:, g].contiguous().mean(0) for g in range(values.shape[1])])


def mean_in_order(values: Tensor, axis: int) -> Tensor:
    """Mean over an axis, added one after the other: the order of adding must not depend on the batch."""
    return torch.cumsum(values, axis).select(axis, -1) / values.shape[axis]
