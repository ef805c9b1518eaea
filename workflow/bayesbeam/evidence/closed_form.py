"""Linear regression solved exactly: posterior, free energy and predictions, of normal noise.

With normal, flat or conjugate priors; with noise of known level, integrated out, or of the level that data want.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.errors import ModelError
from bayesbeam.evidence.least_squares import Fit, Normal, least_squares, numbers_of
from bayesbeam.evidence.normal_box import inside

FloatArray = NDArray[np.float64]
LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Solution:
    """Posterior of the coefficients and free energy, nats."""

    posterior: Normal
    free_energy: float


@dataclass(frozen=True)
class NoiseSolution:
    """Posterior where the noise level is unknown too.

    Given the level the coefficients have ``posterior`` for unit noise, with the level times its standard deviations;
    the square of the level has an inverse gamma distribution of ``shape`` and ``scale``. By itself a coefficient has
    Student's t distribution of 2 shape degrees of freedom.
    """

    posterior: Normal
    shape: float
    scale: float
    free_energy: float

    @property
    def sd(self) -> FloatArray:
        """Standard deviations (P,) of the coefficients, infinite where shape is 1 or less."""
        if self.shape <= 1.0:
            return np.full(len(self.posterior.mean), np.inf)
        found: FloatArray = self.posterior.sd * math.sqrt(self.scale / (self.shape - 1.0))
        return found


def known_noise(
    design: ArrayLike, y: ArrayLike, sd: ArrayLike, prior_mean: ArrayLike, prior_sd: ArrayLike
) -> Solution:  # fmt: skip
    """Posterior and free energy with normal priors and noise of known level.

    Parameters
    ----------
    design : array (N, P)
        Columns of the model; any, for the priors make the problem regular.
    y : array (N,)
    sd : number or array (N,)
        Standard deviation of the noise.
    prior_mean, prior_sd : number or array (P,)
        Of the independent normal priors.

    Source
    ------
    Bishop, Pattern Recognition and Machine Learning (2006), equations 3.50, 3.51 and 3.86, here as least squares of
    data and priors together.
    """
    matrix, values = numbers_of(design, y)
    noise, (mean, width) = _each(sd, len(values), "sd"), _priors(prior_mean, prior_sd, matrix.shape[1])
    fit = _with_priors(matrix / noise[:, None], values / noise, mean, width)
    free_energy = 0.5 * len(values) * LOG_2PI + float(np.log(noise).sum()) + float(np.log(width).sum())
    return Solution(fit.normal, free_energy + fit.log_determinant + 0.5 * fit.squares)


def conjugate_noise(
    design: ArrayLike, y: ArrayLike, sd: ArrayLike, prior_mean: ArrayLike, prior_sd: ArrayLike,
    shape: float, scale: float,
) -> NoiseSolution:  # fmt: skip
    """Posterior and free energy where the level of the noise is integrated out.

    The noise has ``level`` times ``sd``; ``level^2`` has an inverse gamma prior, of density proportional to
    ``exp(-scale / level^2) / level^(2 shape + 2)``; given the level, the coefficients have normal priors with ``level``
    times ``prior_sd``.

    Source
    ------
    Denison, Holmes, Mallick, Smith, Bayesian Methods for Nonlinear Classification and Regression (2002), section 2.5.
    """
    matrix, values = numbers_of(design, y)
    noise, (mean, width) = _each(sd, len(values), "sd"), _priors(prior_mean, prior_sd, matrix.shape[1])
    for name, number in (("shape", shape), ("scale", scale)):
        if not (math.isfinite(number) and number > 0.0):
            raise ModelError.at(name, f"{number!r}", "a number above 0", "")
    fit = _with_priors(matrix / noise[:, None], values / noise, mean, width)
    after, rest = shape + 0.5 * len(values), scale + 0.5 * fit.squares
    free_energy = 0.5 * len(values) * LOG_2PI + float(np.log(noise).sum()) + float(np.log(width).sum())
    free_energy += fit.log_determinant + math.lgamma(shape) - shape * math.log(scale)
    free_energy += after * math.log(rest) - math.lgamma(after)
    return NoiseSolution(fit.normal, after, rest, free_energy)


@dataclass(frozen=True)
class BoxSolution:
    """Posterior with flat priors: ``likelihood``, as a normal distribution, within a box."""

    likelihood: Normal
    mean: FloatArray
    covariance: FloatArray
    free_energy: float

    @property
    def sd(self) -> FloatArray:
        """Standard deviations (P,) of the posterior."""
        found: FloatArray = np.sqrt(np.diag(self.covariance))
        return found


def known_noise_in_a_box(
    design: ArrayLike, y: ArrayLike, sd: ArrayLike, low: ArrayLike, high: ArrayLike, names: Sequence[str] = ()
) -> BoxSolution:
    """Posterior and free energy with flat priors between two ends, and noise of known level.

    Parameters
    ----------
    design : array (N, P)
        Columns of the model, of full rank.
    y : array (N,)
    sd : number or array (N,)
        Standard deviation of the noise.
    low, high : number or array (P,)
        Ends of the priors.
    names : sequence of str
        Of the columns, for the error.

    Source
    ------
    Katakami et al., arXiv 2406.02869, for a straight line; here for any design, whose coefficients need not be
    independent of each other: see :mod:`bayesbeam.evidence.normal_box`.
    """
    matrix, values = numbers_of(design, y)
    noise, count = _each(sd, len(values), "sd"), matrix.shape[1]
    first, last = (np.broadcast_to(np.asarray(end, dtype=np.float64), (count,)) for end in (low, high))
    if not (np.isfinite(first).all() and np.isfinite(last).all() and (first < last).all()):
        found = f"from {first.tolist()} to {last.tolist()}"[:120]
        raise ModelError.at("flat priors", found, "finite ends, the lower one first", "")
    fit = least_squares(matrix / noise[:, None], values / noise, names)
    within = inside(fit.normal.mean, fit.normal.covariance, first, last)
    free_energy = 0.5 * (len(values) - count) * LOG_2PI + float(np.log(noise).sum()) + float(np.log(last - first).sum())
    free_energy += fit.log_determinant + 0.5 * fit.squares - within.log_probability
    return BoxSolution(fit.normal, within.mean, within.covariance, free_energy)


def level_of_least_free_energy(
    free_energy: Callable[[float], float], near: float, factor: float = 1e3
) -> tuple[float, float]:
    """Level of the noise at which a free energy is least, and that free energy.

    Parameters
    ----------
    free_energy : callable
        Of a level, nats.
    near : number
        A level of the right order; what is looked through is ``factor`` times less and more.

    Raises
    ------
    ModelError
        If the least one lies at an end of that range, as for data that a model fits exactly.
    """
    from scipy.optimize import minimize_scalar

    ends = math.log(near / factor), math.log(near * factor)
    found = minimize_scalar(lambda log: free_energy(math.exp(log)), bounds=ends, method="bounded",
                            options={"xatol": 1e-10, "maxiter": 500})  # fmt: skip
    if min(found.x - ends[0], ends[1] - found.x) < 1e-3:
        words = f"the least free energy at {math.exp(found.x):.3g}, an end of its range"
        raise ModelError.at("noise level", words, "a level inside", "State the noise of exact data.")
    return math.exp(found.x), float(found.fun)


def _with_priors(matrix: FloatArray, values: FloatArray, mean: FloatArray, width: FloatArray) -> Fit:
    """Least squares of data of unit noise and of normal priors, as if these were data too."""
    return least_squares(np.vstack([matrix, np.diag(1.0 / width)]), np.concatenate([values, mean / width]))


def _each(value: ArrayLike, count: int, name: str) -> FloatArray:
    """Numbers above 0, one for each of so many."""
    found = np.asarray(value, dtype=np.float64)
    if found.shape not in ((), (count,)) or not (np.isfinite(found).all() and (found > 0.0).all()):
        expected = f"a number above 0, or {count} of them"
        raise ModelError.at(name, repr(value)[:80], expected, "")
    return np.broadcast_to(found, (count,))


def _priors(mean: ArrayLike, sd: ArrayLike, count: int) -> tuple[FloatArray, FloatArray]:
    """Means and standard deviations of the priors, each (P,)."""
    centre = np.asarray(mean, dtype=np.float64)
    if centre.shape not in ((), (count,)) or not np.isfinite(centre).all():
        raise ModelError.at("prior_mean", repr(mean)[:80], f"a number, or {count} of them", "")
    return np.broadcast_to(centre, (count,)), _each(sd, count, "prior_sd")
