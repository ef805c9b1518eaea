"""A sampling run: populations climb from the prior to the posterior, then replica exchange on the ladder they found.

Every group goes its own way by its own numbers, so how groups are batched changes nothing. All that moves is in one
value that can be saved between any two blocks of sweeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.sampling import ladders as exchange
from bayesbeam.sampling import populations as climbing
from bayesbeam.sampling.checkpoint import Interrupted, Keeper, NoKeeper
from bayesbeam.sampling.engines.base import Engine, State, jump_turns
from bayesbeam.sampling.engines.choose import engine_for
from bayesbeam.sampling.exchange import RoundTrips
from bayesbeam.sampling.groups import GroupName, Groups, all_groups
from bayesbeam.sampling.judgement import Assessment
from bayesbeam.sampling.ladders import Ladders
from bayesbeam.sampling.mixture import Mixture
from bayesbeam.sampling.plain import put_together, take_apart
from bayesbeam.sampling.populations import Climb, Populations
from bayesbeam.sampling.record import Run, Trace, Verdict
from bayesbeam.sampling.reference import Reference
from bayesbeam.sampling.scouts import scout
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.tuning import StepSizes
from bayesbeam.targets.base import Target

__all__ = ["GroupName", "Progress", "replica_exchange"]


@dataclass(frozen=True)
class Progress:
    """News of a run: what it does, how far it is, and F so far (nan while there is none)."""

    phase: str
    sweeps: int
    most_sweeps: int
    free_energy: float
    standard_error: float


@dataclass
class Work:
    """All that moves in a run: groups that climb, have arrived or are on ladders, and results by number of group."""

    populations: Populations | None
    arrived: dict[int, Climb] = field(default_factory=dict)
    ladders: list[Ladders] = field(default_factory=list)
    runs: dict[int, Run] = field(default_factory=dict)


_KINDS = (
    Work, Populations, Groups, StepSizes, Climb, Ladders, Reference, Mixture, State, RoundTrips, Trace, Run, FreeEnergy,
    Verdict,
)  # fmt: skip


def replica_exchange(
    target: Target,
    names: Sequence[GroupName],
    settings: Settings,
    progress: Callable[[Progress], None] = lambda _: None,
    keeper: Keeper | None = None,
    starts: Sequence[Tensor] | None = None,
) -> list[Run]:
    """Posterior draws and free energy of every group of a target.

    Parameters
    ----------
    target : Target
        G groups of D members.
    names : sequence of GroupName, length G
        They and the seed fix the random numbers.
    settings : Settings
    progress : callable
        Called after every block of sweeps that changes what is known.
    keeper : Keeper or None
        Is given all that moves whenever it says that a save is due; a run that it has a state of goes on from there.
    starts : sequence of Tensor (S, D, P), one a group, or None
        States near which to look besides: modes too narrow to be met by draws of the prior.

    Returns
    -------
    list of Run, one a group, in order

    Raises
    ------
    ModelError
        If a log-likelihood is nan.
    Interrupted
        If the keeper asked to stop; the state is saved.
    """
    return _Driver(target, names, settings, progress, keeper or NoKeeper(), starts).run()


class _Driver:
    """Takes a run from block to block."""

    def __init__(
        self,
        target: Target,
        names: Sequence[GroupName],
        settings: Settings,
        progress: Callable[[Progress], None],
        keeper: Keeper,
        starts: Sequence[Tensor] | None,
    ) -> None:
        self.target, self.names, self.settings = target, names, settings
        self.progress, self.keeper, self.starts = progress, keeper, starts
        self._engine: tuple[list[int], Engine] | None = None

    def run(self) -> list[Run]:
        """Runs of all groups."""
        saved = self.keeper.load()
        work = self._begin() if saved is None else put_together(saved, _KINDS, self.target.device)
        while work.populations is not None or work.ladders:
            self._keep(work)
            if work.populations is not None:
                self._climb(work, work.populations)
            else:
                self._exchange(work)
        return [work.runs[number] for number in range(len(self.names))]

    def _begin(self) -> Work:
        """Populations of all groups at the prior."""
        groups = all_groups(self.names, self.settings.seed, self.target.device)
        engine = self._engine_of(groups.numbers)
        scouts = None if self.starts is None else scout(self.target, groups, engine, self.settings, self.starts)
        return Work(climbing.begin(self.target, groups, engine, self.settings, scouts))

    def _keep(self, work: Work) -> None:
        """Save where it is time, and stop where that is wished."""
        stop = self.keeper.stop_asked()
        if stop or self.keeper.due():
            self.keeper.save(take_apart(work))
        if stop:
            raise Interrupted

    def _climb(self, work: Work, found: Populations) -> None:
        """One block of all populations that are still on their way."""
        lowest = min(found.beta)
        self._tell(f"from the prior to the posterior, beta {lowest:.2g}", 0)
        there = climbing.climb(self._engine_of(found.groups.numbers), found)
        work.arrived |= {int(found.groups.numbers[g]): found.climbs[g] for g in there}
        work.populations = climbing.leave(found, there)
        if not work.populations.climbs:
            work.populations = None
            groups = all_groups(self.names, self.settings.seed, self.target.device)
            climbs = [work.arrived.pop(number) for number in range(len(self.names))]
            work.ladders = exchange.set_up(self.target, groups, climbs, self.settings)

    def _exchange(self, work: Work) -> None:
        """One block of the first ladders in turn."""
        found = work.ladders.pop(0)
        engine = self._engine_of(found.groups.numbers)
        if found.tuning:
            self._tell("tuning", 0)
        parts, news = exchange.step(found, engine, self.settings)
        if news:
            worst = max(news.values(), key=_error)
            self._tell("sampling", found.trace.sweeps, worst.free_energy)
            over = found.trace.sweeps >= self.settings.max_sweeps
            for g, one in news.items():
                if over or one.met:
                    number = int(found.groups.numbers[g])
                    work.runs[number] = self._run_of(found, g, engine, one)
            left = [g for g in range(len(found.climbs)) if g not in news or not (over or news[g].met)]
            parts = [exchange.keep(found, left)] if left else []
        work.ladders = parts + work.ladders

    def _engine_of(self, numbers: Tensor) -> Engine:
        """Engine for some of the groups; that of the last call if they are the same."""
        wanted = numbers.tolist()
        if self._engine is None or self._engine[0] != wanted:
            whole = wanted == list(range(len(self.names)))
            part = self.target if whole else self.target.select(numbers.to(self.target.device))
            self._engine = wanted, engine_for(part, self.settings.engine, self.settings.threads)
        return self._engine[1]

    def _tell(self, phase: str, sweeps: int, found: FreeEnergy | None = None) -> None:
        """Pass on news."""
        value, error = (found.value, found.standard_error) if found else (math.nan, math.nan)
        self.progress(Progress(phase, sweeps, self.settings.max_sweeps, value, error))

    def _run_of(self, found: Ladders, g: int, engine: Engine, news: Assessment) -> Run:
        """Result of one group."""
        return Run(
            name=self.names[int(found.groups.numbers[g])].name,
            theta=engine.target.restored(news.theta, g, found.groups.member_keys[g]),
            log_likelihood=news.log_likelihood,
            beta=found.beta[g].cpu().numpy(),
            exchange_rate=news.exchange_rate,
            round_trips=news.round_trips,
            free_energy=news.free_energy,
            estimators=news.estimators,
            effective_draws=news.effective_draws,
            rhat=news.rhat,
            verdict=news.verdict,
            sweeps=found.trace.sweeps,
            burn_in=news.burn_in,
            likelihood_rows=self._rows(found, found.climbs[g]),
            engine=engine.name,
        )

    def _rows(self, found: Ladders, climb: Climb) -> int:
        """Likelihood rows that one group has cost: every walk and jump, in all states and members."""
        chains = self.settings.chains
        climbed = climb.blocks * climbing.BLOCK * climbing.ANCESTORS
        states = (climbed + found.clock * found.rungs) * chains
        prior = climbing.SWEEPS * climbing.ANCESTORS * chains * len(self.target.terms)
        return ((len(self.target.moving) + len(jump_turns(self.target, 0))) * states + prior) * self.target.members


def _error(news: Assessment) -> float:
    """Standard error of F for comparisons: none is the largest."""
    value = news.free_energy.standard_error
    return math.inf if math.isnan(value) else value
