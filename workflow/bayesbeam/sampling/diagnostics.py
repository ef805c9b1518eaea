"""Effective sample size and R-hat over independent chains at beta = 1; never over tempered replicas.

Of many columns of draws at once (Q, C, S). A column's numbers depend on nothing but the column.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtri

FloatArray = NDArray[np.float64]
Places = NDArray[np.int64]

FEWEST_DRAWS = 4
# Numbers of the columns that are worked on together.
_BLOCK = 1 << 15


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
    found: FloatArray = _in_blocks(draws, _effective_draws)[0]
    return found


def bulk_effective_sample_sizes(draws: FloatArray) -> FloatArray:
    """Effective number of independent draws of the normal scores of the ranks of each column.

    What the bulk of a distribution is known by: a mode of a few draws in a thousand, far away, which chains visit
    rarely, has next to no weight in it. Parameters and errors as for effective_sample_sizes.

    Source
    ------
    Vehtari et al., Bayesian Analysis 16, 667 (2021): section 4.1, bulk-ESS, here of whole chains. Checked against: the
    plain one of normal draws, and draws with a far and rare mode.
    """
    found: FloatArray = _in_blocks(draws, lambda block: _effective_draws(_scores(block, _ranking(block))))[0]
    return found


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
    found: FloatArray = _in_blocks(draws, lambda block: _larger_rhats(block, _ranking(block)))[0]
    return found


def bulk_sizes_and_rhats(draws: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bulk effective sample size and R-hat of each column, from one ranking: as the functions of these names."""
    found = _in_blocks(draws, _both)
    return found[0], found[1]


def autocovariance(draws: FloatArray) -> FloatArray:
    """Autocovariance at all lags, mean over chains, by Fourier transform: (..., C, S) to (..., S)."""
    steps = draws.shape[-1]
    # Padded, so that a record does not meet its own end.
    size = int(fft.next_fast_len(2 * steps - 1, real=True))
    transform = fft.rfft(draws - draws.mean(axis=-1, keepdims=True), size, axis=-1)
    power = (np.square(transform.real) + np.square(transform.imag)).mean(axis=-2)
    covariance: FloatArray = fft.irfft(power, size, axis=-1)[..., :steps] / steps
    return covariance


def _in_blocks(draws: FloatArray, diagnose: Callable[[FloatArray], FloatArray | list[FloatArray]]) -> FloatArray:
    """Diagnoses of columns (Q, C, S), a few at a time: (1 or more, Q), nan for those that cannot be diagnosed.

    Contiguous, in double precision, so that sums do not depend on strides.
    """
    draws = np.ascontiguousarray(draws, dtype=np.float64)
    low, high = draws.min(axis=(1, 2)), draws.max(axis=(1, 2))
    sound = np.isfinite(low) & np.isfinite(high) & (low < high) & (draws.shape[2] >= FEWEST_DRAWS)
    places, rows = np.flatnonzero(sound), max(_BLOCK // draws[0].size, 1)
    found = [np.atleast_2d(diagnose(draws[places[k : k + rows]])) for k in range(0, len(places), rows)]
    whole = np.full((len(found[0]) if found else 2, len(draws)), np.nan)
    if found:
        whole[:, places] = np.concatenate(found, 1)
    return whole


def _both(draws: FloatArray) -> list[FloatArray]:
    """Bulk effective sample sizes and R-hats of sound columns (Q, C, S)."""
    order = _ranking(draws)
    scores = _scores(draws, order)
    return [_effective_draws(scores), _larger_rhats(draws, order, scores)]


def _effective_draws(draws: FloatArray) -> FloatArray:
    """Effective numbers of draws of sound columns (Q, C, S)."""
    _, chains, steps = draws.shape
    covariance = autocovariance(draws) * (steps / (steps - 1))
    within = covariance[:, :1]
    between = draws.mean(axis=2).var(axis=1, ddof=1)[:, None] if chains > 1 else 0.0
    correlation = 1.0 - (within - covariance) / (within * (steps - 1) / steps + between)
    correlation[:, 0] = 1.0
    pairs = correlation[:, : steps // 2 * 2].reshape(len(draws), -1, 2).sum(axis=2)
    kept = np.minimum.accumulate(pairs, axis=1)
    tau = -1.0 + 2.0 * np.where(kept < 0.0, 0.0, kept).sum(axis=1)
    size = chains * steps
    found: FloatArray = size / np.maximum(tau, 1.0 / math.log10(max(size, 10)))
    return found


def _ranking(draws: FloatArray) -> Places:
    """Places of the draws of each column (Q, C, S) in rising order, (Q, C S), counted over all columns."""
    flat = draws.reshape(len(draws), -1)
    # Draws that are equal have one score, so their order does not matter.
    return flat.argsort(axis=1) + np.arange(0, flat.size, flat.shape[1])[:, None]


def _scores(draws: FloatArray, order: Places) -> FloatArray:
    """Normal scores of the pooled ranks of columns (Q, C, S)."""
    scores = np.empty_like(draws)
    scores.reshape(-1)[order] = _scores_of_rising(draws.reshape(-1)[order])
    return scores


def _larger_rhats(draws: FloatArray, order: Places, scores: FloatArray | None = None) -> FloatArray:
    """R-hats of normal scores of halves of chains, or those of their distances from the median.

    One sort does: on either side of the median, distances are in order already.
    """
    steps = draws.shape[2]
    if steps % 2:
        # Neither half has the draw in the middle.
        order, scores = order[order % steps != steps // 2].reshape(len(draws), -1), None
    value, middle = draws.reshape(-1)[order], order.shape[1] // 2
    both = np.empty((2, *draws.shape))
    both[0] = _scores(draws, order) if scores is None else scores
    median = 0.5 * (value[:, middle - 1 : middle] + value[:, middle : middle + 1])
    distance = np.concatenate([median - value[:, middle - 1 :: -1], value[:, middle:] - median], 1)
    # A stable sort merges two rising runs.
    outward = distance.argsort(axis=1, kind="stable") + np.arange(0, distance.size, distance.shape[1])[:, None]
    place = np.concatenate([order[:, middle - 1 :: -1], order[:, middle:]], 1).reshape(-1)[outward]
    both[1].reshape(-1)[place] = _scores_of_rising(distance.reshape(-1)[outward])
    return _largest_ratios(_halves(both))


def _halves(draws: FloatArray) -> FloatArray:
    """Both halves of every chain as chains of their own: (..., C, S) to (..., 2 C, S // 2)."""
    half = draws.shape[-1] // 2
    return np.concatenate([draws[..., :half], draws[..., -half:]], -2)


def _scores_of_rising(value: FloatArray) -> FloatArray:
    """Normal scores of the ranks of rising values (Q, n), mean ranks where values are equal."""
    number = value.shape[1]
    table = _score_table(number)
    new = np.ones(value.shape, dtype=bool)
    np.not_equal(value[:, 1:], value[:, :-1], out=new[:, 1:])
    first = np.flatnonzero(new)
    if len(first) == value.size:
        return np.broadcast_to(table[::2], value.shape)
    # Each run of equal values has the mean of its first and its last rank; runs end where columns end.
    length = np.diff(first, append=value.size)
    return np.repeat(table[2 * (first % number) + length - 1], length).reshape(value.shape)


@lru_cache(maxsize=8)
def _score_table(number: int) -> FloatArray:
    """Normal scores of the ranks 1, 1.5, 2 ... ``number``."""
    rank = 0.5 * np.arange(2, 2 * number + 1)
    table: FloatArray = ndtri((rank - 0.375) / (number + 0.25))
    table.flags.writeable = False
    return table


def _largest_ratios(scores: FloatArray) -> FloatArray:
    """Larger ratio of pooled to within-chain spread of two sets of chains (2, Q, C, S); infinite if all stay."""
    steps = scores.shape[3]
    mean = scores.mean(axis=3)
    centred = scores - mean[..., None]
    within = np.vecdot(centred, centred).mean(axis=2) / (steps - 1)
    pooled = within * (steps - 1) / steps + mean.var(axis=2, ddof=1)
    moving = (within > 0).all(axis=0)
    ratio = np.divide(pooled, within, out=np.full_like(within, np.inf), where=moving)
    found: FloatArray = np.sqrt(ratio.max(axis=0))
    return found
