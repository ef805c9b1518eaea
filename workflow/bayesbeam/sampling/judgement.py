"""Assessment of a group at a check: its estimates and diagnostics, and whether its targets are met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.evidence.bar import bar
from bayesbeam.evidence.bridge import MOST_DRAWS, Offered
from bayesbeam.evidence.combine import combine, steady_error
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.evidence.smc import lagging, without_error
from bayesbeam.sampling.diagnostics import bulk_effective_sample_sizes, bulk_sizes_and_rhats
from bayesbeam.sampling.offers import weights_of
from bayesbeam.sampling.populations import Climb
from bayesbeam.sampling.record import Trace, Verdict
from bayesbeam.sampling.reference import Reference
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.verdict import FEWEST_EFFECTIVE_DRAWS, LARGEST_RHAT, judge
from bayesbeam.targets.base import Target
from bayesbeam.targets.exchangeable import relabel

FloatArray = NDArray[np.float64]

UNSETTLED = 1.5
# Of so many rungs one is looked at for how many draws are worth one.
SOME_RUNGS = 3
# Round trips a chain after which replica exchange no longer depends on where its populations had come: those that
# lagged behind, by its own account, are then left out.
TRAVELLED = 5


@dataclass(frozen=True)
class Assessment:
    """Estimates and diagnostics of one group; fields as in Run.

    Attributes
    ----------
    met : bool
        Whether its targets are met.
    lack : float
        How many times the sweeps so far would meet those of error and effective draws, as far as can be told.
    """

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
    lack: float


@dataclass(frozen=True)
class Look:
    """What chains at beta = 1 say of themselves: a fraction of the work of an assessment, and the first to fail.

    Attributes
    ----------
    likelihood : array (T, C, R), nats
        From the first sweep on.
    burn_in : int
    theta : array (S, D, C, P)
        Draws at beta = 1 after burn-in.
    effective_draws, rhat : array (Q,)
        Of every relabelled parameter and of the log-likelihood.
    """

    likelihood: FloatArray
    burn_in: int
    theta: FloatArray
    effective_draws: FloatArray
    rhat: FloatArray

    @property
    def log_likelihood(self) -> FloatArray:
        """Log-likelihoods after burn-in."""
        return self.likelihood[self.burn_in :]

    @property
    def fewest(self) -> float:
        """Fewest effective draws of all quantities; infinite where there is none to count."""
        known = np.isfinite(self.effective_draws).any()
        return float(np.nanmin(self.effective_draws)) if known else np.inf

    @property
    def largest_rhat(self) -> float:
        """Largest R-hat of all quantities; 1 where there is none."""
        known = ~np.isnan(self.rhat)
        return float(self.rhat[known].max()) if known.any() else 1.0

    def enough(self, settings: Settings) -> bool:
        """Whether draws are enough and chains agree."""
        many = self.fewest >= max(settings.effective_draws, FEWEST_EFFECTIVE_DRAWS)
        return many and self.largest_rhat <= min(settings.rhat, LARGEST_RHAT)

    def lack(self, settings: Settings) -> float:
        """How many times the sweeps so far would give the effective draws wanted."""
        return settings.effective_draws / self.fewest


def look_at(target: Target, trace: Trace, group: int, beta: Tensor) -> Look:
    """Chains of one group, by its place in the batch, on its ladder (R,)."""
    likelihood = trace.likelihood_of(group)
    return _from(target, trace, group, likelihood, burn_in(likelihood, beta))


def _from(target: Target, trace: Trace, group: int, likelihood: FloatArray, first: int) -> Look:
    """Chains of one group from sweep ``first`` on."""
    draws = trace.draws_of(group, first)
    return Look(likelihood, first, draws, *chain_diagnostics(target, draws, likelihood[first:, :, -1]))


def assess(
    target: Target,
    settings: Settings,
    trace: Trace,
    group: int,
    beta: Tensor,
    climb: Climb,
    reference: Reference | None,
    checks: list[tuple[float, FreeEnergy]],
    look: Look,
) -> Assessment:
    """Everything that is known of one group so far.

    Parameters
    ----------
    group : int
        Its place in the batch.
    beta : Tensor (R,)
        Its ladder.
    climb : Climb
        What its populations saw.
    reference : Reference or None
        Density close to its posterior, and what was drawn from it.
    checks : list of (draws, FreeEnergy)
        What was found at each check; this one is added.
    look : Look
        What its chains say of themselves.
    """
    round_trips = trace.round_trips_of(group)
    offered = _offered(target, group, reference, trace, look)
    found = combine(look.log_likelihood, beta, climb.log_likelihood, np.array(climb.beta), offered)
    compared, smc = found.estimators, found.estimators["smc"]
    if round_trips >= settings.chains * TRAVELLED and lagging(smc, compared["bar"]):
        # Chains that began where such populations had come take longer to forget it, too.
        look = _from(target, trace, group, look.likelihood, max(look.burn_in, len(look.likelihood) // 2))
        found = combine(look.log_likelihood, beta, offered=_offered(target, group, reference, trace, look))
        compared = found.estimators | {"smc": without_error(smc)}
    own, ess, rhat = look.log_likelihood, look.effective_draws, look.rhat
    exchange = trace.exchange_rate_of(group, look.burn_in)
    checks.append((float(own.size + sum(stage.size for stage in climb.log_likelihood)), found.free_energy))
    free_energy = steady_error(checks)
    verdict = judge(settings, free_energy, found.estimators, exchange, round_trips, ess, rhat)
    met = (
        verdict.reliable
        and free_energy.standard_error <= settings.target_standard_error
        and look.fewest >= settings.effective_draws
        and look.largest_rhat <= settings.rhat
    )
    lack = max((free_energy.standard_error / settings.target_standard_error) ** 2, look.lack(settings))
    return Assessment(
        look.burn_in, look.theta, own, exchange, round_trips, free_energy, compared, ess, rhat, verdict, met,
        lack if lack >= 0.0 else 1.0,
    )  # fmt: skip


def _offered(target: Target, group: int, reference: Reference | None, trace: Trace, look: Look) -> Offered | None:
    """What bridge sampling needs, from draws at beta = 1 after burn-in."""
    if reference is None or not reference.log_weight:
        return None
    first, draws = look.burn_in, look.theta
    every = max(len(draws) // MOST_DRAWS, 1)
    likelihood = look.likelihood[-(-first // trace.thin) * trace.thin :: trace.thin, :, -1][::every]
    of_posterior = weights_of(reference, target, group, draws[::every], likelihood)
    rungs = np.ascontiguousarray(look.log_likelihood[:, :, ::-SOME_RUNGS].transpose(2, 1, 0))
    length = rungs[0].size / np.maximum(bulk_effective_sample_sizes(rungs), 1.0)
    return Offered(np.concatenate(reference.log_weight), of_posterior, float(length.mean()), float(length[0]))


def burn_in(log_likelihood: FloatArray, beta: Tensor) -> int:
    """Sweeps to drop from the front: a tenth, or half where the first half is plainly not like the second.

    Plainly means that the error of F grows by ``UNSETTLED`` or more when sweeps from the first half are added, where
    it should fall: a chain that had not yet found its place. Chance alone hardly does that, so the choice does not
    flatter the error.

    Parameters
    ----------
    log_likelihood : array (T, C, R)
        From the first sweep on.
    beta : Tensor (R,)
    """
    tenth, half = len(log_likelihood) // 10, len(log_likelihood) // 2
    with_early = bar(log_likelihood[tenth:], beta).standard_error
    without = bar(log_likelihood[half:], beta).standard_error
    return half if not with_early <= UNSETTLED * without else tenth


def chain_diagnostics(target: Target, theta: FloatArray, log_likelihood: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bulk effective sample size and R-hat of every moving, relabelled slot of every member, then of lnL.

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
    columns = np.stack([ordered[:, :, d, j].T for d in range(ordered.shape[2]) for j in target.moving])
    own = np.ascontiguousarray(log_likelihood.T)[None]
    sizes, rhats = zip(bulk_sizes_and_rhats(columns), bulk_sizes_and_rhats(own), strict=True)
    return np.concatenate(sizes), np.concatenate(rhats)
