"""Positions of K exchangeable peaks: K! mirror modes, all under one free energy, for any K."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import FloatArray, System, uniforms

CELLS = 8000


@dataclass(frozen=True)
class ExchangeablePeaks(System):
    """K positions in no order, known only as a sorted list: ``lnL = -sum_k ((x_(k) - place_k) / sd)^2 / 2``.

    Attributes
    ----------
    places : tuple of float
        Measured positions, sorted; ``x_(k)`` is the k-th smallest parameter.
    sd : float
        Standard deviation of a measured position.
    half_width : float
        The prior of every position is uniform between -half_width and half_width.

    Notes
    -----
    Quadrature: the integral over ``x_1 < ... < x_K`` is K integrals of one dimension, each over the primitive of the
    one before, by cubic splines to 1e-9; K! such regions. Draws walk back along the primitives, from the largest
    position to the smallest, and are then shuffled.
    """

    places: tuple[float, ...] = (-2.0, -0.8, 0.6, 2.2)
    sd: float = 0.4
    half_width: float = 4.0

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return f"exchangeable_peaks_{len(self.places)}"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("uniform", low=-self.half_width, high=self.half_width)
        places = torch.tensor(self.places, dtype=torch.float64)

        def sorted_peaks(theta: Tensor) -> Tensor:
            return -0.5 * ((theta.sort(-1).values - places) / self.sd).square().sum(-1)

        return function_target(sorted_peaks, {f"position{k + 1}": prior for k in range(len(places))}, groups, "each")

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadratures in one dimension."""
        last = self._primitives(beta)[-1]
        return -math.log(float(last[-1])) - math.lgamma(len(self.places) + 1.0)

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, K)."""
        count = len(self.places)
        u = uniforms((n, count), generator)
        columns: list[FloatArray] = []
        limit = np.full(n, self.half_width)
        for k, primitive in reversed(list(enumerate(self._primitives(beta)))):
            limit = np.interp(u[:, k] * np.interp(limit, self._grid, primitive), primitive, self._grid)
            columns.append(limit)
        shuffle = np.argsort(uniforms((n, count), generator), axis=1)
        return torch.from_numpy(np.take_along_axis(np.stack(columns, axis=1), shuffle, axis=1))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (K,): those of a position picked at random from the sorted list."""
        count, grid = len(self.places), self._grid
        below = [np.ones_like(grid), *self._primitives(1.0)]
        mirror = ExchangeablePeaks(tuple(-place for place in reversed(self.places)), self.sd, self.half_width)
        above = [np.ones_like(grid), *(primitive[::-1] for primitive in mirror._primitives(1.0))]
        density = sum(self._density(k, 1.0) * below[k] * above[count - 1 - k] for k in range(count))
        weight = density / np.sum(density)
        mean = float(weight @ grid)
        sd = math.sqrt(float(weight @ (grid - mean) ** 2))
        ones = torch.ones(count, dtype=torch.float64)
        return mean * ones, sd * ones

    @cached_property
    def _grid(self) -> FloatArray:
        """Points of the primitives."""
        return np.linspace(-self.half_width, self.half_width, CELLS + 1)

    def _primitives(self, beta: float) -> list[FloatArray]:
        """For each k the integral over all ``x_1 < ... < x_k`` with ``x_k`` up to each point of the grid."""
        result: list[FloatArray] = []
        before = np.ones_like(self._grid)
        for k in range(len(self.places)):
            primitive = CubicSpline(self._grid, self._density(k, beta) * before).antiderivative()(self._grid)
            before = np.maximum.accumulate(np.maximum(primitive, 0.0))
            result.append(before)
        return result

    def _density(self, k: int, beta: float) -> FloatArray:
        """Prior of one position times the k-th factor of the likelihood to the power beta, on the grid."""
        distance = (self._grid - self.places[k]) / self.sd
        result: FloatArray = np.exp(-0.5 * beta * distance**2) / (2.0 * self.half_width)
        return result


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (ExchangeablePeaks(),)
