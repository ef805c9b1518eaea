"""Which phases, by variational inference over all columns at once: many starts as one batch, on any device.

Heights are independent in the approximation: each is a half-normal slab or nothing. What this finds is believed where
exchange Monte Carlo over sets, whose free energies are exact, finds the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.diffraction.sets import SHARE_SD, Columns
from bayesbeam.rng import stream_key

FloatArray = NDArray[np.float64]
Tensor = torch.Tensor

_PRECISION = 1.0 / SHARE_SD**2
_COLDEST, _TEMPERATURES = 0.003, 16
_STEPS, _LAST_STEPS = 12, 400
_SETTLED = 1e-4
_KEPT_OUT = 0.5
"""Largest share of columns that a start keeps out until the end."""


@dataclass(frozen=True)
class Variational:
    """What the best start ends with.

    Attributes
    ----------
    members : tuple of int
        Columns that are more probable in than out, in order.
    inclusion : array (C,)
        Probability of each column.
    height : array (C,)
        Mean height of each column, where it is in.
    bound : array (S,)
        Lower bound of the log evidence of all sets against none, nats, of every start; the best comes first.
    agreeing : float
        Share of the starts that end with the same members.
    """

    members: tuple[int, ...]
    inclusion: FloatArray
    height: FloatArray
    bound: FloatArray
    agreeing: float


@dataclass(frozen=True)
class _Problem:
    """Columns on a device, the log prior of one set by its size, and which columns are of one phase.

    ``owner`` (C,) numbers phases from 0; ``same`` (C, C) is None where each phase has one column; ``within`` (C, C) are
    products of columns of one phase.
    """

    gram: Tensor
    moment: Tensor
    cost: Tensor
    log_prior: Tensor
    owner: Tensor
    same: Tensor | None
    within: Tensor | None

    @property
    def diagonal(self) -> Tensor:
        """Squares of columns."""
        return self.gram.diagonal()

    def of_phase(self, values: Tensor) -> Tensor:
        """Sums (S, C) over all columns of the phase of each."""
        return values if self.same is None else values @ self.same

    def highest(self, values: Tensor) -> Tensor:
        """Largest (S, C) over all columns of the phase of each, 0 at least."""
        if self.same is None:
            return values.clamp(min=0.0)
        place = self.owner.expand(len(values), -1)
        return torch.zeros_like(values).scatter_reduce(1, place, values, "amax").gather(1, place)

    def given_back(self, own: Tensor) -> Tensor:
        """What the columns of its own phase explain of each column."""
        return own * self.diagonal if self.within is None else own @ self.within

    def odds(self, size: Tensor) -> Tensor:
        """Log prior odds of one more phase beside a number that need not be whole."""
        last = len(self.log_prior) - 2
        low = size.clamp(0.0, float(last)).floor().long().clamp(max=max(last - 1, 0))
        step = self.log_prior[1:] - self.log_prior[:-1]
        share = (size - low).clamp(0.0, 1.0)
        inside = (1.0 - share) * step[low] + share * step[(low + 1).clamp(max=last)]
        return torch.where(size > last + 0.5, torch.full_like(inside, -math.inf), inside)

    def of_size(self, size: Tensor) -> Tensor:
        """Log prior of one set of a number that need not be whole."""
        last = len(self.log_prior) - 1
        low = size.clamp(0.0, float(last)).floor().long().clamp(max=max(last - 1, 0))
        share = (size - low).clamp(0.0, 1.0)
        return (1.0 - share) * self.log_prior[low] + share * self.log_prior[(low + 1).clamp(max=last)]


@dataclass
class _State:
    """Starts (S, C): probability of each column, and moments of its height where it is in."""

    inside: Tensor
    mean: Tensor
    left: Tensor


def variational_sets(
    columns: Columns, starts: int = 200, seed: int = 0, name: str = "phases", device: str = "cpu",
    dtype: torch.dtype = torch.float64,
) -> Variational:  # fmt: skip
    """Best of many starts of a mean-field approximation, annealed from a flat likelihood to the full one.

    Each step changes, in every start, the one phase whose probability or height is farthest from what the others
    imply, with a random preference that fades as the likelihood comes in. Every start but the first keeps some columns
    out, up to half of them, until the likelihood is the full one: what takes the place of others is not in all.

    Notes
    -----
    A phase with several columns is one of them or absent. The prior of the number of phases is taken between whole
    numbers by straight lines. A step costs O(S C).

    Source
    ------
    Titsias, Lazaro-Gredilla, Advances in Neural Information Processing Systems 24 (2011) 2339: section 3, here with
    half-normal slabs; annealed as in Katahira et al., Journal of Physics: Conference Series 95 (2008) 012015.
    """
    problem = _problem_of(columns, torch.device(device), dtype)
    words = stream_key(seed, name, "variational")
    generator = torch.Generator().manual_seed(int(words[0]) % (1 << 62))
    count = len(columns.owner)
    noise = torch.rand((starts, count), generator=generator, dtype=torch.float64)
    kept_out = torch.rand((starts, count), generator=generator, dtype=torch.float64)
    # The first start has no preference, and keeps nothing out.
    noise[0] = 0.5
    share = _KEPT_OUT * torch.arange(starts, dtype=torch.float64)[:, None] / max(starts - 1, 1)
    barred = torch.where(kept_out < share, -math.inf, 0.0).to(problem.moment)
    preference = (-torch.log(-torch.log(noise.clamp(1e-6, 1.0 - 1e-6)))).to(problem.moment)
    zero = torch.zeros((starts, count), dtype=dtype, device=problem.gram.device)
    state = _State(zero.clone(), zero.clone(), problem.moment.expand(starts, count).clone())
    for rung, beta in enumerate(np.geomspace(_COLDEST, 1.0, _TEMPERATURES).tolist()):
        last = rung == _TEMPERATURES - 1
        fading = preference * (1.0 - rung / (_TEMPERATURES - 1))
        for _ in range(_LAST_STEPS if last else _STEPS):
            if _step(problem, state, beta, fading, 0.0 * problem.moment if last else barred) < _SETTLED:
                break
    return _told(problem, state)


def _problem_of(columns: Columns, device: torch.device, dtype: torch.dtype) -> _Problem:
    """Columns on a device."""
    gram, moment, cost, prior = (
        torch.from_numpy(np.ascontiguousarray(one)).to(device, dtype)
        for one in (columns.gram, columns.moment, columns.cost, columns.log_prior)
    )
    phases, numbers = np.unique(columns.owner, return_inverse=True)
    owner = torch.from_numpy(np.ascontiguousarray(numbers)).to(device)
    if len(phases) == len(columns.owner):
        return _Problem(gram, moment, cost, prior, owner, None, None)
    same = (owner[:, None] == owner[None, :]).to(dtype)
    return _Problem(gram, moment, cost, prior, owner, same, same * gram)


def _slab(problem: _Problem, state: _State, beta: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the others imply for each column (S, C): log odds of being in, mean height, precision and pull."""
    own = state.inside * state.mean
    # What the phase's own columns explain is given back: a phase is one of them.
    rest = state.left + problem.given_back(own)
    precision = beta * problem.diagonal + _PRECISION
    pull = beta * rest
    z = pull / precision.sqrt()
    tail, height = _half_normal(z)
    size = state.inside.sum(1, keepdim=True) - problem.of_phase(state.inside)
    log_odds = (
        tail - 0.5 * torch.log(precision / _PRECISION) + math.log(2.0) - problem.cost + problem.odds(size)
    )  # fmt: skip
    return log_odds, height / precision.sqrt(), precision, pull


def _half_normal(z: Tensor) -> tuple[Tensor, Tensor]:
    """Of a normal density around z with unit sd, above 0: log of exp(z^2 / 2) times its mass, and its mean."""
    below = torch.log(0.5 * torch.special.erfcx(-z.clamp(max=0.0) * math.sqrt(0.5)))
    tail = torch.where(z < 0.0, below, 0.5 * z.square() + torch.special.log_ndtr(z.clamp(min=-1.0)))
    mean = z + torch.exp(-0.5 * math.log(2.0 * math.pi) - tail)
    return tail, mean.clamp(min=0.0)


def _step(problem: _Problem, state: _State, beta: float, fading: Tensor, barred: Tensor) -> float:
    """One phase of each start as the others imply it, barred ones not; the largest change of any, in deviations."""
    log_odds, mean, _, _ = _slab(problem, state, beta)
    log_odds = log_odds + barred
    # One of a phase's columns, or none: a softmax over them with 1 for none.
    highest = problem.highest(log_odds)
    weight = torch.exp(log_odds - highest)
    inside = weight / (torch.exp(-highest) + problem.of_phase(weight))
    change = inside * mean - state.inside * state.mean
    far = problem.of_phase((change * problem.diagonal.sqrt()).abs() + (inside - state.inside).abs())
    chosen = (torch.log(far + 1e-12) + fading).argmax(1, keepdim=True)
    if problem.same is None:
        state.left -= change.gather(1, chosen) * problem.gram[chosen[:, 0]]
        moved = torch.zeros_like(inside).scatter_(1, chosen, 1.0)
    else:
        moved = problem.same[chosen[:, 0]]
        state.left -= (moved * change) @ problem.gram
    state.inside += moved * (inside - state.inside)
    state.mean += moved * (mean - state.mean)
    return float(far.gather(1, chosen).amax())


def _told(problem: _Problem, state: _State) -> Variational:
    """The best start, by its bound."""
    _, _, precision, pull = _slab(problem, state, 1.0)
    bound = _bound(problem, state, precision, pull)
    order = torch.argsort(bound, descending=True, stable=True)
    best = order[0]
    chosen = state.inside > 0.5
    agreeing = float((chosen == chosen[best]).all(1).double().mean())
    members = tuple(int(j) for j in torch.nonzero(chosen[best])[:, 0])
    inside, mean = (one[best].double().cpu().numpy() for one in (state.inside, state.mean))
    return Variational(members, inside, mean, bound[order].double().cpu().numpy(), agreeing)


def _bound(problem: _Problem, state: _State, precision: Tensor, pull: Tensor) -> Tensor:
    """Lower bound (S,) of the log evidence against no phase at all, at heights as the others imply them."""
    z = pull / precision.sqrt()
    tail, height = _half_normal(z)
    mean = height / precision.sqrt()
    square = (1.0 + z * height) / precision
    own = state.inside * mean
    left = problem.moment - own @ problem.gram
    fit = (own * (0.5 * (problem.moment + left))).sum(1) + 0.5 * (problem.diagonal * own.square()).sum(1)
    fit = fit - 0.5 * (problem.diagonal * state.inside * square).sum(1)
    # Slab against its prior: log q of a half-normal's own parameters, and the prior's mean of log density.
    log_q = -0.5 * precision * square + pull * mean + 0.5 * torch.log(precision / (2.0 * math.pi)) - tail
    log_p = math.log(2.0) + 0.5 * math.log(_PRECISION / (2.0 * math.pi)) - 0.5 * _PRECISION * square
    inside = state.inside.clamp(1e-12, 1.0)
    slab = (state.inside * (log_p - log_q - problem.cost - torch.log(inside))).sum(1)
    out = (1.0 - problem.of_phase(state.inside)).clamp(1e-12, 1.0)
    absent = -(out * torch.log(out) / problem.of_phase(torch.ones_like(out))).sum(1)
    return fit + slab + absent + problem.of_size(state.inside.sum(1)) - problem.log_prior[0]
