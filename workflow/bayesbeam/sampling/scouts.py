"""Walks at beta = 1 from the starting points of a campaign: how wide the modes are that they lie in.

Only where jumps may go is learnt from them: no draw of theirs counts, so a starting point biases nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bayesbeam.sampling.engines.base import Engine, Tuned, start_state
from bayesbeam.sampling.groups import Groups
from bayesbeam.sampling.jumps import prior_edges
from bayesbeam.sampling.populations import ANCESTORS, BLOCK, LEARNING_RATE
from bayesbeam.sampling.settings import Settings
from bayesbeam.sampling.tuning import LARGEST, StepSizes, kinds_of
from bayesbeam.targets.base import Target

# Blocks of sweeps: enough for step sizes to shrink by seven decades, and to walk about after that.
BLOCKS = 40
# Widths of the half that a walk has covered, from which its tails go on.
COVERED = 1.5
# Their sweeps have numbers of their own.
FIRST_SWEEP = 1 << 24


def scout(target: Target, groups: Groups, engine: Engine, settings: Settings, starts: Sequence[Tensor]) -> Tensor:
    """States (G, D, C, 2 N, P) around starting points: where walks ended, and tails from there to the whole prior.

    Parameters
    ----------
    starts : sequence of Tensor (S, D, P), one a group
        As many for each group; they are taken in turn.
    """
    points = torch.stack(list(starts))[:, torch.arange(ANCESTORS) % len(starts[0])]
    theta = points.transpose(1, 2)[:, :, None].expand(-1, -1, settings.chains, -1, -1)
    state = start_state(theta)
    beta = torch.ones(*theta.shape[:1], ANCESTORS, dtype=torch.float64, device=target.device)
    edges = prior_edges(target)
    # A third of the prior, for there is no draw of it here to tell the spread: blocks soon find the size.
    wide = torch.log((edges[..., 0, -2] - edges[..., 0, 1]) / 3.0)
    logs = torch.tensor([prior.family.log_coordinate for prior in target.priors], device=target.device)
    spread = torch.where(logs[:, None, None, None], torch.zeros_like(wide), wide)
    steps = StepSizes(spread.clone(), spread + LARGEST, kinds_of(target))
    for block in range(BLOCKS):
        tuned = Tuned(beta, steps.scale, edges)
        news = engine.advance(state, tuned, groups.keys, FIRST_SWEEP + block * BLOCK, BLOCK)
        steps.learn(news.acceptance, LEARNING_RATE)
    return torch.cat([state.theta, _tails(state.theta, (edges[..., -1] - edges[..., 0])[..., 0, 0], len(starts[0]))], 3)


def _tails(theta: Tensor, prior: Tensor, starts: int) -> Tensor:
    """Places (G, D, C, N, P) on both sides of each mode, evenly in the logarithm of the distance.

    Jumps into a mode must reach its tails, and those of it that are wider at higher temperature.

    Parameters
    ----------
    theta : Tensor (G, D, C, N, P)
        Where walks ended that began from ``starts`` points in turn.
    prior : Tensor (P, G, D)
        Width of the prior of each slot.

    Notes
    -----
    Orders of values only, no sums: the same for any batch.
    """
    chains, many = theta.shape[2:4]
    found = torch.empty_like(theta)
    for start in range(min(starts, many)):
        own = torch.sort(theta[:, :, :, start::starts].flatten(2, 3), dim=2).values
        size = own.shape[2]
        middle, width = own[:, :, size // 2], COVERED * (own[:, :, size * 3 // 4] - own[:, :, size // 4])
        whole = prior.permute(1, 2, 0)
        width = torch.maximum(width, 1e-9 * whole)
        part = (torch.arange(size, dtype=theta.dtype, device=theta.device) // 2 + 0.5) / (size / 2)
        part, side = part[:, None], torch.where(torch.arange(size, device=theta.device) % 2 == 0, -1.0, 1.0)[:, None]
        distance = width[:, :, None] * torch.exp(part * torch.log(whole / width).clamp(min=0.0)[:, :, None])
        places = middle[:, :, None] + side * distance
        found[:, :, :, start::starts] = places.unflatten(2, (chains, -1))
    return found
