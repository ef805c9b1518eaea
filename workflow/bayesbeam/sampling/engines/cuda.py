"""The fused engine for GPUs: the moves of the eager engine in kernels, one warp a replica, nothing waits for the host.

A sweep is three kernels: proposals of all slots of all replicas at once, all moves of each replica, exchanges of each
chain. Needs formulas that can be traced: see :func:`why_not`.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.models.trace import NotScalar
from bayesbeam.sampling.engines import cuda_source, written
from bayesbeam.sampling.engines.base import (
    REBUILD_EVERY,
    Block,
    State,
    Tuned,
    jump_turns,
    start_state,
    table_slots,
)
from bayesbeam.targets.sum import SumTarget

# Points of the longest curve, and parameters of the largest term: more would not fit the registers of a program.
MOST_POINTS, MOST_PARAMETERS = 8192, 31
LEAST_CAPABILITY = (7, 5)
MOST_ARGUMENTS = 5
# Points of a tile that a warp holds; more where eight warps share it.
POINTS_A_WARP = 256
# Replicas in a program of the interpreter, where each costs next to nothing beside the call.
INTERPRETED = 256


def why_not(target: Any) -> str:
    """Reason why a target cannot run in kernels on a GPU; empty where it can."""
    if not isinstance(target, SumTarget):
        return "the log-likelihood is not a sum of components"
    if reason := why_no_kernels(target.device):
        return reason
    if not target.terms:
        return "there is no component"
    if target.noise.point is None or target.noise.total is None:
        return f"noise {target.noise.name} has no scalar formula"
    lacking = [p.family.name for p in target.priors if p.family.kernel is None and not p.is_fixed]
    if lacking:
        return f"prior {lacking[0]} has no scalar formula"
    if target.points > MOST_POINTS:
        return f"{target.points} points are more than the {MOST_POINTS} that a kernel holds"
    widest = max(len(term.component.parameters) for term in target.terms)
    if max(widest, len(target.noise.parameters)) > MOST_PARAMETERS:
        return f"a component has more than {MOST_PARAMETERS} parameters"
    try:
        _source_of(target)
    except NotScalar as error:
        return str(error)
    return ""


def why_no_kernels(device: torch.device) -> str:
    """Reason why kernels cannot run on a device; empty where they can."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if interpreted():
        return ""
    if device.type != "cuda":
        return "the data are not on a GPU"
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST_CAPABILITY:
        return f"the GPU has compute capability {capability[0]}.{capability[1]}, below {_words(LEAST_CAPABILITY)}"
    return ""


def interpreted() -> bool:
    """Whether kernels run in Triton's interpreter, on any device."""
    import triton

    return bool(triton.knobs.runtime.interpret)


def _words(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"


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
    one = max(_power(points), 32)
    pairs = [(one, 0)] if one <= MOST_POINTS // 2 else []
    left = one // 2
    if left >= 32:
        pairs.append((left, max(_power(points - left), 32)))
    left, right = min(pairs, key=lambda pair: (pair[0] + pair[1], pair[1]))
    return Layout(left, right, min(max(left // POINTS_A_WARP, 1), 8))


def _power(number: int) -> int:
    """Least power of two that is no less."""
    return 1 << max(number - 1, 0).bit_length()


class CudaEngine:
    """Random walks and jumps in kernels."""

    name = "cuda"

    def __init__(self, target: SumTarget) -> None:
        from bayesbeam.sampling.engines import cuda_kernels

        self.target = target
        self._kernels = cuda_kernels
        self._functions = written_functions(_source_of(target))
        self._layout = layout_of(target.points)
        self._replicas = INTERPRETED if interpreted() else 1

    def start(self, theta: Tensor) -> State:
        """State with its log-likelihoods, replica r on rung r, from theta (G, D, C, R, P)."""
        state = start_state(theta)
        self._rebuild(state, self._room(state))
        if bool(torch.isnan(state.log_likelihood).any()):
            self.target.check(theta)
        return state

    def advance(
        self, state: State, tuned: Tuned, keys: tuple[Tensor, Tensor], first: int, sweeps: int, levels: int = 1
    ) -> Block:
        """Advance by a block of sweeps; see :class:`bayesbeam.sampling.engines.base.Engine`."""
        for name in ("theta", "log_likelihood", "rung", "replica_on_rung"):
            setattr(state, name, getattr(state, name).contiguous())
        work = _Work.of(self, state, tuned, keys, sweeps, levels)
        turns = [jump_turns(self.target, first + s) for s in range(sweeps)]
        plan = _Plan.of(self, turns)
        self._propose(state, work, plan, 0, plan.present)
        for s in range(sweeps):
            if s == 0 or (first + s) % REBUILD_EVERY == 0:
                self._rebuild(state, work.pred)
            self._propose(state, work, plan, first + s, plan.entries[s])
            self._move(state, work, plan, plan.moves[s])
            self._exchange(state, work, first + s, s)
        if bool(work.flags.any()):
            raise ModelError.at(
                "candidate",
                "the log-likelihood became nan while sampling",
                "a number, or -inf for an impossible state",
                "Check the component's formula at the edges of its priors.",
            )
        return Block(work.accepted / sweeps, work.swap, work.likelihoods, work.top, work.places)

    def _room(self, state: State) -> Tensor:
        """Room for the sums of curves of all replicas."""
        return state.theta.new_zeros(*state.theta.shape[:4], self._layout.points, dtype=self.target.dtype)

    def _rebuild(self, state: State, pred: Tensor) -> None:
        """Sums of curves and log-likelihoods from the parameters."""
        groups, members, chains, replicas, slots = state.theta.shape
        grid = (groups * members, -(-chains * replicas // self._replicas))
        given = self._given
        self._kernels.rebuild[grid](
            state.theta, state.log_likelihood, pred, given.data, given.origin, given.constant, given.effective,
            given.terms, members, chains, replicas, slots, len(self.target.terms), self.target.noise_start,
            self._layout.points, self._functions.curve, self._functions.term, self._functions.total,
            self._layout.left, self._layout.right, self._replicas, self._rows,
            num_warps=self._layout.warps, enable_fp_fusion=True,
        )  # fmt: skip

    def _propose(self, state: State, work: _Work, plan: _Plan, sweep: int, part: tuple[int, int]) -> None:
        """Proposals of some entries of a plan for all replicas."""
        groups, members, chains, replicas, slots = state.theta.shape
        rows, (begin, end) = groups * members * chains * replicas, part
        block = max(_power(min(rows, 4096)), 32) if interpreted() else 128
        given = self._given
        if end == begin:
            return
        self._kernels.propose[-(-rows // block), end - begin](
            state.theta, work.log_prior, state.rung, work.scale, work.edges, work.keys, work.group_keys,
            given.arguments, given.support, plan.table, given.slots, *work.proposals, sweep, begin, rows, members,
            chains, replicas, slots, work.scale.shape[3], work.edges.shape[3], work.edges.shape[4],
            work.edges.shape[5] - 1, self._functions.density, MOST_ARGUMENTS, block, num_warps=4,
            enable_fp_fusion=True,
        )  # fmt: skip

    def _move(self, state: State, work: _Work, plan: _Plan, part: tuple[int, int]) -> None:
        """All moves of one sweep."""
        groups, members, chains, replicas, slots = state.theta.shape
        given = self._given
        bins = work.edges.shape[5] - 1
        self._kernels.move[groups, -(-chains * replicas // self._replicas)](
            state.theta, work.log_prior, state.log_likelihood, work.pred, state.rung, work.beta, work.edges,
            given.data, given.origin, given.constant, given.effective, plan.table_of_moves, given.slots, given.terms,
            *work.proposals, work.ratios, work.accepted, work.flags, *part, members, chains, replicas, slots,
            len(self.target.terms), self.target.noise_start, work.edges.shape[3], work.edges.shape[4], bins,
            self._layout.points, groups * members, self._functions.curve, self._functions.term,
            self._functions.total, bool(self.target.tied.any()) and members > 1, _power(bins + 1), _power(slots),
            self._layout.left, self._layout.right, self._replicas, self._rows,
            num_warps=self._layout.warps, enable_fp_fusion=True,
        )  # fmt: skip

    def _exchange(self, state: State, work: _Work, sweep: int, done: int) -> None:
        """Notes of one sweep, and its exchanges."""
        groups, members, chains, replicas, slots = state.theta.shape
        each = INTERPRETED if interpreted() else 1
        self._kernels.exchange[(-(-groups * chains // each),)](
            state.theta, state.log_likelihood, state.rung, state.replica_on_rung, work.beta, work.group_keys,
            work.level, work.likelihoods, work.top, work.swap, work.places, sweep, done, groups * chains, groups,
            members, chains, replicas, slots, work.top.shape[4], each, _power(replicas), _power(slots), num_warps=1,
            enable_fp_fusion=True,
        )  # fmt: skip

    @property
    def _rows(self) -> Any:
        """Precision of rows, in Triton's words."""
        import triton.language as tl

        return tl.float32 if self.target.dtype == torch.float32 else tl.float64

    @cached_property
    def _given(self) -> _Given:
        """What kernels read of the target."""
        return _Given.of(self.target, self._layout)


class _Given(NamedTuple):
    """What kernels read of a target.

    ``data`` (G, D, 6, N): axis, axis about its middle, y, 1/sd, 1/y, weight. ``slots`` (P, 4): kind of prior, shared,
    walks in the logarithm, slot of the jump table. ``terms`` (T, 2): kind of component, first slot.
    """

    data: Tensor
    origin: Tensor
    constant: Tensor
    effective: Tensor
    arguments: Tensor
    support: Tensor
    slots: Tensor
    terms: Tensor

    @staticmethod
    def of(target: SumTarget, layout: Layout) -> _Given:
        """Tables of a target on its device."""
        device, shape = target.device, (target.groups, target.members)
        columns = (
            target.x, target.x - target.origin, target.data.y, target.data.inverse_sd, target.data.inverse_y,
            target.data.weight,
        )  # fmt: skip
        data = torch.zeros(*shape, 6, layout.points, dtype=target.dtype, device=device)
        for row, column in enumerate(columns):
            data[:, :, row, : target.points] = column[:, :, 0, 0].to(target.dtype)
        data[:, :, :2, target.points :] = data[:, :, :2, target.points - 1 : target.points]
        constant = target.data.count_constant if target.noise.counts else target.data.gaussian_constant
        arguments = torch.zeros(*shape, len(target.slots), MOST_ARGUMENTS, dtype=torch.float64, device=device)
        support = torch.zeros(*shape, len(target.slots), 2, dtype=torch.float64, device=device)
        kinds = _kinds_of_priors(target)
        tables, numbers = table_slots(target), np.zeros((len(target.slots), 4), np.int32)
        for j, prior in enumerate(target.priors):
            for a, name in enumerate(prior.family.parameters):
                arguments[:, :, j, a] = prior.values[name].reshape(shape)
            for e, end in enumerate(prior.family.support(**prior.values) if j in target.moving else ()):
                support[:, :, j, e] = end.double().expand(*shape, 1, 1)[:, :, 0, 0]
            numbers[j] = (
                kinds.get(prior.family.name, 0),
                target.slots[j].shared,
                prior.family.log_coordinate,
                tables[j],
            )
        components = _components(target)
        terms = [[components.index(term.component), term.start] for term in target.terms]
        return _Given(
            data, target.origin.reshape(shape).double().contiguous(), constant.reshape(shape).double().contiguous(),
            target.data.n_effective.reshape(shape).double().contiguous(), arguments, support,
            torch.from_numpy(numbers).to(device), torch.tensor(terms, dtype=torch.int32, device=device),
        )  # fmt: skip


class _Work(NamedTuple):
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
    def of(
        engine: CudaEngine, state: State, tuned: Tuned, keys: tuple[Tensor, Tensor], sweeps: int, levels: int
    ) -> _Work:
        """Room for a block of sweeps."""
        groups, members, chains, replicas, slots = state.theta.shape
        new = state.theta.new_empty
        by_slot = (slots, groups, members, chains, replicas)
        return _Work(
            tuned.beta.double().contiguous(), tuned.scale.double().contiguous(), tuned.edges.double().contiguous(),
            keys[0].contiguous(), keys[1].contiguous(), engine._room(state), torch.zeros_like(state.theta),
            tuple(new(by_slot) for _ in range(8)), torch.zeros(by_slot, dtype=torch.float64, device=state.theta.device),
            torch.zeros(by_slot, dtype=torch.float64, device=state.theta.device),
            torch.zeros(groups, chains, dtype=torch.int32, device=state.theta.device),
            new(groups, chains, replicas), new(sweeps, groups, chains, replicas),
            new(sweeps, groups, members, chains, levels, slots), new(sweeps, groups, chains, replicas - 1),
            new(sweeps, groups, chains, replicas, dtype=torch.int64),
        )  # fmt: skip


class _Plan(NamedTuple):
    """Proposals and moves of every sweep of a block, as tables on the device and the parts of them of each sweep."""

    table: Tensor
    present: tuple[int, int]
    entries: list[tuple[int, int]]
    table_of_moves: Tensor
    moves: list[tuple[int, int]]

    @staticmethod
    def of(engine: CudaEngine, turns: list[tuple[tuple[int, ...], ...]]) -> _Plan:
        """Plan of the walks of all moving slots and of some jumps in every sweep."""
        target, kernels = engine.target, engine._kernels
        walk, jump, present = kernels.WALK.value, kernels.JUMP.value, kernels.PRESENT.value
        entries = [(j, present) for j in target.moving]
        walks = [(j, walk) for j in target.moving]
        moves: list[tuple[int, ...]] = []
        parts_of_entries, parts_of_moves = [], []
        for one in turns:
            begin = len(entries)
            entries += walks + [(j, jump) for slots in one for j in slots]
            parts_of_entries.append((begin, len(entries)))
            begin = len(moves)
            moves += [_move_of(target, (j,), 1) for j in target.moving]
            moves += [_move_of(target, slots, 0) for slots in one]
            parts_of_moves.append((begin, len(moves)))
        tables = [torch.tensor(rows, dtype=torch.int32).reshape(-1, n) for rows, n in ((entries, 2), (moves, 7))]
        on_device = [table.to(target.device, non_blocking=True) for table in tables]
        return _Plan(on_device[0], (0, len(target.moving)), parts_of_entries, on_device[1], parts_of_moves)


def _move_of(target: SumTarget, slots: tuple[int, ...], walk: int) -> tuple[int, ...]:
    """Numbers of a move: see ``MOVE`` in :mod:`cuda_kernels`."""
    kind, start, count = -1, target.noise_start, len(target.noise.parameters)
    components = _components(target)
    for term in target.terms:
        if term.start <= slots[0] < term.stop:
            kind, start, count = components.index(term.component), term.start, len(term.component.parameters)
    moved = sum(1 << (j - start) for j in slots)
    return kind, start, count, moved, slots[0], int(target.slots[slots[0]].shared), walk


def _components(target: SumTarget) -> list[Any]:
    """Components of a target, each once."""
    found: list[Any] = []
    for term in target.terms:
        if term.component not in found:
            found.append(term.component)
    return found


def _kinds_of_priors(target: SumTarget) -> dict[str, int]:
    """Number of each family of priors of moving slots."""
    names = dict.fromkeys(target.priors[j].family.name for j in target.moving)
    return {name: kind for kind, name in enumerate(names)}


def _source_of(target: SumTarget) -> str:
    """Source of the functions of a target."""
    families = {target.priors[j].family.name: target.priors[j].family for j in target.moving}
    return cuda_source.target_source(
        _components(target), target.noise, list(families.values()), target.dtype == torch.float32
    )


def written_functions(source: str) -> ModuleType:
    """Module of a source that this package has written; Triton keeps what it compiles of it."""
    import triton

    here = Path(__file__).parent
    own = b"\0".join((here / f"{name}.py").read_bytes() for name in ("cuda_kernels", "cuda_math"))
    versions = f"triton{triton.__version__}-{hashlib.sha256(own).hexdigest()[:16]}"
    kind = "interpreted" if interpreted() else "compiled"
    name = f"{kind}_{hashlib.sha256(source.encode()).hexdigest()[:24]}"
    if name not in _WRITTEN:
        path = written.folder_of(versions) / f"{name}.py"
        written.write(path, source)
        _WRITTEN[name] = written.load(path)
    return _WRITTEN[name]


_WRITTEN: dict[str, ModuleType] = {}
