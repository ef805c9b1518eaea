"""A funnel: the width of all other parameters hangs on one, over many orders of magnitude."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import Axis, FloatArray, System, normals, uniforms

LOG_TWO_PI = math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Funnel(System):
    """Normal numbers of mean 0 and unknown log variance v: ``lnL = sum_i ln N(x_i; 0, exp(v))``.

    Attributes
    ----------
    dimension : int
        Number of x_i; with v there is one parameter more.
    log_variance_sd, wide_sd : float
        Standard deviations of the normal priors of v and of every x_i; the latter closes the mouth of the funnel.

    Notes
    -----
    Quadrature: the x_i integrate out in closed form, which leaves one integral over v, to 1e-10. Given v the x_i are
    normal with precision ``1/wide_sd^2 + beta exp(-v)``.

    Source
    ------
    Neal, Ann. Statist. 31, 705 (2003), section 8, with the funnel in the likelihood instead of the prior.
    """

    dimension: int = 4
    log_variance_sd: float = 3.0
    wide_sd: float = 10.0

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "funnel"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        priors = {"log_variance": make_prior("normal", mean=0.0, sd=self.log_variance_sd)}
        priors |= {f"x{i + 1}": make_prior("normal", mean=0.0, sd=self.wide_sd) for i in range(self.dimension)}

        def funnel(theta: Tensor) -> Tensor:
            v, x = theta[..., 0], theta[..., 1:]
            return -0.5 * (x.square().sum(-1) * torch.exp(-v) + self.dimension * (v + LOG_TWO_PI))

        return function_target(funnel, priors, groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadrature in one dimension."""
        return -self._axis.log_integral(lambda v: self._log_marginal(v, beta))

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, P): v by its inverse distribution function, then normal numbers."""
        v = self._axis.draw(lambda grid: self._log_marginal(grid, beta), uniforms((n,), generator))
        sd = 1.0 / np.sqrt(self.wide_sd**-2 + beta * np.exp(-v))
        x = normals((n, self.dimension), generator) * sd[:, None]
        return torch.from_numpy(np.concatenate([v[:, None], x], axis=1))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,)."""

        def density(v: FloatArray) -> FloatArray:
            return self._log_marginal(v, 1.0)

        mean = self._axis.mean(density, lambda v: v)
        variance = self._axis.mean(density, lambda v: (v - mean) ** 2)
        spread = self._axis.mean(density, lambda v: 1.0 / (self.wide_sd**-2 + np.exp(-v)))
        zeros = [0.0] * self.dimension
        return torch.tensor([mean, *zeros]).double(), torch.tensor(
            [variance, *[spread] * self.dimension]
        ).double().sqrt()

    @cached_property
    def _axis(self) -> Axis:
        """Ten prior standard deviations to either side."""
        return Axis(self.log_variance_sd * np.linspace(-10.0, 10.0, 121))

    def _log_marginal(self, v: FloatArray, beta: float) -> FloatArray:
        """Log of prior times likelihood to the power beta with the x_i integrated out."""
        prior = -0.5 * ((v / self.log_variance_sd) ** 2 + LOG_TWO_PI) - math.log(self.log_variance_sd)
        width = np.log1p(beta * self.wide_sd**2 * np.exp(-v))
        result: FloatArray = prior - 0.5 * self.dimension * (beta * (v + LOG_TWO_PI) + width)
        return result


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (Funnel(),)
