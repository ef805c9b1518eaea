"""Two exchangeable peaks whose positions alone are free: a posterior of two mirror modes of equal weight.

The free energy counts both modes under the whole prior; it is known by quadrature in two dimensions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.base import FloatArray, System, gauss_legendre, inverse_cdf, states, uniforms

LOW, HIGH = -2.0, 2.0
AMPLITUDE, PEAK_SD, NOISE_SD = 1.0, 0.4, 0.5
TRUE_POSITIONS = (-0.6, 0.7)
CELLS = 500


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
    grid = LOW + (torch.arange(steps, dtype=torch.float64) + 0.5) * ((HIGH - LOW) / steps)
    density = torch.from_numpy(TwoPeaks().log_likelihood(grid.numpy(), grid.numpy()))
    log_z = float(torch.logsumexp(density.flatten(), 0)) - 2.0 * math.log(steps)
    weight = torch.softmax(density.flatten(), 0)
    ordered = torch.stack(torch.broadcast_tensors(grid[:, None], grid), -1).sort(-1).values.flatten(0, 1)
    mean = weight @ ordered
    return -log_z, mean, torch.sqrt(weight @ (ordered - mean) ** 2)


@dataclass(frozen=True)
class TwoPeaks(System):
    """The same as a system at every inverse temperature.

    Notes
    -----
    Quadrature by Gauss-Legendre panels in two dimensions, to 1e-10. Draws: the first position by its marginal inverse
    distribution function, the second by that given the first.
    """

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "two_peaks"

    def target(self, groups: int = 1) -> SumTarget:
        """Target for a sampler."""
        return two_peaks_target(groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadrature in two dimensions."""
        log_weight = self._rule[1]
        log_z = logsumexp(beta * self._at_nodes + log_weight[:, None] + log_weight)
        return 2.0 * math.log(HIGH - LOW) - float(log_z)

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, 6); the fixed slots hold their values."""
        u, v = uniforms((2, n), generator)
        grid = np.linspace(LOW, HIGH, CELLS + 1)
        nodes, log_weight = self._rule
        marginal = logsumexp(beta * self.log_likelihood(grid, nodes) + log_weight, axis=1)
        first = inverse_cdf(grid, marginal, u)
        second = inverse_cdf(grid, beta * self.log_likelihood(first, grid), v)
        amplitude, sd = np.full(n, AMPLITUDE), np.full(n, PEAK_SD)
        return states(amplitude, first, sd, amplitude, second, sd)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (6,); those of both positions are the same."""
        nodes, log_weight = self._rule
        score = logsumexp(self._at_nodes + log_weight, axis=1) + log_weight
        weight = np.exp(score - score.max())
        weight /= weight.sum()
        mean = float(weight @ nodes)
        sd = math.sqrt(float(weight @ (nodes - mean) ** 2))
        values = torch.tensor([[AMPLITUDE, mean, PEAK_SD], [0.0, sd, 0.0]], dtype=torch.float64).repeat(1, 2)
        return values[0], values[1]

    def log_likelihood(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Log-likelihood (A, B) for all pairs of positions (A,) and (B,)."""
        x, y = self._data
        one, two = (_peak(x, torch.from_numpy(positions)[:, None]) for positions in (first, second))
        own = [(curve * (0.5 * curve - y)).sum(-1) for curve in (one, two)]
        square = 0.5 * (y @ y) + own[0][:, None] + own[1] + one @ two.T
        result: FloatArray = (-square / NOISE_SD**2).numpy() - len(y) * math.log(NOISE_SD * math.sqrt(2.0 * math.pi))
        return result

    @cached_property
    def _data(self) -> tuple[Tensor, Tensor]:
        """Axis and signal (N,)."""
        return two_peaks_data()

    @cached_property
    def _at_nodes(self) -> FloatArray:
        """Log-likelihoods of all pairs of nodes."""
        nodes, _ = self._rule
        return self.log_likelihood(nodes, nodes)

    @cached_property
    def _rule(self) -> tuple[FloatArray, FloatArray]:
        """Nodes and log weights along one position."""
        return gauss_legendre(np.linspace(LOW, HIGH, 9), 16)


def _peak(x: Tensor, position: Tensor) -> Tensor:
    """Curve of one peak."""
    return AMPLITUDE * torch.exp(-0.5 * ((x - position) / PEAK_SD) ** 2)


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (TwoPeaks(),)
