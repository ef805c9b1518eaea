"""Waste-free tempered sequential Monte Carlo: the way of a group's populations from the prior to the posterior.

Every chain of the later ladder has a population of its own, so populations are as independent as chains. All states of
all sweeps weigh in the next step. Each group climbs by its own numbers; the walks and jumps are those of the engine.

Source: Dau and Chopin, JRSS-B 84, 114 (2022); Del Moral, Doucet and Jasra, JRSS-B 68, 411 (2006).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.rng import stream_key, uniforms
from bayesbeam.sampling.cloud import cloud_edges, with_scouts
from bayesbeam.sampling.engines.base import START_SLOT, Engine, Tuned, start_state
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.tuning import LARGEST, StepSizes, kinds_of, prior_spread
from bayesbeam.targets.base import Target

FloatArray = NDArray[np.float64]

ANCESTORS = 32
BLOCKS, BLOCK = 2, 4
SWEEPS = BLOCKS * BLOCK
# Part of the states that is effective after a step in beta.
EFFECTIVE = 0.5
LEARNING_RATE = 2.0
MOST_STAGES = 300
# Slots of random numbers beside those of parameters, which begin at START_SLOT.
RESAMPLE_SLOT = START_SLOT + (1 << 18)


@dataclass(frozen=True)
class GroupName:
    """Names that fix the random numbers of a group: of itself (with its candidate) and of its members."""

    name: str
    members: tuple[str, ...]


@dataclass
class Groups:
    """Which groups of a target move together, by number, and their stream keys: members (G, D, 2), groups (G, 2)."""

    numbers: Tensor
    member_keys: Tensor
    group_keys: Tensor

    @property
    def keys(self) -> tuple[Tensor, Tensor]:
        """Keys as an engine wants them."""
        return self.member_keys, self.group_keys

    def select(self, kept: Tensor) -> Groups:
        """Some of the groups, by place."""
        return Groups(self.numbers[kept.cpu()], self.member_keys[kept], self.group_keys[kept])


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
    log_scale, edges : lists of Tensor (P, D, 1) and (P, D, C, 1, B + 1)
        Step sizes and jump tables used at the stage.
    """

    beta: list[float] = field(default_factory=list)
    log_likelihood: list[FloatArray] = field(default_factory=list)
    cloud: list[Tensor] = field(default_factory=list)
    cloud_likelihood: list[FloatArray] = field(default_factory=list)
    log_scale: list[Tensor] = field(default_factory=list)
    edges: list[Tensor] = field(default_factory=list)


@dataclass
class Populations:
    """Groups on their way.

    Attributes
    ----------
    stage : int
        Number of the stage to come.
    ancestors : Tensor (G, D, C, N, P)
        States it begins from.
    beta : list of float
        Inverse temperature of each group at that stage.
    prior : Tensor (P, G, D, 1, 1, B + 1)
        Jump tables of the priors, and of starting points.
    """

    groups: Groups
    stage: int
    ancestors: Tensor
    beta: list[float]
    prior: Tensor
    steps: StepSizes
    climbs: list[Climb]


def all_groups(names: Sequence[GroupName], seed: int, device: torch.device) -> Groups:
    """All groups of a target with their keys."""
    members = [[stream_key(seed, group.name, member) for member in group.members] for group in names]
    groups = [stream_key(seed, group.name) for group in names]
    return Groups(torch.arange(len(names)), torch.tensor(members, device=device), torch.tensor(groups, device=device))


def begin(
    target: Target, groups: Groups, engine: Engine, settings: Settings, scouts: Tensor | None = None
) -> Populations:
    """Populations of prior draws, ready for their first step in beta.

    Parameters
    ----------
    scouts : Tensor (G, D, C, N, P) or None
        States near the starting points of a campaign, where jumps shall go too.
    """
    size = ANCESTORS * SWEEPS
    theta = _prior_draws(target, groups, settings.chains, size)
    target.check(theta[:, :, :1, :ANCESTORS])
    likelihood = engine.start(theta).log_likelihood.sum(1)
    spread = prior_spread(target, theta[:, :, :, :ANCESTORS])
    edges = prior_edges(target)
    if scouts is not None:
        edges = with_scouts(edges, scouts, kinds_of(target))
    tables = edges.expand(-1, -1, -1, settings.chains, -1, -1)
    steps = StepSizes(spread.clone(), spread + LARGEST, kinds_of(target))
    climbs = [Climb() for _ in groups.numbers]
    found = Populations(groups, 0, theta[:, :, :, :ANCESTORS], [0.0] * len(climbs), edges, steps, climbs)
    _note(found, theta[:, :, :, -ANCESTORS:], likelihood, spread, tables)
    _go_on(found, theta, likelihood)
    return found


def climb(engine: Engine, found: Populations) -> list[int]:
    """Move all groups at their inverse temperature, and choose the next; returns the places of those at beta = 1."""
    groups, members, chains, replicas, slots = found.ancestors.shape
    state = start_state(found.ancestors)
    beta = torch.tensor(found.beta, dtype=torch.float64, device=found.ancestors.device)
    edges = cloud_edges(found.prior, found.ancestors, found.steps.kinds)
    first = found.stage * SWEEPS
    seen = []
    for block in range(BLOCKS):
        tuned = Tuned(beta[:, None].expand(groups, replicas).contiguous(), found.steps.scale, edges)
        news = engine.advance(state, tuned, found.groups.keys, first + block * BLOCK, BLOCK, levels=replicas)
        found.steps.learn(news.acceptance, LEARNING_RATE)
        seen.append(news)
    # (S, G, D, C, N, P) to (G, D, C, S N, P), and the like for log-likelihoods.
    theta = torch.cat([news.top for news in seen]).permute(1, 2, 3, 0, 4, 5)
    theta = theta.reshape(groups, members, chains, SWEEPS * replicas, slots)
    likelihood = torch.cat([news.log_likelihood for news in seen]).permute(1, 2, 0, 3).flatten(2)
    _note(found, theta[:, :, :, -replicas:], likelihood, found.steps.log_scale, edges)
    there = [place for place, value in enumerate(found.beta) if value == 1.0]
    found.stage += 1
    _go_on(found, theta, likelihood)
    return there


def leave(found: Populations, places: Sequence[int]) -> Populations:
    """Populations without those at some places, and these alone where they are all."""
    kept = [place for place in range(len(found.climbs)) if place not in set(places)]
    index = torch.tensor(kept, dtype=torch.int64, device=found.ancestors.device)
    return Populations(
        found.groups.select(index),
        found.stage,
        found.ancestors[index],
        [found.beta[place] for place in kept],
        found.prior[:, index],
        found.steps.select(index),
        [found.climbs[place] for place in kept],
    )


def next_beta(log_likelihood: FloatArray, beta: float) -> float:
    """Next inverse temperature: where half of the states of all populations are effective, 1 at most.

    Parameters
    ----------
    log_likelihood : array (C, n), nats
        At ``beta``.

    Notes
    -----
    Impossible states (-inf) count neither as states nor as weight: at the prior they may be nearly all.
    """
    values = log_likelihood[np.isfinite(log_likelihood)]
    if not values.size:
        return 1.0
    values = values - values.max()

    def lack(step: float) -> float:
        weight = np.exp(step * values)
        return math.log(weight.sum() ** 2 / (weight @ weight) / values.size / EFFECTIVE)

    most = 1.0 - beta
    if lack(most) >= 0.0:
        return 1.0
    # In a normal distribution the logarithm of the effective part goes with the square of the step.
    with np.errstate(over="ignore"):  # of squares of numbers beyond 1e154
        spread = float(values.std())
    low, high, step = 0.0, most, min(math.sqrt(-math.log(EFFECTIVE)) / max(spread, 1e-300), 0.5 * most)
    for attempt in range(1, 31):
        missing = lack(step)
        low, high = (step, high) if missing >= 0.0 else (low, step)
        if abs(missing) < 0.01:
            break
        loss = missing + math.log(EFFECTIVE)
        better = step * math.sqrt(math.log(EFFECTIVE) / loss) if loss < 0.0 else high
        # Where a few states are far below all others, one rule alone creeps.
        middle = math.sqrt(low) * math.sqrt(high) if low > 0.0 else 0.5 * (low + high)
        step = better if attempt % 4 and low < better < high else middle
    return beta + step if beta + step > beta else float(np.nextafter(beta, 2.0))


def resampled(log_likelihood: FloatArray, step: float, uniform: FloatArray, count: int) -> NDArray[np.int64]:
    """Systematic choice of ``count`` states in each population by their weights towards a step in beta.

    Parameters
    ----------
    log_likelihood : array (C, n), nats
    uniform : array (C,)

    Returns
    -------
    array (C, count), int64
        Places in the flattened (C n) states: of its own population, or of all where its own has no possible state.
    """
    chains, size = log_likelihood.shape
    points = (np.arange(count) + uniform[:, None]) / count
    own = np.arange(chains)[:, None] * size
    top = log_likelihood.max(axis=1, keepdims=True)
    if not np.isfinite(top).any():
        return np.asarray(own + (points * size).astype(np.int64))
    found = np.empty((chains, count), dtype=np.int64)
    for c in range(chains):
        lost = not np.isfinite(top[c, 0])
        values = log_likelihood.ravel() if lost else log_likelihood[c]
        total = np.cumsum(np.exp(step * np.nan_to_num(values - values.max())))
        places = np.searchsorted(total, points[c] * total[-1], side="right")
        found[c] = np.minimum(places, values.size - 1) + (0 if lost else own[c, 0])
    return found


def _prior_draws(target: Target, groups: Groups, chains: int, size: int) -> Tensor:
    """Draws of the prior (G, D, C, size, P)."""
    device = groups.group_keys.device
    slots = START_SLOT + torch.arange(len(target.slots), device=device)
    sweep = torch.zeros(1, dtype=torch.int64, device=device)
    u = uniforms(groups.member_keys, chains, size, sweep, slots)[0, 0]
    common = uniforms(groups.group_keys, chains, size, sweep, slots)[0, 0].unsqueeze(2)
    return target.from_uniform(torch.where(target.tied.reshape(-1, 1, 1, 1, 1), common, u))


def _note(found: Populations, cloud: Tensor, likelihood: Tensor, log_scale: Tensor, edges: Tensor) -> None:
    """Write a stage into the record of each group."""
    values = likelihood.cpu().numpy()
    for g, one in enumerate(found.climbs):
        one.beta.append(found.beta[g])
        one.log_likelihood.append(np.ascontiguousarray(values[g]))
        one.cloud.append(cloud[g].clone())
        one.cloud_likelihood.append(np.ascontiguousarray(values[g, :, -cloud.shape[3] :]))
        one.log_scale.append(log_scale[:, g].clone())
        one.edges.append(edges[:, g].clone())


def _go_on(found: Populations, theta: Tensor, likelihood: Tensor) -> None:
    """Choose the next inverse temperature and the ancestors of the next stage, from states (G, D, C, n, P)."""
    groups, _, chains, _, _ = theta.shape
    values = likelihood.cpu().numpy()
    stage = torch.tensor([found.stage], device=theta.device)
    slot = torch.tensor([RESAMPLE_SLOT], device=theta.device)
    uniform = uniforms(found.groups.group_keys, chains, 1, stage, slot)[0, 0, 0, :, :, 0].cpu().numpy()
    chosen = []
    for g in range(groups):
        own = np.ascontiguousarray(values[g])
        beta = 1.0 if found.stage >= MOST_STAGES else next_beta(own, found.beta[g])
        places = resampled(own, beta - found.beta[g], uniform[g], ANCESTORS)
        states = theta[g].permute(1, 2, 0, 3).flatten(0, 1)[torch.from_numpy(places).to(theta.device)]
        chosen.append(states.permute(2, 0, 1, 3))
        found.beta[g] = beta
    found.ancestors = torch.stack(chosen)
