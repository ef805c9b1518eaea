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
from typing import Any

import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.sampling.engines import cuda_source, written
from bayesbeam.sampling.engines.base import REBUILD_EVERY, Block, State, Tuned, jump_turns, start_state
from bayesbeam.sampling.engines.cuda_tables import (
    MOST_POINTS,
    Given,
    Plan,
    Work,
    components_of,
    layout_of,
    power,
)
from bayesbeam.sampling.engines.formulas import why_no_formulas
from bayesbeam.sampling.engines.tables import MOST_ARGUMENTS
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.sum import SumTarget

# Parameters of the largest term: one bit each.
MOST_PARAMETERS = 31
LEAST_CAPABILITY = (7, 5)
# Replicas in a program of the interpreter, where each costs next to nothing beside the call.
INTERPRETED = 256


def why_not(target: Any) -> str:
    """Reason why a target cannot run in kernels on a GPU; empty where it can."""
    if isinstance(target, MarginalTarget):
        return "linear parameters are integrated out, which kernels do not do yet"
    if not isinstance(target, SumTarget):
        return "the log-likelihood is not a sum of components"
    if reason := why_no_kernels(target.device):
        return reason
    if target.points > MOST_POINTS:
        return f"{target.points} points are more than the {MOST_POINTS} that a kernel holds"
    widest = max((len(term.component.parameters) for term in target.terms), default=0)
    if max(widest, len(target.noise.parameters)) > MOST_PARAMETERS:
        return f"a component has more than {MOST_PARAMETERS} parameters"
    return why_no_formulas(target, _source_of)


def why_no_kernels(device: torch.device) -> str:
    """Reason why kernels cannot run on a device; empty where they can."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    try:
        if interpreted():
            return ""
    except Exception as error:
        return f"triton does not load: {str(error).strip().splitlines()[0]}"
    if device.type != "cuda":
        return "the data are not on a GPU"
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST_CAPABILITY:
        return f"the GPU has compute capability {capability[0]}.{capability[1]}, below {_words(LEAST_CAPABILITY)}"
    from bayesbeam.sampling.engines.cuda_probe import why_no_launch

    return why_no_launch(device)


def interpreted() -> bool:
    """Whether kernels run in Triton's interpreter, on any device."""
    import triton

    return bool(triton.knobs.runtime.interpret)


def _words(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"


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
        work = Work.of(self._room(state), state, tuned, keys, sweeps, levels)
        turns = [jump_turns(self.target, first + s) for s in range(sweeps)]
        plan = Plan.of(self.target, turns)
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
            self._layout.points, given.tables, self._functions.curve, self._functions.term, self._functions.total,
            self._layout.left, self._layout.right, self._replicas, self._rows,
            num_warps=self._layout.warps, enable_fp_fusion=True,
        )  # fmt: skip

    def _propose(self, state: State, work: Work, plan: Plan, sweep: int, part: tuple[int, int]) -> None:
        """Proposals of some entries of a plan for all replicas."""
        groups, members, chains, replicas, slots = state.theta.shape
        rows, (begin, end) = groups * members * chains * replicas, part
        block = max(power(min(rows, 4096)), 32) if interpreted() else 128
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

    def _move(self, state: State, work: Work, plan: Plan, part: tuple[int, int]) -> None:
        """All moves of one sweep."""
        groups, members, chains, replicas, slots = state.theta.shape
        given = self._given
        bins = work.edges.shape[5] - 1
        self._kernels.move[groups, -(-chains * replicas // self._replicas)](
            state.theta, work.log_prior, state.log_likelihood, work.pred, state.rung, work.beta, work.edges,
            given.data, given.origin, given.constant, given.effective, plan.table_of_moves, given.slots, given.terms,
            *work.proposals, work.ratios, work.accepted, work.flags, *part, members, chains, replicas, slots,
            len(self.target.terms), self.target.noise_start, work.edges.shape[3], work.edges.shape[4], bins,
            self._layout.points, given.tables, groups * members, self._functions.curve, self._functions.change,
            self._functions.term, self._functions.total, bool(self.target.tied.any()) and members > 1,
            power(bins + 1), power(slots),
            self._layout.left, self._layout.right, self._replicas, self._rows,
            num_warps=self._layout.warps, enable_fp_fusion=True,
        )  # fmt: skip

    def _exchange(self, state: State, work: Work, sweep: int, done: int) -> None:
        """Notes of one sweep, and its exchanges."""
        groups, members, chains, replicas, slots = state.theta.shape
        each = INTERPRETED if interpreted() else 1
        self._kernels.exchange[(-(-groups * chains // each),)](
            state.theta, state.log_likelihood, state.rung, state.replica_on_rung, work.beta, work.group_keys,
            work.level, work.likelihoods, work.top, work.swap, work.places, sweep, done, groups * chains, groups,
            members, chains, replicas, slots, work.top.shape[4], each, power(replicas), power(slots), num_warps=1,
            enable_fp_fusion=True,
        )  # fmt: skip

    @property
    def _rows(self) -> Any:
        """Precision of rows, in Triton's words."""
        import triton.language as tl

        return tl.float32 if self.target.dtype == torch.float32 else tl.float64

    @cached_property
    def _given(self) -> Given:
        """What kernels read of the target."""
        return Given.of(self.target, self._layout)


def _source_of(target: SumTarget) -> str:
    """Source of the functions of a target."""
    families = {target.priors[j].family.name: target.priors[j].family for j in target.moving}
    single = target.dtype == torch.float32
    return cuda_source.target_source(tuple(components_of(target)), target.noise, tuple(families.values()), single)


def written_functions(source: str) -> ModuleType:
    """Module of a source that this package has written; Triton keeps what it compiles of it."""
    import triton

    here = Path(__file__).parent
    own = (here / "cuda_math.py").read_bytes()
    versions = f"triton{triton.__version__}-{hashlib.sha256(own).hexdigest()[:16]}"
    kind = "interpreted" if interpreted() else "compiled"
    name = f"{kind}_{hashlib.sha256(source.encode()).hexdigest()[:24]}"
    if name not in _WRITTEN:
        path = written.folder_of(versions) / f"{name}.py"
        written.write(path, source)
        _WRITTEN[name] = written.load(path)
    return _WRITTEN[name]


_WRITTEN: dict[str, ModuleType] = {}
