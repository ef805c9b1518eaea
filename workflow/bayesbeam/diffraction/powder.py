"""A powder pattern made ready for a search: points as many as lines need, widths and background at first sight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.background import chebyshev, lower_envelope
from bayesbeam.errors import DataError

FloatArray = NDArray[np.float64]

POINTS_A_WIDTH = 5.0
_LINES, _CLEAR, _SHARE = 10, 20.0, 20.0
_FEWEST = 50
_GAP = 20.0
_LEAST = 1e-12
"""Variance of a point, as a share of that of others."""


@dataclass(frozen=True)
class Powder:
    """A pattern on a nearly even grid.

    Attributes
    ----------
    x, y, variance : arrays (N,)
        2 theta in degrees, counts, and the variance of counting.
    width : float
        Full width at half maximum of the narrower ones of the strong lines, degrees.
    net : float
        Area above the background at first sight, counts times degrees.
    envelope : array (N,)
        The background at first sight.
    background : array (N, T)
        Columns of the background.
    """

    x: FloatArray
    y: FloatArray
    variance: FloatArray
    width: float
    net: float
    envelope: FloatArray
    background: FloatArray

    @property
    def step(self) -> float:
        """Mean distance of points, degrees."""
        return float(self.x[-1] - self.x[0]) / (len(self.x) - 1)

    @property
    def half_width(self) -> int:
        """Points within half the width of a line, at least 1."""
        return max(round(0.5 * self.width / float(np.median(np.diff(self.x)))), 1)


def powder(x: FloatArray, y: FloatArray, variance: FloatArray | None = None, terms: int = 14) -> Powder:
    """A pattern made ready: neighbouring points added up where a line has more than it needs.

    Parameters
    ----------
    x : array (N,)
        2 theta in degrees, growing.
    y : array (N,)
        Counts, or an intensity with its ``variance`` (N,); by default the counts themselves, at least 1.
    terms : int
        Columns of the background.

    Raises
    ------
    DataError
        If there are too few points, angles do not grow, or no line stands above the background.
    """
    if len(x) < _FEWEST or not (np.diff(x) > 0.0).all():
        raise DataError.at("pattern", f"{len(x)} points", f"at least {_FEWEST}, at growing angles", "")
    counts = np.maximum(y, 1.0) if variance is None else np.maximum(variance, _LEAST * float(np.median(variance)))
    gain = 1.0 if variance is None else gain_of(y, counts)
    width = _width(x, y, counts, terms, gain)
    together = max(int(width / POINTS_A_WIDTH / float(np.median(np.diff(x))) + 1e-9), 1)
    if len(x) // together < _FEWEST:
        raise DataError.at("pattern", f"lines of {width:.2g} degrees in a range of {x[-1] - x[0]:.3g}",
                           "a range of many widths of a line", "")  # fmt: skip
    across = _together(np.gradient(x), together) if together > 1 else np.zeros(len(x))
    x, y, counts = (_together(values, together) for values in (x, y, counts))
    x = x / together
    # Where a pattern has gaps, what lies on both sides of one is not added up.
    inside = across <= _GAP * np.median(across)
    x, y, counts = x[inside], y[inside], counts[inside]
    envelope = lower_envelope(x, y, terms, gain)
    net = float(np.maximum(y - envelope, 0.0).sum()) * float(x[-1] - x[0]) / (len(x) - 1)
    return Powder(x, y, counts, width, net, envelope, chebyshev(x, terms))


def gain_of(y: FloatArray, variance: FloatArray) -> float:
    """What one count is in the units of an intensity (N,), by its variance; as if of one count where there is less."""
    middle = float(np.median(variance))
    return middle / max(float(np.median(y)), math.sqrt(middle))


def _width(x: FloatArray, y: FloatArray, variance: FloatArray, terms: int, gain: float) -> float:
    """Width of lines; where no single point is clear, two are added up, then four, and so on."""
    together = 1
    while True:
        at, sums, spread = (_together(values, together) for values in (x / together, y, variance))
        found = width_of(at, sums, spread, lower_envelope(at, sums, terms, gain))
        if found is not None:
            return found
        together *= 2
        if len(x) // together < 4 * _FEWEST:
            raise DataError.at(
                "pattern",
                "no line clear of the background",
                "one or more",
                "Measure for longer, or over a wider range.",
            )


def _together(values: FloatArray, count: int) -> FloatArray:
    """Sums of so many neighbours; those left over at the end are dropped."""
    kept = len(values) // count * count
    return np.asarray(values[:kept].reshape(-1, count).sum(1), dtype=np.float64)


def width_of(x: FloatArray, y: FloatArray, variance: FloatArray, envelope: FloatArray) -> float | None:
    """Full width at half maximum of strong lines, degrees: a low percentile, for overlapping lines look wider.

    None if no line is clear of the background.
    """
    net = y - envelope
    left, found = net.copy(), []
    for _ in range(_LINES):
        top = int(left.argmax())
        if left[top] < _CLEAR * np.sqrt(variance[top]):
            break
        first, last = top, top
        while first > 0 and net[first] > 0.5 * net[top]:
            first -= 1
        while last < len(x) - 1 and net[last] > 0.5 * net[top]:
            last += 1
        found.append(x[last] - x[first])
        reach = 3 * (last - first)
        left[max(top - reach, 0) : top + reach] = 0.0
    return float(np.percentile(found, _SHARE)) if found else None


def smooth(values: FloatArray, half: int) -> FloatArray:
    """Values averaged over a bell of so many points to each side."""
    bell = np.hanning(2 * half + 3)
    return np.asarray(np.convolve(values, bell / bell.sum(), "same"), dtype=np.float64)
