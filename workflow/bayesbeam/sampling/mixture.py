"""Mixtures of Student-t densities fitted to weighted draws: a normalised density close to a posterior.

Plain numpy. Products of matrices are small enough that no library shares one out among threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

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
        return self.log_density_of(x.swapaxes(-1, -2))

    def log_density_of(self, columns: FloatArray) -> FloatArray:
        """Logarithm of the density at columns (..., d, n): (..., n)."""
        lifted = _lifted(columns, self.mean[..., 0, :])
        total: FloatArray = _log_sum(_log_terms(self._size, self._whitening, lifted)[0])
        return total

    def draw(self, which: FloatArray, normal: FloatArray, chi_square: FloatArray) -> FloatArray:
        """Draws as columns (..., d, n).

        Parameters
        ----------
        which : array (..., n)
            Uniform numbers that choose the component.
        normal : array (..., d, n)
        chi_square : array (..., n)
            Chi-square numbers with ``FREEDOM`` degrees of freedom.
        """
        below = np.cumsum(self.weight, axis=-1)[..., None] <= which[..., None, :]
        # Rounding of the sum of the weights must not choose what is only there to fill up.
        place = np.minimum(below.sum(-2), (self.weight > 0.0).sum(-1)[..., None] - 1)
        chosen = place[..., None, :] == np.arange(self.weight.shape[-1])[:, None]
        steps = _lifted(normal * np.sqrt(FREEDOM / chi_square)[..., None, :])
        affine = np.concatenate([self.factor, self.mean[..., None]], -1)
        drawn = np.empty_like(normal)
        for part in _parts(normal.shape[-1], normal.shape[-2] + 1):
            of_each = affine @ steps[..., None, :, part]
            of_each *= chosen[..., None, part]
            of_each.sum(-3, out=drawn[..., part])
        return drawn

    @cached_property
    def _whitening(self) -> FloatArray:
        """What takes lifted columns about the first mean to steps from each mean in units of its factor."""
        return _whitening(self.mean - self.mean[..., :1, :], self.factor)

    @cached_property
    def _size(self) -> FloatArray:
        """Logarithm of weight times density at each mean (..., J)."""
        return _size(self.weight, self.factor)


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
    origin = x.mean(0)
    share_of_each, mean, lifted = np.full(number, 1.0 / number), mean - origin, _lifted(x.T, origin)
    for _ in range(iterations):
        log_terms, distance = _log_terms(_size(share_of_each, factor), _whitening(mean, factor), lifted)
        share = _exponential(log_terms - _log_sum(log_terms))
        share *= weight
        count = share.sum(1)
        share *= (FREEDOM + dimensions) / (FREEDOM + distance)
        mean, scatter = _mean_and_scatter(share, lifted)
        factor = np.linalg.cholesky((scatter + floor) / (count + _PSEUDO_DRAWS)[:, None, None])
        share_of_each = (count + 0.5) / (count + 0.5).sum()
    return Mixture(share_of_each, mean + origin, factor)


def _lifted(columns: FloatArray, origin: FloatArray | None = None) -> FloatArray:
    """Columns (..., d, n) less an origin (..., d), with a row of ones below: (..., d + 1, n).

    Products with them add a constant and give sums of all orders up to the second at once. The origin is to lie among
    the draws: then no more digits are lost than draws have spreads between them.
    """
    lifted = np.ones((*columns.shape[:-2], columns.shape[-2] + 1, columns.shape[-1]))
    lifted[..., :-1, :] = columns if origin is None else columns - origin[..., None]
    return lifted


def _whitening(mean: FloatArray, factor: FloatArray) -> FloatArray:
    """Matrices (..., J, d, d + 1) from lifted columns to steps from means in units of factors."""
    inverse = np.linalg.inv(factor)
    return np.concatenate([inverse, -(inverse @ mean[..., None])], -1)


def _size(weight: FloatArray, factor: FloatArray) -> FloatArray:
    """Logarithm of weight times density of each component at its mean (..., J)."""
    dimensions = factor.shape[-1]
    constant = (
        math.lgamma(0.5 * (FREEDOM + dimensions))
        - math.lgamma(0.5 * FREEDOM)
        - 0.5 * dimensions * math.log(FREEDOM * math.pi)
    )
    with np.errstate(divide="ignore"):  # components that are only there to fill up have no weight
        size: FloatArray = np.log(weight) - np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(-1) + constant
    return size


def _log_terms(size: FloatArray, whitening: FloatArray, lifted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logarithms of weight times density of each component at lifted columns (..., d + 1, n), and squared distances.

    Both (..., J, n).
    """
    dimensions, draws = whitening.shape[-2], lifted.shape[-1]
    lead = np.broadcast_shapes(size.shape[:-1], lifted.shape[:-2])
    distance = np.empty((*lead, size.shape[-1], draws))
    for part in _parts(draws, dimensions + 1):
        step = whitening @ lifted[..., None, :, part]
        np.square(step, out=step).sum(-2, out=distance[..., part])
    log_terms = distance * (1.0 / FREEDOM)
    log_terms += 1.0
    np.log(log_terms, out=log_terms)
    log_terms *= -0.5 * (FREEDOM + dimensions)
    log_terms += size[..., None]
    return log_terms, distance


def _mean_and_scatter(pull: FloatArray, lifted: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted means (J, d) of draws, and their weighted sums of squares about them (J, d, d), from weights (J, n)."""
    rows = len(lifted)
    total = np.zeros((len(pull), rows, rows))
    for part in _parts(lifted.shape[1], rows):
        total += (lifted[:, part] * pull[:, None, part]) @ lifted[:, part].T
    first = total[:, :-1, -1]
    mean = first / np.maximum(total[:, -1:, -1], 1e-300)
    return mean, total[:, :-1, :-1] - first[:, :, None] * mean[:, None, :]


def _parts(draws: int, dimensions: int) -> Iterator[slice]:
    """Slices of draws (n, d), for products that a library does by itself and does not share out among threads."""
    rows = max(min(_LARGEST_PRODUCT // dimensions**2, _LONGEST_SUM), 1)
    return (slice(start, start + rows) for start in range(0, draws, rows))


def _covariance(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted covariance (d, d) of draws (n, d)."""
    covariance: FloatArray = _mean_and_scatter(weight[None], _lifted(x.T, x.mean(0)))[1][0] / weight.sum()
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
    total: FloatArray = top + np.log(_exponential(log_terms - top[..., None, :]).sum(axis=-2))
    return total


def _exponential(values: FloatArray) -> FloatArray:
    """Exponentials, in place."""
    return np.exp(values, out=values)
