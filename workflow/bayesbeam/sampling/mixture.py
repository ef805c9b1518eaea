"""Mixtures of Student-t densities: a normalised density close to a posterior, by its value and by draws.

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
MOST_COMPONENTS = 8
# Multiplications of one product, and terms of one sum, that a library leaves to one thread.
LARGEST_PRODUCT, LONGEST_SUM = 1 << 17, 4096


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
        lifted = lifted_columns(columns, self.mean[..., 0, :])
        total: FloatArray = log_sum(log_terms_of(self.size, _distance(self.whitening, lifted), columns.shape[-2]))
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
        steps = lifted_columns(normal * np.sqrt(FREEDOM / chi_square)[..., None, :])
        affine = np.concatenate([self.factor, self.mean[..., None]], -1)
        drawn = np.empty_like(normal)
        for part in parts(normal.shape[-1], normal.shape[-2] + 1):
            of_each = affine @ steps[..., None, :, part]
            of_each *= chosen[..., None, part]
            of_each.sum(-3, out=drawn[..., part])
        return drawn

    @cached_property
    def whitening(self) -> FloatArray:
        """What takes lifted columns about the first mean to steps from each mean in units of its factor."""
        return whitening_of(self.mean - self.mean[..., :1, :], self.factor)

    @cached_property
    def size(self) -> FloatArray:
        """Logarithm of weight times density at each mean (..., J)."""
        return size_of(self.weight, self.factor)


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


def lifted_columns(columns: FloatArray, origin: FloatArray | None = None) -> FloatArray:
    """Columns (..., d, n) less an origin (..., d), with a row of ones below: (..., d + 1, n).

    Products with them add a constant and give sums of all orders up to the second at once. The origin is to lie among
    the draws: then no more digits are lost than draws have spreads between them.
    """
    lifted = np.ones((*columns.shape[:-2], columns.shape[-2] + 1, columns.shape[-1]))
    lifted[..., :-1, :] = columns if origin is None else columns - origin[..., None]
    return lifted


def whitening_of(mean: FloatArray, factor: FloatArray) -> FloatArray:
    """Matrices (..., J, d, d + 1) from lifted columns to steps from means in units of factors."""
    inverse = np.linalg.inv(factor)
    return np.concatenate([inverse, -(inverse @ mean[..., None])], -1)


def size_of(weight: FloatArray, factor: FloatArray) -> FloatArray:
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


def _distance(whitening: FloatArray, lifted: FloatArray) -> FloatArray:
    """Squared distances (..., J, n) of lifted columns (..., d + 1, n) from means in units of factors."""
    dimensions, draws = whitening.shape[-2], lifted.shape[-1]
    lead = np.broadcast_shapes(whitening.shape[:-3], lifted.shape[:-2])
    distance = np.empty((*lead, whitening.shape[-3], draws))
    for part in parts(draws, dimensions + 1):
        step = whitening @ lifted[..., None, :, part]
        np.square(step, out=step).sum(-2, out=distance[..., part])
    return distance


def log_terms_of(size: FloatArray, distance: FloatArray, dimensions: int) -> FloatArray:
    """Logarithms of weight times density of each component, from those at its mean (..., J): (..., J, n)."""
    log_terms = distance * (1.0 / FREEDOM)
    log_terms += 1.0
    np.log(log_terms, out=log_terms)
    log_terms *= -0.5 * (FREEDOM + dimensions)
    log_terms += size[..., None]
    return log_terms


def parts(draws: int, dimensions: int) -> Iterator[slice]:
    """Slices of draws (n, d), for products that a library does by itself and does not share out among threads."""
    rows = max(min(LARGEST_PRODUCT // dimensions**2, LONGEST_SUM), 1)
    return (slice(start, start + rows) for start in range(0, draws, rows))


def log_sum(log_terms: FloatArray) -> FloatArray:
    """Logarithm of the sum of exponentials over the components (..., J, n)."""
    top = log_terms.max(axis=-2)
    total: FloatArray = top + np.log(exponential(log_terms - top[..., None, :]).sum(axis=-2))
    return total


def exponential(values: FloatArray) -> FloatArray:
    """Exponentials, in place."""
    return np.exp(values, out=values)
