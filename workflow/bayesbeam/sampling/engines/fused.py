"""The fused engine for CPUs: the moves of the eager engine in compiled loops, chains shared out to threads.

Needs formulas that can be traced: see :func:`why_not`. Results are the same bytes for any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.errors import ModelError
from bayesbeam.sampling.engines import loops, source
from bayesbeam.sampling.engines.arrays import BLOCK, LANES, Moving, Problem, address_of, scratch
from bayesbeam.sampling.engines.base import Block, State, Tuned, jump_turns, start_state, table_slots
from bayesbeam.sampling.engines.formulas import why_no_formulas
from bayesbeam.sampling.engines.library import address, compiled, forget
from bayesbeam.sampling.engines.reduction import LARGEST, reduction_source
from bayesbeam.sampling.engines.tables import linear_arrays, noise_constants, prior_arguments, prior_supports
from bayesbeam.targets.base import Target
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.sum import SumTarget


def why_not(target: Any) -> str:
    """Reason why a target cannot be fused; empty where it can."""
    whole = target.whole if isinstance(target, MarginalTarget) else target
    if not isinstance(whole, SumTarget):
        return "the log-likelihood is not a sum of components"
    if whole.x.is_cuda:
        return "the data are on a GPU"
    return why_no_formulas(whole, _write)


def _write(target: SumTarget) -> None:
    """Write the loops of all components."""
    for component in {id(term.component): term.component for term in target.terms}.values():
        source.component_source(component, target.noise, True)


class FusedEngine:
    """Random walks and jumps in compiled loops."""

    name = "cpu"

    def __init__(self, target: SumTarget | MarginalTarget, threads: int = 1) -> None:
        self.target = target
        self.threads = threads
        self._problem, self._arrays = _problem(target)

    def start(self, theta: torch.Tensor) -> State:
        """State with its log-likelihoods, replica r on rung r, from theta (G, D, C, R, P)."""
        state = start_state(theta)
        groups, members, _, replicas, slots = theta.shape
        keys = (torch.zeros(groups, members, 2, dtype=torch.int64), torch.zeros(groups, 2, dtype=torch.int64))
        none = torch.zeros(slots, groups, members, 1, 1, 2, dtype=torch.float64)
        beta = torch.zeros(groups, replicas, dtype=torch.float64)
        self._run(state, Tuned(beta, none[..., 0, 0], none), keys, 0, 0, 1)
        if bool(torch.isnan(state.log_likelihood).any()):
            self.target.check(theta)
        return state

    def advance(
        self, state: State, tuned: Tuned, keys: tuple[torch.Tensor, torch.Tensor], first: int, sweeps: int,
        levels: int = 1,
    ) -> Block:  # fmt: skip
        """Advance by a block of sweeps; see :class:`bayesbeam.sampling.engines.base.Engine`."""
        moved = self._run(state, tuned, keys, first, sweeps, levels)
        if moved.flags.any():
            raise ModelError.at(
                "candidate",
                "the log-likelihood became nan while sampling",
                "a number, or -inf for an impossible state",
                "Check the component's formula at the edges of its priors.",
            )
        fixed = [j for j in range(len(self.target.slots)) if j not in self.target.moving]
        moved.accepted[fixed] = sweeps
        tensors = (moved.accepted / sweeps, moved.swap, moved.likelihoods, moved.top, moved.places)
        return Block(*(torch.from_numpy(array) for array in tensors))

    def _run(
        self, state: State, tuned: Tuned, keys: tuple[torch.Tensor, torch.Tensor], first: int, sweeps: int, levels: int,
    ) -> _Seen:  # fmt: skip
        """Run the compiled loops over all chains."""
        _own(state)
        groups, members, chains, replicas, slots = state.theta.shape
        seen = _Seen(
            np.zeros((slots, groups, members, chains, replicas)), np.empty((sweeps, groups, chains, replicas - 1)),
            np.empty((sweeps, groups, chains, replicas)), np.empty((sweeps, groups, members, chains, levels, slots)),
            np.empty((sweeps, groups, chains, replicas), np.int64), np.zeros((groups, chains), np.int64),
        )  # fmt: skip
        turns = _turns(self.target, first, sweeps)
        tables = [_flat(tensor.double().numpy()) for tensor in (tuned.beta, tuned.scale, tuned.edges)]
        given = [
            state.theta.numpy(), state.log_likelihood.numpy(), state.rung.numpy(), state.replica_on_rung.numpy(),
            _flat(keys[0].numpy()), _flat(keys[1].numpy()), *tables, turns, *seen,
        ]  # fmt: skip
        _, scale, edges = tables
        sizes = (chains, replicas, levels, *turns.shape[1:], edges.shape[5] - 1)
        sizes += (scale.shape[3], edges.shape[4], edges.shape[3])
        moved = Moving(*sizes, *(address_of(array) for array in given))
        _share_out(groups * chains, self.threads, first, sweeps, self._problem, moved)
        return seen


class _Seen(NamedTuple):
    """Arrays that a block of sweeps fills in, in the order of :class:`Moving`."""

    accepted: NDArray[np.float64]
    swap: NDArray[np.float64]
    likelihoods: NDArray[np.float64]
    top: NDArray[np.float64]
    places: NDArray[np.int64]
    flags: NDArray[np.int64]


def _own(state: State) -> None:
    """Make what moves contiguous, for it is changed in place."""
    for name in ("theta", "log_likelihood", "rung", "replica_on_rung"):
        setattr(state, name, getattr(state, name).contiguous())


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array)


def _turns(target: Target, first: int, sweeps: int) -> NDArray[np.int64]:
    """Slots that jump together in each sweep, (S, J, L), filled up with -1."""
    longest = max((len(block) for block in target.blocks), default=1)
    jumps = [jump_turns(target, first + s) for s in range(sweeps)]
    turns = np.full((sweeps, max((len(one) for one in jumps), default=1), longest), -1)
    for s, one in enumerate(jumps):
        for turn, slots in enumerate(one):
            turns[s, turn, : len(slots)] = slots
    return turns


def _share_out(chains: int, threads: int, first: int, sweeps: int, problem: Problem, moved: Moving) -> None:
    """Run the chains in as many threads; which thread runs a chain changes nothing."""

    def run(low: int, high: int) -> None:
        place, memory = scratch(problem, moved.replicas, moved.turns_a_sweep * moved.longest)
        loops.advance(low, high, first, sweeps, problem, moved, place)
        del memory

    if not loops.advance.signatures:
        try:
            run(0, 0)
        except Exception:
            forget(loops.__name__.rpartition(".")[2])
            run(0, 0)
    edges = np.linspace(0, chains, min(threads, chains) + 1).astype(int).tolist()
    if len(edges) == 2:
        run(0, chains)
        return
    for job in [_pool(threads).submit(run, a, b) for a, b in pairwise(edges)]:
        job.result()


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that wait for chains."""
    return ThreadPoolExecutor(threads, thread_name_prefix="bayesbeam")


def _problem(target: SumTarget | MarginalTarget) -> tuple[Problem, list[NDArray[Any]]]:
    """Everything about a target that compiled loops read, and the arrays that hold it."""
    whole = target.whole if isinstance(target, MarginalTarget) else target
    single = whole.dtype == torch.float32
    noise = compiled(source.noise_source(whole.noise, single))
    modules = [compiled(source.component_source(t.component, whole.noise, single)) for t in whole.terms]
    data, arguments = _data(whole), prior_arguments(target).numpy()
    bounds, direction = _bounds(data)
    arrays = _term_arrays(whole, modules) | _slot_arrays(target)
    arrays |= {
        "data": data,
        "bounds": bounds,
        "direction": direction,
        "origin": _flat(whole.origin.numpy()),
        "constant": noise_constants(whole).numpy(),
        "effective": _flat(whole.data.n_effective.numpy()),
        "arguments": arguments,
    }
    numbers = {
        "groups": target.groups, "members": target.members, "slots": len(target.slots), "moving": len(target.moving),
        "terms": len(whole.terms), "points": data.shape[4], "item": data.itemsize, "wide": arguments.shape[3],
        "bounds_a_row": bounds.shape[4], "noise_start": target.noise_start,
        "phi_matters": int(source.phi_at_points(whole.noise)),
    }  # fmt: skip
    if isinstance(target, MarginalTarget):
        arrays |= linear_arrays(target)
        numbers |= {"linear": len(target.linear), "wholes": len(whole.slots), "level": len(whole.noise.parameters)}
    functions = {f"{name}_at": address(noise, name) for name in ("points", "settle", "settle_size", "total")}
    if isinstance(target, MarginalTarget) and len(target.linear) <= LARGEST:
        functions["reduction_at"] = address(compiled(reduction_source(len(target.linear))), "reduction")
    addresses = {name: address_of(array) for name, array in arrays.items()}
    return Problem(**numbers, **functions, **addresses), list(arrays.values())


def _term_arrays(whole: SumTarget, modules: Sequence[ModuleType]) -> dict[str, NDArray[Any]]:
    """What is known of each term, and of the slots in it."""
    places = np.zeros(len(whole.slots))
    for term in whole.terms:
        places[term.start : term.stop] = [name in term.component.locations for name in term.component.parameter_names]
    return {
        "term_start": np.array([*(t.start for t in whole.terms), whole.terms[-1].stop]),
        **{f"term_{n}": np.array([address(one, n) for one in modules]) for n in ("move", "resize", "row", "span")},
        "term_centred": np.array([int(bool(t.component.locations)) for t in whole.terms]),
        "place": places,
    }


def _slot_arrays(target: SumTarget | MarginalTarget) -> dict[str, NDArray[Any]]:
    """What is known of each slot of the state."""
    of_slot = np.full(len(target.slots), -1)
    only_size = np.zeros(len(target.slots), np.int64)
    if isinstance(target, MarginalTarget):
        for k, term in enumerate(target.whole.terms):
            of_slot[[term.start <= j < term.stop for j in target.kept]] = k
    else:
        for k, term in enumerate(target.terms):
            of_slot[term.start : term.stop] = k
            only_size[term.start : term.stop] = source.only_size(term.component)
    return {
        "term_of_slot": of_slot,
        "only_size": only_size,
        "moving_slots": np.array(target.moving, dtype=np.int64),
        "shared": np.array([slot.shared for slot in target.slots], dtype=np.int64),
        "log_walk": np.array([prior.family.log_coordinate for prior in target.priors], dtype=np.int64),
        "table_slot": np.array(table_slots(target), dtype=np.int64),
        "density": np.array([_density(prior, "density") for prior in target.priors], dtype=np.int64),
        "densities": np.array([_density(prior, "densities") for prior in target.priors], dtype=np.int64),
        "support": prior_supports(target).numpy(),
    }


def _data(target: SumTarget) -> NDArray[Any]:
    """Points (G, D, 2, 5, N), in the precision of the rows; filled up to whole blocks with the last place, weight 0."""
    columns = (target.data.y, target.data.inverse_sd, target.data.inverse_y, target.data.weight)
    points = target.x.shape[-1]
    whole = -(-points // BLOCK) * BLOCK
    shape = (target.groups, target.members, 2, 5, whole)
    memory = np.zeros(int(np.prod(shape)) + 16, np.float32 if target.dtype == torch.float32 else np.float64)
    start = -address_of(memory) % 64 // memory.itemsize
    data = memory[start : start + int(np.prod(shape))].reshape(shape)
    for which, axis in enumerate((target.x, target.x - target.origin)):
        data[:, :, which, 0] = axis[:, :, 0, 0, -1:].numpy()
        data[:, :, which, 0, :points] = axis[:, :, 0, 0].numpy()
        for row, column in enumerate(columns):
            data[:, :, which, row + 1, :points] = column[:, :, 0, 0].numpy()
    return data


def _bounds(data: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Largest and least places of every block of points on both axes, and the direction in which they rise.

    (G, D, 2, 2, blocks), filled up to whole vectors, and (G, D, 2). Of an axis in any other order nothing is ever left
    out.
    """
    places = data[:, :, :, 0].astype(np.float64)
    steps = np.diff(places)
    direction = np.where((steps <= 0.0).all(-1), -1.0, 1.0)
    blocks = (places * direction[..., None]).reshape(*places.shape[:3], -1, BLOCK)
    filled = -(-blocks.shape[3] // LANES) * LANES
    bounds = np.full((*places.shape[:3], 2, filled), np.inf)
    bounds[..., 1, :] = -np.inf
    bounds[..., 0, : blocks.shape[3]], bounds[..., 1, : blocks.shape[3]] = blocks.max(-1), blocks.min(-1)
    bounds[(direction[..., None] * steps < 0.0).any(-1)] = np.array([[np.inf], [-np.inf]])
    return bounds, direction


def _density(prior: Any, name: str) -> int:
    """Address of a density of a prior, 0 for a fixed one."""
    return 0 if prior.is_fixed else address(compiled(source.prior_source(prior.family)), name)
