"""One run of replica exchange for a batch of groups: tune, freeze, sample until the targets are met.

Each group is tuned, sampled and stopped by its own numbers alone, so how groups are batched changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bayesbeam.rng import stream_key, uniforms
from bayesbeam.sampling.engines.base import START_SLOT, Block, Engine, State
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.exchange import RoundTrips
from bayesbeam.sampling.judgement import Assessment, assess
from bayesbeam.sampling.ladder import respace
from bayesbeam.sampling.record import Run, Trace, mean_in_order, mean_of_each
from bayesbeam.sampling.settings import PILOT_REPLICAS, Settings
from bayesbeam.sampling.tuning import LAST_ROUNDS, ROUNDS, StepSizes, first_ladder, first_scale, rungs_needed
from bayesbeam.targets.sum import SumTarget

BLOCK = 50
TUNING_BLOCK = 1
FIRST_CHECK = 150
GROWTH = 1.3


@dataclass(frozen=True)
class Progress:
    """News of a run: what it does, how far it is, and F so far (nan while tuning)."""

    phase: str
    sweeps: int
    most_sweeps: int
    free_energy: float
    standard_error: float


@dataclass(frozen=True)
class GroupName:
    """Names that fix the random numbers of a group: of itself (with its candidate) and of its members."""

    name: str
    members: tuple[str, ...]


@dataclass
class _Batch:
    """Groups that advance together, with everything that moves."""

    engine: Engine
    settings: Settings
    numbers: Tensor
    member_keys: Tensor
    group_keys: Tensor
    beta: Tensor
    state: State
    steps: StepSizes
    trips: RoundTrips
    clock: int = 0

    @property
    def chains(self) -> int:
        return self.settings.chains


def replica_exchange(
    target: SumTarget,
    names: Sequence[GroupName],
    settings: Settings,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Run]:
    """Posterior draws and free energy of every group of a target.

    Parameters
    ----------
    target : SumTarget
        G groups of D members.
    names : sequence of GroupName, length G
        They and the seed fix the random numbers.
    settings : Settings
    progress : callable
        Called after every block of sweeps that changes what is known.

    Returns
    -------
    list of Run, one a group, in order

    Raises
    ------
    ModelError
        If a log-likelihood is nan.
    """
    runs: dict[int, Run] = {}
    pilot = _start(target, names, settings)
    most = len(ROUNDS) + 1
    for number, length in enumerate(ROUNDS):
        progress(Progress(f"tuning {number + 1}/{most}", 0, settings.max_sweeps, float("nan"), float("nan")))
        rejection = _tune(pilot, length)
        if number + 1 < len(ROUNDS):
            _set_ladder(pilot, respace(pilot.beta, rejection, pilot.beta.shape[1]))
    fixed = settings.replicas
    needed = torch.full((len(names),), fixed) if fixed is not None else rungs_needed(rejection).cpu()
    for rungs in sorted(set(needed.tolist())):
        batch = _with_rungs(pilot, target, torch.nonzero(needed == rungs)[:, 0], rejection, rungs)
        progress(Progress(f"tuning {most}/{most}", 0, settings.max_sweeps, float("nan"), float("nan")))
        for length in LAST_ROUNDS:
            _set_ladder(batch, respace(batch.beta, _tune(batch, length), rungs))
        for index, run in _sample(batch, names, progress):
            runs[index] = run
    return [runs[index] for index in range(len(names))]


def _start(target: SumTarget, names: Sequence[GroupName], settings: Settings) -> _Batch:
    """Pilot batch: states from the prior, a ladder from their log-likelihoods."""
    device = target.x.device
    member_keys = torch.tensor(
        [[stream_key(settings.seed, group.name, member) for member in group.members] for group in names], device=device
    )
    group_keys = torch.tensor([stream_key(settings.seed, group.name) for group in names], device=device)
    slots = START_SLOT + torch.arange(len(target.slots), device=device)
    sweep = torch.zeros(1, dtype=torch.int64, device=device)
    u = uniforms(member_keys, settings.chains, PILOT_REPLICAS, sweep, slots)[0, 0]
    common = uniforms(group_keys, settings.chains, PILOT_REPLICAS, sweep, slots)[0, 0].unsqueeze(2)
    tied = target.tied.reshape(-1, 1, 1, 1, 1)
    theta = target.from_uniform(torch.where(tied, common, u))
    target.check(theta)
    engine = engine_for(target, settings.engine, settings.threads)
    state = engine.start(theta)
    likelihood = state.log_likelihood.sum(1).flatten(1)
    beta = first_ladder(likelihood, PILOT_REPLICAS)
    steps = StepSizes(target, first_scale(target, theta, beta, likelihood))
    trips = RoundTrips(len(names), settings.chains, PILOT_REPLICAS, device)
    return _Batch(engine, settings, torch.arange(len(names)), member_keys, group_keys, beta, state, steps, trips)


def _advance(batch: _Batch, sweeps: int, length: int, each: Callable[[Block], None]) -> None:
    """Blocks of sweeps; ``each`` gets what a block has seen."""
    done = 0
    while done < sweeps:
        # Blocks end at multiples of their length, so where checks fall changes nothing.
        most = min(length - batch.clock % length, sweeps - done)
        keys = (batch.member_keys, batch.group_keys)
        block = batch.engine.advance(batch.state, batch.beta, batch.steps.on_rungs, keys, batch.clock, most)
        for places in block.places:
            batch.trips.update(places)
        each(block)
        batch.clock += most
        done += most


def _tune(batch: _Batch, sweeps: int) -> Tensor:
    """Sweeps that learn step sizes; returns the rejection rate of each pair over their second half, (G, R-1)."""
    rates: list[Tensor] = []

    def learn(block: Block) -> None:
        for _ in range(len(block.places)):
            batch.steps.learn(block.acceptance)
        rates.extend(mean_in_order(probability, 1) for probability in block.swap)

    _advance(batch, sweeps, TUNING_BLOCK, learn)
    return 1.0 - mean_of_each(torch.stack(rates[len(rates) // 2 :]))


def _set_ladder(batch: _Batch, beta: Tensor) -> None:
    """Move the rungs of a batch; states stay on their rung numbers."""
    batch.steps.to_ladder(batch.beta, beta)
    batch.beta = beta


def _with_rungs(pilot: _Batch, target: SumTarget, chosen: Tensor, rejection: Tensor, rungs: int) -> _Batch:
    """Batch of the chosen groups on a re-spaced ladder of another length, each rung filled from the nearest old one."""
    old = pilot.beta.shape[1]
    beta = respace(pilot.beta[chosen], rejection[chosen], rungs)
    nearest = torch.round(torch.linspace(0, old - 1, rungs, dtype=torch.float64)).to(torch.int64)
    source = pilot.state.replica_on_rung[chosen][..., nearest.to(chosen.device)]
    theta = pilot.state.theta[chosen]
    index = source[:, None, :, :, None].expand(*theta.shape[:3], rungs, theta.shape[-1])
    part = target.select(chosen)
    engine = engine_for(part, pilot.settings.engine, pilot.settings.threads)
    steps = pilot.steps
    picked = StepSizes(part, torch.exp(steps.log_scale[:, chosen]))
    picked.limit = steps.limit[:, chosen]
    picked.continue_from(steps)
    picked.to_ladder(pilot.beta[chosen], beta)
    trips = RoundTrips(len(chosen), pilot.chains, rungs, beta.device)
    return replace(
        pilot, engine=engine, numbers=pilot.numbers[chosen], member_keys=pilot.member_keys[chosen],
        group_keys=pilot.group_keys[chosen], beta=beta, state=engine.start(theta.gather(3, index)),
        steps=picked, trips=trips,
    )  # fmt: skip


def _sample(batch: _Batch, names: Sequence[GroupName], progress: Callable[[Progress], None]) -> list[tuple[int, Run]]:
    """Frozen phase: sweep in growing rounds, hand over each group when it has met its targets or its limit."""
    finished: list[tuple[int, Run]] = []
    trace = Trace(batch.settings.draws)
    rows = np.full(len(batch.numbers), _rows_a_sweep(batch), dtype=np.int64)

    def keep(block: Block) -> None:
        for likelihood, top, probability in zip(block.log_likelihood, block.top, block.swap, strict=True):
            trace.add(likelihood, top, mean_in_order(probability, 1), batch.trips.halves.sum(1))

    check = FIRST_CHECK
    while len(batch.numbers):
        most = batch.settings.max_sweeps
        _advance(batch, min(check, most) - trace.sweeps, BLOCK, keep)
        news = [assess(batch.engine.target, batch.settings, trace, g, batch.beta[g]) for g in range(len(batch.numbers))]
        worst = max(news, key=lambda a: a.free_energy.standard_error)
        progress(Progress("sampling", trace.sweeps, most, worst.free_energy.value, worst.free_energy.standard_error))
        over = trace.sweeps >= most
        done = torch.tensor([over or a.met for a in news])
        for g in torch.nonzero(done)[:, 0].tolist():
            number = int(batch.numbers[g])
            sweeps = int(rows[g]) * batch.clock
            finished.append((number, _run_of(batch, trace, g, names[number].name, news[g], sweeps)))
        _keep_groups(batch, trace, torch.nonzero(~done)[:, 0])
        rows = rows[(~done).numpy()]
        check = int(check * GROWTH)
    return finished


def _rows_a_sweep(batch: _Batch) -> int:
    """Likelihood rows that one sweep of one group costs: every walk and two redraws, in all replicas and members."""
    target = batch.engine.target
    return (len(target.moving) + 2) * target.members * batch.chains * batch.beta.shape[1]


def _run_of(batch: _Batch, trace: Trace, g: int, name: str, found: Assessment, rows: int) -> Run:
    """Result of one group."""
    return Run(
        name=name,
        theta=found.theta,
        log_likelihood=found.log_likelihood,
        beta=batch.beta[g].cpu().numpy(),
        exchange_rate=found.exchange_rate,
        round_trips=found.round_trips,
        free_energy=found.free_energy,
        estimators=found.estimators,
        effective_draws=found.effective_draws,
        rhat=found.rhat,
        verdict=found.verdict,
        sweeps=trace.sweeps,
        burn_in=found.burn_in,
        likelihood_rows=rows,
        engine=batch.engine.name,
    )


def _keep_groups(batch: _Batch, trace: Trace, kept: Tensor) -> None:
    """Drop finished groups from everything that moves."""
    if len(kept) == len(batch.numbers):
        return
    batch.numbers = batch.numbers[kept]
    if len(kept) == 0:
        return
    batch.member_keys, batch.group_keys = batch.member_keys[kept], batch.group_keys[kept]
    batch.beta = batch.beta[kept]
    batch.engine = engine_for(batch.engine.target.select(kept), batch.settings.engine, batch.settings.threads)
    batch.state = batch.state.select(kept)
    batch.steps.select(kept)
    batch.trips.select(kept)
    trace.select(kept)
