"""Two normal modes of known, unequal weights at any distance: what a sampler loses when it sees one of them only."""

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

DISTANCES = (5, 10, 20)


@dataclass(frozen=True)
class TwoModes(System):
    """Mixture of two normal densities that differ in the place of their first coordinate.

    Attributes
    ----------
    distance : float
        Between the modes, in their standard deviations.
    weight : float
        Weight of the left mode; of the posterior too, for the prior is symmetric.
    dimension : int
    sd, prior_sd : float
        Standard deviations of the modes, and of the normal priors of mean 0.

    Notes
    -----
    Quadrature over the first coordinate, to 1e-10; the others are normal, independent of it, and in closed form.
    """

    distance: float
    weight: float = 0.3
    dimension: int = 4
    sd: float = 0.5
    prior_sd: float = 5.0

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return f"two_modes_{self.distance:g}"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("normal", mean=0.0, sd=self.prior_sd)

        def modes(theta: Tensor) -> Tensor:
            return self._log_first(theta[..., 0]) - 0.5 * (theta[..., 1:] / self.sd).square().sum(-1)

        return function_target(modes, {f"x{i + 1}": prior for i in range(self.dimension)}, groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadrature in one dimension."""
        others = 0.5 * (self.dimension - 1) * math.log1p(beta * self.prior_sd**2 / self.sd**2)
        return others - self._axis.log_integral(lambda x: self._log_density(x, beta))

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, P): the first coordinate by its inverse distribution function, the others normal."""
        first = self._axis.draw(lambda x: self._log_density(x, beta), uniforms((n,), generator))
        others = normals((n, self.dimension - 1), generator) * self._other_sd(beta)
        return torch.from_numpy(np.concatenate([first[:, None], others], axis=1))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,), in closed form."""
        shrink = self.prior_sd**2 / (self.prior_sd**2 + self.sd**2)
        places = torch.tensor([-1.0, 1.0], dtype=torch.float64) * 0.5 * self.distance * self.sd * shrink
        weights = torch.tensor([self.weight, 1.0 - self.weight], dtype=torch.float64)
        mean, sd = torch.zeros(self.dimension).double(), torch.full((self.dimension,), self._other_sd(1.0)).double()
        mean[0] = weights @ places
        sd[0] = torch.sqrt(sd[0] ** 2 + weights @ (places - mean[0]) ** 2)
        return mean, sd

    def _other_sd(self, beta: float) -> float:
        """Standard deviation of every coordinate but the first."""
        return 1.0 / math.sqrt(self.prior_sd**-2 + beta * self.sd**-2)

    def _log_first(self, x: Tensor) -> Tensor:
        """Log of the mixture in the first coordinate."""
        half = 0.5 * self.distance * self.sd
        left = math.log(self.weight) - 0.5 * ((x + half) / self.sd).square()
        right = math.log(1.0 - self.weight) - 0.5 * ((x - half) / self.sd).square()
        return torch.logaddexp(left, right)

    @cached_property
    def _axis(self) -> Axis:
        """Ten prior standard deviations to either side."""
        return Axis(np.linspace(-10.0, 10.0, 401) * self.prior_sd, fineness=60)

    def _log_density(self, x: FloatArray, beta: float) -> FloatArray:
        """Log of prior times likelihood to the power beta in the first coordinate."""
        prior = -0.5 * (x / self.prior_sd) ** 2 - math.log(self.prior_sd * math.sqrt(2.0 * math.pi))
        result: FloatArray = prior + beta * self._log_first(torch.from_numpy(x)).numpy()
        return result


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return tuple(TwoModes(distance) for distance in DISTANCES)
