"""Whether a run over supports may stop, and whether it may be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesbeam.evidence.combine import Estimates
from bayesbeam.sampling.diagnostics import bulk_sizes_and_rhats
from bayesbeam.sampling.record import Verdict
from bayesbeam.sampling.verdict import (
    FEWEST_EFFECTIVE_DRAWS,
    FEWEST_ROUND_TRIPS_A_CHAIN,
    LARGEST_GAP,
    LARGEST_RHAT,
    LOWEST_EXCHANGE_RATE,
    SLACK,
    differ,
)
from bayesbeam.sparse.averages import Averages
from bayesbeam.sparse.problem import FloatArray
from bayesbeam.sparse.search import IntArray, Ranked
from bayesbeam.sparse.sizes import log_sum

# Columns of which it is asked whether chains agree: the least certain ones.
_COLUMNS = 50
_DOUBTED = 0.01
# Looking down from rung to rung is no check: free energy jumps from support to support, far where noise is low.
_COMPARED = ("bar", "stepping_stone_forward")


class Asked(Protocol):
    """The part of what a run is asked for that its verdict knows."""

    @property
    def target_standard_error(self) -> float:
        """Of the free energy, nats."""

    @property
    def inclusion_error(self) -> float:
        """Standard error of every probability that a column is in."""

    @property
    def chains(self) -> int:
        """Independent chains."""


@dataclass(frozen=True)
class Travels:
    """How walkers moved: exchange rates (R-1,), round trips, and of the draws at beta = 1 effective sizes and R-hats.

    ``effective_draws``, ``rhat`` (Q,): of the free energy, the size, and whether a column is in, of uncertain columns.
    """

    exchange_rate: FloatArray
    round_trips: float
    effective_draws: FloatArray
    rhat: FloatArray

    @classmethod
    def of(
        cls, value: FloatArray, size: NDArray[np.int16], top: IntArray, columns: int, exchange_rate: FloatArray,
        round_trips: float,
    ) -> Travels:  # fmt: skip
        """Diagnostics of draws (S, C) at beta = 1; ``top`` (S, C, K) holds their supports of so many columns."""
        share = np.bincount(top.ravel(), minlength=columns + 1)[:columns] / size.size
        doubt = share * (1.0 - share)
        rows = [value, size.astype(np.float64)]
        for j in np.argsort(-doubt, kind="stable")[:_COLUMNS]:
            if doubt[j] > _DOUBTED:
                rows.append((top == j).any(-1).astype(np.float64))
        effective, rhat = bulk_sizes_and_rhats(np.ascontiguousarray(np.stack(rows).transpose(0, 2, 1)))
        return cls(exchange_rate, round_trips, effective, rhat)


def enough(estimates: Estimates, averages: Averages, travels: Travels, asked: Asked) -> bool:
    """Whether a run may stop: errors as small as asked for, and nothing that speaks against it."""
    precise = estimates.free_energy.standard_error <= asked.target_standard_error
    precise = precise and float(averages.inclusion_error.max()) <= asked.inclusion_error
    return precise and not [*_agreement(estimates), *_mixing(travels, asked)]


def judge(
    estimates: Estimates, averages: Averages, travels: Travels, ranking: Sequence[Ranked], log_prior: FloatArray,
    asked: Asked,
) -> Verdict:  # fmt: skip
    """Verdict on a run, with all reasons against it."""
    reasons = [
        *_precision(estimates, averages, asked),
        *_agreement(estimates),
        *_mixing(travels, asked),
        *_missed(estimates, ranking, log_prior),
    ]
    return Verdict(not reasons, tuple(reasons))


def _precision(estimates: Estimates, averages: Averages, asked: Asked) -> Iterator[str]:
    """Errors against what was asked for."""
    found, largest = estimates.free_energy, float(averages.inclusion_error.max())
    if not math.isfinite(found.value):
        yield "the free energy is not finite"
    elif not found.standard_error <= SLACK * asked.target_standard_error:
        target = asked.target_standard_error
        yield f"standard error of F is {found.standard_error:.2g} nats, above the target of {target:g}"
    if not largest <= SLACK * asked.inclusion_error:
        yield f"a probability of inclusion has a standard error of {largest:.2g}, above {asked.inclusion_error:g}"


def _agreement(estimates: Estimates) -> Iterator[str]:
    """Estimators of one F that look at the draws in different ways must agree."""
    for name in _COMPARED:
        other = estimates.estimators[name]
        if not math.isfinite(other.standard_error):
            yield f"{name.replace('_', ' ')} cannot be compared with the quoted F, for an error is missing"
        elif differ(other, estimates.free_energy):
            gap = abs(other.value - estimates.free_energy.value)
            yield f"{name.replace('_', ' ')} differs from the quoted F by {gap:.2g} nats"


def _mixing(travels: Travels, asked: Asked) -> Iterator[str]:
    """Replicas must travel along the ladder, and independent chains tell the same story at beta = 1."""
    worst = int(travels.exchange_rate.argmin())
    if travels.exchange_rate[worst] < LOWEST_EXCHANGE_RATE:
        yield f"exchange rate of rungs {worst + 1} and {worst + 2} is only {travels.exchange_rate[worst]:.2f}"
    if travels.round_trips < FEWEST_ROUND_TRIPS_A_CHAIN * asked.chains:
        yield f"only {travels.round_trips:g} round trips in {asked.chains} chains"
    rhat, effective = (array[np.isfinite(array)] for array in (travels.rhat, travels.effective_draws))
    if len(rhat) and float(rhat.max()) > LARGEST_RHAT:
        yield f"chains disagree at beta = 1: R-hat is {float(rhat.max()):.2f}"
    if len(effective) and float(effective.min()) < FEWEST_EFFECTIVE_DRAWS:
        yield f"only {float(effective.min()):.0f} effective draws at beta = 1"


def _missed(estimates: Estimates, ranking: Sequence[Ranked], log_prior: FloatArray) -> Iterator[str]:
    """The evidence of all supports cannot be less than that of the few that were seen."""
    seen = log_sum(np.array([log_prior[len(one.support)] - one.free_energy for one in ranking]))
    lack = seen + estimates.free_energy.value
    if lack > max(LARGEST_GAP * estimates.free_energy.standard_error, 1e-6):
        yield f"supports that were seen have by themselves {lack:.2g} nats more evidence than the estimate for all"
