"""Replica exchange of groups on ladders of one length: tune, freeze, sample until the targets are met.

Each group is tuned, sampled and stopped by its own numbers alone, so how groups are batched changes nothing. A step is
one block of sweeps; between steps everything that moves can be saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.sampling.cloud import edges_on, ladder_of, scales_on, states_on
from bayesbeam.sampling.engines.base import Engine, State, Tuned, start_state
from bayesbeam.sampling.exchange import RoundTrips
from bayesbeam.sampling.groups import Groups
from bayesbeam.sampling.judgement import Assessment, Look, assess, look_at
from bayesbeam.sampling.ladder import respace
from bayesbeam.sampling.offers import EVERY, offer, offers_at
from bayesbeam.sampling.populations import Climb
from bayesbeam.sampling.record import Trace, mean_in_order, mean_of_each
from bayesbeam.sampling.reference import Reference, fit_again, fit_references
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.tuning import LARGEST, StepSizes, kinds_of
from bayesbeam.sampling.verdict import FEWEST_ROUND_TRIPS_A_CHAIN
from bayesbeam.targets.base import Target

FloatArray = NDArray[np.float64]

BLOCK = 50
TUNING_BLOCK = 5
TUNING = 20
LONGEST_TUNING = 320
LEARNING_RATE = 0.6
# A pair that rejects more is a gap in the ladder: it is spaced and tuned again, for longer.
LARGEST_REJECTION = 0.8
FIRST_CHECK = 100
GROWTH = 1.2
# A check is left out until nine tenths of the sweeps that the last one asked for, at most half as many again.
EARLY, LONGEST_WAIT = 0.9, 1.5
# F is worked out only where chains have enough draws and agree, or after so many times the sweeps of the last time.
SILENCE = 4
# Sweeps after which densities are fitted again, and how much later once more.
FIT_AGAIN, LATER = 100, 3
# Sweeps have numbers of their own: those of the populations come before.
FIRST_SWEEP = 1 << 20
# Points times moves of a sweep, for which a block of BLOCK sweeps is a fraction of a second a group.
LIGHT = 20000


@dataclass
class Ladders:
    """Groups that advance together, with everything that moves.

    Attributes
    ----------
    beta : Tensor (G, R)
    edges : Tensor (P, G, D, T, R, B + 1)
        Jump tables, for even chains and for odd ones.
    references : list of Reference or None
        Densities close to the posteriors.
    clock : int
        Sweeps so far.
    tuning : int
        Length of the round of tuning that is under way; 0 once all is frozen.
    until : int
        Clock at which the round ends, or the next check is due.
    rates : list of Tensor (S, G, R-1)
        Exchange rates of this round.
    checks : list of lists
        Draws and free energy of each group at each check so far.
    due : list of int
        Sweeps before which a check of each group would be in vain.
    assessed : list of int
        Sweeps after which F of each group was last worked out.
    again : list of int
        Sweeps from which on the density of each group is fitted again, to more draws.
    """

    groups: Groups
    climbs: list[Climb]
    beta: Tensor
    state: State
    steps: StepSizes
    edges: Tensor
    references: list[Reference | None]
    trips: RoundTrips
    trace: Trace
    clock: int = 0
    tuning: int = TUNING
    until: int = TUNING
    rates: list[Tensor] = field(default_factory=list)
    checks: list[list[tuple[float, FreeEnergy]]] = field(default_factory=list)
    due: list[int] = field(default_factory=list)
    assessed: list[int] = field(default_factory=list)
    again: list[int] = field(default_factory=list)

    @property
    def rungs(self) -> int:
        """Length of the ladders."""
        return self.beta.shape[1]


def set_up(target: Target, groups: Groups, climbs: list[Climb], settings: Settings) -> list[Ladders]:
    """Ladders for groups whose populations have arrived, those of equal length together."""
    references = fit_references(target, climbs)
    planned = [
        ladder_of(climb, settings, reference is not None and reference.simple)
        for climb, reference in zip(climbs, references, strict=True)
    ]
    found = []
    for rungs in sorted({len(beta) for beta in planned}):
        places = [g for g, beta in enumerate(planned) if len(beta) == rungs]
        some = groups.select(torch.tensor(places, device=target.device))
        own = [climbs[g] for g in places], [planned[g] for g in places], [references[g] for g in places]
        found.append(_of_one_length(target, some, *own, settings))
    return found


def _of_one_length(
    target: Target,
    groups: Groups,
    climbs: list[Climb],
    betas: list[FloatArray],
    references: list[Reference | None],
    settings: Settings,
) -> Ladders:
    """Ladders with what each rung takes over from the stage of a population below it."""
    pairs = list(zip(climbs, betas, strict=True))
    theta = torch.stack([states_on(c, b, key) for (c, b), key in zip(pairs, groups.group_keys, strict=True)])
    scales = torch.stack([scales_on(c, b) for c, b in pairs], 1)
    limit = torch.stack([c.log_scale[0] for c in climbs], 1) + LARGEST
    return Ladders(
        groups=groups,
        climbs=climbs,
        beta=torch.from_numpy(np.stack(betas)).to(target.device),
        state=start_state(theta),
        steps=StepSizes(scales, limit, kinds_of(target)),
        edges=torch.stack([edges_on(c, b) for c, b in pairs], 1),
        references=references,
        trips=RoundTrips.begin(len(climbs), settings.chains, len(betas[0]), target.device),
        trace=Trace(settings.draws),
        tuning=TUNING,
        until=TUNING,
        checks=[[] for _ in climbs],
        due=[0 for _ in climbs],
        assessed=[0 for _ in climbs],
        again=[FIT_AGAIN for _ in climbs],
    )


def step(found: Ladders, engine: Engine, settings: Settings) -> tuple[list[Ladders], dict[int, Assessment]]:
    """One block of sweeps, and what is due after it.

    Returns
    -------
    ladders : list of Ladders
        Those to go on with: two where some groups are frozen while others need another round of tuning.
    news : dict of int to Assessment
        By place, of the groups that may have met their targets and of those not heard of for long.
    """
    if found.tuning:
        return _tune(found, engine), {}
    _sample(found, engine, settings)
    sweeps = found.trace.sweeps
    if sweeps < found.until:
        return [found], {}
    news = {}
    for g, due in enumerate(found.due):
        if due <= sweeps or sweeps >= settings.max_sweeps:
            one = _check(found, g, engine.target, settings)
            if one is not None:
                news[g] = one
    found.until = min(int(found.until * GROWTH), settings.max_sweeps)
    return [found], news


def keep(found: Ladders, places: Sequence[int]) -> Ladders:
    """Ladders of some of the groups, by place."""
    index = torch.tensor(places, dtype=torch.int64, device=found.beta.device)
    return Ladders(
        found.groups.select(index), [found.climbs[g] for g in places], found.beta[index], found.state.select(index),
        found.steps.select(index), found.edges[:, index], [found.references[g] for g in places],
        found.trips.select(index), found.trace.select(index),
        found.clock, found.tuning, found.until, [rate[:, index] for rate in found.rates],
        [found.checks[g] for g in places], [found.due[g] for g in places],
        [found.assessed[g] for g in places], [found.again[g] for g in places],
    )  # fmt: skip


def sweeps_a_block(target: Target, most: int) -> int:
    """Sweeps of a block: fewer for long spectra with many parameters, so that a save is never far."""
    return max(1, min(most, most * LIGHT // max(target.points * len(target.moving), 1)))


def _check(found: Ladders, g: int, target: Target, settings: Settings) -> Assessment | None:
    """Everything known of one group; None, most of the time, where a look tells that its targets are not met."""
    sweeps = found.trace.sweeps
    wanted = sweeps >= min(SILENCE * max(found.assessed[g], FIRST_CHECK), settings.max_sweeps)
    if not wanted and found.trace.round_trips_of(g) < FEWEST_ROUND_TRIPS_A_CHAIN * settings.chains:
        return None
    look, one = look_at(target, found.trace, g, found.beta[g]), None
    if wanted or look.enough(settings):
        of_group = found.beta[g], found.climbs[g], found.references[g], found.checks[g]
        one, found.assessed[g] = assess(target, settings, found.trace, g, *of_group, look), sweeps
    lack = look.lack(settings) if one is None else one.lack
    found.due[g] = int(sweeps * min(EARLY * lack, LONGEST_WAIT))
    if sweeps >= found.again[g] and not (one is not None and one.met):
        _fit_again(found, g, target, look)
    return one


def _fit_again(found: Ladders, g: int, target: Target, look: Look) -> None:
    """Fit the density of one group to its draws so far; offers from the old one are forgotten."""
    thin = found.trace.thin
    likelihood = look.log_likelihood[-look.burn_in % thin :: thin, :, -1]
    reference = fit_again(target, g, found.climbs[g], look.theta, likelihood)
    if reference is not None:
        found.references[g] = reference
        found.again[g] = LATER * found.trace.sweeps


def _advance(found: Ladders, engine: Engine, sweeps: int) -> list[Tensor]:
    """Sweeps that count round trips; returns exchange rates, log-likelihoods and states at beta = 1."""
    parts = []
    last = found.clock + sweeps
    # Offers come at multiples of EVERY, wherever blocks end.
    clocks = range(found.clock - found.clock % EVERY + EVERY, last + 1, EVERY)
    numbers = [FIRST_SWEEP + clock for clock in clocks]
    offers = offers_at(found.references, engine, found.groups, found.state, numbers)
    for clock in clocks:
        parts.append(_advance_to(found, engine, clock))
        for offered in islice(offers, 1):
            offer(found.references, engine, found.state, offered)
    if found.clock < last:
        parts.append(_advance_to(found, engine, last))
    return [torch.cat(kind) for kind in zip(*parts, strict=True)]


def _advance_to(found: Ladders, engine: Engine, clock: int) -> list[Tensor]:
    """Sweeps up to an offer."""
    tuned = Tuned(found.beta, found.steps.scale, found.edges)
    block = engine.advance(found.state, tuned, found.groups.keys, FIRST_SWEEP + found.clock, clock - found.clock)
    found.clock = clock
    if found.tuning:
        found.steps.learn(block.acceptance, LEARNING_RATE)
    halves = []
    for places in block.places:
        found.trips.update(places)
        halves.append(found.trips.halves.sum(1))
    return [mean_in_order(block.swap, 2), block.log_likelihood, block.top[..., -1, :], torch.stack(halves)]


def _tune(found: Ladders, engine: Engine) -> list[Ladders]:
    """A block of tuning; at the end of a round a ladder is frozen, or spaced anew where it has a gap."""
    sweeps = min(sweeps_a_block(engine.target, TUNING_BLOCK), found.until - found.clock)
    found.rates.append(_advance(found, engine, sweeps)[0])
    if found.clock < found.until:
        return [found]
    rates = torch.cat(found.rates)
    found.rates = []
    rejection = 1.0 - mean_of_each(rates[len(rates) // 2 :])
    gap = (rejection.amax(1) > LARGEST_REJECTION).cpu() & (2 * found.tuning <= LONGEST_TUNING)
    frozen, wide = torch.nonzero(~gap)[:, 0].tolist(), torch.nonzero(gap)[:, 0].tolist()
    parts = []
    if frozen:
        parts.append(keep(found, frozen))
        parts[-1].tuning, parts[-1].until = 0, FIRST_CHECK
    if wide:
        other = keep(found, wide)
        beta = respace(other.beta, rejection[wide], found.rungs)
        other.steps.to_ladder(other.beta, beta)
        other.beta, other.tuning = beta, 2 * found.tuning
        other.until = other.clock + other.tuning
        parts.append(other)
    return parts


def _sample(found: Ladders, engine: Engine, settings: Settings) -> None:
    """A block of sweeps that count."""
    block = sweeps_a_block(engine.target, BLOCK)
    done = found.trace.sweeps
    # Blocks end at multiples of their length, so where checks fall changes nothing.
    found.until = min(found.until, settings.max_sweeps)
    sweeps = min(block - done % block, found.until - done)
    rate, likelihood, top, halves = _advance(found, engine, sweeps)
    found.trace.add(likelihood, top, rate, halves)
