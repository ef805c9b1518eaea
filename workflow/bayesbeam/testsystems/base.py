"""What a test system is: a target, its free energy at every inverse temperature, and exact draws.

Also the two tools that most of them share: integrals by Gauss-Legendre panels, and draws by inverse distribution
functions. Nothing here knows a sampler or an estimator.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp
from torch import Tensor

from bayesbeam.targets.base import Target

FloatArray = NDArray[np.float64]
LogDensity = Callable[[FloatArray], FloatArray]


class System(ABC):
    """A system of one measurement whose tempered posteriors, prior times likelihood to the power beta, are known."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Word by which it is found, with the numbers that distinguish it."""

    @abstractmethod
    def target(self, groups: int = 1) -> Target:
        """Target for a sampler, the same in each of the groups."""

    @abstractmethod
    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats: minus the log integral of prior times likelihood to the power beta; 0 at beta = 0."""

    @abstractmethod
    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact independent draws (n, P), float64, of the states of the target; fixed slots are filled in."""

    @abstractmethod
    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,), float64, of every slot at beta = 1; not from draws."""


def log_likelihood(target: Target, states: Tensor) -> Tensor:
    """Log-likelihood (n,), nats, of states (n, P) of a target of one group and one member."""
    theta = states.reshape(1, 1, 1, *states.shape)
    return target.log_likelihood(target.rows(theta).sum(0), theta)[0, 0, 0]


def log_likelihood_draws(system: System, beta: Tensor, steps: int, chains: int, generator: torch.Generator) -> Tensor:
    """Log-likelihoods (S, C, R) of exact draws at a ladder (R,): what a perfect sampler would store."""
    target = system.target()
    columns = [log_likelihood(target, system.draw(float(b), steps * chains, generator)) for b in beta]
    return torch.stack(columns, dim=-1).reshape(steps, chains, len(beta))


def even_ladder(system: System, distance: float = 0.06) -> Tensor:
    """Ladder (R,) from 0 to 1 whose neighbours are equally far from each other, from the free energies alone.

    Parameters
    ----------
    distance : float
        Bhattacharyya distance ``F((a + b) / 2) - (F(a) + F(b)) / 2`` of neighbours a < b, met within a tenth.
    """
    beta, step = [0.0], 1e-3
    while beta[-1] < 1.0:
        here = beta[-1]
        # From the right where F jumps at 0: what is impossible does not come back with any step.
        energy = system.free_energy(max(here, 1e-12))

        def gap(step: float, here: float = here, energy: float = energy) -> float:
            return system.free_energy(here + 0.5 * step) - 0.5 * (energy + system.free_energy(here + step))

        most = 1.0 - here
        step = _longest_step(gap, 2.0 * step, most, distance)
        beta.append(here + step if step < most else 1.0)
    return torch.tensor(beta, dtype=torch.float64)


def _longest_step(gap: Callable[[float], float], guess: float, most: float, distance: float) -> float:
    """Step up to ``most`` at which a growing gap reaches a distance, within a tenth."""
    if gap(most) <= distance:
        return most
    low, high, step = 0.0, most, min(guess, 0.5 * most)
    while high > 1.1 * low:
        low, high = (step, high) if gap(step) <= distance else (low, step)
        step = min(3.0 * low, math.sqrt(low * high)) if low > 0 else 0.25 * high
    return low


@dataclass(frozen=True)
class Axis:
    """An interval, cut at ``edges`` into panels on each of which the integrands of a system are smooth.

    Attributes
    ----------
    edges : array (E,)
        Strictly increasing.
    order : int
        Nodes of the Gauss-Legendre rule of a panel; exact for polynomials of degree 2 order - 1.
    fineness : int
        Cells of a panel in the table from which draws are made.
    """

    edges: FloatArray
    order: int = 20
    fineness: int = 200

    @cached_property
    def rule(self) -> tuple[FloatArray, FloatArray]:
        """Nodes and logs of the weights of the whole interval."""
        return gauss_legendre(self.edges, self.order)

    @cached_property
    def grid(self) -> FloatArray:
        """Points of the table, edges included."""
        part = np.linspace(0.0, 1.0, self.fineness, endpoint=False)
        cells = self.edges[:-1, None] + np.diff(self.edges)[:, None] * part
        return np.append(cells.ravel(), self.edges[-1])

    def log_integral(self, log_density: LogDensity) -> float:
        """Log of the integral of a density given by its log."""
        nodes, log_weights = self.rule
        return float(logsumexp(log_density(nodes) + log_weights))

    def mean(self, log_density: LogDensity, value: Callable[[FloatArray], FloatArray]) -> float:
        """Mean of a function under a density that need not be normalised."""
        nodes, log_weights = self.rule
        score = log_density(nodes) + log_weights
        weight = np.exp(score - score.max())
        return float(weight @ value(nodes) / weight.sum())

    def draw(self, log_density: LogDensity, u: FloatArray) -> FloatArray:
        """Values (n,) at the quantiles ``u`` (n,) of a density that need not be normalised."""
        return inverse_cdf(self.grid, log_density(self.grid), u)


def gauss_legendre(edges: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and logs of weights of the Gauss-Legendre rule in every panel between neighbouring edges (..., E).

    Returns
    -------
    nodes, log_weights : array (..., (E - 1) order)
    """
    x, w = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.diff(edges, axis=-1)[..., None]
    nodes = edges[..., :-1, None] + half * (x + 1.0)
    shape = (*edges.shape[:-1], -1)
    return nodes.reshape(shape), np.log(half * w).reshape(shape)


def inverse_cdf(grid: FloatArray, log_density: FloatArray, u: FloatArray) -> FloatArray:
    """Values at the quantiles ``u`` of a density that is linear between the points of a grid.

    Parameters
    ----------
    grid : array (m,)
    log_density : array (m,) or (n, m)
        At the points of the grid, up to a constant; one density for all quantiles, or one for each.
    u : array (n,), 0 < u < 1

    Returns
    -------
    array (n,)

    Notes
    -----
    With cells of width h the distribution function is off by h^2 p'/8 within a cell and by h^2/12 times the change of
    p' along the axis; grids here keep that below 1e-6, which 1e9 draws would not notice.
    """
    density = np.exp(log_density - log_density.max(axis=-1, keepdims=True))
    left, right = density[..., :-1], density[..., 1:]
    mass = np.cumsum(0.5 * (left + right) * np.diff(grid), axis=-1)
    aim = u * mass[..., -1]
    if density.ndim == 1:
        cell = np.minimum(np.searchsorted(mass, aim, side="right"), len(grid) - 2)
        below, low, high = np.where(cell > 0, mass[cell - 1], 0.0), left[cell], right[cell]
    else:
        cell = np.minimum((mass <= aim[:, None]).sum(-1), len(grid) - 2)
        rows = np.arange(len(u))
        below = np.where(cell > 0, mass[rows, cell - 1], 0.0)
        low, high = left[rows, cell], right[rows, cell]
    width = grid[cell + 1] - grid[cell]
    rest = np.clip((aim - below) / (0.5 * (low + high) * width), 0.0, 1.0)
    # Root of the quadratic for the part of a cell's mass, in the form that stays exact for a flat density.
    part = rest * (low + high) / (low + np.sqrt(low * low + (high * high - low * low) * rest))
    result: FloatArray = grid[cell] + width * part
    return result


def uniforms(shape: tuple[int, ...], generator: torch.Generator) -> FloatArray:
    """Uniform numbers in (0, 1)."""
    u = torch.rand(shape, generator=generator, dtype=torch.float64)
    result: FloatArray = u.clamp(min=2.0**-54).numpy()
    return result


def normals(shape: tuple[int, ...], generator: torch.Generator) -> FloatArray:
    """Standard normal numbers."""
    result: FloatArray = torch.randn(shape, generator=generator, dtype=torch.float64).numpy()
    return result


def directions(n: int, dimension: int, generator: torch.Generator) -> FloatArray:
    """Unit vectors (n, d), uniform over the sphere."""
    vectors = normals((n, dimension), generator)
    result: FloatArray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return result


def states(*columns: FloatArray) -> Tensor:
    """States (n, P) from columns (n,)."""
    return torch.from_numpy(np.stack(columns, axis=-1))
