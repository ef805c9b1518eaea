"""Two exchangeable peaks whose positions alone are free: a posterior of two mirror modes of equal weight.

The free energy counts both modes under the whole prior; it is known by quadrature in two dimensions.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.targets.sum import Part, SumTarget, sum_target

LOW, HIGH = -2.0, 2.0
AMPLITUDE, PEAK_SD, NOISE_SD = 1.0, 0.4, 0.5
TRUE_POSITIONS = (-0.6, 0.7)


def two_peaks_data(points: int = 41) -> tuple[Tensor, Tensor]:
    """Axis and signal (N,); the noise has a fixed seed."""
    x = torch.linspace(LOW, HIGH, points, dtype=torch.float64)
    curve = sum((_peak(x, torch.tensor(place)) for place in TRUE_POSITIONS), torch.zeros_like(x))
    draws = np.random.Generator(np.random.Philox(2012)).standard_normal(points)
    return x, curve + NOISE_SD * torch.from_numpy(draws)


def two_peaks_target(copies: int = 1) -> SumTarget:
    """Target for the sampler, the same in each of ``copies`` groups; only the positions, slots 1 and 4, are free."""
    x, y = (column.expand(copies, 1, -1).clone() for column in two_peaks_data())
    place = [[priors.make_prior("uniform", low=LOW, high=HIGH)]] * copies
    fixed = {"amplitude": AMPLITUDE, "sd": PEAK_SD}
    nested = {name: [[priors.make_prior("fixed", value=value)]] * copies for name, value in fixed.items()}
    part = Part("peaks", registry.get("gaussian"), 2, {**nested, "position": place})
    sd = torch.full_like(x, NOISE_SD)
    return sum_target(x, y, sd, torch.ones_like(x), [part], noise.get("normal"), {})


def two_peaks(steps: int = 401) -> tuple[float, Tensor, Tensor]:
    """Free energy in nats, and posterior mean and standard deviation (2,) of the positions in order.

    Notes
    -----
    Midpoint rule on a square grid of the prior's box: the integrand is smooth but for the walls, where it is small;
    doubling the grid moves F by less than 1e-5 nats.
    """
    x, y = two_peaks_data()
    grid = LOW + (torch.arange(steps, dtype=torch.float64) + 0.5) * ((HIGH - LOW) / steps)
    curves = _peak(x, grid[:, None])
    pair = curves[:, None] + curves
    density = -0.5 * (((y - pair) / NOISE_SD) ** 2).sum(-1) - len(x) * math.log(NOISE_SD * math.sqrt(2.0 * math.pi))
    log_z = float(torch.logsumexp(density.flatten(), 0)) - 2.0 * math.log(steps)
    weight = torch.softmax(density.flatten(), 0)
    ordered = torch.stack(torch.broadcast_tensors(grid[:, None], grid), -1).sort(-1).values.flatten(0, 1)
    mean = weight @ ordered
    return -log_z, mean, torch.sqrt(weight @ (ordered - mean) ** 2)


def _peak(x: Tensor, position: Tensor) -> Tensor:
    """Curve of one peak."""
    return AMPLITUDE * torch.exp(-0.5 * ((x - position) / PEAK_SD) ** 2)
