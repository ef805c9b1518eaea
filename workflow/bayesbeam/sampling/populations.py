"""Waste-free tempered sequential Monte Carlo: the way of a group's populations from the prior to the posterior.

Every chain of the later ladder has a population of its own, so populations are as independent as chains. All states of
all sweeps weigh in the next step. Each group climbs by its own numbers; the walks and jumps are those of the engine.

Source: Dau and Chopin, JRSS-B 84, 114 (2022); Del Moral, Doucet and Jasra, JRSS-B 68, 411 (2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.rng import uniforms
from bayesbeam.sampling.cloud import cloud_edges, tables_of, with_scouts
from bayesbeam.sampling.engines.base import START_SLOT, Engine, Tuned, start_state
from bayesbeam.sampling.groups import Groups
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.sampling.resampling import forgotten, next_betas, resampled
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.tuning import LARGEST, StepSizes, kinds_of, prior_spread
from bayesbeam.targets.base import Target

FloatArray = NDArray[np.float64]

ANCESTORS = 16
BLOCKS, BLOCK = 2, 4
SWEEPS = BLOCKS * BLOCK
# Draws of the prior that a population begins with.
PRIOR_DRAWS = 256
# Blocks at beta = 1, for a density is fitted to their states.
LAST_BLOCKS = 6
# Blocks at one stage; the states of the last BLOCKS of them count.
MOST_BLOCKS = 16
LEARNING_RATE = 2.0
MOST_STAGES = 300
# Slots of random numbers beside those of parameters, which begin at START_SLOT.
RESAMPLE_SLOT = START_SLOT + (1 << 18)


@dataclass
class Climb:
    """What the populations of one group saw on their way; one entry of each list a stage, of the prior first.

    Attributes
    ----------
    beta : list of float
    log_likelihood : list of arrays (C, n), nats
        Of all states of each population.
    cloud, cloud_likelihood : lists of Tensor (D, C, N, P) and array (C, N)
        States of the last sweep.
    blocks : int
        Blocks of sweeps of all stages.
    log_scale, edges : lists of Tensor (P, D, 1) and (P, D, T, 1, B + 1)
        Step sizes and jump tables used at the stage.
    last : Tensor (D, C, n, P)
        All states of the last stage.
    """

    beta: list[float] = field(default_factory=list)
    log_likelihood: list[FloatArray] = field(default_factory=list)
    cloud: list[Tensor] = field(default_factory=list)
    cloud_likelihood: list[FloatArray] = field(default_factory=list)
    log_scale: list[Tensor] = field(default_factory=list)
    edges: list[Tensor] = field(default_factory=list)
    blocks: int = 0
    last: Tensor = field(default_factory=lambda: torch.empty(0))


@dataclass
class Populations:
    """Groups on their way, each at a stage of its own.

    Attributes
    ----------
    block : int
        Number of the block of sweeps to come.
    states : Tensor (G, D, C, N, P)
    beta : list of float
        Inverse temperature of each group.
    prior : Tensor (P, G, D, 1, 1, B + 1)
        Jump tables of the priors, and of starting points.
    edges : Tensor (P, G, D, T, 1, B + 1)
        Jump tables of the present stages, for even chains and for odd ones.
    began : Tensor (G, C, N)
        Log-likelihoods at which the states began their stage.
    blocks : list of int
        Blocks of sweeps that each group has spent at its stage.
    seen : list of (Tensor (G, D, C, n, P), Tensor (G, C, n))
        All states of the last blocks, and their log-likelihoods.
    """

    groups: Groups
    block: int
    states: Tensor
    beta: list[float]
    prior: Tensor
    edges: Tensor
    steps: StepSizes
    climbs: list[Climb]
    began: Tensor
    blocks: list[int]
    seen: list[tuple[Tensor, Tensor]]


def begin(
    target: Target, groups: Groups, engine: Engine, settings: Settings, scouts: Tensor | None = None
) -> Populations:
    """Populations of prior draws, ready for their first step in beta.

    Parameters
    ----------
    scouts : Tensor (G, D, C, N, P) or None
        States near the starting points of a campaign, where jumps shall go too.
    """
    size = PRIOR_DRAWS
    theta = _prior_draws(target, groups, settings.chains, size)
    target.check(theta[:, :, :1, :ANCESTORS])
    likelihood = engine.start(theta).log_likelihood.sum(1)
    spread = prior_spread(target, theta[:, :, :, :ANCESTORS])
    kinds, count = kinds_of(target), len(groups.numbers)
    edges = prior_edges(target)
    if scouts is not None:
        edges = with_scouts(edges, scouts, kinds)
    found = Populations(
        groups=groups,
        block=0,
        states=theta[:, :, :, :ANCESTORS].clone(),
        beta=[0.0] * count,
        prior=edges,
        edges=edges.expand(-1, -1, -1, tables_of(settings.chains), -1, -1).clone(),
        steps=StepSizes(spread.clone(), spread + LARGEST, kinds),
        climbs=[Climb() for _ in range(count)],
        began=likelihood[:, :, :ANCESTORS],
        blocks=[0] * count,
        seen=[(theta, likelihood)],
    )
    _step_in_beta(found, list(range(count)))
    return found


def climb(engine: Engine, found: Populations) -> list[int]:
    """Move all groups by a block of sweeps, and those that have forgotten where they began to their next stage.

    Returns
    -------
    list of int
        Places of groups that are done at beta = 1.
    """
    groups, members, chains, replicas, slots = found.states.shape
    state = start_state(found.states)
    beta = torch.tensor(found.beta, dtype=torch.float64, device=found.states.device)
    tuned = Tuned(beta[:, None].expand(groups, replicas).contiguous(), found.steps.scale, found.edges)
    news = engine.advance(state, tuned, found.groups.keys, found.block * BLOCK, BLOCK, levels=replicas)
    found.steps.learn(news.acceptance, LEARNING_RATE)
    # Exchanges at equal beta only relabel: each state goes back to the place it began from.
    place = news.places[-2] if BLOCK > 1 else torch.arange(replicas, device=beta.device).expand(state.rung.shape)
    last = news.top[-1]
    found.states = torch.empty_like(last).scatter_(3, place[:, None, ..., None].expand_as(last), last)
    after = torch.empty_like(news.log_likelihood[-1]).scatter_(2, place, news.log_likelihood[-1])
    theta = news.top.permute(1, 2, 3, 0, 4, 5).reshape(groups, members, chains, -1, slots)
    likelihood = news.log_likelihood.permute(1, 2, 0, 3).reshape(groups, chains, -1)
    found.seen = [*found.seen, (theta, likelihood)][-max(map(_blocks_wanted, found.beta)) :]
    free = forgotten(found.began, after).tolist()
    over = []
    for g in range(groups):
        found.blocks[g] += 1
        enough = found.blocks[g] >= _blocks_wanted(found.beta[g]) and free[g]
        if enough or found.blocks[g] >= MOST_BLOCKS:
            over.append(g)
    there = [g for g in over if found.beta[g] == 1.0]
    found.block += 1
    _step_in_beta(found, over)
    return there


def _blocks_wanted(beta: float) -> int:
    """Blocks of which the states count at a stage."""
    return LAST_BLOCKS if beta == 1.0 else BLOCKS


def leave(found: Populations, places: Sequence[int]) -> Populations:
    """Populations without those at some places."""
    kept = [place for place in range(len(found.climbs)) if place not in set(places)]
    index = torch.tensor(kept, dtype=torch.int64, device=found.states.device)
    return Populations(
        groups=found.groups.select(index),
        block=found.block,
        states=found.states[index],
        beta=[found.beta[place] for place in kept],
        prior=found.prior[:, index],
        edges=found.edges[:, index],
        steps=found.steps.select(index),
        climbs=[found.climbs[place] for place in kept],
        began=found.began[index],
        blocks=[found.blocks[place] for place in kept],
        seen=[(theta[index], likelihood[index]) for theta, likelihood in found.seen],
    )


def _prior_draws(target: Target, groups: Groups, chains: int, size: int) -> Tensor:
    """Draws of the prior (G, D, C, size, P)."""
    device = groups.group_keys.device
    slots = START_SLOT + torch.arange(len(target.slots), device=device)
    sweep = torch.zeros(1, dtype=torch.int64, device=device)
    u = uniforms(groups.member_keys, chains, size, sweep, slots, words=1)[0, 0]
    if bool(target.tied.any()):
        common = uniforms(groups.group_keys, chains, size, sweep, slots, words=1)[0, 0].unsqueeze(2)
        u = torch.where(target.tied.reshape(-1, 1, 1, 1, 1), common, u)
    return target.from_uniform(u)


def _step_in_beta(found: Populations, places: list[int]) -> None:
    """Write the stage of some groups down, and take them to the next inverse temperature."""
    there = [g for g in places if found.beta[g] == 1.0]
    for some in (there, [g for g in places if found.beta[g] < 1.0]):
        if some:
            theta, likelihood = _seen(found, some)
            _write_down(found, some, theta, likelihood)
            if some is not there:
                _to_next_stage(found, some, theta, likelihood)


def _seen(found: Populations, places: list[int]) -> tuple[Tensor, Tensor]:
    """States (B, D, C, n, P) of the stage of some groups that are at one kind of stage, and their log-likelihoods."""
    index = torch.tensor(places, device=found.states.device)
    blocks = found.seen[-_blocks_wanted(found.beta[places[0]]) :]
    return torch.cat([theta[index] for theta, _ in blocks], 3), torch.cat([one[index] for _, one in blocks], 2)


def _write_down(found: Populations, places: list[int], theta: Tensor, likelihood: Tensor) -> None:
    """Note what the populations of some groups have seen at their stage."""
    on_host, cloud = _host(likelihood), theta[:, :, :, -ANCESTORS:].clone()
    for b, g in enumerate(places):
        one = found.climbs[g]
        one.beta.append(found.beta[g])
        one.log_likelihood.append(np.ascontiguousarray(on_host[b]))
        one.cloud.append(cloud[b])
        one.cloud_likelihood.append(np.ascontiguousarray(on_host[b, :, -ANCESTORS:]))
        one.log_scale.append(found.steps.log_scale[:, g].clone())
        one.edges.append(found.edges[:, g].clone())
        one.blocks += found.blocks[g]
        if found.beta[g] == 1.0:
            one.last = theta[b].clone()


def _to_next_stage(found: Populations, places: list[int], theta: Tensor, likelihood: Tensor) -> None:
    """Take some groups to their next inverse temperature, with states chosen by weight."""
    device = found.states.device
    index = torch.tensor(places, device=device)
    block, slot = torch.tensor([found.block], device=device), torch.tensor([RESAMPLE_SLOT], device=device)
    chains = found.states.shape[2]
    uniform = uniforms(found.groups.group_keys[index], chains, 1, block, slot, words=1)[0, 0, 0, :, :, 0]
    before = torch.tensor([found.beta[g] for g in places], dtype=torch.float64, device=device)
    beta = next_betas(likelihood, before)
    late = torch.tensor([len(found.climbs[g].beta) >= MOST_STAGES for g in places], device=device)
    beta = torch.where(late, 1.0, beta)
    chosen = resampled(likelihood, beta - before, uniform, ANCESTORS)
    members, slots = theta.shape[1], theta.shape[4]
    wide = chosen[:, None, :, :, None].expand(-1, members, -1, -1, slots)
    flat = theta.flatten(2, 3)[:, :, None].expand(-1, -1, chains, -1, -1)
    found.states[index] = flat.gather(3, wide)
    found.began[index] = likelihood.flatten(1)[:, None].expand(-1, chains, -1).gather(2, chosen)
    for g, value in zip(places, beta.tolist(), strict=True):
        found.beta[g], found.blocks[g] = value, 0
    found.edges[:, index] = cloud_edges(found.prior[:, index], found.states[index], found.steps.kinds)


def _host(values: Tensor) -> FloatArray:
    """Numbers on the host."""
    return np.asarray(values.cpu().numpy(), dtype=np.float64)
