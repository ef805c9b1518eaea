"""Steps of a population in beta: how far, and which states go on; numbers of one group on the host."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Part of the states that is effective after a step in beta.
EFFECTIVE = 0.5
# Rank correlation of log-likelihoods before and after the moves at which a population has forgotten where it began.
FORGOTTEN = 0.3


def forgotten(before: FloatArray, after: FloatArray) -> bool:
    """Whether log-likelihoods (C, N) of as many states have forgotten what they were.

    Source
    ------
    Buchholz, Chopin and Jacob, Bayesian Anal. 16, 745 (2021): number of moves adapted to what is left of correlation.
    """
    first, last = _centred_ranks(before.ravel()), _centred_ranks(after.ravel())
    size = math.sqrt(float(np.square(first).sum()) * float(np.square(last).sum()))
    return size == 0.0 or float((first * last).sum()) <= FORGOTTEN * size


def _centred_ranks(values: FloatArray) -> FloatArray:
    """Ranks of values (n,) less their mean; equal values share one. scipy.stats takes most of a second to import."""
    order = values.argsort()
    rising = values[order]
    first = np.flatnonzero(np.concatenate([[True], rising[1:] != rising[:-1]]))
    count = np.diff(first, append=len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(first + 0.5 * (count + 1), count) - 0.5 * (len(values) + 1)
    return ranks


def next_beta(log_likelihood: FloatArray, beta: float) -> float:
    """Next inverse temperature: where half of the states of all populations are effective, 1 at most.

    Parameters
    ----------
    log_likelihood : array (C, n), nats
        At ``beta``.

    Notes
    -----
    Impossible states (-inf) count neither as states nor as weight: at the prior they may be nearly all.
    """
    values = log_likelihood[np.isfinite(log_likelihood)]
    if not values.size:
        return 1.0
    values = values - values.max()

    def lack(step: float) -> float:
        weight = np.exp(step * values)
        # Not a scalar product, which a library shares out among threads from ten thousand numbers on.
        return math.log(weight.sum() ** 2 / np.square(weight).sum() / values.size / EFFECTIVE)

    most = 1.0 - beta
    if lack(most) >= 0.0:
        return 1.0
    # In a normal distribution the logarithm of the effective part goes with the square of the step.
    with np.errstate(over="ignore"):  # of squares of numbers beyond 1e154
        spread = float(values.std())
    low, high, step = 0.0, most, min(math.sqrt(-math.log(EFFECTIVE)) / max(spread, 1e-300), 0.5 * most)
    for attempt in range(1, 31):
        missing = lack(step)
        low, high = (step, high) if missing >= 0.0 else (low, step)
        if abs(missing) < 0.01:
            break
        loss = missing + math.log(EFFECTIVE)
        better = step * math.sqrt(math.log(EFFECTIVE) / loss) if loss < 0.0 else high
        # Where a few states are far below all others, one rule alone creeps.
        middle = math.sqrt(low) * math.sqrt(high) if low > 0.0 else 0.5 * (low + high)
        step = better if attempt % 4 and low < better < high else middle
    return beta + step if beta + step > beta else float(np.nextafter(beta, 2.0))


def resampled(log_likelihood: FloatArray, step: float, uniform: FloatArray, count: int) -> NDArray[np.int64]:
    """Systematic choice of ``count`` states in each population by their weights towards a step in beta.

    Parameters
    ----------
    log_likelihood : array (C, n), nats
    uniform : array (C,)

    Returns
    -------
    array (C, count), int64
        Places in the flattened (C n) states: of its own population, or of all where its own has no possible state.
    """
    chains, size = log_likelihood.shape
    points = (np.arange(count) + uniform[:, None]) / count
    own = np.arange(chains)[:, None] * size
    top = log_likelihood.max(axis=1, keepdims=True)
    if not np.isfinite(top).any():
        return np.asarray(own + (points * size).astype(np.int64))
    lost = ~np.isfinite(top)[:, 0]
    total = np.cumsum(np.exp(step * np.nan_to_num(log_likelihood - np.where(lost[:, None], 0.0, top))), axis=1)
    places: NDArray[np.int64] = (total[:, None, :] <= (points * total[:, -1:])[..., None]).sum(-1)
    found: NDArray[np.int64] = np.minimum(places, size - 1) + own
    if lost.any():
        values = log_likelihood.ravel()
        total = np.cumsum(np.exp(step * np.nan_to_num(values - values.max())))
        anywhere = np.searchsorted(total, points[lost] * total[-1], side="right")
        found[lost] = np.minimum(anywhere, values.size - 1)
    return found
