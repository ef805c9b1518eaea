"""Whether data are what a model would have given: the check "none of these candidates", with error rates that hold.

A posterior draw and the data it was drawn for are together as if both came from the model: one draw of parameters,
then data. What is standard normal for data given parameters is therefore standard normal for data given a posterior
draw, with nothing to correct for parameters that were fitted (Johnson, Bayesian Anal. 2, 719, 2007; Yuan and Johnson,
Biometrics 68, 156, 2012). Each test below is exact for one draw; draws and tests are joined by Cauchy combination.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]

# Null distribution of the largest local misfit: simulated spectra, and the quantile at which its formula is matched.
_SIMULATED, _MATCHED, _CHUNK = 2000, 0.95, 200_000
# Beyond so many points their number grows in proportion.
_MOST_SIMULATED = 3000
# Widths of windows grow by this factor, up to this share of the points.
_GROWTH, _WIDEST = 1.5, 0.25
_LARGEST_P = 0.99


@dataclass(frozen=True)
class Misfit:
    """Probabilities that data of the model itself would look as unlikely, and where they look least likely.

    Attributes
    ----------
    squares : float
        Of a sum of squared residuals as large.
    runs : float
        Of residuals that change their sign as rarely.
    local : float
        Of a neighbourhood, of any place and width, that lies as far from the curve.
    together : float
        Of all three as one test: below 0.01 in at most one of a hundred fits of the right model.
    first, last : int
        Points from which to which the farthest neighbourhood goes, counted points only.
    deviation : float
        How far it lies above the curve (below where negative), in its own standard deviations.
    """

    squares: float
    runs: float
    local: float
    together: float
    first: int
    last: int
    deviation: float


def misfit(scores: FloatArray) -> Misfit:
    """Tests of standardised residuals.

    Parameters
    ----------
    scores : array (n, N)
        Residuals of the N points that count, in order of the axis, for n posterior draws; standard normal and
        independent for each draw if the model is right.

    Raises
    ------
    ValueError
        If there is no draw or no point.
    """
    draws, points = scores.shape
    if draws == 0 or points == 0:
        raise ValueError(f"scores of shape {scores.shape}: draws and points are needed")
    squares = special.chdtrc(points, np.square(scores).sum(1))
    changes = ((scores[:, 1:] > 0) != (scores[:, :-1] > 0)).sum(1)
    # Half of what is as rare: a whole number would state more than it should in half of the cases.
    runs = 0.5 * (_as_few(changes, points - 1) + _as_few(changes - 1, points - 1)) if points > 1 else np.ones(draws)
    height, first, last, deviation = _farthest(scores)
    found = {"squares": combined(squares), "runs": combined(runs), "local": combined(_tail(height, points))}
    together = combined(np.array(list(found.values())))
    return Misfit(**found, together=together, first=first, last=last, deviation=deviation)


def combined(p: FloatArray) -> float:
    """One p-value of several that depend on each other: Cauchy combination (Liu and Xie, JASA 115, 393, 2020)."""
    clipped = np.clip(p, 1e-300, _LARGEST_P)
    # cot(pi p) for a tangent that would lose small p to rounding.
    mean = float(np.mean(1.0 / np.tan(math.pi * clipped)))
    return math.atan2(1.0, mean) / math.pi


def _as_few(changes: NDArray[np.int64], places: int) -> FloatArray:
    """Probability of at most so many changes of sign at so many places, where each is as likely as none."""
    found: FloatArray = np.where(changes < 0, 0.0, special.bdtr(np.maximum(changes, 0).astype(float), places, 0.5))
    return found


def widths(points: int) -> list[int]:
    """Numbers of neighbouring points that are looked at together."""
    found, width = [], 1
    while width <= max(1, int(_WIDEST * points)):
        found.append(width)
        width = max(width + 1, round(width * _GROWTH))
    return found


def _farthest(scores: FloatArray) -> tuple[FloatArray, int, int, float]:
    """Height of the farthest neighbourhood of each draw; that of their mean, with its place."""
    total = np.pad(np.cumsum(scores, axis=1), ((0, 0), (1, 0)))
    mean_total = total.mean(0)
    height = np.zeros(len(scores))
    best = (0, 0, 0.0)
    for width in widths(scores.shape[1]):
        sums = total[:, width:] - total[:, :-width]
        np.maximum(height, np.maximum(sums.max(1), -sums.min(1)) / math.sqrt(width), out=height)
        mean = (mean_total[width:] - mean_total[:-width]) / math.sqrt(width)
        place = int(np.abs(mean).argmax())
        if abs(mean[place]) > abs(best[2]):
            best = (place, place + width - 1, float(mean[place]))
    return height, *best


def _tail(height: FloatArray, points: int) -> FloatArray:
    """Probability that the farthest of all neighbourhoods lies so far, for as many as are in effect independent."""
    one: FloatArray = 2.0 * special.ndtr(-height)
    simulated = min(points, _MOST_SIMULATED)
    independent = _independent(simulated) * points / simulated
    return -np.expm1(independent * np.log1p(-np.minimum(one, 1.0 - 1e-16)))


@lru_cache(maxsize=64)
def _independent(points: int) -> float:
    """Number of independent neighbourhoods whose farthest is beyond the simulated 95 % quantile as often."""
    rng = np.random.Generator(np.random.Philox(points))
    rows = max(1, _CHUNK // points)
    sizes = [min(rows, _SIMULATED - start) for start in range(0, _SIMULATED, rows)]
    heights = np.concatenate([_farthest(rng.standard_normal((size, points)))[0] for size in sizes])
    quantile = float(np.quantile(heights, _MATCHED))
    return math.log(_MATCHED) / math.log1p(-2.0 * special.ndtr(-quantile))
