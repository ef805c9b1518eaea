"""Where the product of some posteriors is: points about it for an integral, and the integral with heavy tails."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri
from scipy.stats import qmc

from bayesbeam.integration.single import Single

FloatArray = NDArray[np.float64]

POINTS = 2048
FREEDOM = 8.0
"""Degrees of freedom of the heavy tails."""
_ROUNDS = 4
_SPREAD = 1.3
"""Points are spread wider than the product, by this factor, so that its tails are seen."""
_POINTS_EACH = 128


def points_about(singles: Sequence[Single]) -> tuple[FloatArray, FloatArray]:
    """Points (n, d) about where the product of posteriors is, and the log density (n,) they have."""
    mean, covariance = _normal_product([one.density.moments for one in singles])
    normal = _even_normal(len(mean), POINTS)
    points, log_proposal = _spread(normal, mean, covariance)
    for _ in range(_ROUNDS):
        log_weight = sum((one.density.log_density(points) for one in singles), start=np.zeros(len(points)))
        log_weight -= (len(singles) - 1) * singles[0].log_prior_at(points) + log_proposal
        weight = np.exp(log_weight - logsumexp(log_weight))
        effective = 1.0 / float(np.square(weight).sum())
        if effective > 0.4 * len(points) or effective < 4.0 * len(mean):
            break
        mean = weight @ points
        step = points - mean
        points, log_proposal = _spread(normal, mean, (weight[:, None] * step).T @ step)
    return points, log_proposal


def heavy_gain(singles: Sequence[Single]) -> float:
    """Gain of integration, nats, if every density had the tails of Student's t, which are heavier than those of most.

    Notes
    -----
    By importance sampling from a mixture: about each posterior, about the product of all, and of all but one.
    """
    moments = [one.density.moments for one in singles]
    about = [*moments, *_products(moments)]
    normal = _even_normal(len(moments[0][0]), _POINTS_EACH)
    points = np.concatenate([_spread(normal, *one)[0] for one in about])
    proposal = logsumexp([_log_normal(points, mean, _SPREAD**2 * cov) for mean, cov in about], axis=0)
    total = sum((_log_student(points, *one) for one in moments), start=np.zeros(len(points)))
    total -= (len(singles) - 1) * singles[0].log_prior_at(points) + proposal - math.log(len(about))
    return float(logsumexp(total) - math.log(len(points)))


def _products(moments: Sequence[tuple[FloatArray, FloatArray]]) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Product of all, and of all but each one where that leaves two or more."""
    yield _normal_product(moments)
    if len(moments) > 2:
        for k in range(len(moments)):
            yield _normal_product([*moments[:k], *moments[k + 1 :]])


def _normal_product(moments: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance of the product of normal densities, as if the prior were flat."""
    inverses = [np.linalg.inv(covariance) for _, covariance in moments]
    covariance = np.linalg.inv(np.sum(inverses, axis=0))
    pull = np.sum([inverse @ mean for inverse, (mean, _) in zip(inverses, moments, strict=True)], axis=0)
    return covariance @ pull, covariance


def _even_normal(d: int, count: int) -> FloatArray:
    """Standard normal points (n, d), evenly spread and always the same."""
    uniform = qmc.Sobol(d, scramble=True, rng=np.random.Generator(np.random.Philox(20260202))).random(count)
    found: FloatArray = ndtri(np.clip(uniform, 1e-12, 1.0 - 1e-12))
    return found


def _spread(normal: FloatArray, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standard normal points made those of a mean and a covariance, widened, and their log density."""
    factor = np.linalg.cholesky(covariance) * _SPREAD
    size = float(np.log(np.diag(factor)).sum()) + 0.5 * len(mean) * math.log(2.0 * math.pi)
    return mean + normal @ factor.T, -0.5 * np.square(normal).sum(1) - size


def _distance(points: FloatArray, mean: FloatArray, covariance: FloatArray) -> tuple[FloatArray, float]:
    """Squared distances (n,) in units of a covariance, and half the logarithm of its determinant."""
    factor = np.linalg.cholesky(covariance)
    step = np.linalg.solve(factor, (points - mean).T)
    return np.square(step).sum(0), float(np.log(np.diag(factor)).sum())


def _log_normal(points: FloatArray, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """Log density (n,) of a normal distribution."""
    distance, size = _distance(points, mean, covariance)
    return -0.5 * distance - size - 0.5 * len(mean) * math.log(2.0 * math.pi)


def _log_student(points: FloatArray, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """Log density (n,) of Student's t distribution of that covariance."""
    d = len(mean)
    distance, size = _distance(points, mean, covariance * (1.0 - 2.0 / FREEDOM))
    constant = math.lgamma(0.5 * (FREEDOM + d)) - math.lgamma(0.5 * FREEDOM) - 0.5 * d * math.log(FREEDOM * math.pi)
    return constant - size - 0.5 * (FREEDOM + d) * np.log1p(distance / FREEDOM)
