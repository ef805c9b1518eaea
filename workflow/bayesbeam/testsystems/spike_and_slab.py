"""A narrow spike on a broad slab with most of the evidence in the spike: a first-order transition in beta.

Between the two phases the likelihood leaves nothing to climb; a sampler that never met the spike is calm and wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import Axis, FloatArray, System, directions, uniforms

WIDTHS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True)
class SpikeAndSlab(System):
    """``L = exp(-r^2 / 2 slab^2) + height exp(-r^2 / 2 width^2)`` with r = |x|, under standard normal priors.

    Attributes
    ----------
    width, slab : float
        Standard deviations of spike and slab. A draw of the prior lies within two widths of the centre with
        probability 1.6 width in one dimension.
    dimension : int
    share : float
        Part of the evidence that the spike holds at beta = 1; it fixes ``height``.

    Notes
    -----
    At beta = 1 in closed form (two normal integrals); at other beta by quadrature over ln r, to 1e-10.

    Source
    ------
    After Skilling, Bayesian Anal. 1, 833 (2006), here with a normal prior and any width.
    """

    width: float
    slab: float = 0.1
    dimension: int = 1
    share: float = 0.9

    @property
    def name(self) -> str:
        """Word by which it is found."""
        exponent = f"{self.width:.0e}".replace("e-0", "e-")
        return f"spike_and_slab_{exponent}"

    @cached_property
    def log_height(self) -> float:
        """Log of the height of the spike over that of the slab."""
        odds = math.log(self.share / (1.0 - self.share))
        return odds + self._log_mass(self.slab) - self._log_mass(self.width)

    def log_likelihood(self, square: Tensor) -> Tensor:
        """Log-likelihood at squared distances from the centre."""
        slab, spike = -0.5 * square / self.slab**2, self.log_height - 0.5 * square / self.width**2
        return torch.logaddexp(slab, spike)

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("normal", mean=0.0, sd=1.0)

        def spike_and_slab(theta: Tensor) -> Tensor:
            return self.log_likelihood(theta.square().sum(-1))

        return function_target(spike_and_slab, {f"x{i + 1}": prior for i in range(self.dimension)}, groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadrature in one dimension."""
        return -self._axis.log_integral(lambda t: self._log_density(t, beta))

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, P): ln r by its inverse distribution function, and a direction."""
        t = self._axis.draw(lambda grid: self._log_density(grid, beta), uniforms((n,), generator))
        return torch.from_numpy(np.exp(t)[:, None] * directions(n, self.dimension, generator))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,): a mixture of two normal laws about one centre."""
        spike, slab = (sd**2 / (1.0 + sd**2) for sd in (self.width, self.slab))
        variance = self.share * spike + (1.0 - self.share) * slab
        ones = torch.ones(self.dimension, dtype=torch.float64)
        return 0.0 * ones, math.sqrt(variance) * ones

    def _log_mass(self, sd: float) -> float:
        """Log of the mean of exp(-r^2 / 2 sd^2) under the prior."""
        return -0.5 * self.dimension * math.log1p(sd**-2)

    @cached_property
    def _axis(self) -> Axis:
        """Range of ln r that holds all of every tempered posterior but 1e-15."""
        low, high = math.log(self.width) - 35.0 / self.dimension, math.log(10.0 + 2.0 * math.sqrt(self.dimension))
        return Axis(np.linspace(low, high, 8 * math.ceil(high - low) + 1), fineness=60)

    def _log_density(self, t: FloatArray, beta: float) -> FloatArray:
        """Log density of ln r: chi law of the prior times likelihood to the power beta."""
        square = np.exp(2.0 * t)
        prior = self.dimension * t - 0.5 * square - (0.5 * self.dimension - 1.0) * math.log(2.0)
        prior -= math.lgamma(0.5 * self.dimension)
        result: FloatArray = prior + beta * self.log_likelihood(torch.from_numpy(square)).numpy()
        return result


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return tuple(SpikeAndSlab(width) for width in WIDTHS)
