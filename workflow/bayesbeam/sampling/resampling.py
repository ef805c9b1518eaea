"""Steps of populations in beta: how far, and which states go on; of all groups at once, where their numbers are.

Each group goes its own way by its own numbers, so what is in a batch changes nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bayesbeam.noise.base import row_sum

# Part of the states that is effective after a step in beta.
EFFECTIVE = 0.5
# Rank correlation of log-likelihoods before and after the moves at which a population has forgotten where it began.
FORGOTTEN = 0.3
# A step is right within one part in a hundred of the effective part, or after so many attempts.
NEAR, ATTEMPTS = 0.01, 30
_LOWEST = torch.finfo(torch.float64).min


def forgotten(before: Tensor, after: Tensor) -> Tensor:
    """Which groups have forgotten what the log-likelihoods (G, C, N) of as many states were: bool (G,).

    Source
    ------
    Buchholz, Chopin and Jacob, Bayesian Anal. 16, 745 (2021): number of moves adapted to what is left of correlation.
    """
    first, last = _centred_ranks(before.flatten(1)), _centred_ranks(after.flatten(1))
    size = torch.sqrt(row_sum(first * first) * row_sum(last * last))
    return (size == 0.0) | (row_sum(first * last) <= FORGOTTEN * size)


def _centred_ranks(values: Tensor) -> Tensor:
    """Ranks of values (G, n) less their mean; equal values share one."""
    values = values.contiguous()
    rising = values.sort(-1).values
    below, up_to = torch.searchsorted(rising, values), torch.searchsorted(rising, values, right=True)
    return 0.5 * (below + up_to + 1).double() - 0.5 * (values.shape[-1] + 1)


def next_betas(log_likelihood: Tensor, beta: Tensor) -> Tensor:
    """Next inverse temperatures: where half of the states of all populations of a group are effective, 1 at most.

    Parameters
    ----------
    log_likelihood : Tensor (G, C, n), float64, nats
        At ``beta``.
    beta : Tensor (G,), float64

    Returns
    -------
    Tensor (G,), float64

    Notes
    -----
    Impossible states (-inf) count neither as states nor as weight: at the prior they may be nearly all.
    """
    values = log_likelihood.flatten(1)
    possible = torch.isfinite(values)
    count = possible.sum(-1).double()
    values = torch.where(possible, values - torch.where(possible, values, -math.inf).amax(-1, keepdim=True), 0.0)

    def lack(step: Tensor) -> Tensor:
        weight = torch.where(possible, torch.exp(step[:, None] * values), 0.0)
        return torch.log(row_sum(weight) ** 2 / row_sum(weight * weight) / count / EFFECTIVE)

    most = 1.0 - beta
    done = ~(lack(most) < 0.0)
    last = done.clone()
    mean = row_sum(values) / count
    # In a normal distribution the logarithm of the effective part goes with the square of the step.
    spread = torch.sqrt(row_sum(torch.where(possible, (values - mean[:, None]) ** 2, 0.0)) / count)
    step = torch.minimum(math.sqrt(-math.log(EFFECTIVE)) / spread.clamp(min=1e-300), 0.5 * most)
    low, high = torch.zeros_like(step), most
    for attempt in range(1, ATTEMPTS + 1):
        if bool(done.all()):
            break
        missing = lack(step)
        low, high = torch.where(missing >= 0.0, step, low), torch.where(missing >= 0.0, high, step)
        done = done | (missing.abs() < NEAR)
        loss = missing + math.log(EFFECTIVE)
        better = torch.where(loss < 0.0, step * torch.sqrt(math.log(EFFECTIVE) / loss), high)
        # Where a few states are far below all others, one rule alone creeps.
        middle = torch.where(low > 0.0, torch.sqrt(low) * torch.sqrt(high), 0.5 * (low + high))
        within = (low < better) & (better < high) & (attempt % 4 != 0)
        step = torch.where(done, step, torch.where(within, better, middle))
    above = torch.maximum(beta + step, torch.nextafter(beta, torch.full_like(beta, 2.0)))
    return torch.where(last, 1.0, above)


def resampled(log_likelihood: Tensor, step: Tensor, uniform: Tensor, count: int) -> Tensor:
    """Systematic choice of ``count`` states in each population by their weights towards a step in beta.

    Parameters
    ----------
    log_likelihood : Tensor (G, C, n), float64, nats
    step : Tensor (G,)
    uniform : Tensor (G, C)

    Returns
    -------
    Tensor (G, C, count), int64
        Places in the flattened (C n) states: of its own population, or of all where its own has no possible state; of
        a group without one, evenly.
    """
    chains, size = log_likelihood.shape[1:]
    points = (torch.arange(count, device=step.device) + uniform[..., None]) / count
    own = torch.arange(chains, device=step.device)[:, None] * size
    top = log_likelihood.amax(-1, keepdim=True)
    lost = ~torch.isfinite(top)
    found = _chosen(log_likelihood - torch.where(lost, 0.0, top), step[:, None, None], points) + own
    if bool(lost.any()):
        highest = top.amax(1, keepdim=True)
        none = ~torch.isfinite(highest)
        everyone = log_likelihood.flatten(1)[:, None] - torch.where(none, 0.0, highest)
        anywhere = _chosen(everyone, step[:, None, None], points.flatten(1)[:, None]).view_as(points)
        evenly = own + (points * size).to(torch.int64)
        found = torch.where(lost, torch.where(none, evenly, anywhere), found)
    return found


def _chosen(log_weight: Tensor, step: Tensor, points: Tensor) -> Tensor:
    """Places (..., m) of points (..., m) from 0 to 1 in the cumulated weights of states (..., n)."""
    # Finite numbers, for at a step of 0 an impossible state is as good as any.
    total = torch.cumsum(torch.exp(step * torch.nan_to_num(log_weight, neginf=_LOWEST)), -1)
    places = torch.searchsorted(total, (points * total[..., -1:]).contiguous(), right=True)
    return places.clamp(max=total.shape[-1] - 1)
