"""Rosenbrock's curved valley in a box: strong correlation that no linear map removes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import Axis, FloatArray, System, states, uniforms

LOW_X, HIGH_X = -5.0, 5.0
LOW_Y, HIGH_Y = -5.0, 30.0


@dataclass(frozen=True)
class Rosenbrock(System):
    """``lnL = -(steepness (y - x^2)^2 + (1 - x)^2) / scale`` under uniform priors.

    Notes
    -----
    Quadrature: given x, y is a truncated normal, whose integral is in closed form; what is left is one integral over
    x, to 1e-10.

    Source
    ------
    Rosenbrock, Comput. J. 3, 175 (1960); as a density with scale 20, Goodman and Weare, CAMCoS 5, 65 (2010).
    """

    steepness: float = 100.0
    scale: float = 20.0

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "rosenbrock"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""

        def valley(theta: Tensor) -> Tensor:
            x, y = theta[..., 0], theta[..., 1]
            return -(self.steepness * (y - x * x).square() + (1.0 - x).square()) / self.scale

        prior_x, prior_y = make_prior("uniform", low=LOW_X, high=HIGH_X), make_prior("uniform", low=LOW_Y, high=HIGH_Y)
        return function_target(valley, {"x": prior_x, "y": prior_y}, groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadrature in one dimension."""
        if beta == 0:
            return 0.0
        return -self._axis.log_integral(lambda x: self._log_marginal(x, beta)) + math.log(HIGH_X - LOW_X)

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, 2): x by its inverse distribution function, then y as a truncated normal."""
        u, v = uniforms((2, n), generator)
        if beta == 0:
            return states(LOW_X + (HIGH_X - LOW_X) * u, LOW_Y + (HIGH_Y - LOW_Y) * v)
        x = self._axis.draw(lambda grid: self._log_marginal(grid, beta), u)
        low, high, sd = self._walls(x, beta)
        y = x * x + sd * ndtri(ndtr(low) + v * (ndtr(high) - ndtr(low)))
        return states(x, np.clip(y, LOW_Y, HIGH_Y))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (2,); the walls of y are 15 of its standard deviations away or more."""

        def density(x: FloatArray) -> FloatArray:
            return self._log_marginal(x, 1.0)

        first = self._axis.mean(density, lambda x: x)
        second = self._axis.mean(density, lambda x: x**2)
        fourth = self._axis.mean(density, lambda x: x**4)
        variance = [second - first**2, fourth - second**2 + 0.5 * self.scale / self.steepness]
        return torch.tensor([first, second]).double(), torch.tensor(variance).double().sqrt()

    @cached_property
    def _axis(self) -> Axis:
        """The prior's range of x."""
        return Axis(np.linspace(LOW_X, HIGH_X, 41))

    def _walls(self, x: FloatArray, beta: float) -> tuple[FloatArray, FloatArray, float]:
        """Walls of y in standard deviations from x^2, and that standard deviation."""
        sd = math.sqrt(0.5 * self.scale / (beta * self.steepness))
        return (LOW_Y - x * x) / sd, (HIGH_Y - x * x) / sd, sd

    def _log_marginal(self, x: FloatArray, beta: float) -> FloatArray:
        """Log of likelihood to the power beta, averaged over the prior of y."""
        low, high, sd = self._walls(x, beta)
        normal = math.log(sd * math.sqrt(2.0 * math.pi) / (HIGH_Y - LOW_Y))
        result: FloatArray = normal + np.log(ndtr(high) - ndtr(low)) - beta * (1.0 - x) ** 2 / self.scale
        return result


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (Rosenbrock(),)
