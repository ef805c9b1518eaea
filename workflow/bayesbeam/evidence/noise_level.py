"""Free energy against the level of the noise, from one run: tempering is a change of the noise variance.

A run whose noise level is known has draws at ``beta = 1 / factor^2`` for a noise that is ``factor`` times as large; the
free energy there, and the level at which it is lowest, need no further sampling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesbeam.evidence.estimate import FloatArray, Replicates
from bayesbeam.evidence.mbar import mbar_at
from bayesbeam.evidence.sources import Source


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
    """

    factor: FloatArray
    free_energy: FloatArray
    standard_error: FloatArray
    best: float
    best_sd: float
    best_error: float


def noise_curve(sources: Sequence[Source], normaliser: float, points: int, factor: FloatArray) -> NoiseCurve:
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

    Notes
    -----
    With ``beta = 1 / factor^2`` the log-likelihood at the larger noise is ``beta (L - c) + c - N ln factor``, so
    ``F(factor) = f(beta) + (beta - 1) c + N ln factor``, where ``f`` is the free energy of tempering.

    Source
    ------
    Tokuda, Nagata, Okada, J. Phys. Soc. Jpn. 86, 024001 (2017), doi:10.7566/JPSJ.86.024001. Checked against: exact free
    energies of testsystems.LinearGaussian with larger noise.
    """
    beta = 1.0 / factor**2
    shift = (beta - 1.0) * normaliser + points * np.log(factor)
    found = [one.unbiased() for one in mbar_at(sources, beta)]
    free = np.array([one.value for one in found]) + shift
    without = np.stack([one.without for one in found], axis=1) + shift
    error = np.array([one.free_energy().standard_error for one in found])
    best, best_sd = _lowest(factor, free)
    each = [_lowest(factor, row)[0] for row in without]
    monte_carlo = Replicates(best, np.array(each)).free_energy().standard_error
    return NoiseCurve(factor, free, error, best, best_sd, monte_carlo if math.isfinite(best_sd) else math.nan)


def _lowest(factor: FloatArray, free_energy: FloatArray) -> tuple[float, float]:
    """Factor of the lowest free energy by a parabola in its logarithm, and its standard deviation; nan at an end."""
    k = int(np.argmin(free_energy))
    if not np.isfinite(free_energy).all() or k in (0, len(factor) - 1):
        return float(factor[k]), math.nan
    low, middle, high = free_energy[k - 1 : k + 2]
    step = math.log(factor[k + 1] / factor[k])
    curvature = float(low - 2.0 * middle + high) / step**2
    best = float(factor[k]) * math.exp(0.5 * float(low - high) / (curvature * step))
    return best, best / math.sqrt(curvature)
