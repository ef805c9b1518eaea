"""Whether a run may be believed: each check says what is wrong in words, and none of them is silent.

The thresholds are stated here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.sampling.record import Verdict
from bayesbeam.sampling.settings import Settings

FloatArray = NDArray[np.float64]

LOWEST_EXCHANGE_RATE = 0.1
FEWEST_ROUND_TRIPS_A_CHAIN = 0.5
LARGEST_RHAT = 1.1
FEWEST_EFFECTIVE_DRAWS = 100.0
LARGEST_GAP = 4.0
SLACK = 1.25


def judge(
    settings: Settings,
    free_energy: FreeEnergy,
    estimators: dict[str, FreeEnergy],
    exchange_rate: FloatArray,
    round_trips: float,
    effective_draws: FloatArray,
    rhat: FloatArray,
) -> Verdict:
    """Verdict on one run from its diagnostics.

    Parameters
    ----------
    effective_draws, rhat : array (Q,)
        Of every relabelled parameter and of the log-likelihood at beta = 1; nan for constants.
    """
    reasons = [
        *_precision(settings, free_energy),
        *_agreement(free_energy, estimators),
        *_mixing(settings, exchange_rate, round_trips),
        *_chains(effective_draws, rhat),
    ]
    return Verdict(not reasons, tuple(reasons))


def _precision(settings: Settings, free_energy: FreeEnergy) -> Iterator[str]:
    """Error of F against what was asked for; a quarter above the target is within the error's own error."""
    if not math.isfinite(free_energy.value):
        yield "the free energy is not finite"
    elif not free_energy.standard_error <= SLACK * settings.target_standard_error:
        yield (
            f"standard error of F is {free_energy.standard_error:.2g} nats, "
            f"above the target of {settings.target_standard_error:g}"
        )


def allowed_gap(one: FreeEnergy, other: FreeEnergy) -> float:
    """Largest difference of two estimates of one free energy that passes, nats."""
    return LARGEST_GAP * math.hypot(one.standard_error, other.standard_error)


def differ(one: FreeEnergy, other: FreeEnergy) -> bool:
    """Whether two estimates of one free energy contradict each other."""
    return not abs(one.value - other.value) <= allowed_gap(one, other)


def _agreement(free_energy: FreeEnergy, estimators: dict[str, FreeEnergy]) -> Iterator[str]:
    """Estimators of one F that look at the draws in different ways must agree."""
    for name, other in estimators.items():
        gap, allowed = abs(other.value - free_energy.value), allowed_gap(other, free_energy)
        if not math.isfinite(allowed):
            yield f"{name.replace('_', ' ')} cannot be compared with the quoted F, for an error is missing"
        elif differ(other, free_energy):
            yield f"{name.replace('_', ' ')} differs from the quoted F by {gap:.2g} nats, more than {allowed:.2g}"


def _mixing(settings: Settings, exchange_rate: FloatArray, round_trips: float) -> Iterator[str]:
    """Replicas must travel along the ladder."""
    if float(exchange_rate.min()) < LOWEST_EXCHANGE_RATE:
        worst = int(exchange_rate.argmin())
        yield f"exchange rate of rungs {worst + 1} and {worst + 2} is only {float(exchange_rate.min()):.2f}"
    if round_trips < FEWEST_ROUND_TRIPS_A_CHAIN * settings.chains:
        yield f"only {round_trips:g} round trips in {settings.chains} chains"


def _chains(effective_draws: FloatArray, rhat: FloatArray) -> Iterator[str]:
    """Independent chains must tell the same story at beta = 1."""
    if np.isfinite(rhat).any() and float(np.nanmax(rhat)) > LARGEST_RHAT:
        yield f"chains disagree at beta = 1: R-hat is {float(np.nanmax(rhat)):.2f}"
    finite = effective_draws[np.isfinite(effective_draws)]
    if len(finite) and float(finite.min()) < FEWEST_EFFECTIVE_DRAWS:
        yield f"only {float(finite.min()):.0f} effective draws at beta = 1"
