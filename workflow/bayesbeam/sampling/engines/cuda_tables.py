"""Tables that kernels on a GPU read and write: of a target, of a block of sweeps, and the order of its moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bayesbeam.sampling.engines.base import State, Tuned, table_slots
from bayesbeam.sampling.engines.cuda_source import table_places
from bayesbeam.sampling.engines.tables import noise_constants, prior_arguments, prior_supports
from bayesbeam.targets.sum import SumTarget

# Points of the longest curve that the registers of a program hold.
MOST_POINTS = 8192
# Points of a tile that a warp holds; more where eight warps share it.
POINTS_A_WARP = 256
# What an entry of a plan of proposals asks for: a walk, a jump, or the prior density of what is there.
WALK, JUMP, PRESENT = 0, 1, 2


class Layout(NamedTuple):
    """How kernels hold a curve: points in two tiles, and warps that share them."""

    left: int
    right: int
    warps: int

    @property
    def points(self) -> int:
        """Points with those that fill up the tiles."""
        return self.left + self.right


def layout_of(points: int) -> Layout:
    """Tiles of powers of two with the fewest points that do not count; one tile where that is no worse."""
    one = max(power(points), 32)
    pairs = [(one, 0)] if one <= MOST_POINTS // 2 else []
    left = one // 2
    if left >= 32:
        pairs.append((left, max(power(points - left), 32)))
    left, right = min(pairs, key=lambda pair: (pair[0] + pair[1], pair[1]))
    return Layout(left, right, min(max(left // POINTS_A_WARP, 1), 8))


def power(number: int) -> int:
    """Least power of two that is no less."""
    return 1 << max(number - 1, 0).bit_length()


class Given(NamedTuple):
    """What kernels read of a target.

    ``data`` (G, D, 6 N + T): axis, axis about its middle, y, 1/sd, 1/y, weight, and as many numbers of ``tables`` that
    curves look up in. ``slots`` (P, 4): kind of prior, shared, walks in the logarithm, slot of the jump table.
    ``terms`` (T, 2): kind of component, first slot.
    """

    data: Tensor
    origin: Tensor
    constant: Tensor
    effective: Tensor
    arguments: Tensor
    support: Tensor
    slots: Tensor
    terms: Tensor
    tables: int

    @staticmethod
    def of(target: SumTarget, layout: Layout) -> Given:
        """Tables of a target on its device."""
        device, shape = target.device, (target.groups, target.members)
        columns = (
            target.x, target.x - target.origin, target.data.y, target.data.inverse_sd, target.data.inverse_y,
            target.data.weight,
        )  # fmt: skip
        components = components_of(target)
        looked_up = [number for table in table_places(components) for number in table]
        all_data = torch.zeros(*shape, 6 * layout.points + len(looked_up), dtype=target.dtype, device=device)
        data = all_data[..., : 6 * layout.points].view(*shape, 6, layout.points)
        for row, column in enumerate(columns):
            data[:, :, row, : target.points] = column[:, :, 0, 0].to(target.dtype)
        data[:, :, :2, target.points :] = data[:, :, :2, target.points - 1 : target.points]
        all_data[..., 6 * layout.points :] = all_data.new_tensor(looked_up)
        kinds = kinds_of_priors(target)
        tables, numbers = table_slots(target), np.zeros((len(target.slots), 4), np.int32)
        for j, prior in enumerate(target.priors):
            numbers[j] = (
                kinds.get(prior.family.name, 0),
                target.slots[j].shared,
                prior.family.log_coordinate,
                tables[j],
            )
        terms = [[components.index(term.component), term.start] for term in target.terms]
        return Given(
            all_data, target.origin.reshape(shape).double().contiguous(), noise_constants(target),
            target.data.n_effective.reshape(shape).double().contiguous(), prior_arguments(target),
            prior_supports(target),
            torch.from_numpy(numbers).to(device), torch.tensor(terms, dtype=torch.int32, device=device),
            len(looked_up),
        )  # fmt: skip


class Work(NamedTuple):
    """What a block of sweeps reads and writes besides the state."""

    beta: Tensor
    scale: Tensor
    edges: Tensor
    keys: Tensor
    group_keys: Tensor
    pred: Tensor
    log_prior: Tensor
    proposals: tuple[Tensor, ...]
    ratios: Tensor
    accepted: Tensor
    flags: Tensor
    level: Tensor
    likelihoods: Tensor
    top: Tensor
    swap: Tensor
    places: Tensor

    @staticmethod
    def of(pred: Tensor, state: State, tuned: Tuned, keys: tuple[Tensor, Tensor], sweeps: int, levels: int) -> Work:
        """Room for a block of sweeps, with that for the sums of curves given."""
        groups, members, chains, replicas, slots = state.theta.shape
        new = state.theta.new_empty
        by_slot = (slots, groups, members, chains, replicas)
        return Work(
            tuned.beta.double().contiguous(), tuned.scale.double().contiguous(), tuned.edges.double().contiguous(),
            keys[0].contiguous(), keys[1].contiguous(), pred, torch.zeros_like(state.theta),
            tuple(new(by_slot) for _ in range(8)), torch.zeros(by_slot, dtype=torch.float64, device=state.theta.device),
            torch.zeros(by_slot, dtype=torch.float64, device=state.theta.device),
            torch.zeros(groups, chains, dtype=torch.int32, device=state.theta.device),
            new(groups, chains, replicas), new(sweeps, groups, chains, replicas),
            new(sweeps, groups, members, chains, levels, slots), new(sweeps, groups, chains, replicas - 1),
            new(sweeps, groups, chains, replicas, dtype=torch.int64),
        )  # fmt: skip


class Plan(NamedTuple):
    """Proposals and moves of every sweep of a block, as tables on the device and the parts of them of each sweep."""

    table: Tensor
    present: tuple[int, int]
    entries: list[tuple[int, int]]
    table_of_moves: Tensor
    moves: list[tuple[int, int]]

    @staticmethod
    def of(target: SumTarget, turns: Sequence[tuple[tuple[int, ...], ...]]) -> Plan:
        """Plan of the walks of all moving slots and of some jumps in every sweep."""
        entries = [(j, PRESENT) for j in target.moving]
        walks = [(j, WALK) for j in target.moving]
        moves: list[tuple[int, ...]] = []
        parts_of_entries, parts_of_moves = [], []
        for one in turns:
            begin = len(entries)
            entries += walks + [(j, JUMP) for slots in one for j in slots]
            parts_of_entries.append((begin, len(entries)))
            begin = len(moves)
            moves += [_move_of(target, (j,), 1) for j in target.moving]
            moves += [_move_of(target, slots, 0) for slots in one]
            parts_of_moves.append((begin, len(moves)))
        tables = [torch.tensor(rows, dtype=torch.int32).reshape(-1, n) for rows, n in ((entries, 2), (moves, 7))]
        on_device = [table.to(target.device, non_blocking=True) for table in tables]
        return Plan(on_device[0], (0, len(target.moving)), parts_of_entries, on_device[1], parts_of_moves)


def _move_of(target: SumTarget, slots: tuple[int, ...], walk: int) -> tuple[int, ...]:
    """Numbers of a move: see ``_MOVE`` in :mod:`cuda_moves`."""
    kind, start, count = -1, target.noise_start, len(target.noise.parameters)
    components = components_of(target)
    for term in target.terms:
        if term.start <= slots[0] < term.stop:
            kind, start, count = components.index(term.component), term.start, len(term.component.parameters)
    moved = sum(1 << (j - start) for j in slots)
    return kind, start, count, moved, slots[0], int(target.slots[slots[0]].shared), walk


def components_of(target: SumTarget) -> list[Any]:
    """Components of a target, each once."""
    found: list[Any] = []
    for term in target.terms:
        if term.component not in found:
            found.append(term.component)
    return found


def kinds_of_priors(target: SumTarget) -> dict[str, int]:
    """Number of each family of priors of moving slots."""
    names = dict.fromkeys(target.priors[j].family.name for j in target.moving)
    return {name: kind for kind, name in enumerate(names)}
