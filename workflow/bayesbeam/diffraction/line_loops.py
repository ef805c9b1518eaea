"""Compiled sums over the lines of a powder pattern. Python's part is in ``profile.py``."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from bayesbeam.sampling.engines.library import cached_here

# Half widths beyond which the normal part of a line is nothing: exp(-4 ln 2 * 9) = 1.5e-11.
_NORMAL_REACH = 6.0
_LN2 = math.log(2.0)


def _add_lines(
    x: Any, centre: Any, width: Any, mixing: Any, skew: Any, area: Any, faintest: float, out: Any
) -> None:  # fmt: skip
    """Add split pseudo-Voigt lines of given areas to ``out``, each as far as it is above ``faintest``.

    The half below the centre is ``1 + skew`` times as wide as in the even line, the half above ``1 - skew`` times: the
    area stays what it is.
    """
    points = x.shape[0]
    per_point = (points - 1) / (x[points - 1] - x[0])
    for n in range(centre.shape[0]):
        half, eta = 0.5 * width[n], mixing[n]
        tail = area[n] * eta / (math.pi * half)
        core = area[n] * (1.0 - eta) * math.sqrt(_LN2 / math.pi) / half
        # Half widths to where the tail is as low as the faintest that counts.
        reach = max(_NORMAL_REACH, math.sqrt(max(tail / faintest - 1.0, 0.0)))
        for side in range(2):
            own = half * (1.0 + skew[n] if side == 0 else 1.0 - skew[n])
            low = centre[n] - own * reach if side == 0 else centre[n]
            high = centre[n] if side == 0 else centre[n] + own * reach
            if high < x[0] or low > x[points - 1]:
                continue
            first = max(int((low - x[0]) * per_point), 0)
            # The grid need not be quite even.
            while first > 0 and x[first - 1] >= low:
                first -= 1
            while first < points and x[first] < low:
                first += 1
            per_width = 1.0 / own
            i = first
            while i < points and (x[i] < high if side == 0 else x[i] <= high):
                t = (x[i] - centre[n]) * per_width
                square = t * t
                value = tail / (1.0 + square)
                if square < _NORMAL_REACH * _NORMAL_REACH:
                    value += core * math.exp(-_LN2 * square)
                out[i] += value
                i += 1


def _shift(values: Any, place: Any, out: Any) -> None:
    """Values (F,) of an even grid at ``place`` (S, N) in steps of it, by cubics through four points; 0 outside."""
    last = values.shape[0] - 3
    for s in range(place.shape[0]):
        for i in range(place.shape[1]):
            at = place[s, i]
            j = int(at)
            if at < 1.0 or j > last:
                out[s, i] = 0.0
                continue
            t = at - j
            before, here, after, next_one = values[j - 1], values[j], values[j + 1], values[j + 2]
            a = -before / 6.0 + 0.5 * here - 0.5 * after + next_one / 6.0
            b = 0.5 * before - here + 0.5 * after
            c = -before / 3.0 - 0.5 * here + after - next_one / 6.0
            out[s, i] = here + t * (c + t * (b + t * a))


def _whiten(band: Any, rows: Any) -> None:
    """Solve L v = row for all columns of ``rows`` (N, C) in place; ``band`` (B+1, N) is L by its diagonals, lower."""
    points, columns, reach = rows.shape[0], rows.shape[1], band.shape[0] - 1
    for i in range(points):
        for d in range(1, min(reach, i) + 1):
            factor = band[d, i - d]
            if factor != 0.0:
                for c in range(columns):
                    rows[i, c] -= factor * rows[i - d, c]
        inverse = 1.0 / band[0, i]
        for c in range(columns):
            rows[i, c] *= inverse


# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    add_lines = njit(nogil=True, cache=True, error_model="numpy")(_add_lines)
    shift = njit(nogil=True, cache=True, error_model="numpy")(_shift)
    whiten = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})(_whiten)
