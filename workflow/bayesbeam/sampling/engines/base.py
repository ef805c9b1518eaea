"""What every engine gets and gives: the state of all replicas, the random numbers of a block, one sweep.

A sweep moves states at fixed rungs; exchanges between rungs belong to run.py, so that engines stay alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bayesbeam.rng import normals, uniforms
from bayesbeam.targets.sum import SumTarget

EXCHANGE_SLOT = 1 << 20
START_SLOT = 1 << 21


@dataclass
class State:
    """All replicas of all chains: states stay in place, rungs move.

    Attributes
    ----------
    theta : Tensor (G, D, C, R, P), float64
    log_prior : Tensor (G, D, C, R, P), float64
        Log density of each slot by itself.
    rows : Tensor (T, G, D, C, R, N), row precision
        Cached curve of each term; ``prediction`` (G, D, C, R, N) is their sum.
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
    """Advances all replicas by one sweep."""

    name: str
    target: SumTarget

    def start(self, theta: Tensor) -> State:
        """State with all caches built, replica r on rung r."""
        ...

    def rebuild(self, state: State) -> None:
        """Recompute the caches from the parameters, so that rounding does not add up."""
        ...

    def sweep(self, state: State, beta: Tensor, scale: Tensor, random: RandomBlock, number: int) -> Tensor:
        """One sweep at fixed rungs; returns acceptance probabilities (P, G, D, C, R) in replica order."""
        ...


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
