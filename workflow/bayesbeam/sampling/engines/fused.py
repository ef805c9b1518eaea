"""The fused engine for CPUs: the moves of the eager engine in compiled loops, chains shared out to threads.

Needs formulas that can be traced: see :func:`why_not`. Results are the same bytes for any number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.errors import ModelError
from bayesbeam.models.trace import NotScalar
from bayesbeam.sampling.engines import loops, source
from bayesbeam.sampling.engines.arrays import Moving, Problem
from bayesbeam.sampling.engines.base import EXCHANGE_SLOT, REBUILD_EVERY, Block, State, redraw_values, start_state
from bayesbeam.sampling.engines.library import address, compiled
from bayesbeam.targets.sum import SumTarget

MOST_ARGUMENTS = 5


def why_not(target: Any) -> str:
    """Reason why a target cannot be fused; empty where it can."""
    if not isinstance(target, SumTarget):
        return "the log-likelihood is not a sum of components"
    if target.x.is_cuda:
        return "the data are on a GPU"
    if not target.terms:
        return "there is no component"
    if target.noise.point is None or target.noise.total is None:
        return f"noise {target.noise.name} has no scalar formula"
    lacking = [p.family.name for p in target.priors if p.family.kernel is None and not p.is_fixed]
    if lacking:
        return f"prior {lacking[0]} has no scalar formula"
    try:
        for component in {id(t.component): t.component for t in target.terms}.values():
            source.component_source(component, target.noise, True)
    except NotScalar as error:
        return str(error)
    return ""


class FusedEngine:
    """Random walks and redraws in compiled loops."""

    name = "cpu"

    def __init__(self, target: SumTarget, threads: int = 1) -> None:
        self.target = target
        self.threads = threads
        self._problem = _problem(target)

    def start(self, theta: torch.Tensor) -> State:
        """State with its log-likelihoods, replica r on rung r, from theta (G, D, C, R, P)."""
        state = start_state(theta)
        groups, members, _, replicas, slots = theta.shape
        keys = (torch.zeros(groups, members, 2, dtype=torch.int64), torch.zeros(groups, 2, dtype=torch.int64))
        self._run(state, torch.zeros(groups, replicas), torch.zeros(slots, groups, members, replicas), keys, 0, 0)
        if bool(torch.isnan(state.log_likelihood).any()):
            self.target.check(theta)
        return state

    def advance(
        self, state: State, beta: torch.Tensor, scale: torch.Tensor, keys: tuple[torch.Tensor, torch.Tensor],
        first: int, sweeps: int,
    ) -> Block:  # fmt: skip
        """Advance by a block of sweeps; see :class:`bayesbeam.sampling.engines.base.Engine`."""
        moved = self._run(state, beta, scale, keys, first, sweeps)
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
        self, state: State, beta: torch.Tensor, scale: torch.Tensor, keys: tuple[torch.Tensor, torch.Tensor],
        first: int, sweeps: int,
    ) -> Moving:  # fmt: skip
        """Run the compiled loops over all chains."""
        groups, members, chains, replicas, slots = state.theta.shape
        turns, redraw = redraw_values(self.target, keys, chains, replicas, first, sweeps)
        problem = self._problem._replace(member_keys=_flat(keys[0].numpy()), group_keys=_flat(keys[1].numpy()))
        moved = Moving(
            state.theta.numpy(), state.log_likelihood.numpy(), state.rung.numpy(), state.replica_on_rung.numpy(),
            np.zeros((slots, groups, members, chains, replicas)), np.empty((sweeps, groups, chains, replicas - 1)),
            np.empty((sweeps, groups, chains, replicas)), np.empty((sweeps, groups, members, chains, slots)),
            np.empty((sweeps, groups, chains, replicas), np.int64), np.zeros((groups, chains), np.int64),
        )  # fmt: skip
        given = (
            problem,
            moved,
            _flat(beta.double().numpy()),
            _flat(scale.double().numpy()),
            turns,
            _flat(redraw.numpy()),
        )
        _share_out(groups * chains, self.threads, first, sweeps, given)
        return moved


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(array)


def _share_out(chains: int, threads: int, first: int, sweeps: int, given: tuple[Any, ...]) -> None:
    """Run the chains in as many threads; which thread runs a chain changes nothing."""
    edges = np.linspace(0, chains, min(threads, chains) + 1).astype(int)
    if len(edges) == 2:
        loops.advance(0, chains, first, sweeps, *given)
        return
    loops.advance(0, 0, first, sweeps, *given)  # compiles before threads start
    pool = _pool(threads)
    jobs = [pool.submit(loops.advance, int(a), int(b), first, sweeps, *given) for a, b in pairwise(edges)]
    for job in jobs:
        job.result()


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that wait for chains."""
    return ThreadPoolExecutor(threads, thread_name_prefix="bayesbeam")


def _problem(target: SumTarget) -> Problem:
    """Everything about a target that compiled loops read."""
    single = target.dtype == torch.float32
    noise = compiled(source.noise_source(target.noise, single))
    modules = {
        id(t.component): compiled(source.component_source(t.component, target.noise, single)) for t in target.terms
    }
    places = np.zeros(len(target.slots))
    of_slot = np.full(len(target.slots), -1)
    for k, term in enumerate(target.terms):
        names = term.component.parameter_names
        places[term.start : term.stop] = [name in term.component.locations for name in names]
        of_slot[term.start : term.stop] = k
    groups, members = target.groups, target.members
    data, arguments = _data(target), _arguments(target)
    return Problem(
        data=data,
        data_at=data.ctypes.data,
        origin=_flat(target.origin.reshape(groups, members).numpy()),
        constant=_constants(target),
        count=_flat(target.data.n_effective.reshape(groups, members).numpy()),
        term_start=np.array([*(t.start for t in target.terms), target.terms[-1].stop]),
        term_move=np.array([address(modules[id(t.component)], "move") for t in target.terms]),
        term_row=np.array([address(modules[id(t.component)], "row") for t in target.terms]),
        term_centred=np.array([int(bool(t.component.locations)) for t in target.terms]),
        term_of_slot=of_slot,
        place=places,
        points_at=address(noise, "points"),
        settle_at=address(noise, "settle"),
        total_at=address(noise, "total"),
        phi_matters=source.phi_at_points(target.noise),
        noise_start=target.noise_start,
        moving=np.array(target.moving, dtype=np.int64),
        shared=np.array([slot.shared for slot in target.slots]),
        log_walk=np.array([prior.family.log_coordinate for prior in target.priors]),
        density_at=np.array([_density(prior) for prior in target.priors], dtype=np.int64),
        arguments=arguments,
        arguments_at=arguments.ctypes.data,
        support=_support(target),
        member_keys=np.zeros((groups, members, 2), np.int64),
        group_keys=np.zeros((groups, 2), np.int64),
        rebuild_every=REBUILD_EVERY,
        exchange_slot=EXCHANGE_SLOT,
    )


def _data(target: SumTarget) -> NDArray[Any]:
    """Points (G, D, 2, 5, N), in the precision of the rows."""
    columns = (target.data.y, target.data.inverse_sd, target.data.inverse_y, target.data.weight)
    rest = [column.expand(target.x.shape) for column in columns]
    blocks = [torch.stack([axis.to(target.dtype), *rest]) for axis in (target.x, target.x - target.origin)]
    both = torch.stack(blocks).reshape(2, 5, target.groups, target.members, -1)
    return _flat(both.permute(2, 3, 0, 1, 4).numpy())


def _constants(target: SumTarget) -> NDArray[Any]:
    """Constant of the log-likelihood of each member, (G, D)."""
    constant = target.data.count_constant if target.noise.counts else target.data.gaussian_constant
    return _flat(constant.reshape(target.groups, target.members).numpy())


def _density(prior: Any) -> int:
    """Address of the density of a prior, 0 for a fixed one."""
    return 0 if prior.is_fixed else address(compiled(source.prior_source(prior.family)), "density")


def _arguments(target: SumTarget) -> NDArray[Any]:
    """Arguments of the priors, (G, D, P, 5)."""
    table = np.zeros((target.groups, target.members, len(target.slots), MOST_ARGUMENTS))
    for j, prior in enumerate(target.priors):
        for a, name in enumerate(prior.family.parameters):
            table[:, :, j, a] = prior.values[name].reshape(target.groups, target.members).numpy()
    return table


def _support(target: SumTarget) -> NDArray[Any]:
    """Ends of the supports of the priors, (G, D, P, 2)."""
    table = np.zeros((target.groups, target.members, len(target.slots), 2))
    for j in target.moving:
        ends = target.priors[j].family.support(**target.priors[j].values)
        for e, end in enumerate(ends):
            table[:, :, j, e] = end.expand(target.groups, target.members, 1, 1)[:, :, 0, 0].numpy()
    return table
