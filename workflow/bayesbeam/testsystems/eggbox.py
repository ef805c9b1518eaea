"""The egg box: a plane of equal peaks that fall off to nothing between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import FloatArray, System, states, uniforms

SIDES = 5
NODES = 256
CELLS = 400


@dataclass(frozen=True)
class EggBox(System):
    """``lnL = (2 + cos(x/2) cos(y/2))^5`` under uniform priors on (0, 10 pi).

    Notes
    -----
    Quadrature: the box is 25 cells in which ``cos(x/2) cos(y/2)`` takes the same values; in one of them the integrand
    is even and periodic, so the midpoint rule is exact to rounding. Draws by rejection from a table of cells, whose
    bounds are exact because the cosines are monotone.

    Source
    ------
    Feroz, Hobson, Bridges, MNRAS 398, 1601 (2009), section 6.1, where a grid gives ln Z = 235.88 at beta = 1; here
    235.856.
    """

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "eggbox"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("uniform", low=0.0, high=2.0 * math.pi * SIDES)

        def eggbox(theta: Tensor) -> Tensor:
            return (2.0 + torch.cos(0.5 * theta).prod(-1)) ** 5

        return function_target(eggbox, {"x": prior, "y": prior}, groups, "each")

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadrature in two dimensions."""
        cosine = np.cos((np.arange(NODES) + 0.5) * (math.pi / NODES))
        return -float(logsumexp(beta * _height(cosine[:, None] * cosine))) + 2.0 * math.log(NODES)

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, 2): in one cell by rejection, then put into one of the 25."""
        edge = np.cos(np.linspace(0.0, math.pi, CELLS + 1))
        corner = edge[:, None] * edge
        top = np.maximum(np.maximum(corner[1:, 1:], corner[:-1, :-1]), np.maximum(corner[1:, :-1], corner[:-1, 1:]))
        bound = beta * _height(top).ravel()
        mass = np.cumsum(np.exp(bound - bound.max()))
        kept: list[FloatArray] = []
        while sum(map(len, kept)) < n:
            u = uniforms((2 * n + 16, 4), generator)
            cell = np.minimum(np.searchsorted(mass, u[:, 0] * mass[-1], side="right"), CELLS**2 - 1)
            place = (np.stack([cell // CELLS, cell % CELLS], axis=1) + u[:, 1:3]) * (math.pi / CELLS)
            accept = np.log(u[:, 3]) < beta * _height(np.cos(place).prod(-1)) - bound[cell]
            kept.append(place[accept])
        place = np.concatenate(kept)[:n]
        side = np.floor(SIDES * uniforms((n, 2), generator))
        # In cells of odd number along x plus y the sign of the product is turned: mirror one coordinate.
        odd = side.sum(-1) % 2 == 1
        place[odd, 0] = math.pi - place[odd, 0]
        return states(*(2.0 * (side + place / math.pi) * math.pi).T)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (2,): of the cells' numbers, and of the place in a cell."""
        place = (np.arange(NODES) + 0.5) * (math.pi / NODES)
        score = logsumexp(_height(np.cos(place)[:, None] * np.cos(place)), axis=1)
        weight = np.exp(score - score.max())
        within = float(weight @ (place - 0.5 * math.pi) ** 2 / weight.sum())
        between = math.pi**2 * (SIDES**2 - 1) / 12.0
        ones = torch.ones(2, dtype=torch.float64)
        return math.pi * SIDES * ones, 2.0 * math.sqrt(within + between) * ones


def _height(product: FloatArray) -> FloatArray:
    """Log-likelihood from the product of the cosines."""
    result: FloatArray = (2.0 + product) ** 5
    return result


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (EggBox(),)
