"""What a cloud of states tells: tables for jumps, a ladder with its number of rungs, states and step sizes on rungs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.rng import uniforms
from bayesbeam.sampling.engines.base import START_SLOT
from bayesbeam.sampling.jumps import BINS
from bayesbeam.sampling.ladder import respace
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.tuning import interpolate, of_one_length, rungs_needed

if TYPE_CHECKING:
    from bayesbeam.sampling.populations import Climb

FloatArray = NDArray[np.float64]

# States of a cloud per quantile of the prior in a table: a jump goes anywhere in the prior one time in five.
SHARE = 4
# Tables with scouts: bins for one of a table without, how many of those are not of the prior, and the share of clouds.
FINER, OF_SCOUTS, SHARE_WITH_SCOUTS = 4, 3, 1
FILL_SLOT = START_SLOT + (1 << 19)
# Rungs are even in number, so that groups that need about as many move together.
EVEN = 2


def cloud_edges(prior: Tensor, cloud: Tensor, kinds: list[list[int]]) -> Tensor:
    """Jump tables of a cloud mixed with the prior; instances of one part share a table.

    Parameters
    ----------
    prior : Tensor (P, G, D, 1, 1, B + 1)
        Tables of the priors.
    cloud : Tensor (G, D, C, N, P)

    Returns
    -------
    Tensor (P, G, D, 2, 1, B + 1), strictly rising for moving slots
        Tables for even chains and for odd ones; of a single chain only the first.

    Notes
    -----
    Even chains get the table of odd ones, and these theirs: were the states that are about to move among those the
    table is made of, they would jump to places that depend on where they are, which biases F.
    """
    bins, chains = prior.shape[-1] - 1, cloud.shape[2]
    share = SHARE if bins <= BINS else SHARE_WITH_SCOUTS
    found = prior.expand(-1, -1, -1, tables_of(chains), -1, -1).clone()
    for half in range(found.shape[3]):
        others = cloud[:, :, 1 - half :: 2] if chains > 1 else cloud
        values = others.flatten(2, 3)
        for places in of_one_length(kinds):
            own = values[..., places].movedim(-2, 0).flatten(3)
            edges = _mixed(prior[places[:, 0], ..., 0, 0, :], own, bins, share)
            found[places, ..., half, :, :] = edges[:, None, :, :, None]
    return found


def tables_of(chains: int) -> int:
    """Tables that so many chains share: those of even number one, those of odd number another."""
    return min(chains, 2)


def with_scouts(prior: Tensor, scouts: Tensor, kinds: list[list[int]]) -> Tensor:
    """Tables (P, G, D, 1, 1, 4 B + 1), a quarter of their bins of the priors and the rest of scouts (G, D, C, N, P).

    Fine enough that what a table of a cloud keeps of these, every second edge, still covers the tails of the scouts: a
    narrow mode of which the tails were out of reach would lose their weight, and F would not show it.
    """
    bins = prior.shape[-1] - 1
    many = FINER * bins
    wide = torch.cat([prior, prior[..., -1:].expand(*prior.shape[:-1], many - bins)], -1).clone()
    wide[..., bins:] = prior[..., -1:] + torch.arange(many - bins + 1, dtype=prior.dtype, device=prior.device)
    for places in kinds:
        values = torch.sort(scouts.flatten(2, 3)[..., places].flatten(2), dim=-1).values
        wide[places] = _mixed(prior[places[0], ..., 0, 0, :], values, many, OF_SCOUTS)[:, :, None, None]
    return wide


def _mixed(prior: Tensor, values: Tensor, bins: int, share: int) -> Tensor:
    """Edges (..., B + 1) of equally probable bins of values (..., n) mixed with prior quantiles (..., b + 1)."""
    many = share * (prior.shape[-1] - 2)
    few, pick = _evenly(values.shape[-1], many), _evenly(many + prior.shape[-1] - 2, bins + 1)
    low, high = prior[..., :1], prior[..., -1:]
    pool = torch.cat([torch.clamp(values[..., few], low, high), prior[..., 1:-1]], -1)
    edges = torch.cat([low, torch.sort(pool, dim=-1).values[..., pick[1:-1]], high], -1)
    # Equal states would make bins without width; all shifts together are to be less than the narrowest mode.
    least = 1e-9 if bins <= BINS else 1e-12
    smallest = torch.maximum(least * (high - low), 1e-14 * torch.maximum(low.abs(), high.abs()))
    return edges + smallest * torch.arange(bins + 1, dtype=torch.float64, device=edges.device)


@lru_cache(maxsize=16)
def _evenly(length: int, number: int) -> Tensor:
    """So many places in a row of some length, evenly taken, from the first to the last."""
    return torch.linspace(0, length - 1, number, dtype=torch.float64).round().to(torch.int64)


def ladder_of(climb: Climb, settings: Settings, simple: bool = False) -> FloatArray:
    """Ladder (R,) for a group with equal barrier between rungs, from what its populations saw."""
    rejection = rejections(climb)
    rungs = settings.replicas
    if rungs is None:
        rungs = rungs_needed(float(rejection.sum()), simple)
        rungs += rungs % EVEN
    beta = torch.tensor([climb.beta], dtype=torch.float64)
    return respace(beta, torch.from_numpy(rejection)[None], rungs)[0].numpy()


def rejections(climb: Climb) -> FloatArray:
    """Rejection probability of an exchange between each stage and the next, (L,).

    Notes
    -----
    States of one population are compared with those of the next population: its own descend from them.
    """
    found = []
    for k, step in enumerate(np.diff(climb.beta)):
        lower, upper = climb.log_likelihood[k], np.roll(climb.log_likelihood[k + 1], 1, axis=0)
        pairs = min(lower.shape[1], upper.shape[1])
        lower, upper = lower[:, -pairs:], upper[:, -pairs:]
        with np.errstate(invalid="ignore"):  # two impossible states
            gain = np.where(np.isneginf(lower), -np.inf, lower - upper)
        found.append(1.0 - np.exp(np.minimum(step * gain, 0.0)).mean())
    return np.array(found)


def states_on(climb: Climb, beta: FloatArray, key: Tensor) -> Tensor:
    """States (D, C, R, P) for the rungs of a ladder, each from the stage below by weight, chain by chain.

    Parameters
    ----------
    beta : array (R,)
    key : Tensor (2,)
        Stream key of the group.
    """
    chains, size = climb.cloud_likelihood[0].shape
    zero = torch.zeros(1, dtype=torch.int64, device=key.device)
    u = uniforms(key, chains, len(beta), zero, zero + FILL_SLOT)[0, 0, 0].cpu().numpy()
    columns = []
    for r, (value, k) in enumerate(zip(beta, stage_below(climb, beta), strict=True)):
        likelihood = climb.cloud_likelihood[k]
        top = np.maximum(likelihood.max(axis=1, keepdims=True), np.finfo(np.float64).min)
        # Finite numbers, for on the stage's own beta an impossible state is as good as any.
        total = np.cumsum(np.exp((value - climb.beta[k]) * np.nan_to_num(likelihood - top)), axis=1)
        # A chain without any possible state begins anywhere.
        total = np.where(total[:, -1:] > 0, total, np.arange(1.0, size + 1))
        place = np.minimum((total <= u[:, r : r + 1] * total[:, -1:]).sum(axis=1), size - 1)
        index = torch.from_numpy(place).to(key.device)
        columns.append(climb.cloud[k][:, torch.arange(chains, device=key.device), index])
    return torch.stack(columns, 2)


def scales_on(climb: Climb, beta: FloatArray) -> Tensor:
    """Logarithms of step sizes (P, D, R) on the rungs of a ladder."""
    old = torch.tensor([climb.beta], dtype=torch.float64, device=climb.log_scale[0].device)
    new = torch.from_numpy(beta)[None].to(old.device)
    return interpolate(torch.cat(climb.log_scale, -1)[:, None], old, new)[:, 0]


def edges_on(climb: Climb, beta: FloatArray) -> Tensor:
    """Jump tables (P, D, T, R, B + 1) on the rungs of a ladder."""
    return torch.cat([climb.edges[k] for k in stage_below(climb, beta)], -2)


def stage_below(climb: Climb, beta: FloatArray) -> list[int]:
    """Last stage at or below each inverse temperature."""
    found = np.searchsorted(np.array(climb.beta), beta, side="right") - 1
    return [int(k) for k in found]
