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
    """Growing record of the groups of one run; draws at beta = 1 are thinned to stay within a limit."""

    most_draws: int
    log_likelihood: list[Tensor] = field(default_factory=list)
    theta: list[Tensor] = field(default_factory=list)
    acceptance: list[Tensor] = field(default_factory=list)
    trips: list[Tensor] = field(default_factory=list)
    thin: int = 1
    sweeps: int = 0

    def add(self, log_likelihood: Tensor, theta: Tensor, acceptance: Tensor, trips: Tensor) -> None:
        """Take in a sweep: log-likelihoods (G, C, R), states (G, D, C, P), exchange rates (G, R-1), half trips (G,)."""
        self.log_likelihood.append(log_likelihood)
        self.acceptance.append(acceptance)
        self.trips.append(trips)
        if self.sweeps % self.thin == 0:
            self.theta.append(theta)
        self.sweeps += 1
        # Twice the limit, for the first part will be dropped as burn-in.
        if len(self.theta) > 2 * self.most_draws:
            self.theta = self.theta[::2]
            self.thin *= 2

    def likelihood_of(self, group: int) -> Tensor:
        """Log-likelihoods of one group from the first sweep on, (T, C, R)."""
        return torch.stack([value[group] for value in self.log_likelihood])

    def draws_of(self, group: int, first: int) -> FloatArray:
        """Draws of one group at beta = 1 from sweep ``first`` on, (S, D, C, P)."""
        kept = torch.stack([value[group] for value in self.theta[-(-first // self.thin) :]])
        return np.asarray(kept.cpu().numpy(), dtype=np.float64)

    def exchange_rate_of(self, group: int, first: int) -> FloatArray:
        """Mean exchange rate of each pair of one group from sweep ``first`` on, (R-1,)."""
        rates = torch.stack([value[group] for value in self.acceptance[first:]])
        return np.asarray(rates.mean(0).cpu().numpy(), dtype=np.float64)

    def round_trips_of(self, group: int) -> float:
        """Round trips of one group; those of the burn-in count too, for they need no equilibrium."""
        return float(self.trips[-1][group]) / 2

    def select(self, groups: Tensor) -> None:
        """Keep some groups only."""
        self.log_likelihood = [value[groups] for value in self.log_likelihood]
        self.theta = [value[groups] for value in self.theta]
        self.acceptance = [value[groups] for value in self.acceptance]
        self.trips = [value[groups] for value in self.trips]


def mean_of_each(values: Tensor) -> Tensor:
    """Mean over the first axis of (T, G, n), each group by itself: the order of adding must not depend on G."""
    return torch.stack([values[:, g].contiguous().mean(0) for g in range(values.shape[1])])


def mean_in_order(values: Tensor, axis: int) -> Tensor:
    """Mean over a short axis, added one after the other: the order of adding must not depend on the batch."""
    first, *others = values.unbind(axis)
    total = first.clone()
    for chain in others:
        total += chain
    return total / values.shape[axis]
