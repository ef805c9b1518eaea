"""Exchange Monte Carlo against plain Metropolis on three peaks, both written out as the paper has them.

One-parameter walks whose steps fit each inverse temperature; exchange is the same with swaps of neighbours. Kept apart
from the sampler of the workflow, which does neither: it would not be a fair picture of the paper's comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

FloatArray = NDArray[np.float64]

SD, PEAKS = 0.1, 3
LADDER = np.r_[0.0, 1.5 ** (np.arange(2, 25) - 24.0)]
PRIOR_SD = np.array([0.4472, 0.4472, 55.9])
POSTERIOR_SD = np.array([0.04, 0.006, 19.0])


@dataclass(frozen=True)
class Trace:
    """What a run left.

    Attributes
    ----------
    energy : array (T, C)
        N E / sigma^2, half the sum of squared residuals over the variance, of each chain at beta = 1 after each sweep.
    last : array (C, 3, 3)
        Amplitude, position and precision of the three peaks of each chain at beta = 1 at the end.
    exchange_rate : array (L - 1,)
        Mean acceptance of swaps of neighbours over the second half; empty without exchange.
    """

    energy: FloatArray
    last: FloatArray
    exchange_rate: FloatArray


def starts(chains: int, seed: int) -> FloatArray:
    """Bad starts (C, 3, 3): draws of the prior, as one has them when nothing is known."""
    random = np.random.default_rng(seed)
    shape = (chains, PEAKS)
    columns = random.gamma(5.0, 1 / 5.0, shape), random.normal(1.5, np.sqrt(0.2), shape), random.gamma(5.0, 25.0, shape)
    return np.stack(columns, axis=-1)


def run(x: FloatArray, y: FloatArray, start: FloatArray, sweeps: int, ladder: FloatArray, seed: int) -> Trace:
    """Run chains from their starts, all replicas of a chain from the same one.

    Parameters
    ----------
    start : array (C, 3, 3)
    ladder : array (L,)
        Inverse temperatures up to 1; ``[1.0]`` is plain Metropolis.
    """
    random = np.random.default_rng(seed)
    chains, levels = len(start), len(ladder)
    theta = np.repeat(start[:, None], levels, axis=1)
    curves = _curve(x, theta)
    total = curves.sum(2)
    energy = _energy(y, total)
    steps = np.minimum(PRIOR_SD, POSTERIOR_SD / np.sqrt(np.maximum(ladder, 1e-9))[:, None])
    seen, rates = np.empty((sweeps, chains)), np.zeros((sweeps, levels - 1))
    for sweep in range(sweeps):
        for peak in range(PEAKS):
            for j in range(3):
                new = theta[:, :, peak].copy()
                new[..., j] += steps[:, j] * random.standard_normal((chains, levels))
                curve = _curve(x, new[:, :, None])[:, :, 0]
                changed = total - curves[:, :, peak] + curve
                fresh = _energy(y, changed)
                gain = _log_prior(new) - _log_prior(theta[:, :, peak]) - ladder * (fresh - energy)
                take = np.log(random.random((chains, levels))) < gain
                theta[:, :, peak][take], curves[:, :, peak][take] = new[take], curve[take]
                total[take], energy[take] = changed[take], fresh[take]
        if levels > 1:
            rates[sweep] = _swap(theta, curves, total, energy, ladder, sweep % 2, random)
        seen[sweep] = energy[:, -1]
    half = rates[sweeps // 2 :]
    # Each pair is offered in every second sweep.
    return Trace(seen, theta[:, -1], half.sum(0) / np.maximum(1, (half > 0).sum(0)))


def _swap(
    theta: FloatArray, curves: FloatArray, total: FloatArray, energy: FloatArray, ladder: FloatArray, first: int,
    random: np.random.Generator,
) -> FloatArray:  # fmt: skip
    """Offer swaps to even or odd pairs of neighbours, and return the mean chance of each that was offered."""
    low = np.arange(first, len(ladder) - 1, 2)
    log_chance = np.minimum(0.0, (ladder[low + 1] - ladder[low]) * (energy[:, low + 1] - energy[:, low]))
    chains, pairs = np.nonzero(np.log(random.random(log_chance.shape)) < log_chance)
    a, b = low[pairs], low[pairs] + 1
    for array in (theta, curves, total, energy):
        kept = array[chains, a].copy()
        array[chains, a] = array[chains, b]
        array[chains, b] = kept
    mean = np.zeros(len(ladder) - 1)
    mean[low] = np.exp(log_chance).mean(0)
    return mean


def _curve(x: FloatArray, theta: FloatArray) -> FloatArray:
    """Gaussian peaks (..., 3) on the axis, (..., N)."""
    a, mu, b = (theta[..., j, None] for j in range(3))
    curve: FloatArray = a * np.exp(-0.5 * np.maximum(b, 0.0) * (x - mu) ** 2)
    return curve


def _energy(y: FloatArray, total: FloatArray) -> FloatArray:
    """N E / sigma^2 of sums of curves."""
    misfit: FloatArray = ((y - total) ** 2).sum(-1) / (2.0 * SD**2)
    return misfit


def _log_prior(theta: FloatArray) -> FloatArray:
    """Log density of the priors of one peak, up to a constant; -inf outside."""
    a, mu, b = (theta[..., j] for j in range(3))
    inside = (a > 0) & (b > 0)
    safe_a, safe_b = np.where(inside, a, 1.0), np.where(inside, b, 1.0)
    value = xlogy(4.0, safe_a) - 5.0 * safe_a - 2.5 * (mu - 1.5) ** 2 + xlogy(4.0, safe_b) - 0.04 * safe_b
    return np.where(inside, value, -np.inf)
