"""Tuning of a run: starting ladder, step sizes by stochastic approximation, re-spacing, number of rungs.

All that is tuned is frozen before the first draw that counts.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bayesbeam.sampling.record import mean_in_order
from bayesbeam.sampling.settings import FEWEST_REPLICAS, MOST_REPLICAS
from bayesbeam.targets.sum import SumTarget

WALK_ACCEPTANCE = 0.35
ROUNDS = (20, 40, 80)
LAST_ROUNDS = (60, 100)


def first_ladder(log_likelihood: Tensor, replicas: int) -> Tensor:
    """Ladders (G, R) that start where the likelihood begins to matter for draws of the prior.

    Parameters
    ----------
    log_likelihood : Tensor (G, n), float64
        Log-likelihoods of prior draws.
    """
    finite = torch.where(torch.isfinite(log_likelihood), log_likelihood, torch.nan)
    spread = torch.nanquantile(finite, 0.9, dim=1) - torch.nanquantile(finite, 0.1, dim=1)
    lowest = 1.0 / torch.clamp(torch.nan_to_num(spread, nan=1e3), min=10.0)
    power = torch.linspace(1.0, 0.0, replicas - 1, dtype=torch.float64, device=lowest.device)
    ladder = torch.exp(torch.log(lowest)[:, None] * power)
    return torch.cat([torch.zeros_like(ladder[:, :1]), ladder], dim=1)


def first_scale(target: SumTarget, theta: Tensor, beta: Tensor, log_likelihood: Tensor) -> Tensor:
    """Sizes of the random walks (P, G, D, R): the spread of the prior, narrower where the likelihood weighs more.

    Parameters
    ----------
    theta : Tensor (G, D, C, R, P)
        Draws of the prior.
    """
    columns = []
    weight = beta * torch.clamp(_spread(log_likelihood), min=1.0)[:, None]
    shrink = 1.0 / torch.sqrt(1.0 + weight)
    for j, prior in enumerate(target.priors):
        column = torch.log(theta[..., j]) if prior.family.log_coordinate else theta[..., j]
        # Each group by itself: the order of adding must not depend on the batch.
        sd = torch.stack([group.flatten(1).contiguous().std(-1) for group in column])
        columns.append(sd[..., None] * shrink[:, None, :])
    return torch.stack(columns)


def _spread(log_likelihood: Tensor) -> Tensor:
    """Robust spread of finite values per group, (G,)."""
    finite = torch.where(torch.isfinite(log_likelihood), log_likelihood, torch.nan)
    value = torch.nanquantile(finite, 0.9, dim=1) - torch.nanquantile(finite, 0.1, dim=1)
    return torch.nan_to_num(value, nan=1.0)


class StepSizes:
    """Random-walk sizes per kind of slot, group, member and rung, moved towards one acceptance rate.

    Instances of one part share a size, for their labels mean nothing.
    """

    def __init__(self, target: SumTarget, scale: Tensor) -> None:
        self.log_scale = torch.log(scale)
        self.limit = self.log_scale.amax(dim=-1, keepdim=True) + math.log(5.0)
        kinds: dict[str, list[int]] = {}
        for j in target.moving:
            kinds.setdefault(target.slots[j].name, []).append(j)
        self._kinds = [torch.tensor(places, device=scale.device) for places in kinds.values()]
        self._steps = 0

    @property
    def on_rungs(self) -> Tensor:
        """Sizes (P, G, D, R) on each rung."""
        return torch.exp(self.log_scale)

    def learn(self, acceptance: Tensor) -> None:
        """Take in acceptance probabilities (P, G, D, C, R) in rung order."""
        self._steps += 1
        rate = 1.0 / math.sqrt(1.0 + self._steps / 15.0)
        mean = mean_in_order(acceptance, 3)
        for places in self._kinds:
            change = rate * (mean_in_order(mean[places], 0)[None] - WALK_ACCEPTANCE)
            self.log_scale[places] = torch.minimum(self.log_scale[places] + change, self.limit[places])

    def to_ladder(self, old: Tensor, new: Tensor) -> None:
        """Carry the sizes from one ladder (G, R) to another (G, R') by interpolation in the square root of beta."""
        place = torch.sqrt(new)
        grid = torch.sqrt(old)
        upper = torch.clamp(torch.searchsorted(grid.contiguous(), place.contiguous()), 1, old.shape[1] - 1)
        low, high = grid.gather(1, upper - 1), grid.gather(1, upper)
        part = (place - low) / torch.clamp(high - low, min=1e-300)
        shape = (*self.log_scale.shape[:3], new.shape[1])
        left = self.log_scale.gather(-1, (upper - 1)[None, :, None].expand(shape))
        right = self.log_scale.gather(-1, upper[None, :, None].expand(shape))
        self.log_scale = left + (right - left) * part[None, :, None]

    def continue_from(self, other: StepSizes) -> None:
        """Go on with the learning rate of another run of tuning."""
        self._steps = other._steps

    def select(self, groups: Tensor) -> None:
        """Keep some groups only."""
        self.log_scale = self.log_scale[:, groups]
        self.limit = self.limit[:, groups]


def rungs_needed(rejection: Tensor) -> Tensor:
    """Number of rungs (G,) for rejection rates (G, R-1): 1.75 times the barrier, and a few."""
    barrier = rejection.sum(1)
    wanted = torch.ceil(1.75 * barrier).to(torch.int64) + 4
    return torch.clamp(wanted, FEWEST_REPLICAS, MOST_REPLICAS)


__all__ = ["LAST_ROUNDS", "ROUNDS", "StepSizes", "first_ladder", "first_scale", "rungs_needed"]
