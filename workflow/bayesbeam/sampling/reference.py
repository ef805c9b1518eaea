"""A normalised density close to the posterior: from it F by bridge sampling, and jumps between far states at beta = 1.

It is fitted to the populations' states at beta = 1, for even chains to those of odd ones and the other way round, so
that no chain meets a density that was made from its own states. Any density gives the right F and the right
posterior; a good one gives them soon.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.rng import normals, uniforms
from bayesbeam.sampling.engines.base import START_SLOT, Engine, State
from bayesbeam.sampling.mixture import MOST_COMPONENTS, Mixture, fit, side_by_side
from bayesbeam.sampling.populations import Climb, Groups
from bayesbeam.targets.base import Target
from bayesbeam.targets.exchangeable import log_orders, relabel

FloatArray = NDArray[np.float64]

# Sweeps between offers, and states that are offered together.
EVERY, OFFERED = 5, 40
# Draws of replica exchange of each chain to fit a density to.
MOST_DRAWS = 400
# With more free numbers than this, populations are too small to fit a density to.
MOST_DIMENSIONS = 48
# Numbers in the largest array of what is computed for several groups at once.
TOGETHER = 1 << 19
# Slots of random numbers, beyond those of the populations.
OFFER_SLOT = START_SLOT + (1 << 20)


@dataclass
class Reference:
    """Fitted densities of one group, and what was offered from them.

    Attributes
    ----------
    even, odd : Mixture
        For chains of even and of odd number.
    log_weight : list of arrays (m, C)
        Logarithms of posterior (not normalised) over density of all states drawn so far.
    """

    even: Mixture
    odd: Mixture
    log_weight: list[FloatArray] = field(default_factory=list)

    @property
    def simple(self) -> bool:
        """Whether one component is close enough to the posterior."""
        return all(len(density.weight) == 1 for density in self.halves)

    @property
    def halves(self) -> tuple[Mixture, Mixture]:
        """Densities for even chains and for odd ones."""
        return self.even, self.odd


def fit_references(target: Target, climbs: Sequence[Climb]) -> list[Reference | None]:
    """Densities of all groups of a target whose populations have arrived; None where there is none to be had."""
    if not target.moving:
        return [None] * len(climbs)
    chains = len(climbs[0].log_likelihood[-1])
    if target.coordinates.dimensions > MOST_DIMENSIONS or chains < 2:
        return [None] * len(climbs)
    log_prior = _host(target.log_prior(torch.stack([climb.last for climb in climbs])))
    return [
        _fit(target, g, _host(climb.last).transpose(1, 2, 0, 3), climb.log_likelihood[-1] + log_prior[g])
        for g, climb in enumerate(climbs)
    ]


def fit_again(
    target: Target, group: int, climb: Climb, theta: FloatArray, log_likelihood: FloatArray
) -> Reference | None:
    """Densities of one group from its populations' states and draws of replica exchange.

    Parameters
    ----------
    theta : array (S, D, C, P)
        Draws at beta = 1.
    log_likelihood : array (S, C), nats

    Returns
    -------
    Reference or None
        Nothing is drawn from it yet.
    """
    every = max(len(theta) // MOST_DRAWS, 1)
    states = np.concatenate([_host(climb.last).transpose(1, 2, 0, 3), theta[::every].transpose(2, 0, 1, 3)], 1)
    likelihood = np.concatenate([climb.log_likelihood[-1], log_likelihood[::every].T], 1)
    return _fit(target, group, states, likelihood + _log_prior(target, group, states))


def _fit(target: Target, group: int, theta: FloatArray, log_posterior: FloatArray) -> Reference | None:
    """Densities of one group, from states (C, n, D, P) and their posterior (C, n) up to a constant."""
    chains, draws = log_posterior.shape
    states = relabel(target, theta.reshape(chains * draws, *theta.shape[2:]))
    x, log_volume = target.coordinates.free(group, states)
    x, log_posterior = x.reshape(chains, draws, -1), log_posterior + log_volume.reshape(chains, draws)
    if not (np.isfinite(x).all() and np.isfinite(log_posterior).all()):
        return None
    halves = []
    for half in range(2):
        others = slice(1 - half, None, 2)
        own, posterior = x[others].reshape(-1, x.shape[2]), log_posterior[others].ravel()
        try:
            halves.append(fit(own, np.ones(len(own)), posterior))
        except np.linalg.LinAlgError:
            return None
    return Reference(halves[0], halves[1])


def _log_prior(target: Target, group: int, theta: FloatArray) -> FloatArray:
    """Logarithm of the prior of states (C, n, D, P) of one group, (C, n)."""
    states = torch.from_numpy(np.ascontiguousarray(theta.transpose(2, 0, 1, 3)))[None].to(target.device)
    found: FloatArray = _host(target.select(torch.tensor([group], device=target.device)).log_prior(states))[0]
    return found


def weights_of(
    reference: Reference, target: Target, group: int, theta: FloatArray, log_likelihood: FloatArray
) -> FloatArray:
    """Logarithms of posterior (not normalised) over density of states of one group.

    Parameters
    ----------
    theta : array (S, D, C, P)
    log_likelihood : array (S, C), nats

    Returns
    -------
    array (S, C)
    """
    found: FloatArray = log_likelihood + _log_prior(target, group, theta.transpose(2, 0, 1, 3)).T
    for half, density in enumerate(reference.halves):
        own = relabel(target, theta[:, :, half::2].transpose(2, 0, 1, 3))
        found[:, half::2] -= _log_density(target, group, density, own).T
    return found


def offer(references: Sequence[Reference | None], engine: Engine, groups: Groups, state: State, number: int) -> None:
    """Draw states from the densities and offer them to the states at beta = 1, in place.

    Parameters
    ----------
    references : sequence of Reference or None, one a group of the target
        What is drawn is written down in them.
    number : int
        Number of the sweep.

    Notes
    -----
    Of the state at beta = 1 and those offered one is chosen in proportion to posterior over density: this leaves the
    posterior as it is, for states offered are independent of the chain.

    Source
    ------
    Tjelmeland, Using all Metropolis-Hastings proposals to estimate mean values, Trondheim (2004); Andrieu, Lee and
    Vihola, Bernoulli 24, 842 (2018): iterated sampling importance resampling.
    """
    kept = {g: reference for g, reference in enumerate(references) if reference is not None}
    if not kept:
        return
    target = engine.target
    numbers = _random_numbers(groups, state, target.coordinates.dimensions, number)
    place = state.replica_on_rung[:, None, :, -1:, None].expand(*state.theta.shape[:3], 1, state.theta.shape[-1])
    # The present state first, then those offered; axes (G, C, 1 + m, D, P).
    present = state.theta.gather(3, place).permute(0, 2, 3, 1, 4)
    theta = _host(present.expand(-1, -1, 1 + OFFERED, -1, -1))
    log_density = np.zeros(theta.shape[:3])
    for some in _batches(sorted(kept), target.coordinates.dimensions, theta.shape[1]):
        for half in range(2):
            own = slice(half, None, 2)
            density = side_by_side([kept[g].halves[half] for g in some.tolist()])
            values = theta[some, own]
            values[:, :, 1:] = _drawn(target, some, density, values[:, 0, 0], *(part[some, own] for part in numbers))
            theta[some, own] = values
            log_density[some, own] = _log_density(target, some, density, values)
    # A density of infinity: not to be chosen.
    theta = np.where(np.isposinf(log_density)[..., None, None], theta[:, :, :1], theta)
    states = torch.from_numpy(np.ascontiguousarray(theta.transpose(0, 3, 1, 2, 4))).to(state.theta.device)
    log_posterior = engine.start(states).log_likelihood.sum(1) + target.log_prior(states)
    log_weight = _host(log_posterior) - log_density
    chosen = torch.zeros(place.shape, dtype=torch.int64)
    for g, reference in kept.items():
        reference.log_weight.append(np.ascontiguousarray(log_weight[g, :, 1:].T))
        chosen[g] = torch.from_numpy(_choose(log_weight[g], numbers[3][g, :, 0]))[None, :, None, None]
    state.theta.scatter_(3, place, states.gather(3, chosen.to(states.device)))


def _batches(places: Sequence[int], dimensions: int, chains: int) -> Iterator[NDArray[np.int64]]:
    """Groups that go through the numbers of an offer together: few enough for the cache, whatever they are."""
    numbers = (MOST_COMPONENTS + 1) * (1 + OFFERED) * dimensions * -(-chains // 2)
    each = max(TOGETHER // numbers, 1)
    return (np.array(places[start : start + each]) for start in range(0, len(places), each))


def _drawn(
    target: Target,
    groups: NDArray[np.int64],
    density: Mixture,
    present: FloatArray,
    normal: FloatArray,
    chi_square: FloatArray,
    which: FloatArray,
    _: FloatArray,
) -> FloatArray:
    """States (B, C, m, D, P) drawn from densities by random numbers of C chains of each group."""
    batch, chains, offered, dimensions = normal.shape
    flat = batch, chains * offered
    x = density.draw(which.reshape(flat), normal.reshape(*flat, dimensions), chi_square.reshape(flat))
    theta = target.coordinates.states(groups, x, present)
    return theta.reshape(batch, chains, offered, *present.shape[1:])


def _log_density(target: Target, groups: int | NDArray[np.int64], density: Mixture, theta: FloatArray) -> FloatArray:
    """Logarithm of a density of states (..., C, n, D, P), (..., C, n); the same for every order of instances.

    The first state of each chain may be in any order. Others in another order than that of :func:`relabel` were drawn
    where the density does not count, and those beyond the range of numbers cannot be: infinity for both.
    """
    *lead, chains, draws, members, slots = theta.shape
    ordered = relabel(target, theta)
    bad = ~np.isfinite(theta).all((-2, -1)) | (ordered != theta).any((-2, -1))
    bad[..., 0] = False
    ordered = np.where(bad[..., None, None], ordered[..., :1, :, :], ordered)
    x, log_volume = target.coordinates.free(groups, ordered.reshape(*lead, chains * draws, members, slots))
    found = (density.log_density(x) - log_volume).reshape(bad.shape) - log_orders(target)
    found[bad | ~np.isfinite(found)] = np.inf
    return found


def _random_numbers(
    groups: Groups, state: State, dimensions: int, number: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Normal (G, C, m, d), chi-square (G, C, m) and two uniform numbers (G, C, m) each for one offer."""
    words = -(-dimensions // 4)
    slots = OFFER_SLOT + torch.arange(words + 2, device=state.theta.device)
    sweep = torch.tensor([number], device=state.theta.device)
    u = uniforms(groups.group_keys, state.theta.shape[2], OFFERED, sweep, slots)[:, 0]
    # The sine of one pair is the cosine of another, a quarter of a turn away.
    turned = torch.stack([u[1], (u[1] + 0.75) % 1.0, u[3], (u[3] + 0.75) % 1.0])[:, :words]
    normal = normals(u[[0, 0, 2, 2], :words], turned).flatten(0, 1)[:dimensions].permute(1, 2, 3, 0)
    # Of FREEDOM degrees of freedom, two from each of four words.
    chi_square = -2.0 * torch.log(u[:, -2]).sum(0)
    return _host(normal), _host(chi_square), _host(u[0, -1]), _host(u[1, -1])


def _choose(log_weight: FloatArray, uniform: FloatArray) -> NDArray[np.int64]:
    """Place of one of the states (C, m) of each chain, in proportion to its weight."""
    top = np.maximum(log_weight.max(1, keepdims=True), np.finfo(np.float64).min)
    total = np.cumsum(np.exp(log_weight - top), axis=1)
    # The present state where none has any weight.
    place = (total <= uniform[:, None] * total[:, -1:]).sum(1)
    return np.where(total[:, -1] > 0.0, np.minimum(place, log_weight.shape[1] - 1), 0)


def _host(values: Tensor) -> FloatArray:
    """Numbers on the host."""
    return np.array(values.cpu().numpy(), dtype=np.float64)
