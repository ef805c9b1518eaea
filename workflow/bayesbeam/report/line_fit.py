"""Weighted straight line through means along a series, with the interval of its slope."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LineFit:
    """Straight line y = middle + slope (x - pivot).

    Attributes
    ----------
    slope, standard_error : float
        The error is that of the given errors together with ``scatter``.
    interval : tuple of float
        95 % by Student's t with ``points - 2`` degrees of freedom.
    middle, pivot : float
        Value at the weighted mean of x, and that mean.
    scatter : float
        Standard deviation of the points about the line beyond their own errors, in units of y; 0 where those suffice.
    stretch : float
        Root of chi squared over its degrees of freedom without ``scatter``, at least 1: how much more the points
        scatter about a line than their errors say.
    points : int
        How many were fitted.
    """

    slope: float
    standard_error: float
    interval: tuple[float, float]
    middle: float
    pivot: float
    scatter: float
    stretch: float
    points: int

    def at(self, x: float) -> float:
        """Value of the line."""
        return self.middle + self.slope * (x - self.pivot)

    @property
    def moves(self) -> bool:
        """Whether the interval of the slope excludes zero."""
        return self.interval[0] > 0 or self.interval[1] < 0


def fit_line(x: Sequence[float], mean: Sequence[float], sd: Sequence[float]) -> LineFit | None:
    """Weighted least squares; None for fewer than three usable points, or all at one x.

    Parameters
    ----------
    x, mean, sd : sequence of float (n,)
        Points of which one is not finite, or has an sd of 0, are left out.

    Notes
    -----
    Members of a series differ in more than the column says. Where points scatter more than their errors allow, each
    has the variance sd^2 + scatter^2, with the scatter at which chi squared is its number of degrees of freedom; where
    they scatter less, errors stay as they are.

    Source
    ------
    Paule, Mandel, J. Res. Natl. Bur. Stand. 87 (1982) 377, with a line for the mean; interval of Knapp, Hartung, Stat.
    Med. 22 (2003) 2693, equations 10 and 11. Checked against numpy.polyfit, and for its coverage, in
    ``tests/unit/test_line_fit.py``.
    """
    table = np.array([x, mean, sd], dtype=np.float64)
    table = table[:, np.isfinite(table).all(axis=0) & (table[2] > 0)]
    place, value, error = table
    free = place.size - 2
    if free < 1 or np.ptp(place) == 0:
        return None
    # All in units of the largest number that occurs, so that squares of tiny and huge ones stay finite.
    unit = float(max(np.abs(value).max(), error.max()))
    value, error = value / unit, error / unit
    alone = _chi_squared(0.0, place, value, error)
    scatter = _scatter(alone, free, place, value, error)
    slope, pivot, middle, spread = _line(scatter, place, value, error)
    standard_error = unit / math.sqrt(spread)
    reach = float(stdtrit(free, 0.975)) * standard_error
    slope *= unit
    return LineFit(
        slope, standard_error, (slope - reach, slope + reach), middle * unit, pivot, scatter * unit,
        max(1.0, math.sqrt(alone / free)), int(place.size),
    )  # fmt: skip


def _line(scatter: float, place: Array, value: Array, error: Array) -> tuple[float, float, float, float]:
    """Slope, weighted means of x and y, and weighted sum of squares of x."""
    weight = 1.0 / (error**2 + scatter**2)
    pivot, middle = (float(np.sum(weight * one) / weight.sum()) for one in (place, value))
    spread = float(np.sum(weight * (place - pivot) ** 2))
    return float(np.sum(weight * (place - pivot) * (value - middle)) / spread), pivot, middle, spread


def _chi_squared(scatter: float, place: Array, value: Array, error: Array) -> float:
    """Chi squared about the best line."""
    slope, pivot, middle, _ = _line(scatter, place, value, error)
    return float(np.sum((value - middle - slope * (place - pivot)) ** 2 / (error**2 + scatter**2)))


def _scatter(alone: float, free: int, place: Array, value: Array, error: Array) -> float:
    """Scatter at which chi squared is its number of degrees of freedom; it falls as the scatter grows."""
    if alone <= free:
        return 0.0
    most = float(np.ptp(value)) * math.sqrt(value.size)

    def excess(scatter: float) -> float:
        return _chi_squared(scatter, place, value, error) - free

    # Imported where it is used: it takes a sixth of a second, which most jobs need not spend.
    from scipy.optimize import brentq

    return float(brentq(excess, 0.0, most, xtol=1e-12 * most, rtol=1e-12))
