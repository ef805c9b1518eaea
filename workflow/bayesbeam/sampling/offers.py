"""Offers: states drawn from a density close to the posterior, of which one may take the place of that at beta = 1.

What is drawn, and how well it fits, does not depend on the chains: it is made for several offers at once. Only the
choice has to wait for the state that is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.rng import normals, uniforms
from bayesbeam.sampling.engines.base import START_SLOT, Engine, State
from bayesbeam.sampling.groups import Groups
from bayesbeam.sampling.mixture import MOST_COMPONENTS, Mixture, side_by_side
from bayesbeam.sampling.reference import Reference, host, log_prior_of
from bayesbeam.targets.base import Target
from bayesbeam.targets.exchangeable import log_orders, out_of_order, relabel

FloatArray = NDArray[np.float64]

# Sweeps between offers, and states that are offered together.
EVERY, OFFERED = 5, 40
# Numbers in the largest array of what is computed for several groups and offers at once.
TOGETHER = 1 << 17
# Slots of random numbers, beyond those of the populations.
OFFER_SLOT = START_SLOT + (1 << 20)


@dataclass(frozen=True)
class Offer:
    """States drawn for one offer to all chains of some groups.

    Attributes
    ----------
    places : array (B,)
        The groups, by place; others are offered nothing.
    halves : tuple of Mixture
        Their densities for even chains and for odd ones, side by side.
    theta : Tensor (G, D, C, m, P)
    log_weight : array (B, C, m)
        Logarithms of posterior (not normalised) over density.
    uniform : array (B, C)
        Numbers to choose by.
    """

    places: NDArray[np.int64]
    halves: tuple[Mixture, Mixture]
    theta: Tensor
    log_weight: FloatArray
    uniform: FloatArray


class _Numbers(NamedTuple):
    """Random numbers of T offers: normal (G, T, d, C, m), the others (G, T, C, m), those to choose by (G, T, C)."""

    normal: FloatArray
    chi_square: FloatArray
    which: FloatArray
    choice: FloatArray


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
    found: FloatArray = log_likelihood + log_prior_of(target, group, theta.transpose(2, 0, 1, 3)).T
    x, log_volume = _coordinates(target, group, theta.transpose(2, 0, 1, 3).reshape(-1, *theta.shape[1::2]))
    x, log_volume = x.reshape(*found.T.shape, -1), log_volume.reshape(found.T.shape)
    for half, density in enumerate(reference.halves):
        own = slice(half, None, 2)
        log_density = density.log_density(x[own].reshape(-1, x.shape[2])).reshape(log_volume[own].shape)
        found[:, own] -= _normalised(target, log_density - log_volume[own]).T
    return found


def offers_at(
    references: Sequence[Reference | None], engine: Engine, groups: Groups, state: State, numbers: Sequence[int]
) -> Iterator[Offer]:
    """Offers of the densities, one for each of some sweeps; none where no group has a density.

    Parameters
    ----------
    references : sequence of Reference or None, one a group of the target
    state : State
        Of which slots that do not move are taken.
    numbers : sequence of int
        Numbers of the sweeps.
    """
    places = np.array([g for g, reference in enumerate(references) if reference is not None], dtype=np.int64)
    if not len(places) or not len(numbers):
        return
    kept = [reference for reference in references if reference is not None]
    even, odd = (side_by_side([reference.halves[half] for reference in kept]) for half in range(2))
    once = _offers_at_once(engine, *state.theta.shape[:3:2])
    batches = list(_batches(places, (even, odd), _numbers_a_group(engine.target, state.theta.shape[2]) * once))
    for start in range(0, len(numbers), once):
        some = numbers[start : start + once]
        random = _random_numbers(groups, state, engine.target.coordinates.dimensions, some)
        theta, log_density = _drawn(engine.target, batches, host(state.theta[..., 0, :]), random)
        log_weight = _log_posterior(engine, theta)[places] - log_density[places]
        for t in range(len(some)):
            own = slice(t * OFFERED, (t + 1) * OFFERED)
            yield Offer(places, (even, odd), theta[..., own, :], log_weight[..., own], random.choice[places, t])


def offer(references: Sequence[Reference | None], engine: Engine, state: State, offered: Offer) -> None:
    """Offer states that were drawn to the states at beta = 1, in place.

    Parameters
    ----------
    references : sequence of Reference or None, one a group of the target
        What was drawn is written down in them.

    Notes
    -----
    Of the state at beta = 1 and those offered one is chosen in proportion to posterior over density: this leaves the
    posterior as it is, for states offered are independent of the chain.

    Source
    ------
    Tjelmeland, Using all Metropolis-Hastings proposals to estimate mean values, Trondheim (2004); Andrieu, Lee and
    Vihola, Bernoulli 24, 842 (2018): iterated sampling importance resampling.
    """
    places = offered.places
    present = state.on_top(1)
    log_weight = _log_posterior(engine, present)[places]
    x, log_volume = _coordinates(engine.target, places, host(present)[places, :, :, 0].swapaxes(1, 2))
    for half, density in enumerate(offered.halves):
        own = slice(half, None, 2)
        log_weight[:, own, 0] -= _normalised(engine.target, density.log_density(x[:, own]) - log_volume[:, own])
    # The present state first, then those offered.
    chosen = _choose(np.concatenate([log_weight, offered.log_weight], -1), offered.uniform)
    for g, one in zip(places, offered.log_weight, strict=True):
        reference = references[g]
        assert reference is not None
        reference.log_weight.append(np.ascontiguousarray(one.T))
    _put_in(state, present, offered, chosen)


def _put_in(state: State, present: Tensor, offered: Offer, chosen: NDArray[np.int64]) -> None:
    """Put the states chosen (B, C) in the place of those at beta = 1."""
    groups, members, chains, _, slots = state.theta.shape
    index = torch.zeros(groups, chains, dtype=torch.int64)
    index[offered.places] = torch.from_numpy(chosen)
    index = index.to(state.theta.device)[:, None, :, None, None].expand(groups, members, chains, 1, slots)
    taken = torch.where(index > 0, offered.theta.gather(3, (index - 1).clamp(min=0)), present)
    place = state.replica_on_rung[:, None, :, -1:, None].expand_as(index)
    state.theta.scatter_(3, place, taken)


def _log_posterior(engine: Engine, theta: Tensor) -> FloatArray:
    """Logarithm of the posterior (not normalised) of states (G, D, C, m, P), (G, C, m)."""
    return host(engine.start(theta).log_likelihood.sum(1) + engine.target.log_prior(theta))


def _offers_at_once(engine: Engine, groups: int, chains: int) -> int:
    """Offers whose numbers are held together: parameters, and curves where the engine makes whole ones."""
    target = engine.target
    each = target.points if engine.name == "eager" else len(target.slots)
    numbers = groups * chains * OFFERED * target.members * each
    return max(TOGETHER // max(numbers, _numbers_a_group(target, chains)), 1)


def _numbers_a_group(target: Target, chains: int) -> int:
    """Numbers in the largest array on the way of one group through one offer."""
    return (MOST_COMPONENTS + 1) * OFFERED * target.coordinates.dimensions * -(-chains // 2)


def _batches(
    places: NDArray[np.int64], halves: tuple[Mixture, Mixture], numbers: int
) -> Iterator[tuple[NDArray[np.int64], list[Mixture]]]:
    """Groups that are worked on together, few enough for the cache whatever they are, and densities of both halves."""
    each = max(TOGETHER // numbers, 1)
    for start in range(0, len(places), each):
        own = slice(start, start + each), None
        yield places[own[0]], [Mixture(one.weight[own], one.mean[own], one.factor[own]) for one in halves]


def _drawn(
    target: Target, batches: Sequence[tuple[NDArray[np.int64], list[Mixture]]], like: FloatArray, random: _Numbers
) -> tuple[Tensor, FloatArray]:
    """States (G, D, C, T m, P) drawn for T offers, slots that do not move as in (G, D, C, P); log density (G, C, T m).

    States of groups without a density are as those given.
    """
    groups, offers, _, chains, offered = random.normal.shape
    theta = np.broadcast_to(like[:, :, :, None], (*like.shape[:3], offers * offered, like.shape[3])).copy()
    log_density = np.zeros((groups, chains, offers * offered))
    for some, halves in batches:
        for half, density in enumerate(halves):
            own = slice(half, None, 2)
            numbers = [values[some][..., own, :] for values in random[:3]]
            theta[some, :, own], log_density[some, own] = _of_half(target, some, density, like[some, :, 0], *numbers)
    return torch.from_numpy(theta).to(target.device), log_density


def _of_half(
    target: Target,
    groups: NDArray[np.int64],
    density: Mixture,
    like: FloatArray,
    normal: FloatArray,
    chi_square: FloatArray,
    which: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """States (B, D, C, T m, P) of C chains of each group, and the logarithm of their density (B, C, T m).

    States in another order than that of :func:`relabel` were drawn where the density does not count, and those beyond
    the range of numbers cannot be: a density of infinity for both, for they are not to be chosen.
    """
    lead, dimensions, shape = normal.shape[:2], normal.shape[2], which.shape
    x = density.draw(which.reshape(*lead, -1), normal.reshape(*lead, dimensions, -1), chi_square.reshape(*lead, -1))
    value, log_volume = target.coordinates.values(groups, x)
    log_density = _normalised(target, density.log_density_of(x) - log_volume)
    theta = target.coordinates.placed(value, like[:, None])
    impossible = np.logical_not(np.isfinite(value).all(-2))
    if np.any(impossible):
        theta = np.where(impossible[..., None, None], like[:, None, None], theta)
    log_density = np.where(impossible | out_of_order(target, theta), np.inf, log_density)
    theta = theta.reshape(*shape, *like.shape[1:]).transpose(0, 4, 2, 1, 3, 5)
    members, chains = theta.shape[1:3]
    return (
        theta.reshape(len(groups), members, chains, -1, like.shape[2]),
        log_density.reshape(shape).swapaxes(1, 2).reshape(len(groups), chains, -1),
    )


def _coordinates(target: Target, groups: int | NDArray[np.int64], theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coordinates of states (..., n, D, P), alike for every order of instances, and their volumes (..., n)."""
    return target.coordinates.free(groups, relabel(target, theta))


def _normalised(target: Target, log_density: FloatArray) -> FloatArray:
    """A log density of states in order, shared out among all orders; infinite where it is not a number."""
    log_density -= log_orders(target)
    return np.where(np.isfinite(log_density), log_density, np.inf)


def _random_numbers(groups: Groups, state: State, dimensions: int, numbers: Sequence[int]) -> _Numbers:
    """Random numbers of all groups for some offers."""
    device = state.theta.device
    words = -(-dimensions // 4)
    slots = OFFER_SLOT + torch.arange(words + 2, device=device)
    u = uniforms(groups.group_keys, state.theta.shape[2], OFFERED, torch.tensor(list(numbers), device=device), slots)
    normal = u[:, :, :words]
    # The sine of one pair is the cosine of another, a quarter of a turn away.
    turned = torch.stack([normal[1::2], (normal[1::2] + 0.75) % 1.0], 1)
    # Axes (2, 2, T, words, G, C, m): a word gives four numbers.
    normal = normals(normal[::2, None], turned).permute(4, 2, 0, 1, 3, 5, 6).flatten(2, 4)[:, :, :dimensions]
    # Of FREEDOM degrees of freedom, two from each of four words.
    chi_square = -2.0 * torch.log(u[:, :, -2]).sum(0)
    others = [host(values.transpose(0, 1)) for values in (chi_square, u[0, :, -1], u[1, :, -1, ..., 0])]
    return _Numbers(host(normal), *others)


def _choose(log_weight: FloatArray, uniform: FloatArray) -> NDArray[np.int64]:
    """Place of one of the states (..., m) of each chain, in proportion to its weight."""
    top = np.maximum(log_weight.max(-1, keepdims=True), np.finfo(np.float64).min)
    total = np.cumsum(np.exp(log_weight - top), axis=-1)
    # The present state where none has any weight.
    place = (total <= uniform[..., None] * total[..., -1:]).sum(-1)
    found: NDArray[np.int64] = np.where(total[..., -1] > 0.0, np.minimum(place, log_weight.shape[-1] - 1), 0)
    return found
