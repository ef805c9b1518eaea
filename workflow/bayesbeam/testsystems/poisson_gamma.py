"""Counts of one rate with a gamma prior: the conjugate pair of counting noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.special import gammaincinv, gammaln
from torch import Tensor

from bayesbeam import noise
from bayesbeam.models import registry
from bayesbeam.priors import make_prior
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.base import System, uniforms


@dataclass(frozen=True)
class PoissonGamma(System):
    """N counts with one mean: a constant component under Poisson noise.

    Attributes
    ----------
    counts : tuple of int
    shape, rate : float
        Gamma prior of the mean.

    Notes
    -----
    Closed form: with S the sum of the counts the tempered posterior is a gamma law of shape ``shape + beta S`` and rate
    ``rate + beta N``.

    Source
    ------
    Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 2.6, with the likelihood raised to the power beta.
    """

    counts: tuple[int, ...] = (4, 7, 3, 6, 5, 8, 2, 6, 9, 3)
    shape: float = 2.0
    rate: float = 0.2

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "poisson_gamma"

    def target(self, groups: int = 1) -> SumTarget:
        """Target for a sampler."""
        y = torch.tensor(self.counts, dtype=torch.float64).expand(groups, 1, -1).clone()
        x = torch.arange(len(self.counts), dtype=torch.float64).expand_as(y).clone()
        level = [[make_prior("gamma", shape=self.shape, rate=self.rate)]] * groups
        part = Part("flat", registry.get("constant"), 1, {"level": level})
        ones = torch.ones_like(y)
        return sum_target(x, y, ones, ones, [part], noise.get("poisson"), {})

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, in closed form."""
        shape, rate = self._posterior(beta)
        constant = -beta * sum(math.lgamma(y + 1.0) for y in self.counts)
        prior = self.shape * math.log(self.rate) - float(gammaln(self.shape))
        return -(constant + prior + float(gammaln(shape)) - shape * math.log(rate))

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, 1) by the quantiles of the gamma law."""
        shape, rate = self._posterior(beta)
        return torch.from_numpy(gammaincinv(shape, uniforms((n, 1), generator)) / rate)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (1,)."""
        shape, rate = self._posterior(1.0)
        one = torch.ones(1, dtype=torch.float64)
        return shape / rate * one, math.sqrt(shape) / rate * one

    def _posterior(self, beta: float) -> tuple[float, float]:
        """Shape and rate of the tempered posterior."""
        return self.shape + beta * sum(self.counts), self.rate + beta * len(self.counts)


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (PoissonGamma(),)
