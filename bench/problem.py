"""How many Gaussian peaks has the spectrum of Nagata, Sugita and Okada (2012): the problem all contenders solve.

    y_i = sum_k a_k exp(-b_k (x_i - mu_k)^2 / 2) + n_i,   n_i ~ N(0, 0.1^2),   301 points on [0, 3]

A state is an array (..., K, 3) of amplitude, position, precision. The formulas take the array library as ``xp``
(numpy or jax.numpy), so that every contender computes the same thing.

Source: Neural Networks 28, 82 (2012), doi 10.1016/j.neunet.2011.12.001; data to the last bit and priors from the
authors' public code.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

POINTS = 301
SIGMA = 0.1
TRUE_PEAKS = ((0.587, 1.210, 95.689), (1.522, 1.455, 146.837), (1.183, 1.703, 164.469))

# Priors: a ~ Gamma(shape 5, rate 5), mu ~ N(1.5, precision 5), b ~ Gamma(shape 5, rate 0.04).
SHAPE, RATE_A, RATE_B = 5.0, 5.0, 0.04
MEAN, PRECISION = 1.5, 5.0

# Free energy without the Gaussian normaliser, and its standard error: exact quadrature for one peak, for the others
# five independent tempered sequential Monte Carlo runs of 8000 particles, with which replica exchange agrees.
GOLD = {1: (367.2867, 0.0), 2: (268.914, 0.007), 3: (172.275, 0.009), 4: (172.492, 0.009), 5: (174.332, 0.016)}

X: FloatArray = np.linspace(0.0, 3.0, POINTS)


def curve(theta: Any, xp: Any = np) -> Any:
    """Noise-free spectra (..., N) of states (..., K, 3), in the precision of the states."""
    amplitude, position, precision = (theta[..., j, None] for j in range(3))
    x = xp.asarray(X, theta.dtype)
    return (amplitude * xp.exp(-0.5 * precision * (x - position) ** 2)).sum(-2)


def spectrum(number: int) -> FloatArray:
    """Data (N,) of the true peaks with one noise of many; number 0 is the published one."""
    noise: FloatArray = np.random.RandomState(number).randn(POINTS)
    return curve(np.array(TRUE_PEAKS)) + SIGMA * noise


Y: FloatArray = spectrum(0)


def log_likelihood(theta: Any, xp: Any = np) -> Any:
    """Log-likelihood (...) without the Gaussian normaliser, nats."""
    misfit = xp.asarray(Y, theta.dtype) - curve(theta, xp)
    return (-0.5 / SIGMA**2) * (misfit * misfit).sum(-1)


def log_prior(theta: Any, xp: Any = np) -> Any:
    """Log prior density (...) of positive amplitudes and precisions, normalised, nats."""
    amplitude, position, precision = (theta[..., j] for j in range(3))
    return (
        _log_gamma(amplitude, RATE_A, xp) + _log_normal(position) + _log_gamma(precision, RATE_B, xp)
    ).sum(-1)  # fmt: skip


def _log_gamma(value: Any, rate: float, xp: Any) -> Any:
    constant = SHAPE * math.log(rate) - math.lgamma(SHAPE)
    return (SHAPE - 1.0) * xp.log(value) - rate * value + constant


def _log_normal(value: Any) -> Any:
    return -0.5 * PRECISION * (value - MEAN) ** 2 + 0.5 * math.log(PRECISION / (2.0 * math.pi))


def prior_draws(count: int, size: int, rng: np.random.Generator) -> FloatArray:
    """Independent states (size, K, 3) of the prior."""
    amplitude = rng.gamma(SHAPE, 1.0 / RATE_A, (size, count))
    position = rng.normal(MEAN, PRECISION**-0.5, (size, count))
    precision = rng.gamma(SHAPE, 1.0 / RATE_B, (size, count))
    return np.stack([amplitude, position, precision], -1)


def from_log(z: Any, xp: Any = np) -> Any:
    """States of coordinates (..., K, 3) log amplitude, position, log precision."""
    return xp.stack([xp.exp(z[..., 0]), z[..., 1], xp.exp(z[..., 2])], -1)


def to_log(theta: Any, xp: Any = np) -> Any:
    """Coordinates log amplitude, position, log precision of states (..., K, 3)."""
    return xp.stack([xp.log(theta[..., 0]), theta[..., 1], xp.log(theta[..., 2])], -1)


def log_prior_in_log(z: Any, xp: Any = np) -> Any:
    """Log prior density over the coordinates of :func:`from_log`: the Jacobian is included."""
    return log_prior(from_log(z, xp), xp) + (z[..., 0] + z[..., 2]).sum(-1)
