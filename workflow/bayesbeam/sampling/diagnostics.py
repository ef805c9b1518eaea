"""Effective sample size and R-hat over independent chains at beta = 1; never over tempered replicas."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

FloatArray = NDArray[np.float64]


def autocovariance(draws: FloatArray) -> FloatArray:
    """Autocovariance of each chain at all lags, by Fourier transform: (C, S) to (C, S)."""
    steps = draws.shape[-1]
    centred = draws - draws.mean(axis=-1, keepdims=True)
    size = 1 << (2 * steps - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size, axis=-1)) ** 2
    covariance: FloatArray = np.fft.irfft(power, size, axis=-1)[..., :steps] / steps
    return covariance


def effective_sample_size(draws: FloatArray) -> float:
    """Effective number of independent draws in several chains.

    Parameters
    ----------
    draws : array (C, S)

    Source
    ------
    Vehtari, Gelman, Simpson, Carpenter, Buerkner, Bayesian Analysis 16, 667 (2021): equations 10-13 (Geyer's initial
    monotone sequence over chains). Checked against: an autoregressive process of known correlation time.
    """
    chains, steps = draws.shape
    if steps < 4 or not np.isfinite(draws).all() or float(np.ptp(draws)) == 0.0:
        return float("nan")
    covariance = autocovariance(draws)
    within = covariance[:, 0].mean() * steps / (steps - 1)
    between = draws.mean(axis=1).var(ddof=1) if chains > 1 else 0.0
    total = within * (steps - 1) / steps + between
    correlation = 1.0 - (within - covariance.mean(axis=0) * steps / (steps - 1)) / total
    correlation[0] = 1.0
    pairs = correlation[: steps // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.nonzero(pairs < 0)[0]
    kept = pairs[: negative[0]] if len(negative) else pairs
    tau = max(-1.0 + 2.0 * float(np.minimum.accumulate(kept).sum()), 1.0 / math.log10(max(draws.size, 10)))
    return float(draws.size / tau)


def split_rhat(draws: FloatArray) -> float:
    """Rank-normalised split R-hat of chains (C, S); 1 when all chains agree, nan for a constant or infinities.

    Source
    ------
    Vehtari et al., Bayesian Analysis 16, 667 (2021): equations 3, 4 and 14.
    """
    half = draws.shape[1] // 2
    if half < 2 or not np.isfinite(draws).all() or float(np.ptp(draws)) == 0.0:
        return float("nan")
    split = np.concatenate([draws[:, :half], draws[:, -half:]])
    folded = np.abs(split - np.median(split))
    return max(_rhat(_normal_ranks(split)), _rhat(_normal_ranks(folded)))


def _normal_ranks(draws: FloatArray) -> FloatArray:
    """Normal scores of the pooled ranks."""
    rank = rankdata(draws, method="average").reshape(draws.shape)
    scores: FloatArray = norm.ppf((rank - 0.375) / (draws.size + 0.25))
    return scores


def _rhat(draws: FloatArray) -> float:
    """Ratio of the pooled to the within-chain spread."""
    steps = draws.shape[1]
    within = draws.var(axis=1, ddof=1).mean()
    between = draws.mean(axis=1).var(ddof=1)
    return float(math.sqrt((within * (steps - 1) / steps + between) / within)) if within > 0 else math.inf
