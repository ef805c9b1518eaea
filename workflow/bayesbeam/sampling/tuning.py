"""Step sizes of random walks by stochastic approximation, and the number of rungs a barrier asks for.

All that is tuned is frozen before the first draw that counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesbeam.sampling.record import mean_in_order
from bayesbeam.sampling.settings import FEWEST_REPLICAS, MOST_REPLICAS
from bayesbeam.targets.base import Target

WALK_ACCEPTANCE = 0.33
# A step beyond five spreads of the prior helps nobody.
LARGEST = math.log(5.0)


def prior_spread(target: Target, theta: Tensor) -> Tensor:
    """Logarithm of the spread of the prior in the coordinate of each walk, (P, G, D, 1).

    Parameters
    ----------
    theta : Tensor (G, D, C, R, P)
        Draws of the prior.
    """
    columns = []
    for j, prior in enumerate(target.priors):
        column = torch.log(theta[..., j]) if prior.family.log_coordinate else theta[..., j]
        # Each group by itself: the order of adding must not depend on the batch.
        columns.append(torch.stack([group.flatten(1).contiguous().std(-1) for group in column]))
    return torch.log(torch.stack(columns))[..., None]


def kinds_of(target: Target) -> list[list[int]]:
    """Moving slots of one name together: instances of one part, whose labels mean nothing."""
    kinds: dict[str, list[int]] = {}
    for j in target.moving:
        kinds.setdefault(target.slots[j].name, []).append(j)
    return list(kinds.values())


def of_one_length(kinds: Sequence[Sequence[int]]) -> list[Tensor]:
    """Kinds of equal length together, each a row: index tensors (n, k)."""
    lengths = dict.fromkeys(len(places) for places in kinds)
    return [torch.tensor([places for places in kinds if len(places) == length]) for length in lengths]


@dataclass
class StepSizes:
    """Random-walk sizes of slots, groups, members and rungs, moved towards one acceptance rate.

    Attributes
    ----------
    log_scale : Tensor (P, G, D, R), or (P, G, D, 1) where all replicas are at one beta
    limit : Tensor (P, G, D, 1)
        Largest values allowed.
    kinds : list of lists of int
        Slots that share a size.
    """

    log_scale: Tensor
    limit: Tensor
    kinds: list[list[int]]

    @property
    def scale(self) -> Tensor:
        """Sizes (P, G, D, R)."""
        return torch.exp(self.log_scale)

    def learn(self, acceptance: Tensor, rate: float) -> None:
        """Take in acceptance probabilities (P, G, D, C, R) in rung order."""
        mean = mean_in_order(acceptance, 3)
        if self.log_scale.shape[-1] == 1:
            mean = mean_in_order(mean, 3)[..., None]
        for places in of_one_length(self.kinds):
            change = rate * (mean_in_order(mean[places], 1)[:, None] - WALK_ACCEPTANCE)
            self.log_scale[places] = torch.minimum(self.log_scale[places] + change, self.limit[places])

    def to_ladder(self, old: Tensor, new: Tensor) -> None:
        """Carry the sizes from one ladder (G, R) to another (G, R') by interpolation in the square root of beta."""
        self.log_scale = interpolate(self.log_scale, old, new)

    def select(self, groups: Tensor) -> StepSizes:
        """Sizes of some of the groups."""
        return StepSizes(self.log_scale[:, groups], self.limit[:, groups], self.kinds)


def interpolate(values: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """Values (P, G, D, R) at inverse temperatures (G, R), at others (G, R'): linear in the square root of beta."""
    place, grid = torch.sqrt(new), torch.sqrt(old)
    upper = torch.clamp(torch.searchsorted(grid.contiguous(), place.contiguous()), 1, old.shape[1] - 1)
    low, high = grid.gather(1, upper - 1), grid.gather(1, upper)
    part = (place - low) / torch.clamp(high - low, min=1e-300)
    shape = (*values.shape[:3], new.shape[1])
    left = values.gather(-1, (upper - 1)[None, :, None].expand(shape))
    right = values.gather(-1, upper[None, :, None].expand(shape))
    return left + (right - left) * part[None, :, None]


def rungs_needed(barrier: float, simple: bool = False) -> int:
    """Number of rungs for a communication barrier: 1.75 times as many and three, or 1.4 times as many and two.

    The fewer where the posterior is simple: one density lies close to it, so little is to be found on the way.
    """
    rungs = math.ceil(1.4 * barrier) + 2 if simple else math.ceil(1.75 * barrier) + 3
    return min(max(rungs, FEWEST_REPLICAS), MOST_REPLICAS)
