"""A likelihood without a maximum: 1/|x| in the plane, which grows for ever towards the origin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import gammaincinv, gammaln
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import System, directions, uniforms


@dataclass(frozen=True)
class Pole(System):
    """``lnL = -power ln |x|`` under standard normal priors; the evidence exists for ``power < dimension``.

    Notes
    -----
    Closed form: ``|x|^2 / 2`` follows a gamma law of shape ``(dimension - beta power) / 2``, whatever the direction,
    so ``Z = 2^(-beta power / 2) Gamma((dimension - beta power) / 2) / Gamma(dimension / 2)``.
    """

    power: float = 1.0
    dimension: int = 2

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "pole"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("normal", mean=0.0, sd=1.0)

        def pole(theta: Tensor) -> Tensor:
            return -0.5 * self.power * torch.log(theta.square().sum(-1))

        return function_target(pole, {f"x{i + 1}": prior for i in range(self.dimension)}, groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, in closed form."""
        shape = self._shape(beta)
        return 0.5 * beta * self.power * math.log(2.0) - float(gammaln(shape) - gammaln(0.5 * self.dimension))

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, P): a radius and a direction."""
        radius = np.sqrt(2.0 * gammaincinv(self._shape(beta), uniforms((n,), generator)))
        return torch.from_numpy(radius[:, None] * directions(n, self.dimension, generator))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,)."""
        variance = 2.0 * self._shape(1.0) / self.dimension
        ones = torch.ones(self.dimension, dtype=torch.float64)
        return 0.0 * ones, math.sqrt(variance) * ones

    def _shape(self, beta: float) -> float:
        """Shape of the gamma law of half the squared radius."""
        return 0.5 * (self.dimension - beta * self.power)


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (Pole(),)
