"""Two thin shells in a box: curved, degenerate ridges with nothing inside or between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.special import logsumexp
from torch import Tensor

from bayesbeam.priors import make_prior
from bayesbeam.targets.function import FunctionTarget, function_target
from bayesbeam.testsystems.base import Axis, FloatArray, System, gauss_legendre, states, uniforms

# Where panels end between the shell and the wall; dense at the wall, where the other shell takes over within 1/300.
PARTS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.75, 0.9, 0.96, 0.985, 0.995, 0.999, 1.0])


@dataclass(frozen=True)
class GaussianShells(System):
    """``L = sum over both centres of N(|x - centre|; radius, width)`` in the plane, under uniform priors.

    Attributes
    ----------
    radius, width : float
    offset : float
        The centres are at (+-offset, 0).
    half_width : float
        The prior of both coordinates is uniform between -half_width and half_width.

    Notes
    -----
    Quadrature in polar coordinates about the centre of one half of the box, to 1e-9. Draws by rejection: radius from
    one shell alone, any angle, kept with probability ``((1 + ratio) / 2)^beta`` where ratio <= 1 compares the other
    shell.

    Source
    ------
    Feroz, Hobson, Bridges, MNRAS 398, 1601 (2009), section 6.2: ln Z = -1.75 in two dimensions, which is met.
    """

    radius: float = 2.0
    width: float = 0.1
    offset: float = 3.5
    half_width: float = 6.0

    @property
    def name(self) -> str:
        """Word by which it is found."""
        return "gaussian_shells"

    def target(self, groups: int = 1) -> FunctionTarget:
        """Target for a sampler."""
        prior = make_prior("uniform", low=-self.half_width, high=self.half_width)

        def shells(theta: Tensor) -> Tensor:
            x, square = theta[..., 0], theta[..., 1].square()
            near, far = (torch.sqrt((x + sign * self.offset).square() + square) for sign in (-1.0, 1.0))
            wave = [-0.5 * ((distance - self.radius) / self.width).square() for distance in (near, far)]
            return torch.logaddexp(wave[0], wave[1]) - self._log_scale

        return function_target(shells, {"x": prior, "y": prior}, groups)

    def free_energy(self, beta: float = 1.0) -> float:
        """Free energy in nats, by quadrature in two dimensions."""
        r, angle, log_weight = self._polar_rule
        own, ratio = self._waves(r, angle)
        log_z = logsumexp(beta * (own + np.log1p(ratio) - self._log_scale) + np.log(r) + log_weight)
        # Twice for the mirrored half of the angles, twice for the other half of the box.
        return -(float(log_z) + math.log(4.0) - 2.0 * math.log(2.0 * self.half_width))

    def draw(self, beta: float, n: int, generator: torch.Generator) -> Tensor:
        """Exact draws (n, 2)."""
        kept: list[FloatArray] = []
        while sum(map(len, kept)) < n:
            u = uniforms((4, 2 * n + 16), generator)
            r = self._axis.draw(lambda grid: self._log_radius(grid, beta), u[0])
            angle = 2.0 * math.pi * u[1]
            x, y = self.offset + r * np.cos(angle), r * np.sin(angle)
            inside = (x > 0) & (x < self.half_width) & (np.abs(y) < self.half_width)
            _, ratio = self._waves(r, angle)
            accept = inside & (np.log(u[2]) < beta * np.log(0.5 * (1.0 + ratio)))
            kept.append(np.stack([np.where(u[3] < 0.5, x, -x), y], axis=1)[accept])
        return states(*np.concatenate(kept)[:n].T)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Posterior mean and standard deviation (2,)."""
        r, angle, log_weight = self._polar_rule
        own, ratio = self._waves(r, angle)
        weight = np.exp(own + log_weight) * (1.0 + ratio) * r
        squares = [(self.offset + r * np.cos(angle)) ** 2, (r * np.sin(angle)) ** 2]
        variance = [float((weight * square).sum() / weight.sum()) for square in squares]
        return torch.zeros(2, dtype=torch.float64), torch.tensor(variance, dtype=torch.float64).sqrt()

    @cached_property
    def _log_scale(self) -> float:
        """Log of the normaliser of a shell."""
        return math.log(self.width * math.sqrt(2.0 * math.pi))

    def _waves(self, r: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log height of the shell of this half, and height of the other one over it."""
        other = np.sqrt(r * r + 4.0 * self.offset * (r * np.cos(angle) + self.offset))
        own = -0.5 * ((r - self.radius) / self.width) ** 2
        # At most 1 in this half; beyond it, where draws are refused, it would overflow.
        return own, np.exp(np.minimum(-0.5 * ((other - self.radius) / self.width) ** 2 - own, 0.0))

    @cached_property
    def _axis(self) -> Axis:
        """Distances from the centre up to the farthest corner of its half."""
        return Axis(np.linspace(1e-9, math.hypot(self.half_width, self.offset), 101))

    def _log_radius(self, r: FloatArray, beta: float) -> FloatArray:
        """Log density of the distance from the centre of a shell alone."""
        result: FloatArray = np.log(r) - 0.5 * beta * ((r - self.radius) / self.width) ** 2
        return result

    @cached_property
    def _polar_rule(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Radii, angles and log weights (A, B) of a rule for the upper half of the right half of the box."""
        right, left, top = self.half_width - self.offset, self.offset, self.half_width
        corners = np.array([0.0, math.atan2(top, right), math.atan2(top, -left), math.pi])
        angle, log_angle = gauss_legendre(corners, 40)
        with np.errstate(divide="ignore"):
            side = np.where(np.cos(angle) > 0, right, left) / np.abs(np.cos(angle))
            wall = np.minimum(side, top / np.sin(angle))[:, None]
        start = self.radius + 5.0 * self.width
        inner = [0.0, 1.0, 1.5, *(self.radius + self.width * np.arange(-4, 5))]
        edges = np.concatenate(
            [np.broadcast_to(inner, (len(angle), len(inner))), start + (wall - start) * PARTS], axis=1
        )
        r, log_r = gauss_legendre(edges, 16)
        return r, angle[:, None], log_r + log_angle[:, None]


def systems() -> tuple[System, ...]:
    """Systems that tests run on."""
    return (GaussianShells(),)
