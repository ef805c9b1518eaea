"""Assessment of a group at a check: its estimates and diagnostics, and whether its targets are met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.evidence.bar import bar
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.evidence.stepping_stone import stepping_stone_backward, stepping_stone_forward
from bayesbeam.sampling.diagnostics import effective_sample_size, split_rhat
from bayesbeam.sampling.record import Trace, Verdict
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.verdict import judge
from bayesbeam.targets.exchangeable import relabel
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]

UNSETTLED = 1.5


@dataclass(frozen=True)
class Assessment:
    """Estimates and diagnostics of one group; fields as in Run."""

    burn_in: int
    theta: FloatArray
    log_likelihood: FloatArray
    exchange_rate: FloatArray
    round_trips: float
    free_energy: FreeEnergy
    estimators: dict[str, FreeEnergy]
    effective_draws: FloatArray
    rhat: FloatArray
    verdict: Verdict
    met: bool


def assess(target: SumTarget, settings: Settings, trace: Trace, group: int, beta: Tensor) -> Assessment:
    """Everything that is known of one group so far.

    Parameters
    ----------
    group : int
        Its place in the batch.
    beta : Tensor (R,)
        Its ladder.
    """
    likelihood = trace.likelihood_of(group)
    first = burn_in(likelihood, beta)
    own = likelihood[first:]
    estimators = {
        "bar": bar(own, beta),
        "stepping_stone_forward": stepping_stone_forward(own, beta),
        "stepping_stone_backward": stepping_stone_backward(own, beta),
    }
    draws = trace.draws_of(group, first)
    ess, rhat = chain_diagnostics(target, draws, own[..., -1].cpu().numpy())
    exchange = trace.exchange_rate_of(group, first)
    free_energy = estimators["bar"]
    round_trips = trace.round_trips_of(group)
    verdict = judge(settings, free_energy, estimators, exchange, round_trips, ess, rhat)
    met = (
        verdict.reliable
        and free_energy.standard_error <= settings.target_standard_error
        and float(np.nanmin(ess)) >= settings.effective_draws
        and float(np.nanmax(rhat)) <= settings.rhat
    )
    return Assessment(
        first, draws, own.cpu().numpy(), exchange, round_trips, free_energy, estimators, ess, rhat, verdict, met
    )


def burn_in(log_likelihood: Tensor, beta: Tensor) -> int:
    """Sweeps to drop from the front: a fifth, or half where the first half is plainly not like the second.

    Plainly means that the error of F grows by ``UNSETTLED`` or more when sweeps from the first half are added, where
    it should fall: a chain that had not yet found its place. Chance alone hardly does that, so the choice does not
    flatter the error.

    Parameters
    ----------
    log_likelihood : Tensor (T, C, R)
        From the first sweep on.
    beta : Tensor (R,)
    """
    fifth, half = len(log_likelihood) // 5, len(log_likelihood) // 2
    with_early = bar(log_likelihood[fifth:], beta).standard_error
    without = bar(log_likelihood[half:], beta).standard_error
    return half if not with_early <= UNSETTLED * without else fifth


def chain_diagnostics(
    target: SumTarget, theta: FloatArray, log_likelihood: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Effective sample size and R-hat of every moving, relabelled slot of every member, then of the log-likelihood.

    Parameters
    ----------
    theta : array (S, D, C, P)
    log_likelihood : array (T, C)
        At beta = 1.

    Returns
    -------
    effective_draws, rhat : array (D * moving + 1,)
    """
    ordered = relabel(target, theta.transpose(0, 2, 1, 3))
    columns = [ordered[:, :, d, j].T for d in range(ordered.shape[2]) for j in target.moving]
    columns.append(log_likelihood.T)
    ess = np.array([effective_sample_size(column) for column in columns])
    rhat = np.array([split_rhat(column) for column in columns])
    return ess, rhat
