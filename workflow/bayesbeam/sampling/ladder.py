"""Ladders of inverse temperatures: re-spacing by the communication barrier.

Decides where the rungs stand; does not decide how many there are (tuning.py) nor how replicas move between them.
"""

from __future__ import annotations

import torch
from torch import Tensor


def respace(beta: Tensor, rejection: Tensor, replicas: int) -> Tensor:
    """Ladder with equal barrier between neighbours.

    Parameters
    ----------
    beta : Tensor (G, R), float64
        Present ladders.
    rejection : Tensor (G, R-1), float64
        Mean rejection probability of each neighbour pair.
    replicas : int
        Length of the new ladders.

    Returns
    -------
    Tensor (G, replicas), float64, from 0 to 1, strictly rising

    Notes
    -----
    The cumulative barrier is interpolated monotonically (Fritsch and Carlson) in beta and inverted on a grid.

    Source
    ------
    Syed, Bouchard-Cote, Deligiannidis, Doucet, JRSS-B 84, 321 (2022), arXiv 1905.02939, algorithm 3.
    """
    return torch.stack([_respace_one(b, r, replicas) for b, r in zip(beta.cpu(), rejection.cpu(), strict=True)]).to(
        beta.device
    )


def _respace_one(beta: Tensor, rejection: Tensor, replicas: int) -> Tensor:
    """Re-space one ladder."""
    from scipy.interpolate import PchipInterpolator

    # A floor keeps the barrier strictly rising where no rejection was seen.
    step = torch.clamp(rejection, min=1e-3)
    barrier = torch.cat([step.new_zeros(1), torch.cumsum(step, 0)])
    # The inverse, beta as a function of the barrier, is interpolated on the square root of beta: beta spans decades.
    inverse = PchipInterpolator(barrier.numpy(), torch.sqrt(beta).numpy())
    targets = torch.linspace(0.0, float(barrier[-1]), replicas, dtype=torch.float64)
    root = torch.from_numpy(inverse(targets.numpy()))
    ladder = root * root
    ladder[0], ladder[-1] = 0.0, 1.0
    smallest = torch.finfo(torch.float64).eps
    for index in range(1, replicas - 1):
        ladder[index] = torch.maximum(ladder[index], ladder[index - 1] * (1 + 1e-9) + smallest)
    return ladder
