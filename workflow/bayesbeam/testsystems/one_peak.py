"""One Gaussian peak of free height, position and precision on the data of Nagata, Sugita and Okada (2012).

A problem with three non-linear parameters whose free energy and posterior are known by quadrature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.targets.sum import Part, SumTarget, sum_target

FloatArray = NDArray[np.float64]

NOISE_SD = 0.1
TRUE_PEAKS = ((0.587, 1.210, 95.689), (1.522, 1.455, 146.837), (1.183, 1.703, 164.469))
PRIORS = {
    "amplitude": priors.make_prior("gamma", shape=5.0, rate=5.0),
    "position": priors.make_prior("normal", mean=1.5, sd=math.sqrt(0.2)),
    "precision": priors.make_prior("gamma", shape=5.0, rate=0.04),
}


@dataclass(frozen=True)
class OnePeak:
    """Answers of quadrature.

    Attributes
    ----------
    free_energy, free_energy_excess : float, nats
        With and without the Gaussian normaliser.
    mean, sd : array (3,)
        Posterior mean and standard deviation of amplitude, position, precision.
    """

    free_energy: float
    free_energy_excess: float
    mean: FloatArray
    sd: FloatArray


def nagata_data() -> tuple[FloatArray, FloatArray]:
    """Axis and signal (301,) of the 2012 paper, to the last bit."""
    x = np.linspace(0.0, 3.0, 301)
    curve = np.sum([a * np.exp(-b * (x - mu) ** 2 / 2) for a, mu, b in TRUE_PEAKS], axis=0)
    return x, curve + NOISE_SD * np.random.RandomState(0).randn(301)


def nagata_target(count: int = 1, copies: int = 1, dtype: torch.dtype = torch.float64) -> SumTarget:
    """Target of ``count`` exchangeable peaks on these data, the same in each of ``copies`` groups."""
    x, y = (torch.from_numpy(column).expand(copies, 1, -1).clone() for column in nagata_data())
    nested = {name: [[prior]] * copies for name, prior in PRIORS.items()}
    part = Part("peaks", registry.get("gaussian_precision"), count, nested)
    sd = torch.full_like(x, NOISE_SD)
    return sum_target(x, y, sd, torch.ones_like(x), [part], noise.get("normal"), {}, dtype=dtype)


def one_peak() -> OnePeak:
    """Free energy and posterior of one peak, by quadrature in three dimensions.

    Notes
    -----
    A coarse grid over the prior finds the box that holds all but 1e-8 of the peak of the integrand; the trapezoidal
    rule on a fine grid of that box is then exact to rounding but for the box, for the integrand is smooth and vanishes
    at its walls. Halving every step moves F by less than 1e-6 nats.

    Source
    ------
    Nagata, Sugita, Okada, Neural Networks 28, 82 (2012); checked against F_exc = 367.2867 of an independent quadrature.
    """
    coarse = (np.linspace(0.02, 4.0, 200), np.linspace(0.0, 3.0, 601), np.geomspace(1.0, 1000.0, 80))
    density = _log_density(*coarse)
    keep = density > density.max() - math.log(1e8)
    fine = []
    for axis, grid in enumerate(coarse):
        inside = np.nonzero(keep.any(axis=tuple(k for k in range(3) if k != axis)))[0]
        first, last = max(inside[0] - 2, 0), min(inside[-1] + 2, len(grid) - 1)
        fine.append(np.linspace(grid[first], grid[last], 161))
    density = _log_density(fine[0], fine[1], fine[2])
    top = float(density.max())
    weight = np.exp(density - top)
    volume = math.prod(float(grid[1] - grid[0]) for grid in fine)
    excess = -(top + math.log(float(weight.sum()) * volume))
    share = weight / weight.sum()
    marginal = [share.sum(axis=tuple(k for k in range(3) if k != axis)) for axis in range(3)]
    mean = np.array([float(m @ g) for m, g in zip(marginal, fine, strict=True)])
    variance = [float(m @ (g - c) ** 2) for m, g, c in zip(marginal, fine, mean, strict=True)]
    offset = 301 / 2 * math.log(2.0 * math.pi * NOISE_SD**2)
    return OnePeak(excess + offset, excess, mean, np.sqrt(variance))


def _log_density(amplitude: FloatArray, position: FloatArray, precision: FloatArray) -> FloatArray:
    """Log of prior times likelihood without its normaliser, on a grid (A, M, B)."""
    x, y = nagata_data()
    shape = np.exp(-0.5 * precision[:, None] * (x - position[:, None, None]) ** 2)
    cross, norm = shape @ y, (shape**2).sum(-1)
    a = amplitude[:, None, None]
    fit = -0.5 * (y @ y - 2.0 * a * cross + a**2 * norm) / NOISE_SD**2
    grids = zip(PRIORS.values(), (amplitude, position, precision), strict=True)
    one, two, three = (prior.log_prob(torch.from_numpy(grid)).numpy() for prior, grid in grids)
    result: FloatArray = fit + one[:, None, None] + two[:, None] + three
    return result
