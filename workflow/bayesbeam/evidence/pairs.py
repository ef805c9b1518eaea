"""Weights of draws between neighbouring rungs, computed once for all estimators that look from a rung to the next.

Plain numpy on the host, one group at a time: no number depends on a batch, on threads or on strides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bayesbeam.evidence.estimate import FloatArray, all_but_one, check_ladder, host_array

_ITERATIONS = 60
_LARGEST = float(np.finfo(np.float64).max)
# Draws, a (1 - a) each for one that is taken with probability a, below which chains agree for want of any knowledge.
FEWEST_SHARED = 1.0
_SMALLEST = math.exp(-700.0)
# Newton's steps square their error: after one below this the root is exact to rounding.
_LAST_STEP = 1e-7
# Draws for which the work of one step stays in the cache of a core.
_BLOCK = 32768


@dataclass(frozen=True)
class Weights:
    """Weights of draws of C chains towards the neighbours of P rungs.

    Attributes
    ----------
    relative : array (S, C * P)
        Weight over the largest one of its pair.
    top : array (P,)
        Logarithm of that largest weight.
    total : array (C, P)
        Relative weights summed over draws.
    """

    relative: FloatArray
    top: FloatArray
    total: FloatArray

    def log_mean(self) -> tuple[FloatArray, FloatArray]:
        """Logarithm of the mean weight (P,) of all chains, and without each chain (C, P)."""
        draws, chains = len(self.relative), len(self.total)
        with np.errstate(divide="ignore"):  # no chain has any weight: a log mean of minus infinity
            pooled = self.top + np.log(self.total.sum(0) / (draws * chains))
            without = self.top + np.log(all_but_one(self.total) / (draws * max(chains - 1, 1)))
        return pooled, without


def neighbour_weights(log_likelihood: FloatArray | Tensor, beta: FloatArray | Tensor) -> tuple[Weights, Weights]:
    """Weights of draws (S, C, R) of a ladder (R,) towards the rung above and the rung below."""
    check_ladder(beta, whole=False)
    draws, gap = host_array(log_likelihood), np.diff(host_array(beta))
    return weights(draws[..., :-1], gap), weights(draws[..., 1:], -gap)


def weights(log_likelihood: FloatArray, step: FloatArray) -> Weights:
    """Weights ``exp(step * lnL)`` of draws (S, C, P) towards a neighbour ``step`` (P,) away in beta."""
    steps, chains, pairs = log_likelihood.shape
    exponent = (log_likelihood * step).reshape(steps, chains * pairs)
    largest = exponent.max(axis=0).reshape(chains, pairs).max(axis=0)
    # Finite, so that a pair without any weight has sums of 0, and one with an infinite weight infinite sums.
    top = np.clip(largest, -_LARGEST, _LARGEST)
    total, row = np.zeros(chains * pairs), np.tile(top, chains)
    for block in _blocks(exponent):
        np.subtract(block, row, out=block)
        np.exp(block, out=block)
        total += block.sum(0)
    return Weights(exponent, top, total.reshape(chains, pairs))


def _blocks(values: FloatArray) -> Iterator[FloatArray]:
    """Views of a few rows each, which stay in the cache of a core while they are worked on."""
    rows = max(_BLOCK // values.shape[1], 1)
    for start in range(0, len(values), rows):
        yield values[start : start + rows]


def bennett(up: Weights, down: Weights) -> tuple[FloatArray, FloatArray]:
    """Logarithm of the ratio of normalisers by Bennett's acceptance ratio, pair by pair.

    Parameters
    ----------
    up, down : Weights
        Of draws on the lower rung of each pair, looking up; of draws on the upper rung, looking down.

    Returns
    -------
    pooled : array (P,)
        Root of Bennett's equation, by Newton steps kept between bounds; minus infinity where a rung has no possible
        draw or the upper one an impossible draw.
    without : array (C, P)
        Without each chain, by one Newton step from there: exact to order 1/C^2; not a number where both rungs share
        less than one draw.
    """
    forward, backward = up.log_mean()[0], -down.log_mean()[0]
    if not (np.isfinite(forward).all() and np.isfinite(backward).all()):
        return np.minimum(forward, backward), np.full_like(up.total, np.nan)
    low, high = np.full_like(forward, -np.inf), np.full_like(forward, np.inf)
    root, longest = 0.5 * (forward + backward), 5.0 + np.abs(forward - backward)
    value, slope = _balance(up, down, root)
    for _ in range(_ITERATIONS):
        total = value.sum(0)
        low, high = np.where(total > 0, root, low), np.where(total > 0, high, root)
        newton = np.clip(total / np.maximum(slope.sum(0), _SMALLEST), -longest, longest)
        wanted = root + newton
        between = (wanted >= low) & (wanted <= high)
        wanted[~between] = 0.5 * (low + high)[~between]
        step, root = np.abs(wanted - root).max(), wanted
        value, slope = _balance(up, down, root)
        if step < _LAST_STEP:
            break
    newton = (value.sum(0) - value) / np.maximum(slope.sum(0) - slope, _SMALLEST)
    without = root + np.clip(newton, -longest, longest)
    without[:, slope.sum(0) < FEWEST_SHARED] = np.nan
    return root, without


def _balance(up: Weights, down: Weights, root: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Value of Bennett's equation, which falls with the root, and its slope (positive), by chain: (C, P) each."""
    above, above_slope = _accepted(up, root - up.top)
    below, below_slope = _accepted(down, -root - down.top)
    return above - below, above_slope + below_slope


def _accepted(side: Weights, log_scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums over draws of ``a = w / (w + scale)`` and of ``a (1 - a)``, by chain: (C, P) each."""
    chains, pairs = side.total.shape
    scale = np.tile(np.exp(np.clip(log_scale, -700.0, 700.0)), chains)
    first, second = np.zeros_like(scale), np.zeros_like(scale)
    for weight in _blocks(side.relative):
        ratio = weight + scale
        np.divide(weight, ratio, out=ratio)
        first += ratio.sum(0)
        np.square(ratio, out=ratio)
        second += ratio.sum(0)
    return first.reshape(chains, pairs), (first - second).reshape(chains, pairs)
