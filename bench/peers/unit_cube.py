"""The prior as a map from the unit cube, as nested samplers want it: positions rising, one labelling for all K!."""

from __future__ import annotations

import numpy as np
from scipy.special import gammainccinv, gammaincinv, ndtr, ndtri

from bench import problem
from bench.problem import FloatArray

# Log quantiles of Gamma(5, 1) by normal quantile: interpolated to 3e-7, five times faster than the inverse itself.
_GRID = np.linspace(-8.0, 8.0, 4001)
_LOG_QUANTILE = np.log(
    np.where(_GRID < 0.0, gammaincinv(problem.SHAPE, ndtr(_GRID)), gammainccinv(problem.SHAPE, ndtr(-_GRID)))
)


def states_of(u: FloatArray) -> FloatArray:
    """States (..., K, 3) of points (..., 3 K) of the unit cube; three coordinates a peak."""
    u = u.reshape(*u.shape[:-1], -1, 3)
    normal = ndtri(u)
    theta = np.exp(np.interp(normal, _GRID, _LOG_QUANTILE))
    theta[..., 0] /= problem.RATE_A
    theta[..., 1] = problem.MEAN + ndtri(rising(u[..., 1])) / problem.PRECISION**0.5
    theta[..., 2] /= problem.RATE_B
    return theta


def rising(u: FloatArray) -> FloatArray:
    """K sorted uniform numbers, from K independent ones (..., K).

    Source: the largest of k uniform numbers below a bound is the bound times v^(1/k), from the last to the first.
    """
    roots = u ** (1.0 / np.arange(1, u.shape[-1] + 1))
    return np.cumprod(roots[..., ::-1], axis=-1, dtype=np.float64)[..., ::-1]
