"""Replica exchange as a laboratory writes it: plain numpy, one chain, replicas side by side in arrays.

The ladder of the 2012 paper, moves of one peak with step sizes tuned at every temperature during burn-in, each peak's
curve kept so that a move computes one, exchange of neighbours after every sweep, stepping-stone free energy.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench import problem
from bench.outcome import Outcome
from bench.problem import FloatArray

PACKAGES = ("numpy",)
REPLICAS = 24
RATIO = 1.5
BURN_IN = 4000
SWEEPS = 16000
TUNE_EVERY = 100
BLOCKS = 10
# Posterior sd scales as one over the root of beta until the prior takes over.
FIRST_STEP = np.array([0.05, 0.01, 0.2])
LEAST_BETA = 1e-4


@dataclass
class Replicas:
    """States, curves of all peaks and log-likelihoods, of log a, mu, log b, one row a temperature."""

    z: FloatArray
    curves: FloatArray
    misfit: FloatArray
    log_likelihood: FloatArray

    def swap(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> None:
        """Exchange the rows of two sets of temperatures."""
        for array in (self.z, self.curves, self.misfit, self.log_likelihood):
            array[np.concatenate([low, high])] = array[np.concatenate([high, low])]


def peak(z: FloatArray) -> FloatArray:
    """Curves (R, N) of one peak each, coordinates (R, 3)."""
    return problem.curve(problem.from_log(z)[:, None])


def log_prior(z: FloatArray) -> FloatArray:
    """Log prior (R,) of one peak each."""
    return problem.log_prior_in_log(z[:, None])


def likelihood_of(misfit: FloatArray) -> FloatArray:
    """Log-likelihood (R,) of residuals (R, N)."""
    return (-0.5 / problem.SIGMA**2) * np.einsum("rn,rn->r", misfit, misfit)


def start(count: int, rng: np.random.Generator) -> Replicas:
    """Replicas drawn from the prior."""
    z = problem.to_log(problem.prior_draws(count, REPLICAS, rng))
    curves = np.stack([peak(z[:, k]) for k in range(count)], axis=1)
    misfit = problem.Y - curves.sum(1)
    return Replicas(z, curves, misfit, likelihood_of(misfit))


def sweep(state: Replicas, beta: FloatArray, steps: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Move every peak of every replica once; returns which moves were accepted, (K, R)."""
    count = state.z.shape[1]
    jump = rng.standard_normal((count, len(beta), 3)) * steps
    threshold = np.log(rng.random((count, len(beta))))
    accepted = np.empty((count, len(beta)))
    for k in range(count):
        old = state.z[:, k]
        new = old + jump[k]
        curve = peak(new)
        misfit = state.misfit + state.curves[:, k] - curve
        likelihood = likelihood_of(misfit)
        gain = beta * (likelihood - state.log_likelihood) + log_prior(new) - log_prior(old)
        yes = threshold[k] < gain
        state.z[yes, k], state.curves[yes, k] = new[yes], curve[yes]
        state.misfit[yes], state.log_likelihood[yes] = misfit[yes], likelihood[yes]
        accepted[k] = yes
    return accepted


def exchange(state: Replicas, beta: FloatArray, parity: int, rng: np.random.Generator) -> None:
    """Swap neighbours of one parity by Metropolis's rule."""
    low = np.arange(parity, len(beta) - 1, 2)
    gain = np.diff(beta)[low] * (state.log_likelihood[low] - state.log_likelihood[low + 1])
    chosen = low[np.log(rng.random(len(low))) < gain]
    state.swap(chosen, chosen + 1)


def sample(count: int, beta: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Log-likelihoods (sweeps, R) after burn-in."""
    state = start(count, rng)
    steps = FIRST_STEP / np.sqrt(np.maximum(beta, LEAST_BETA))[:, None]
    steps = np.minimum(steps, 0.5)
    trace = np.empty((SWEEPS, len(beta)))
    rate = np.zeros(len(beta))
    for t in range(-BURN_IN, SWEEPS):
        rate += sweep(state, beta, steps, rng).mean(0)
        exchange(state, beta, t % 2, rng)
        if t >= 0:
            trace[t] = state.log_likelihood
        elif t % TUNE_EVERY == 0:
            steps *= np.exp(rate / TUNE_EVERY - 0.3)[:, None]
            rate[:] = 0.0
            state.misfit = problem.Y - state.curves.sum(1)
    return trace


def stepping_stone(trace: FloatArray, beta: FloatArray) -> float:
    """Free energy from the log-likelihoods of all temperatures."""
    weight = np.diff(beta) * trace[:, :-1]
    top = weight.max(0)
    return -float((top + np.log(np.exp(weight - top).mean(0))).sum())


def run(count: int, seed: int) -> Outcome:
    """Free energy of ``count`` peaks from one chain; its error from ten blocks in time."""
    began = time.process_time()
    beta: FloatArray = np.power(RATIO, np.arange(REPLICAS) - (REPLICAS - 1.0), dtype=np.float64)
    beta[0] = 0.0
    trace = sample(count, beta, np.random.default_rng(seed))
    blocks = [stepping_stone(block, beta) for block in np.split(trace, BLOCKS)]
    return Outcome(
        free_energy_exc=stepping_stone(trace, beta),
        stated_standard_error=float(np.std(blocks, ddof=1)) / math.sqrt(BLOCKS),
        cpu_seconds=time.process_time() - began,
        compile_seconds=0.0,
        likelihood_evaluations=(BURN_IN + SWEEPS) * REPLICAS * count,
        notes=f"{REPLICAS} replicas, {BURN_IN} + {SWEEPS} sweeps",
    )
