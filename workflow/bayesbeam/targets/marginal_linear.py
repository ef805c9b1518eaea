"""A sum of components of which some numbers enter linearly and are integrated out: they leave the state.

With normal priors of these and normal noise the integral over them is known in closed form, whatever the other numbers
are. What is sampled has the marginal likelihood; draws of what was integrated out are made afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.models.mathspace import TORCH
from bayesbeam.noise.base import row_sum
from bayesbeam.rng import normals, uniforms
from bayesbeam.targets.base import Target
from bayesbeam.targets.elimination import back_substituted, eliminated, log_diagonal
from bayesbeam.targets.parts import Term
from bayesbeam.targets.sum import SumTarget

RESTORE_SLOT = 3 << 20
"""First of the slots whose random numbers restore what was integrated out; moves have those below."""
# Numbers of curves that are held at once.
_NUMBERS = 1 << 22


class System(NamedTuple):
    """Normal equations of states (...) in units of the priors, for noise of unit level.

    Attributes
    ----------
    gram : Tensor (..., L, L)
        Products of the columns, each times the standard deviation of its prior, over the noise.
    onto : Tensor (..., L)
        Products of these with the data less the curve at the means of the priors.
    rows : Tensor (L, ..., N), rest : Tensor (..., N)
        The columns, and these data, over the noise.
    """

    gram: Tensor
    onto: Tensor
    rows: Tensor
    rest: Tensor


@dataclass(frozen=True)
class MarginalTarget(Target):
    """What is left of a sum when numbers that enter linearly are integrated out.

    Attributes
    ----------
    whole : SumTarget
        The sum with all its numbers.
    linear : tuple of int, length L
        Slots of ``whole`` that are integrated out, rising.
    lifted : tuple of bool
        For each term of ``whole``, whether it has a curve where all that is integrated out is zero.
    """

    whole: SumTarget
    linear: tuple[int, ...]
    lifted: tuple[bool, ...]

    @property
    def groups(self) -> int:
        """Number of groups, each tempered and exchanged on its own."""
        return self.whole.groups

    @property
    def members(self) -> int:
        """Number of measurements in a group."""
        return self.whole.members

    @property
    def device(self) -> torch.device:
        """Where its numbers are."""
        return self.whole.device

    @property
    def points(self) -> int:
        """Number of points of a curve."""
        return self.whole.points

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Slots of ``whole`` that stay in the state, in order."""
        gone = set(self.linear)
        return tuple(j for j in range(len(self.whole.slots)) if j not in gone)

    @cached_property
    def noise_start(self) -> int:
        """First slot of the noise model."""
        return len(self.slots) - (len(self.whole.slots) - self.whole.noise_start)

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Moving slots that belong together, those of the whole sum that are left."""
        place = {slot: j for j, slot in enumerate(self.kept)}
        left = (tuple(place[j] for j in block if j in place) for block in self.whole.blocks)
        return tuple(block for block in left if block)

    @cached_property
    def linear_of(self) -> tuple[tuple[int, ...], ...]:
        """For each term of the whole sum, which of its slots are integrated out, by their number in ``linear``."""
        return tuple(
            tuple(number for number, j in enumerate(self.linear) if term.start <= j < term.stop)
            for term in self.whole.terms
        )

    @cached_property
    def mean(self) -> Tensor:
        """Means of the priors of what is integrated out, (G, D, 1, 1, L)."""
        return self._argument("mean")

    @cached_property
    def sd(self) -> Tensor:
        """Standard deviations of these priors, (G, D, 1, 1, L)."""
        return self._argument("sd")

    def _argument(self, name: str) -> Tensor:
        """Argument of the priors of what is integrated out."""
        shape = (self.groups, self.members, 1, 1)
        return torch.stack([self.whole.priors[j].values[name].expand(shape) for j in self.linear], -1)

    @cached_property
    def anchored(self) -> tuple[bool, ...]:
        """For each term of the whole sum, whether it may have a curve where they are at the means of their priors."""
        return tuple(
            lifted or bool((self.mean[..., list(own)] != 0.0).any())
            for lifted, own in zip(self.lifted, self.linear_of, strict=True)
        )

    def select(self, groups: Tensor) -> Self:
        """Target of some of the groups, given their numbers (int64)."""
        priors = tuple(prior.select(groups) for prior in self.priors)
        return replace(self, priors=priors, whole=self.whole.select(groups))

    def row(self, term: Term, theta: Tensor) -> Tensor:
        """Curve of no points: what is integrated out belongs to all terms at once."""
        return theta.new_zeros(*theta.shape[:-1], 0)

    def rows(self, theta: Tensor) -> Tensor:
        """No curves, (0, G, D, C, R, 0), for states (G, D, C, R, P)."""
        return theta.new_zeros(0, *theta.shape[:-1], 0)

    def log_likelihood(self, prediction: Tensor, theta: Tensor) -> Tensor:
        """Logarithm of the marginal likelihood of each member, (G, D, C, R), float64, nats."""
        return torch.cat([self._log_likelihood(part) for part in self._parts(theta)], 3)

    def _parts(self, theta: Tensor) -> tuple[Tensor, ...]:
        """States few enough for their curves to be held at once."""
        each = theta.shape[:3].numel() * self.points * (len(self.linear) + 2)
        parts: tuple[Tensor, ...] = theta.split(max(_NUMBERS // max(each, 1), 1), 3)
        return parts

    def _log_likelihood(self, theta: Tensor) -> Tensor:
        """Logarithm of the marginal likelihood of some states.

        Source
        ------
        Bishop, Pattern Recognition and Machine Learning (2006), equation 3.86, in units of the priors. Checked against:
        evidence.closed_form, and integrals by quadrature.
        """
        system, level = self.system(theta), self._level(theta)
        factor, ahead = eliminated(*_of_level(system, level))
        best = back_substituted(factor, ahead)
        # The squares where they are least, not a difference of large numbers.
        rest = system.rest
        for k, row in enumerate(system.rows):
            rest = rest - best[..., k, None] * row
        squares = row_sum(rest * rest)
        for k in range(len(self.linear)):
            squares = squares + (level * best[..., k]).square()
        total, data = self.whole.noise.total, self.whole.data
        assert total is not None
        phi = theta[..., self.noise_start :].unbind(-1)
        found: Tensor = total(TORCH, squares, data.gaussian_constant, data.n_effective, *phi) - log_diagonal(factor)
        # An infinite curve is impossible; what is no number is a mistake of a formula.
        size = torch.stack([system.gram.diagonal(dim1=-2, dim2=-1).sum(-1), row_sum(system.rest.square())])
        return torch.where(torch.isinf(size).any(0) & ~torch.isnan(size).any(0), -torch.inf, found)

    def _level(self, theta: Tensor) -> Tensor:
        """Factor on the standard deviations of the noise, (G, D, C, R); 1 where it is not above 0."""
        if self.noise_start == len(self.slots):
            return theta.new_ones(theta.shape[:-1])
        level = theta[..., self.noise_start]
        return torch.where(level > 0.0, level, 1.0)

    def system(self, theta: Tensor) -> System:
        """Normal equations of states (G, D, C, R, P)."""
        weight = self.whole.data.inverse_sd.double()
        middle, nothing = self._widened(theta, self.mean), torch.zeros_like(self.mean)
        rest = self.whole.data.y.double().expand(*theta.shape[:-1], self.points)
        rows: list[Tensor] = []
        for t, (term, own) in enumerate(zip(self.whole.terms, self.linear_of, strict=True)):
            if self.anchored[t]:
                rest = rest - self._row(term, middle)
            without = self._row(term, self._widened(theta, nothing)) if own and self.lifted[t] else None
            for k in own:
                unit = nothing.clone()
                unit[..., k] = 1.0
                row = self._row(term, self._widened(theta, unit))
                rows.append((row if without is None else row - without) * (weight * self.sd[..., k, None]))
        rest, count = rest * weight, range(len(rows))
        lower = [[row_sum(rows[i] * rows[j]) for j in range(i + 1)] for i in count]
        gram = torch.stack([torch.stack([lower[max(i, j)][min(i, j)] for j in count], -1) for i in count], -2)
        return System(gram, torch.stack([row_sum(row * rest) for row in rows], -1), torch.stack(rows), rest)

    def _row(self, term: Term, state: Tensor) -> Tensor:
        """Curve of one term in whole states, float64."""
        return self.whole.row(term, state[..., term.start : term.stop]).double()

    def _widened(self, theta: Tensor, linear: Tensor) -> Tensor:
        """States of the whole sum (..., P + L), from states (..., P) and what is integrated out (..., L)."""
        shape = theta.shape[:-1]
        state = theta.new_empty(*shape, len(self.whole.slots))
        state[..., list(self.kept)] = theta
        state[..., list(self.linear)] = linear.expand(*shape, len(self.linear))
        return state

    @property
    def complete(self) -> Target:
        """Target of all numbers that draws hold once they are restored."""
        return self.whole

    def restored(self, theta: NDArray[np.float64], group: int, keys: Tensor) -> NDArray[np.float64]:
        """Draws of all numbers, from draws of those that were sampled.

        Parameters
        ----------
        theta : array (S, D, C, P)
            Draws at beta = 1 of one group, given by its place in the batch.
        keys : Tensor (D, 2), int64
            Stream keys of its members.

        Returns
        -------
        array (S, D, C, P + L)
            What was integrated out is drawn from its normal distribution given the rest.
        """
        one = self.select(torch.tensor([group], device=self.device))
        draws, _, chains, _ = theta.shape
        states = torch.from_numpy(np.ascontiguousarray(theta.transpose(1, 2, 0, 3)))[None].to(self.device)
        slots = RESTORE_SLOT + torch.arange(len(self.linear), device=self.device)
        sweeps = torch.arange(draws, device=self.device)
        u = uniforms(keys, chains, 1, sweeps, slots, words=2)
        normal = normals(u[0], u[1])[..., 0].permute(2, 3, 0, 1)[None]  # (1, D, C, S, L)
        parts, start = [], 0
        for part in one._parts(states):
            parts.append(one._restored(part, normal[:, :, :, start : start + part.shape[3]]))
            start += part.shape[3]
        whole = torch.cat(parts, 3)[0].permute(2, 0, 1, 3)
        return np.ascontiguousarray(whole.cpu().numpy())

    def _restored(self, theta: Tensor, normal: Tensor) -> Tensor:
        """Whole states, from states and standard normal numbers (..., L)."""
        factor, ahead = eliminated(*_of_level(self.system(theta), self._level(theta)))
        drawn = back_substituted(factor, ahead + normal)
        return self._widened(theta, self.mean + self.sd * drawn)


def _of_level(system: System, level: Tensor) -> tuple[Tensor, Tensor]:
    """Matrix and vector of normal equations for noise of some level (...)."""
    precision = 1.0 / level.square()
    return system.gram * precision[..., None, None], system.onto * precision[..., None]
