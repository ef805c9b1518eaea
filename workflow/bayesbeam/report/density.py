"""Smooth density of draws, for drawing only.

Kernel estimate on a grid with Silverman's rule, reflected where draws pile up at an edge, as bounded quantities do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_BINS = 512
_PILE = 0.03  # share of draws within one kernel width of an extreme that makes it an edge: about 0.003 for a normal


def density(draws: Array, low: float, high: float, points: int = 120) -> tuple[Array, Array]:
    """Density of draws between two values, on an even grid.

    Parameters
    ----------
    draws : ndarray (S,)
        Draws; those that are not finite are left out.
    low, high : float
        Range of the grid, ``low < high``.
    points : int
        Length of the grid.

    Returns
    -------
    tuple of ndarray
        Grid and density, which integrates to one over all values (not only the range).

    Source
    ------
    Silverman, Density Estimation (1986), equation 3.31. Checked against: the normal density, in the tests.
    """
    grid = np.linspace(low, high, points)
    finite = draws[np.isfinite(draws)]
    width = bandwidth(finite)
    if finite.size < 2 or width == 0:
        return grid, np.zeros(points)
    first, last = float(finite.min()), float(finite.max())
    edges = np.linspace(min(first, low) - 4 * width, max(last, high) + 4 * width, _bins(first, last, width) + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    at_first = np.mean(finite < first + width) > _PILE
    at_last = np.mean(finite > last - width) > _PILE
    mirrored = [finite, *([2 * first - finite] if at_first else []), *([2 * last - finite] if at_last else [])]
    counts = np.histogram(np.concatenate(mirrored), bins=edges)[0].astype(np.float64)
    step = centres[1] - centres[0]
    reach = np.arange(-np.ceil(4 * width / step), np.ceil(4 * width / step) + 1) * step
    kernel = np.exp(-0.5 * (reach / width) ** 2)
    smooth = np.convolve(counts, kernel / kernel.sum(), mode="same") / (finite.size * step)
    inside = np.interp(grid, centres, smooth)
    outside = (at_first & (grid < first)) | (at_last & (grid > last))
    return grid, np.where(outside, 0.0, inside)


def bandwidth(draws: Array) -> float:
    """Width of the kernel: 0.9 min(sd, interquartile range / 1.34) n^(-1/5)."""
    if draws.size < 2:
        return 0.0
    quarter, three = np.quantile(draws, [0.25, 0.75])
    spreads = [one for one in (float(draws.std()), float(three - quarter) / 1.34) if one > 0]
    return 0.9 * min(spreads) * float(draws.size) ** -0.2 if spreads else 0.0


def _bins(first: float, last: float, width: float) -> int:
    """Bins fine enough for the kernel, within reason."""
    return int(np.clip(4 * (last - first) / width, _BINS, 8 * _BINS))
