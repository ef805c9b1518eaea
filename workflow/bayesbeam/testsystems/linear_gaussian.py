"""A sum that is linear in its parameters, with normal priors and known normal noise: everything is closed form.

A straight line and any number of Gaussian peaks of free height and fixed place; one measurement, or a group of
measurements that share some of the parameters. Exact at every inverse temperature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.priors.base import Prior
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.base import System

LEVEL, SLOPE = "line.level", "line.slope"


@dataclass(frozen=True)
class LinearGaussian(System):
    """A linear system of D measurements of N points, with Q coefficients in all.

    Attributes
    ----------
    x, y, sd : Tensor (D, N), float64
        Axis, signal and known standard deviation of the noise.
    positions : tuple of float
        Centres of the peaks, whose heights are coefficients.
    peak_sd : float
        Standard deviation of every peak.
    prior_mean, prior_sd : float
        Normal prior of every coefficient.
    shared : frozenset of str
        Names of coefficients that all members have in common.

    Notes
    -----
    With design A, weights W = 1/sd^2, prior N(m, V): precision ``V^-1 + beta A'WA``, and the evidence by completing the
    square. Checked against: quadrature in two dimensions, and science.md section 3 in the limit of a wide prior.

    Source
    ------
    Bishop, Pattern Recognition and Machine Learning (2006): equations 3.50, 3.51 and 3.86, with the likelihood raised
    to the power beta.
    """

    x: Tensor
    y: Tensor
    sd: Tensor
    positions: tuple[float, ...] = ()
    peak_sd: float = 0.3
    prior_mean: float = 0.0
    prior_sd: float = 2.0
    shared: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Word by which it is found: with the number of coefficients."""
        return f"linear_gaussian_{len(self.columns)}"

    @property
    def members(self) -> int:
        """Number of measurements."""
        return self.x.shape[0]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients of one member: level, slope, heights."""
        return (LEVEL, SLOPE, *(f"peak{k + 1}.amplitude" for k in range(len(self.positions))))

    @cached_property
    def columns(self) -> tuple[tuple[str, int | None], ...]:
        """Coefficients of the whole system as (name, member), length Q; the member is None where it is shared."""
        common = [(name, None) for name in self.names if name in self.shared]
        own = [(name, d) for d in range(self.members) for name in self.names if name not in self.shared]
        return (*common, *own)

    @cached_property
    def design(self) -> Tensor:
        """Design matrix (D N, Q): the curve of each coefficient at 1."""
        basis = [torch.ones_like(self.x), self.x]
        basis += [torch.exp(-0.5 * ((self.x - p) / self.peak_sd) ** 2) for p in self.positions]
        matrix = self.x.new_zeros(*self.x.shape, len(self.columns))
        for q, (name, member) in enumerate(self.columns):
            members = slice(None) if member is None else slice(member, member + 1)
            matrix[members, :, q] = basis[self.names.index(name)][members]
        return matrix.flatten(0, 1)

    def log_likelihood(self, theta: Tensor) -> Tensor:
        """Log-likelihood (...), nats, of coefficients (..., Q)."""
        z = (self.y.flatten() - theta @ self.design.T) / self.sd.flatten()
        return self._log_constant - 0.5 * (z * z).sum(-1)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats: minus the log integral of prior times likelihood to the power beta."""
        precision, linear = self._tempered(beta)
        weighted = self.y.flatten() / self.sd.flatten()
        prior = self.prior_mean**2 / self.prior_sd**2 * len(self.columns) + 2 * len(self.columns) * math.log(
            self.prior_sd
        )
        square = beta * float(weighted @ weighted) + prior - float(linear @ torch.linalg.solve(precision, linear))
        return 0.5 * (square + float(torch.logdet(precision))) - beta * self._log_constant

    def posterior(self, beta: float = 1.0) -> tuple[Tensor, Tensor]:
        """Mean (Q,) and covariance (Q, Q) of the coefficients at inverse temperature beta."""
        precision, linear = self._tempered(beta)
        covariance = torch.linalg.inv(precision)
        return covariance @ linear, covariance

    def draws(self, beta: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Exact independent draws (*shape, Q) of the coefficients at inverse temperature beta."""
        mean, covariance = self.posterior(beta)
        normal = torch.randn(*shape, len(mean), dtype=torch.float64, generator=generator)
        result: Tensor = mean + normal @ torch.linalg.cholesky(covariance).T
        return result

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, P) of the states of the target of a system of one measurement."""
        return self.states(self.draws(beta, (n,), generator))[..., 0, :]

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (P,) of the states of a system of one measurement."""
        mean, covariance = self.posterior()
        sd = torch.zeros_like(self.states(mean)[0])
        sd[[slot for _, slot in self.places]] = covariance.diagonal().sqrt()
        return self.states(mean)[0], sd

    def target(self, groups: int = 1) -> SumTarget:
        """Target for a sampler."""
        return linear_target([self] * groups)

    def log_likelihood_draws(self, beta: Tensor, steps: int, chains: int, generator: torch.Generator) -> Tensor:
        """Log-likelihoods (S, C, R) of exact draws at a ladder (R,): what a perfect sampler would store."""
        columns = [self.log_likelihood(self.draws(float(b), (steps, chains), generator)) for b in beta]
        return torch.stack(columns, dim=-1)

    def states(self, theta: Tensor) -> Tensor:
        """States (..., D, P) of the matching target from coefficients (..., Q)."""
        values = []
        for member in range(self.members):
            own = {name: theta[..., q] for q, (name, d) in enumerate(self.columns) if d in (None, member)}
            fixed = theta.new_zeros(theta.shape[:-1])
            line = [own[LEVEL], own[SLOPE], fixed]
            peaks = [
                [own[f"peak{k + 1}.amplitude"], fixed + p, fixed + self.peak_sd] for k, p in enumerate(self.positions)
            ]
            values.append(torch.stack([*line, *(value for peak in peaks for value in peak)], dim=-1))
        return torch.stack(values, dim=-2)

    @cached_property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Member and slot of the matching target that hold each coefficient, length Q."""
        slots = (0, 1, *(3 * (k + 1) for k in range(len(self.positions))))
        return tuple((d or 0, slots[self.names.index(name)]) for name, d in self.columns)

    @cached_property
    def _log_constant(self) -> float:
        """Log-likelihood of a perfect fit."""
        return -float(torch.log(self.sd * math.sqrt(2.0 * math.pi)).sum())

    def _tempered(self, beta: float) -> tuple[Tensor, Tensor]:
        """Precision (Q, Q) and precision times mean (Q,) at inverse temperature beta."""
        scaled = self.design / self.sd.flatten()[:, None]
        weight = 1.0 / self.prior_sd**2
        precision = beta * scaled.T @ scaled + weight * torch.eye(len(self.columns), dtype=torch.float64)
        linear = beta * scaled.T @ (self.y.flatten() / self.sd.flatten()) + weight * self.prior_mean
        return precision, linear


def linear_gaussian(
    generator: torch.Generator,
    members: int = 1,
    points: int = 20,
    positions: tuple[float, ...] = (0.5,),
    noise_sd: float = 0.5,
    shared: frozenset[str] = frozenset(),
) -> LinearGaussian:
    """Linear system with data simulated from its own prior.

    Parameters
    ----------
    generator : torch.Generator
    members, points : int
        D and N; the axis runs from -1 to 1.
    positions, noise_sd, shared :
        As in LinearGaussian.
    """
    x = torch.linspace(-1.0, 1.0, points, dtype=torch.float64).expand(members, points).clone()
    sd = torch.full_like(x, noise_sd)
    empty = LinearGaussian(x, torch.zeros_like(x), sd, positions, shared=shared)
    curve = (empty.design @ empty.draws(0.0, (), generator)).reshape(x.shape)
    y = curve + sd * torch.randn(x.shape, dtype=torch.float64, generator=generator)
    return LinearGaussian(x, y, sd, positions, shared=shared)


def linear_target(systems: Sequence[LinearGaussian], dtype: torch.dtype = torch.float64) -> SumTarget:
    """Target for the sampler, one group a system; systems differ in data and in numbers of their priors only.

    Slots of a member: level, slope, pivot (fixed at 0), then height, position (fixed), sd (fixed) of each peak.
    """

    def normal(system: LinearGaussian) -> Prior:
        return priors.make_prior("normal", mean=system.prior_mean, sd=system.prior_sd)

    free = [[normal(system)] * system.members for system in systems]

    def fixed(value: float) -> list[list[Prior]]:
        return [[priors.make_prior("fixed", value=value)] * system.members for system in systems]

    first = systems[0]
    parts = [Part("line", registry.get("linear"), 1, {"level": free, "slope": free, "pivot": fixed(0.0)})]
    for k, place in enumerate(first.positions):
        rest = {"position": fixed(place), "sd": fixed(first.peak_sd)}
        parts.append(Part(f"peak{k + 1}", registry.get("gaussian"), 1, {"amplitude": free, **rest}))
    x, y, sd = (torch.stack(list(value)) for value in zip(*((s.x, s.y, s.sd) for s in systems), strict=True))
    model = noise.get("normal")
    return sum_target(x, y, sd, torch.ones_like(x), parts, model, {}, first.shared, dtype)


def systems() -> tuple[System, ...]:
    """Systems that tests run on: a straight line, and one with ten overlapping peaks on it."""
    places = tuple(-0.9 + 0.2 * k for k in range(10))
    line = linear_gaussian(torch.Generator().manual_seed(3), points=12, positions=(), noise_sd=0.7)
    return line, linear_gaussian(torch.Generator().manual_seed(4), points=30, positions=places, noise_sd=0.5)
