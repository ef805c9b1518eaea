"""Independent harmonic oscillators of very different stiffness in a box: many scales, no correlation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.special import erf, ndtr, ndtri
from scipy.stats import truncnorm
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import FloatArray, System, states, uniforms


@dataclass(frozen=True)
class HarmonicOscillators(System):
    """Oscillators ``lnL = -sum_i k_i (x_i - c_i)^2 / 2`` under uniform priors.

    Attributes
    ----------
    dimension : int
    softest, stiffest : float
        Smallest and largest k_i; the others lie between them in equal ratios.
    half_width : float
        The prior of every x_i is uniform between -half_width and half_width; the c_i lie in its middle half.

    Notes
    -----
    Closed form: every factor of the evidence is a normal integral between the walls, and every x_i a truncated normal.
    """

    dimension: int = 8
    softest: float = 1.0
    stiffest: float = 1e4
    half_width: float = 5.0

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return f"harmonic_{self.dimension}"

    @cached_property
    def stiffness(self) -> FloatArray:
        """Values k_i (P,)."""
        return np.geomspace(self.softest, self.stiffest, self.dimension)

    @cached_property
    def centres(self) -> FloatArray:
        """Values c_i (P,)."""
        return np.linspace(-0.5, 0.5, self.dimension) * self.half_width

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("uniform", low=-self.half_width, high=self.half_width)
        stiffness, centres = torch.from_numpy(self.stiffness), torch.from_numpy(self.centres)

        def oscillators(theta: Tensor) -> Tensor:
            return -0.5 * (stiffness * (theta - centres).square()).sum(-1)

        return function_target(oscillators, {f"x{i + 1}": prior for i in range(self.dimension)}, groups, "each")

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, in closed form."""
        if beta == 0:
            return 0.0
        low, high = self._walls(beta)
        # The centre lies between the walls: a sum of two positive numbers, without cancellation.
        inside = np.log(0.5 * (erf(high / math.sqrt(2.0)) + erf(-low / math.sqrt(2.0))))
        normal = 0.5 * np.log(2.0 * math.pi / (beta * self.stiffness))
        return -float((inside + normal - math.log(2.0 * self.half_width)).sum())

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, P): truncated normals by their quantiles."""
        u = uniforms((n, self.dimension), generator)
        if beta == 0:
            return torch.from_numpy(self.half_width * (2.0 * u - 1.0))
        low, high = self._walls(beta)
        z = ndtri(ndtr(low) + u * (ndtr(high) - ndtr(low)))
        return states(*np.clip(self.centres + z / np.sqrt(beta * self.stiffness), -self.half_width, self.half_width).T)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,)."""
        low, high = self._walls(1.0)
        exact = truncnorm(low, high, self.centres, 1.0 / np.sqrt(self.stiffness))
        return torch.from_numpy(exact.mean()), torch.from_numpy(exact.std())

    def _walls(self, beta: float) -> tuple[FloatArray, FloatArray]:
        """Walls of the box in standard deviations from the centres, (P,) each."""
        scale = np.sqrt(beta * self.stiffness)
        return (-self.half_width - self.centres) * scale, (self.half_width - self.centres) * scale


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (HarmonicOscillators(),)
