"""Ladders of inverse temperatures: re-spacing by the communication barrier.

Decides where the rungs stand; does not decide how many there are (tuning.py) nor how replicas move between them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FloatArray = NDArray[np.float64]


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
    # A floor keeps the barrier strictly rising where no rejection was seen.
    barrier = np.concatenate([[0.0], np.cumsum(np.maximum(rejection.numpy(), 1e-3))])
    # The inverse, beta as a function of the barrier, is interpolated on the square root of beta: beta spans decades.
    targets = torch.linspace(0.0, float(barrier[-1]), replicas, dtype=torch.float64).numpy()
    root = _interpolated(barrier, np.sqrt(beta.numpy()), targets)
    ladder = root * root
    ladder[0], ladder[-1] = 0.0, 1.0
    smallest = np.finfo(np.float64).eps
    for index in range(1, replicas - 1):
        ladder[index] = max(ladder[index], ladder[index - 1] * (1 + 1e-9) + smallest)
    return torch.from_numpy(ladder)


def _interpolated(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """Values at some places of the monotone cubic through points that rise.

    Source
    ------
    Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 300 (1984). Checked against: scipy.interpolate, which takes a
    tenth of a second to import.
    """
    width = np.diff(x)
    rate = np.diff(y) / width
    slope = _slopes(width, rate)
    bend = (slope[:-1] + slope[1:] - 2.0 * rate) / width
    place = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(width) - 1)
    way = at - x[place]
    second, third = ((rate - slope[:-1]) / width - bend)[place], (bend / width)[place]
    return y[place] + slope[place] * way + second * (way * way) + third * (way * way * way)


def _slopes(width: FloatArray, rate: FloatArray) -> FloatArray:
    """Slopes at points (n,) between which numbers rise at some rates (n - 1,)."""
    if len(rate) == 1:
        return np.repeat(rate, 2)
    before, after = width[:-1], width[1:]
    one, other = 2.0 * after + before, after + 2.0 * before
    with np.errstate(divide="ignore"):  # a flat part on either side
        inner = 1.0 / ((one / rate[:-1] + other / rate[1:]) / (one + other))
    ends = [_slope_at_end(*width[:2], *rate[:2]), _slope_at_end(*width[:-3:-1], *rate[:-3:-1])]
    return np.concatenate([ends[:1], inner, ends[1:]])


def _slope_at_end(width: float, next_width: float, rate: float, next_rate: float) -> float:
    """Slope at the first point, of the parabola through three; not against the rise."""
    return max(((2.0 * width + next_width) * rate - width * next_rate) / (width + next_width), 0.0)
