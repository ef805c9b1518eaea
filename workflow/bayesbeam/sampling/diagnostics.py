"""Effective sample size and R-hat over independent chains at beta = 1; never over tempered replicas.

Of one column of draws (C, S), or of many columns of one group at once (Q, C, S). A column's numbers depend on nothing
but the column.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtri

FloatArray = NDArray[np.float64]

FEWEST_DRAWS = 4


def effective_sample_size(draws: FloatArray) -> float:
    """Effective number of independent draws in several chains (C, S); see effective_sample_sizes."""
    return float(effective_sample_sizes(draws[None])[0])


def effective_sample_sizes(draws: FloatArray) -> FloatArray:
    """Effective number of independent draws of each column.

    Parameters
    ----------
    draws : array (Q, C, S)

    Returns
    -------
    array (Q,)
        nan for a constant, for infinities and for fewer than 4 draws a chain.

    Source
    ------
    Vehtari, Gelman, Simpson, Carpenter, Buerkner, Bayesian Analysis 16, 667 (2021): equations 10-13 (Geyer's initial
    monotone sequence over chains). Checked against: an autoregressive process of known correlation time.
    """
    return np.array([_effective_draws(column) if _sound(column) else np.nan for column in _columns(draws)])


def bulk_effective_sample_sizes(draws: FloatArray) -> FloatArray:
    """Effective number of independent draws of the normal scores of the ranks of each column.

    What the bulk of a distribution is known by: a mode of a few draws in a thousand, far away, which chains visit
    rarely, has next to no weight in it. Parameters and errors as for effective_sample_sizes.

    Source
    ------
    Vehtari et al., Bayesian Analysis 16, 667 (2021): section 4.1, bulk-ESS, here of whole chains. Checked against: the
    plain one of normal draws, and draws with a far and rare mode.
    """
    return np.array([_effective_draws(_scores(column)) if _sound(column) else np.nan for column in _columns(draws)])


def split_rhat(draws: FloatArray) -> float:
    """Rank-normalised split R-hat of chains (C, S); see split_rhats."""
    return float(split_rhats(draws[None])[0])


def split_rhats(draws: FloatArray) -> FloatArray:
    """Rank-normalised split R-hat of each column, 1 when all chains agree.

    Parameters
    ----------
    draws : array (Q, C, S)

    Returns
    -------
    array (Q,)
        The larger one of the draws' and of their distances from the median; nan as for effective_sample_sizes.

    Source
    ------
    Vehtari et al., Bayesian Analysis 16, 667 (2021): equations 3, 4 and 14. Checked against: the formulas with ranks of
    scipy.stats.
    """
    return np.array([_larger_rhat(_halves(column)) if _sound(column) else np.nan for column in _columns(draws)])


def autocovariance(draws: FloatArray) -> FloatArray:
    """Autocovariance at all lags, mean over chains, by Fourier transform: (C, S) to (S,)."""
    steps = draws.shape[1]
    # Padded, so that a record does not meet its own end.
    size = int(fft.next_fast_len(2 * steps - 1, real=True))
    transform = fft.rfft(draws - draws.mean(axis=1, keepdims=True), size, axis=1)
    power = (np.square(transform.real) + np.square(transform.imag)).mean(axis=0)
    covariance: FloatArray = fft.irfft(power, size)[:steps] / steps
    return covariance


def _columns(draws: FloatArray) -> FloatArray:
    """Columns in double precision, contiguous, so that sums do not depend on strides."""
    return np.ascontiguousarray(draws, dtype=np.float64)


def _sound(draws: FloatArray) -> bool:
    """Whether chains (C, S) can be diagnosed: long enough, finite, not constant."""
    if draws.shape[1] < FEWEST_DRAWS:
        return False
    low, high = float(draws.min()), float(draws.max())
    return math.isfinite(low) and math.isfinite(high) and low < high


def _effective_draws(draws: FloatArray) -> float:
    """Effective number of draws of sound chains (C, S)."""
    chains, steps = draws.shape
    covariance = autocovariance(draws) * (steps / (steps - 1))
    within = covariance[0]
    between = draws.mean(axis=1).var(ddof=1) if chains > 1 else 0.0
    correlation = 1.0 - (within - covariance) / (within * (steps - 1) / steps + between)
    correlation[0] = 1.0
    pairs = correlation[: steps // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0)
    kept = pairs[: negative[0]] if len(negative) else pairs
    tau = -1.0 + 2.0 * float(np.minimum.accumulate(kept).sum())
    return draws.size / max(tau, 1.0 / math.log10(max(draws.size, 10)))


def _halves(draws: FloatArray) -> FloatArray:
    """Both halves of every chain as chains of their own: (C, S) to (2 C, S // 2)."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, -half:]])


def _larger_rhat(split: FloatArray) -> float:
    """R-hat of normal scores of halves of chains (2 C, S // 2), or that of their distances from the median.

    One sort does: on either side of the median, distances are in order already.
    """
    flat = split.ravel()
    order = np.argsort(flat)
    value, middle = flat[order], flat.size // 2
    median = 0.5 * (value[middle - 1] + value[middle])
    distance = np.concatenate([median - value[middle - 1 :: -1], value[middle:] - median])
    # A stable sort merges two rising runs.
    outward = np.argsort(distance, kind="stable")
    place = np.concatenate([order[middle - 1 :: -1], order[middle:]])
    scores = np.empty((2, flat.size))
    scores[0, order] = _scores_of_rising(value)
    scores[1, place[outward]] = _scores_of_rising(distance[outward])
    return _largest_ratio(scores.reshape(2, *split.shape))


def _scores(draws: FloatArray) -> FloatArray:
    """Normal scores of the pooled ranks of chains (C, S)."""
    flat = draws.ravel()
    order = np.argsort(flat, kind="stable")
    scores = np.empty(flat.size)
    scores[order] = _scores_of_rising(flat[order])
    return scores.reshape(draws.shape)


def _scores_of_rising(value: FloatArray) -> FloatArray:
    """Normal scores of the ranks of rising values (n,), mean ranks where values are equal."""
    table = _score_table(len(value))
    edge = np.flatnonzero(value[1:] != value[:-1]) + 1
    if len(edge) == len(value) - 1:
        return table[::2]
    # Each run of equal values has the mean of its first and its last rank.
    edge = np.concatenate([[0], edge, [len(value)]])
    return np.repeat(table[edge[:-1] + edge[1:] - 1], np.diff(edge))


@lru_cache(maxsize=8)
def _score_table(number: int) -> FloatArray:
    """Normal scores of the ranks 1, 1.5, 2 ... ``number``."""
    rank = 0.5 * np.arange(2, 2 * number + 1)
    table: FloatArray = ndtri((rank - 0.375) / (number + 0.25))
    table.flags.writeable = False
    return table


def _largest_ratio(scores: FloatArray) -> float:
    """Larger ratio of pooled to within-chain spread of two sets of chains (2, C, S); infinite if all stand still."""
    steps = scores.shape[2]
    mean = scores.mean(axis=2)
    centred = scores - mean[..., None]
    within = np.einsum("kcs,kcs->kc", centred, centred).mean(axis=1) / (steps - 1)
    if not (within > 0).all():
        return math.inf
    pooled = within * (steps - 1) / steps + mean.var(axis=1, ddof=1)
    return math.sqrt(float((pooled / within).max()))
