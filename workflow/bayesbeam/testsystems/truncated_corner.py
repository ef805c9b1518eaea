"""A posterior in the corner of its prior's box, behind a wall beyond which the likelihood is zero."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import gammainc, gammaincinv
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import System, uniforms


@dataclass(frozen=True)
class TruncatedCorner(System):
    """``lnL = -rate sum_i x_i`` where the x_i add up to at most 1, ``-inf`` elsewhere; uniform priors on (0, 1).

    Notes
    -----
    Closed form: the sum of the x_i follows a gamma law of shape ``dimension`` and rate ``beta rate`` cut off at 1, and
    the shares of the x_i are uniform over the simplex. F jumps at beta = 0, from 0 to ``ln dimension!``: what is
    impossible stays so however hot.
    """

    dimension: int = 3
    rate: float = 20.0

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "truncated_corner"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("uniform", low=0.0, high=1.0)

        def corner(theta: Tensor) -> Tensor:
            total = theta.sum(-1)
            return torch.where(total <= 1.0, -self.rate * total, -math.inf)

        return function_target(corner, {f"x{i + 1}": prior for i in range(self.dimension)}, groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, in closed form."""
        if beta == 0:
            return 0.0
        slope = beta * self.rate
        return self.dimension * math.log(slope) - math.log(float(gammainc(self.dimension, slope)))

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, P): the sum, then its shares."""
        u = uniforms((n, self.dimension + 1), generator)
        if beta == 0:
            return torch.from_numpy(u[:, 1:].copy())
        slope = beta * self.rate
        total = gammaincinv(self.dimension, u[:, 0] * gammainc(self.dimension, slope)) / slope
        shares = -np.log(u[:, 1:])
        # A hair below 1, so that rounding of the sum does not make a state impossible.
        scale = (1.0 - 1e-15) * total / shares.sum(-1)
        return torch.from_numpy(scale[:, None] * shares)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,)."""
        d, slope = self.dimension, self.rate
        cut = gammainc(d, slope)
        first = d / slope * gammainc(d + 1, slope) / cut
        second = d * (d + 1) / slope**2 * gammainc(d + 2, slope) / cut
        # A share of the simplex has mean 1/d and mean square 2/(d (d + 1)).
        mean, square = first / d, second * 2.0 / (d * (d + 1))
        ones = torch.ones(d, dtype=torch.float64)
        return float(mean) * ones, math.sqrt(float(square - mean**2)) * ones


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (TruncatedCorner(),)
