"""A mixture of Student-t densities fitted to weighted draws: of one component where that is enough, else of several.

Plain numpy. Products of matrices are small enough that no library shares one out among threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayesbeam.sampling.mixture import (
    FREEDOM,
    LARGEST_PRODUCT,
    LONGEST_SUM,
    MOST_COMPONENTS,
    Mixture,
    exponential,
    lifted_columns,
    log_terms_of,
    parts,
    whitening_of,
)  # fmt: skip

FloatArray = NDArray[np.float64]

_ITERATIONS = 6
# Draws a dimension that a component needs.
_DRAWS_A_DIMENSION = 8
# Spread of the logarithm of the weights of draws, nats, below which one component is enough.
_NEAR_ENOUGH = 1.0
# Weight of a wide component beside several narrow ones: it reaches what few draws have seen.
_WIDE = 0.2
# Draws that the spread of all draws counts as, in the spread of a component.
_PSEUDO_DRAWS = 1.0
# A golden turn: numbers that fill the interval evenly, however many are taken.
_TURN = 0.5 * (math.sqrt(5.0) - 1.0)


def fit(x: FloatArray, weight: FloatArray, log_posterior: FloatArray) -> Mixture:
    """Mixture close to the density that draws come from: of one component where that is enough, else of several.

    Parameters
    ----------
    x : array (n, d)
    weight : array (n,)
        What a draw counts.
    log_posterior : array (n,)
        Logarithm of their density up to a constant; says whether one component is enough.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where draws do not span the space.
    """
    number = min(int(len(x) / (_DRAWS_A_DIMENSION * x.shape[1])), MOST_COMPONENTS)
    draws = _in_units(x, weight * (len(weight) / weight.sum()), max(number, 1))
    one = _expectation_maximisation(draws, draws.x[:, :1].T, 1.0, 4)
    apart = log_posterior - one.log_density_of(draws.x)
    middle = np.average(apart, weights=weight)
    if number < 2 or np.average((apart - middle) ** 2, weights=weight) < _NEAR_ENOUGH**2:
        return draws.back(one)
    means = draws.x[:, _far_apart(x, weight, number)].T
    several = _expectation_maximisation(draws, means, number ** (-2.0 / x.shape[1]), _ITERATIONS)
    both = Mixture(
        np.append((1.0 - _WIDE) * several.weight, _WIDE * one.weight),
        np.concatenate([several.mean, one.mean]),
        np.concatenate([several.factor, one.factor]),
    )
    return draws.back(both)


@dataclass(frozen=True)
class _Draws:
    """Draws in units in which their covariance is one, about an origin among them.

    Attributes
    ----------
    x : array (d, n)
    origin, root : arrays (d,) and (d, d)
        A draw is ``origin + root @ x``.
    floor : array (d, d)
        Their variances by themselves, in these units.
    products : array (s, m, n / s)
        Products of any two of the numbers of a draw and a one, in s slices that are filled up with zeros: squared
        distances and sums of squares are sums of these, in one product of matrices.
    counted : array (s, 1, n / s)
        What a draw counts.
    """

    x: FloatArray
    origin: FloatArray
    root: FloatArray
    floor: FloatArray
    products: FloatArray
    counted: FloatArray

    def back(self, found: Mixture) -> Mixture:
        """A mixture in the units of the draws that were given."""
        mean = self.origin + (self.root @ found.mean[..., None])[..., 0]
        return Mixture(found.weight, mean, self.root @ found.factor)


def _in_units(x: FloatArray, weight: FloatArray, number: int) -> _Draws:
    """Draws (n, d) in units of their covariance, sliced for so many components."""
    origin: FloatArray = x.mean(0)
    dimensions = x.shape[1]
    covariance = _covariance(x - origin, weight)
    variance: FloatArray = np.diagonal(covariance)
    if not (variance > 0.0).all():
        raise np.linalg.LinAlgError("draws do not span the space")
    root: FloatArray = np.asarray(np.linalg.cholesky(covariance + 1e-9 * np.diag(variance)))
    unit: FloatArray = np.asarray(np.linalg.inv(root))
    many = (dimensions + 1) * (dimensions + 2) // 2
    slices = -(-len(x) // max(min(LARGEST_PRODUCT // (number * many), LONGEST_SUM), 1))
    rows = -(-len(x) // slices)
    columns, counted = np.zeros((dimensions, slices * rows)), np.zeros(slices * rows)
    columns[:, : len(x)], counted[: len(x)] = (x - origin).T, weight
    sliced: FloatArray = unit @ columns.reshape(dimensions, slices, rows).swapaxes(0, 1)
    standard = sliced.swapaxes(0, 1).reshape(dimensions, -1)[:, : len(x)]
    floor = np.asarray((unit * variance) @ unit.T * _PSEUDO_DRAWS, dtype=np.float64)
    return _Draws(standard, origin, root, floor, _products(lifted_columns(sliced)), counted.reshape(slices, 1, rows))


def _expectation_maximisation(draws: _Draws, mean: FloatArray, spread: float, iterations: int) -> Mixture:
    """Mixture, in the units of the draws, that begins at some means (J, d) with a part of the covariance of all.

    Source
    ------
    Peel and McLachlan, Statistics and Computing 10, 339 (2000).
    """
    number, dimensions = mean.shape
    found = Mixture(
        np.full(number, 1.0 / number), mean, np.tile(np.eye(dimensions) * math.sqrt(spread), (number, 1, 1))
    )
    for _ in range(iterations):
        distance = _quadratic(whitening_of(found.mean, found.factor)) @ draws.products
        share = log_terms_of(found.size, np.maximum(distance, 0.0, out=distance), dimensions)
        share = exponential(np.subtract(share, share.max(1, keepdims=True), out=share))
        share *= draws.counted / share.sum(1, keepdims=True)
        count = share.sum((0, 2))
        share *= (FREEDOM + dimensions) / (FREEDOM + distance)
        mean, scatter = _mean_and_scatter((share @ draws.products.swapaxes(1, 2)).sum(0), dimensions)
        spread_of_each = (scatter + spread * draws.floor) / (count + _PSEUDO_DRAWS)[:, None, None]
        found = Mixture((count + 0.5) / (count + 0.5).sum(), mean, np.linalg.cholesky(spread_of_each))
    return found


def _products(lifted: FloatArray) -> FloatArray:
    """Products of any two rows of lifted columns (s, d + 1, n): (s, m, n), each pair once."""
    slices, rows, draws = lifted.shape
    products = np.empty((slices, rows * (rows + 1) // 2, draws))
    start = 0
    for k in range(rows):
        end = start + rows - k
        np.multiply(lifted[:, k : k + 1], lifted[:, k:], out=products[:, start:end])
        start = end
    return products


@lru_cache(maxsize=8)
def _pairs(rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Numbers of both rows in each of the products, and how often they are in a square."""
    first, second = np.triu_indices(rows)
    return first, second, np.where(first == second, 1.0, 2.0)


def _quadratic(whitening: FloatArray) -> FloatArray:
    """What products (m, n) are to be multiplied with, (J, m), for squared distances by whitening matrices."""
    square = whitening.swapaxes(-1, -2) @ whitening
    first, second, times = _pairs(square.shape[-1])
    found: FloatArray = square[:, first, second] * times
    return found


def _mean_and_scatter(total: FloatArray, dimensions: int) -> tuple[FloatArray, FloatArray]:
    """Means (J, d) of draws, and their sums of squares about them (J, d, d), from weighted sums of products (J, m)."""
    square = np.empty((len(total), dimensions + 1, dimensions + 1))
    first, second, _ = _pairs(dimensions + 1)
    square[:, first, second] = square[:, second, first] = total
    moment = square[:, :-1, -1]
    mean = moment / np.maximum(square[:, -1:, -1], 1e-300)
    return mean, square[:, :-1, :-1] - moment[:, :, None] * mean[:, None, :]


def _covariance(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted covariance (d, d) of draws (n, d) about an origin among them."""
    lifted = lifted_columns(x.T)
    square = np.zeros((len(lifted), len(lifted)))
    for part in parts(len(x), len(lifted)):
        square += (lifted[:, part] * weight[part]) @ lifted[:, part].T
    square /= square[-1, -1]
    covariance: FloatArray = square[:-1, :-1] - np.outer(square[-1, :-1], square[-1, :-1])
    return covariance


def _far_apart(x: FloatArray, weight: FloatArray, number: int) -> list[int]:
    """Some of the draws (n, d), taken in proportion to the squared distance to those already taken.

    Source
    ------
    Arthur and Vassilvitskii, SODA 2007: k-means++, with an even sequence for random numbers.
    """
    scaled = np.ascontiguousarray((x / x.std(0)).T)
    chosen = [0]
    nearest = np.full(len(x), np.inf)
    for k in range(1, number):
        step = scaled - scaled[:, chosen[-1], None]
        np.minimum(nearest, np.square(step, out=step).sum(0), out=nearest)
        total = np.cumsum(nearest * weight)
        chosen.append(min(int(np.searchsorted(total, (k * _TURN % 1.0) * total[-1])), len(x) - 1))
    return chosen
