"""What every engine gets and gives: the state of all replicas, the random numbers of a block, one sweep.

A sweep moves states at fixed rungs; exchanges between rungs belong to run.py, so that engines stay alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bayesbeam.rng import normals, uniforms
from bayesbeam.targets.base import Target

EXCHANGE_SLOT = 1 << 20
START_SLOT = 1 << 21
REBUILD_EVERY = 50
# One in so many moving slots jumps in a sweep, and in one sweep of so many a block jumps instead of a slot.
HUMP, HUMP_SD = 0.95, math.sqrt(1.0 - 0.95**2)
SINGLES, BLOCK_EVERY = 3, 4


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

    def on_top(self, levels: int) -> Tensor:
        """States on the last rungs, (G, D, C, levels, P), in rung order."""
        top = self.replica_on_rung[:, None, :, -levels:, None]
        return self.theta.gather(3, top.expand(*self.theta.shape[:3], levels, self.theta.shape[-1]))

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
class Tuned:
    """What tuning has found and a block of sweeps uses; a last axis R may be 1 where all rungs are alike.

    Attributes
    ----------
    beta : Tensor (G, R), float64
        Inverse temperatures of the rungs; they may be equal, and exchanges then only relabel.
    scale : Tensor (P, G, D, R or 1), float64
        Sizes of the random walks.
    edges : Tensor (P, G, D, T, R or 1, B+1), float64
        Tables of the jumps, strictly rising for moving slots: see sampling/jumps.py. Chain c takes number c modulo T,
        and moving slots of one name that of the first of them, so that few tables stay in the processor's cache. Those
        of a slot that the members share are equal in all members.
    """

    beta: Tensor
    scale: Tensor
    edges: Tensor


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
    top : Tensor (S, G, D, C, levels, P)
        States on the last rungs, in rung order, before the exchange.
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
    jump: Tensor
    jump_log_uniform: Tensor
    exchange: Tensor

    def of_sweep(self, sweep: int) -> RandomBlock:
        """Numbers of one sweep of the block."""
        return RandomBlock(
            self.step[sweep],
            self.walk_log_uniform[sweep],
            self.jump[sweep],
            self.jump_log_uniform[sweep],
            self.exchange[sweep],
        )


class Engine(Protocol):
    """Advances all replicas by blocks of sweeps, each a round of moves and one of exchanges."""

    name: str

    @property
    def target(self) -> Target:
        """What is sampled."""
        ...

    def start(self, theta: Tensor) -> State:
        """State with all caches built, replica r on rung r."""
        ...

    def advance(
        self, state: State, tuned: Tuned, keys: tuple[Tensor, Tensor], first: int, sweeps: int, levels: int = 1
    ) -> Block:
        """Advance by some sweeps, of which the first has number ``first``.

        Parameters
        ----------
        keys : tuple of Tensor
            Stream keys of members (G, D, 2) and of groups (G, 2).
        levels : int
            States of how many rungs from the last one are kept.
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
    target: Target, member_keys: Tensor, group_keys: Tensor, chains: int, replicas: int, first: int, sweeps: int
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
    walk, jump = words[:, :, :count], words[:, :, count:]
    swap = uniforms(group_keys, chains, replicas, numbers, torch.tensor([EXCHANGE_SLOT], device=device))
    return RandomBlock(
        walk_steps(walk),
        torch.log(walk[0]),
        jump[0],
        torch.log(jump[1]),
        swap[0, :, 0, ..., :-1],
    )


def walk_steps(u: Tensor) -> Tensor:
    """Steps of random walks in units of their size, from words 1 to 3 of uniform numbers (4, ...).

    Notes
    -----
    Two humps away from zero: a proposal next to the present value is a move wasted. Correlation times of peaks are half
    those of normal steps. A spread of e about the size, for one size serves narrow and wide peaks.

    Source
    ------
    Yang and Rodriguez, PNAS 110, 19307 (2013): Bactrian kernel, m = 0.95.
    """
    first = u[3] < 0.5
    rest = torch.where(first, 2.0 * u[3], 2.0 * u[3] - 1.0)
    width = HUMP_SD * normals(u[1], u[2])
    # Two plain numbers to choose from would make single precision of it.
    return torch.where(first, HUMP + width, width - HUMP) * torch.exp(rest - 0.5)


def table_slots(target: Target) -> list[int]:
    """Slot whose jump table each slot takes: the first moving one of its name."""
    first: dict[str, int] = {}
    return [first.setdefault(slot.name, j) if j in target.moving else j for j, slot in enumerate(target.slots)]


def jump_turns(target: Target, number: int) -> tuple[tuple[int, ...], ...]:
    """Slots that jump together in sweep ``number``: one in three of the moving slots alone, now and then a block.

    Slots and blocks take turns. A slot far from where it could be finds its way alone more often than with its block,
    but a component that the data do not need moves as a whole.
    """
    if not target.moving:
        return ()
    many = len(target.moving)
    singles = -(-many // SINGLES)
    turns: list[tuple[int, ...]] = [(target.moving[(number * singles + i) % many],) for i in range(singles)]
    turn, rest = divmod(number, BLOCK_EVERY)
    if rest == 0 and target.blocks:
        block = target.blocks[turn % len(target.blocks)]
        if len(block) > 1:
            # A slot has one set of random numbers a sweep, so it jumps once.
            turns = [block, *(slots for slots in turns[1:] if slots[0] not in block)]
    return tuple(turns)
