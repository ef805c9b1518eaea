"""Free energy against the level of the noise, from one run: tempering is a change of the noise variance.

A run whose noise level is known has draws at ``beta = 1 / factor^2`` for a noise that is ``factor`` times as large; the
free energy there, the level at which it is lowest, and the free energy without the level need no further sampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayesbeam.evidence.estimate import FloatArray, Replicates, jackknife_errors, unbiased
from bayesbeam.evidence.mbar import mbar_curve
from bayesbeam.evidence.sources import Source

LogPrior = Callable[[FloatArray], FloatArray]
# Most levels at which a free energy is computed.
_MOST = 2000


@dataclass(frozen=True)
class NoiseCurve:
    """Free energy of a model at several levels of normal noise.

    Attributes
    ----------
    factor : array (n,)
        Levels over the one that was sampled with.
    free_energy, standard_error : array (n,)
        Full free energy at each level and its Monte Carlo error, nats.
    best : float
        Factor of the lowest free energy.
    best_sd : float
        Its uncertainty from the data, which the curvature in its logarithm tells; nan at an end of the levels, where
        the lowest free energy may lie beyond.
    best_error : float
        Monte Carlo error of ``best``; nan at an end.
    lowest, lowest_error : float
        Free energy at ``best`` and its Monte Carlo error, nats.
    marginal, marginal_error : float
        Free energy with the level integrated out under its prior, and its Monte Carlo error, nats.
    """

    factor: FloatArray
    free_energy: FloatArray
    standard_error: FloatArray
    best: float
    best_sd: float
    best_error: float
    lowest: float
    lowest_error: float
    marginal: float
    marginal_error: float


def noise_curve(
    sources: Sequence[Source],
    normaliser: float,
    points: int,
    factor: FloatArray,
    log_prior: LogPrior | None = None,
    at: FloatArray | None = None,
) -> NoiseCurve:
    """Free energy at levels of normal noise above the one that was sampled with.

    Parameters
    ----------
    sources : sequence of Source
        Draws of a run whose log-likelihood is that of normal noise, with its normaliser.
    normaliser : float
        Logarithm of the normaliser, ``-sum_i ln(sd_i sqrt(2 pi))``, nats.
    points : int
        Number of points.
    factor : array (n,), n >= 3
        Ascending, at least 1; evenly spaced in their logarithm.
    log_prior : callable, optional
        Logarithm of the prior density of the logarithm of the factor, at factors; log-uniform from the first level to
        the last when left out.
    at : array, optional
        Factors at which the prior is looked at for the integral, ascending and among those of ``factor``: as close as
        it needs them, and none where it is zero. Left out, the levels themselves.

    Notes
    -----
    With ``beta = 1 / factor^2`` the log-likelihood at the larger noise is ``beta (L - c) + c - N ln factor``, so
    ``F(factor) = f(beta) + (beta - 1) c + N ln factor``, where ``f`` is the free energy of tempering.

    Source
    ------
    Tokuda, Nagata, Okada, J. Phys. Soc. Jpn. 86, 024001 (2017), doi:10.7566/JPSJ.86.024001. Checked against: exact free
    energies of testsystems.LinearGaussian with larger noise.
    """
    every = _refinement(factor, points)
    level = np.geomspace(factor[0], factor[-1], every * (len(factor) - 1) + 1)
    level[::every] = factor
    beta = 1.0 / level**2
    shift = (beta - 1.0) * normaliser + points * np.log(level)
    pooled, without = mbar_curve(sources, beta)
    free = unbiased(pooled, without) + shift
    error = jackknife_errors(without[::every])
    without = without.T + shift
    return _curve(factor, every, level, free, without, error, (log_prior, at))


def exact_noise_curve(
    free_energy: Callable[[FloatArray], FloatArray], points: int, factor: FloatArray,
    log_prior: LogPrior | None = None, at: FloatArray | None = None,
) -> NoiseCurve:  # fmt: skip
    """The same of a model whose free energy is known at every level; all errors are 0."""
    every = _refinement(factor, points)
    level = np.geomspace(factor[0], factor[-1], every * (len(factor) - 1) + 1)
    level[::every] = factor
    free = free_energy(level)
    return _curve(factor, every, level, free, np.stack([free, free]), np.zeros_like(factor), (log_prior, at))


def _curve(
    factor: FloatArray, every: int, level: FloatArray, free: FloatArray, without: FloatArray, error: FloatArray,
    prior: tuple[LogPrior | None, FloatArray | None],
) -> NoiseCurve:  # fmt: skip
    """Curve from free energies at levels (n,) and those without each chain (C, n)."""
    log_prior, at = prior
    best, best_sd, lowest = _lowest(level, free)
    each = np.array([_lowest(level, row) for row in without])
    if at is None:
        log_weight, values, rows = _log_weight(level, log_prior), free, without
    else:
        log_weight = _log_weight_at(at, log_prior)
        both = _between(level, np.vstack([free, without]), at)
        values, rows = both[0], both[1:]
    marginal = Replicates(float(_marginal(values, log_weight)), _marginal(rows, log_weight))
    return NoiseCurve(
        factor,
        free[::every],
        error,
        best,
        best_sd,
        Replicates(best, each[:, 0]).free_energy().standard_error if math.isfinite(best_sd) else math.nan,
        lowest,
        Replicates(lowest, each[:, 2]).free_energy().standard_error,
        marginal.value,
        marginal.free_energy().standard_error,
    )


def _refinement(factor: FloatArray, points: int) -> int:
    """Steps between two levels such that each is at most the width 1/sqrt(2 N) to which N points know the level.

    The trapezoidal rule of a normal density with steps of its standard deviation is right to 5e-9.
    """
    gaps = len(factor) - 1
    wanted = math.log(factor[-1] / factor[0]) * math.sqrt(2.0 * points)
    return max(1, min(math.ceil(wanted / gaps), _MOST // gaps))


def _log_weight(level: FloatArray, log_prior: LogPrior | None) -> FloatArray:
    """Logarithm of the prior of each level times its share of the axis, by the trapezoidal rule in the logarithm."""
    step = math.log(level[-1] / level[0]) / (len(level) - 1)
    ends = np.log(np.r_[0.5, np.ones(len(level) - 2), 0.5])
    density = np.full_like(level, -math.log(math.log(level[-1] / level[0]))) if log_prior is None else log_prior(level)
    weight: FloatArray = density + ends + math.log(step)
    return weight


def _log_weight_at(at: FloatArray, log_prior: LogPrior | None) -> FloatArray:
    """As _log_weight, at factors that are not evenly spaced."""
    step = np.diff(np.log(at))
    share = 0.5 * (np.r_[step, 0.0] + np.r_[0.0, step])
    density = np.full_like(at, -math.log(math.log(at[-1] / at[0]))) if log_prior is None else log_prior(at)
    weight: FloatArray = density + np.log(share)
    return weight


def _between(level: FloatArray, rows: FloatArray, at: FloatArray) -> FloatArray:
    """Free energies (rows, at) between levels, by cubic splines in the logarithm; nan where one is not finite."""
    if not np.isfinite(rows).all():
        return np.full((len(rows), len(at)), math.nan)
    # Imported where it is used: few candidates state a prior of the level.
    from scipy.interpolate import CubicSpline

    found: FloatArray = CubicSpline(np.log(level), rows, axis=1)(np.log(at))
    return found


def _marginal(free_energy: FloatArray, log_weight: FloatArray) -> FloatArray:
    """Free energies without the level, (..., n) to (...)."""
    found: FloatArray = -logsumexp(log_weight - free_energy, axis=-1)
    return found


def _lowest(factor: FloatArray, free_energy: FloatArray) -> tuple[float, float, float]:
    """Factor of the lowest free energy by a parabola in its logarithm, its standard deviation, and that free energy.

    The standard deviation is nan where the lowest is at an end.
    """
    k = int(np.argmin(free_energy))
    if not np.isfinite(free_energy).all() or k in (0, len(factor) - 1):
        return float(factor[k]), math.nan, float(free_energy[k])
    low, middle, high = (float(one) for one in free_energy[k - 1 : k + 2])
    step = math.log(factor[k + 1] / factor[k])
    curvature = (low - 2.0 * middle + high) / step**2
    moved = 0.5 * (low - high) / (curvature * step)
    best = float(factor[k]) * math.exp(moved)
    return best, best / math.sqrt(curvature), middle - 0.5 * curvature * moved**2
