"""Weighted straight line through means along a series, with the interval of its slope."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class LineFit:
    """Straight line y = middle + slope (x - pivot).

    Attributes
    ----------
    slope, standard_error : float
        The error is that of the given errors, times ``stretch``.
    interval : tuple of float
        95 % by Student's t with ``points - 2`` degrees of freedom.
    middle, pivot : float
        Value at the weighted mean of x, and that mean.
    stretch : float
        Root of chi squared over its degrees of freedom, at least 1: how much more the points scatter about the line
        than their errors say.
    points : int
        How many were fitted.
    """

    slope: float
    standard_error: float
    interval: tuple[float, float]
    middle: float
    pivot: float
    stretch: float
    points: int

    def at(self, x: float) -> float:
        """Value of the line."""
        return self.middle + self.slope * (x - self.pivot)


def fit_line(x: Sequence[float], mean: Sequence[float], sd: Sequence[float]) -> LineFit | None:
    """Weighted least squares; None for fewer than three usable points, or all at one x.

    Parameters
    ----------
    x, mean, sd : sequence of float (n,)
        Points of which one is not finite, or has an sd of 0, are left out.

    Notes
    -----
    Where points scatter more than their errors allow, errors are stretched by the root of chi squared over its degrees
    of freedom; where they scatter less, errors stay as they are.

    Source
    ------
    Birge, Phys. Rev. 40 (1932) 207, for the stretch. Checked against numpy.polyfit in ``tests/unit/test_line_fit.py``.
    """
    table = np.array([x, mean, sd], dtype=np.float64)
    table = table[:, np.isfinite(table).all(axis=0) & (table[2] > 0)]
    place, value, error = table
    if place.size < 3 or np.ptp(place) == 0:
        return None
    weight = (error.min() / error) ** 2
    pivot, middle = (float(np.sum(weight * one) / weight.sum()) for one in (place, value))
    spread = float(np.sum(weight * (place - pivot) ** 2))
    slope = float(np.sum(weight * (place - pivot) * (value - middle)) / spread)
    free = place.size - 2
    chi_squared = float(np.sum(((value - middle - slope * (place - pivot)) / error) ** 2))
    stretch = max(1.0, math.sqrt(chi_squared / free))
    standard_error = float(error.min()) / math.sqrt(spread) * stretch
    reach = float(stats.t.ppf(0.975, free)) * standard_error
    return LineFit(slope, standard_error, (slope - reach, slope + reach), middle, pivot, stretch, int(place.size))
