"""What every engine gets and gives: the state of all replicas, the random numbers of a block, one sweep.

A sweep moves states at fixed rungs; exchanges between rungs belong to run.py, so that engines stay alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.rng import normals, uniforms
from bayesbeam.targets.sum import SumTarget

EXCHANGE_SLOT = 1 << 20
START_SLOT = 1 << 21
REBUILD_EVERY = 50


@dataclass
class State:
    """All replicas of all chains: states stay in place, rungs move.

    Attributes
    ----------
    theta : Tensor (G, D, C, R, P), float64
    log_prior : Tensor (G, D, C, R, P), float64
        Log density of each slot by itself.
    rows : Tensor (T, G, D, C, R, N), row precision
        Cached curve of each term; ``prediction`` (G, D, C, R, N) is their sum. An engine that keeps its caches
        elsewhere leaves these three empty: see :func:`start_state`.
    log_likelihood : Tensor (G, D, C, R), float64
    rung : Tensor (G, C, R), int64
        Rung of each replica; ``replica_on_rung`` is its inverse.
    """

    theta: Tensor
    log_prior: Tensor
    rows: Tensor
    prediction: Tensor
    log_likelihood: Tensor
    rung: Tensor
    replica_on_rung: Tensor

    def on_rungs(self, value: Tensor) -> Tensor:
        """Bring a quantity (G, D, C, R) from replica order into rung order."""
        index = self.replica_on_rung[:, None].expand(value.shape)
        return value.gather(3, index)

    def at_beta_one(self) -> Tensor:
        """States on the last rung, (G, D, C, P)."""
        top = self.replica_on_rung[:, None, :, -1:, None].expand(*self.theta.shape[:3], 1, self.theta.shape[-1])
        return self.theta.gather(3, top)[..., 0, :]

    def select(self, groups: Tensor) -> State:
        """State of some of the groups, given their numbers (int64)."""
        return State(
            self.theta[groups],
            self.log_prior[groups],
            self.rows[:, groups],
            self.prediction[groups],
            self.log_likelihood[groups],
            self.rung[groups],
            self.replica_on_rung[groups],
        )

    def reorder(self, order: Tensor) -> None:
        """Apply an exchange: rung r takes the replica of rung ``order[r]``."""
        self.replica_on_rung = self.replica_on_rung.gather(-1, order)
        ranks = torch.arange(order.shape[-1], device=order.device).expand_as(order)
        self.rung = torch.empty_like(self.rung).scatter_(-1, self.replica_on_rung, ranks)


@dataclass(frozen=True)
class Block:
    """What a block of S sweeps has seen.

    Attributes
    ----------
    acceptance : Tensor (P, G, D, C, R)
        Mean acceptance probability of the walks on each rung; 1 for fixed slots.
    swap : Tensor (S, G, C, R-1)
        Acceptance probability of every pair of neighbours, whether its turn or not.
    log_likelihood : Tensor (S, G, C, R)
        Of the group on each rung, before the exchange.
    top : Tensor (S, G, D, C, P)
        State on the last rung, before the exchange.
    places : Tensor (S, G, C, R), int64
        Replica on each rung after the exchange.
    """

    acceptance: Tensor
    swap: Tensor
    log_likelihood: Tensor
    top: Tensor
    places: Tensor


@dataclass(frozen=True)
class RandomBlock:
    """Random numbers of B sweeps, axes (B, P, G, D, C, R); shared slots have equal numbers in all members."""

    step: Tensor
    walk_log_uniform: Tensor
    redraw: Tensor
    redraw_log_uniform: Tensor
    exchange: Tensor

    def of_sweep(self, sweep: int) -> RandomBlock:
        """Numbers of one sweep of the block."""
        return RandomBlock(
            self.step[sweep],
            self.walk_log_uniform[sweep],
            self.redraw[sweep],
            self.redraw_log_uniform[sweep],
            self.exchange[sweep],
        )


class Engine(Protocol):
    """Advances all replicas by blocks of sweeps, each a round of moves and one of exchanges."""

    name: str
    target: SumTarget

    def start(self, theta: Tensor) -> State:
        """State with all caches built, replica r on rung r."""
        ...

    def advance(
        self, state: State, beta: Tensor, scale: Tensor, keys: tuple[Tensor, Tensor], first: int, sweeps: int
    ) -> Block:
        """Advance by some sweeps, of which the first has number ``first``.

        Parameters
        ----------
        beta : Tensor (G, R)
            Ladders.
        scale : Tensor (P, G, D, R)
            Step sizes on each rung.
        keys : tuple of Tensor
            Stream keys of members (G, D, 2) and of groups (G, 2).
        """
        ...


def start_state(theta: Tensor) -> State:
    """State without caches, replica r on rung r."""
    groups, members, chains, replicas, _ = theta.shape
    rung = torch.arange(replicas, device=theta.device).expand(groups, chains, replicas).clone()
    empty = theta.new_zeros(groups, 0)
    likelihood = theta.new_zeros(groups, members, chains, replicas)
    return State(theta.contiguous().clone(), empty, empty[None], empty, likelihood, rung, rung.clone())


def random_block(
    target: SumTarget, member_keys: Tensor, group_keys: Tensor, chains: int, replicas: int, first: int, sweeps: int
) -> RandomBlock:
    """Random numbers of sweeps ``first`` to ``first + sweeps - 1``.

    Parameters
    ----------
    member_keys : Tensor (G, D, 2), int64
    group_keys : Tensor (G, 2), int64
    """
    device = member_keys.device
    numbers = torch.arange(first, first + sweeps, device=device)
    count = len(target.slots)
    slots = torch.arange(2 * count, device=device)
    words = uniforms(member_keys, chains, replicas, numbers, slots)
    tied = target.tied
    if bool(tied.any()):
        common = uniforms(group_keys, chains, replicas, numbers, slots).unsqueeze(4)
        choose = torch.cat([tied, tied]).reshape(1, 1, -1, 1, 1, 1, 1)
        words = torch.where(choose, common, words)
    walk, redraw = words[:, :, :count], words[:, :, count:]
    # Steps of very different sizes: chains meet both narrow and wide peaks with one tuned scale.
    spread = torch.exp(3.0 * walk[3] - 2.0)
    log_uniform = torch.log(redraw[1])
    swap = uniforms(group_keys, chains, replicas, numbers, torch.tensor([EXCHANGE_SLOT], device=device))
    return RandomBlock(
        normals(walk[1], walk[2]) * spread,
        torch.log(walk[0]),
        _redraws(target, redraw[0], numbers),
        log_uniform,
        swap[0, :, 0, ..., :-1],
    )


def _redraws(target: SumTarget, uniform: Tensor, numbers: Tensor) -> Tensor:
    """Prior draws for the slots whose turn it is in each sweep; other slots are left at zero and never read."""
    fresh = torch.zeros_like(uniform)
    turns: dict[tuple[int, ...], list[int]] = {}
    for b, number in enumerate(numbers.tolist()):
        for slots in redraw_turns(target, number):
            turns.setdefault(slots, []).append(b)
    for slots, sweeps in turns.items():
        for j in slots:
            fresh[sweeps, j] = target.priors[j].icdf(uniform[sweeps, j]).to(torch.float64)
    return fresh


def redraw_turns(target: SumTarget, number: int) -> tuple[tuple[int, ...], ...]:
    """What sweep ``number`` redraws: one block, and one slot that is not in it; none where nothing moves.

    Every block meets every slot; a slot within its own block takes turns with it.
    """
    if not target.blocks:
        return ()
    turn, place = divmod(number, len(target.blocks))
    cycle, which = divmod(turn, len(target.moving))
    block, single = target.blocks[place], target.moving[which]
    if single not in block:
        return block, (single,)
    return (block,) if cycle % 2 == 0 else ((single,),)


def redraw_values(
    target: SumTarget, keys: tuple[Tensor, Tensor], chains: int, replicas: int, first: int, sweeps: int
) -> tuple[NDArray[np.int64], Tensor]:
    """Slots that each sweep redraws together, and the draws of their priors: the same as in :func:`random_block`.

    Returns
    -------
    turns : array (S, 2, L), int64
        Filled up with -1.
    draws : Tensor (S, 2, L, G, D, C, R)
    """
    longest = max((len(block) for block in target.blocks), default=1)
    turns = np.full((sweeps, 2, longest), -1)
    for s in range(sweeps):
        for turn, slots in enumerate(redraw_turns(target, first + s)):
            turns[s, turn, : len(slots)] = slots
    draws = keys[0].new_zeros(sweeps, 2, longest, *keys[0].shape[:2], chains, replicas, dtype=torch.float64)
    for j in target.moving:
        where = np.argwhere(turns == j)
        if len(where) == 0:
            continue
        numbers = torch.from_numpy(first + where[:, 0]).to(keys[0].device)
        slot = torch.tensor([len(target.slots) + j], device=keys[0].device)
        if target.slots[j].shared:
            u = uniforms(keys[1], chains, replicas, numbers, slot)[0, :, 0].unsqueeze(2)
            u = u.expand(-1, -1, target.members, -1, -1)
        else:
            u = uniforms(keys[0], chains, replicas, numbers, slot)[0, :, 0]
        draws[where[:, 0], where[:, 1], where[:, 2]] = target.priors[j].icdf(u).to(torch.float64)
    return turns, draws
