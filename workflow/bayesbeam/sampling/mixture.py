"""Mixtures of Student-t densities fitted to weighted draws: a normalised density close to a posterior.

Plain numpy. Products of matrices are small enough that no library shares one out among threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Degrees of freedom of all components; even, so that their chi-square is a sum of logarithms.
FREEDOM = 8
_ITERATIONS = 6
MOST_COMPONENTS = 8
# Draws a dimension that a component needs.
_DRAWS_A_DIMENSION = 8
# Spread of the logarithm of the weights of draws, nats, below which one component is enough.
_NEAR_ENOUGH = 1.0
# Weight of a wide component beside several narrow ones: it reaches what few draws have seen.
_WIDE = 0.2
# Draws that the spread of all draws counts as, in the spread of a component.
_PSEUDO_DRAWS = 1.0
# Multiplications of one product, and terms of one sum, that a library leaves to one thread.
_LARGEST_PRODUCT, _LONGEST_SUM = 1 << 17, 4096
# A golden turn: numbers that fill the interval evenly, however many are taken.
_TURN = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass(frozen=True)
class Mixture:
    """Weights (..., J), means (..., J, d) and lower Cholesky factors (..., J, d, d) of Student-t components.

    Leading axes hold several mixtures side by side: see :func:`side_by_side`.
    """

    weight: FloatArray
    mean: FloatArray
    factor: FloatArray

    def log_density(self, x: FloatArray) -> FloatArray:
        """Logarithm of the density at x (..., n, d): (..., n)."""
        total: FloatArray = _log_sum(self._log_terms(_columns(x))[0])
        return total

    def draw(self, which: FloatArray, normal: FloatArray, chi_square: FloatArray) -> FloatArray:
        """Draws (..., n, d).

        Parameters
        ----------
        which : array (..., n)
            Uniform numbers that choose the component.
        normal : array (..., n, d)
        chi_square : array (..., n)
            Chi-square numbers with ``FREEDOM`` degrees of freedom.
        """
        below = np.cumsum(self.weight, axis=-1)[..., None, :] <= which[..., None]
        # Rounding of the sum of the weights must not choose what is only there to fill up.
        place = np.minimum(below.sum(-1), (self.weight > 0.0).sum(-1)[..., None] - 1)
        own = np.arange(self.weight[..., 0].size).reshape(*self.weight.shape[:-1], 1) * self.weight.shape[-1] + place
        dimensions = normal.shape[-1]
        factor, mean = self.factor.reshape(-1, dimensions, dimensions)[own], self.mean.reshape(-1, dimensions)[own]
        step = np.vecdot(factor, normal[..., None, :])
        drawn: FloatArray = mean + step * np.sqrt(FREEDOM / chi_square)[..., None]
        return drawn

    def _log_terms(self, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logarithms of weight times density of each component at columns (..., d, n), and squared distances.

        Both (..., J, n).
        """
        dimensions, draws = columns.shape[-2:]
        inverse = np.linalg.inv(self.factor)
        distance = np.empty((*self.weight.shape, draws))
        for part in _parts(draws, dimensions):
            step = inverse @ _from_means(columns[..., part], self.mean)
            np.square(step, out=step).sum(-2, out=distance[..., part])
        constant = (
            math.lgamma(0.5 * (FREEDOM + dimensions))
            - math.lgamma(0.5 * FREEDOM)
            - 0.5 * dimensions * math.log(FREEDOM * math.pi)
        )
        with np.errstate(divide="ignore"):  # components that are only there to fill up have no weight
            size = np.log(self.weight) - np.log(np.diagonal(self.factor, axis1=-2, axis2=-1)).sum(-1)
        log_terms = (constant + size)[..., None] - 0.5 * (FREEDOM + dimensions) * np.log1p(distance / FREEDOM)
        return log_terms, distance


def side_by_side(mixtures: Sequence[Mixture]) -> Mixture:
    """Mixtures of equal dimension as one value with an axis in front, filled up with components of no weight."""
    most = max(len(mixture.weight) for mixture in mixtures)
    dimensions = mixtures[0].mean.shape[1]
    weight, mean = np.zeros((len(mixtures), most)), np.zeros((len(mixtures), most, dimensions))
    factor = np.tile(np.eye(dimensions), (len(mixtures), most, 1, 1))
    for k, mixture in enumerate(mixtures):
        own = k, slice(len(mixture.weight))
        weight[own], mean[own], factor[own] = mixture.weight, mixture.mean, mixture.factor
    return Mixture(weight, mean, factor)


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
    weight = weight * (len(weight) / weight.sum())
    covariance = _covariance(x, weight)
    if not (np.diagonal(covariance) > 0.0).all():
        raise np.linalg.LinAlgError("draws do not span the space")
    one = _expectation_maximisation(x, weight, x[:1], covariance, 4)
    number = min(int(len(x) / (_DRAWS_A_DIMENSION * x.shape[1])), MOST_COMPONENTS)
    apart = log_posterior - one.log_density(x)
    middle = np.average(apart, weights=weight)
    if number < 2 or np.average((apart - middle) ** 2, weights=weight) < _NEAR_ENOUGH**2:
        return one
    spread = covariance * number ** (-2.0 / x.shape[1])
    several = _expectation_maximisation(x, weight, _far_apart(x, weight, number), spread, _ITERATIONS)
    return Mixture(
        np.append((1.0 - _WIDE) * several.weight, _WIDE * one.weight),
        np.concatenate([several.mean, one.mean]),
        np.concatenate([several.factor, one.factor]),
    )


def _expectation_maximisation(
    x: FloatArray, weight: FloatArray, mean: FloatArray, spread: FloatArray, iterations: int
) -> Mixture:
    """Mixture that begins at some means (J, d) with one spread (d, d).

    Source
    ------
    Peel and McLachlan, Statistics and Computing 10, 339 (2000).
    """
    number, dimensions = mean.shape
    floor = np.diag(np.maximum(np.diagonal(spread), 1e-300)) * _PSEUDO_DRAWS
    factor = np.tile(np.linalg.cholesky(spread + 1e-9 * floor), (number, 1, 1))
    found = Mixture(np.full(number, 1.0 / number), mean, factor)
    columns = _columns(x)
    for _ in range(iterations):
        log_terms, distance = found._log_terms(columns)
        share = np.exp(log_terms - _log_sum(log_terms)) * weight
        count = share.sum(1)
        pull = share * (FREEDOM + dimensions) / (FREEDOM + distance)
        mean = _moments(pull, columns) / np.maximum(pull.sum(1), 1e-300)[:, None]
        scatter = _scatter(pull, columns, mean)
        spread_of_each = (scatter + floor) / (count + _PSEUDO_DRAWS)[:, None, None]
        found = Mixture((count + 0.5) / (count + 0.5).sum(), mean, np.linalg.cholesky(spread_of_each))
    return found


def _columns(x: FloatArray) -> FloatArray:
    """Draws (..., n, d) as columns (..., d, n) of matrices."""
    return np.ascontiguousarray(x.swapaxes(-1, -2))


def _from_means(columns: FloatArray, mean: FloatArray) -> FloatArray:
    """Draws (..., d, n) less the mean of each component: (..., J, d, n), in the order of its axes in memory.

    The order matters: a product of matrices has other last digits with another one.
    """
    step: FloatArray = np.subtract(columns[..., None, :, :], mean[..., None], order="C")
    return step


def _moments(pull: FloatArray, columns: FloatArray) -> FloatArray:
    """Weighted sums (J, d) of draws (d, n), one set of weights (J, n) each."""
    total = np.zeros((len(pull), len(columns)))
    for part in _parts(columns.shape[1], len(columns)):
        total += np.vecdot(pull[:, None, part], columns[:, part])
    return total


def _scatter(pull: FloatArray, columns: FloatArray, mean: FloatArray) -> FloatArray:
    """Weighted sums of squares (J, d, d) of draws (d, n) about means (J, d)."""
    total = np.zeros((*mean.shape, mean.shape[1]))
    for part in _parts(columns.shape[1], len(columns)):
        step = _from_means(columns[:, part], mean)
        total += (step * pull[:, None, part]) @ step.transpose(0, 2, 1)
    return total


def _parts(draws: int, dimensions: int) -> Iterator[slice]:
    """Slices of draws (n, d), for products that a library does by itself and does not share out among threads."""
    rows = max(min(_LARGEST_PRODUCT // dimensions**2, _LONGEST_SUM), 1)
    return (slice(start, start + rows) for start in range(0, draws, rows))


def _covariance(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted covariance (d, d) of draws (n, d)."""
    columns = _columns(x)
    mean = _moments(weight[None], columns) / weight.sum()
    covariance: FloatArray = _scatter(weight[None], columns, mean)[0] / weight.sum()
    return covariance


def _far_apart(x: FloatArray, weight: FloatArray, number: int) -> FloatArray:
    """Some of the draws, taken in proportion to the squared distance to those already taken.

    Source
    ------
    Arthur and Vassilvitskii, SODA 2007: k-means++, with an even sequence for random numbers.
    """
    scaled = x / x.std(0)
    chosen = [0]
    nearest = np.full(len(x), np.inf)
    for k in range(1, number):
        nearest = np.minimum(nearest, np.square(scaled - scaled[chosen[-1]]).sum(1))
        total = np.cumsum(nearest * weight)
        chosen.append(int(np.searchsorted(total, (k * _TURN % 1.0) * total[-1])))
    return x[np.minimum(chosen, len(x) - 1)]


def _log_sum(log_terms: FloatArray) -> FloatArray:
    """Logarithm of the sum of exponentials over the components (..., J, n)."""
    top = log_terms.max(axis=-2)
    total: FloatArray = top + np.log(np.exp(log_terms - top[..., None, :]).sum(axis=-2))
    return total
