"""Compiled sums over the lines of a powder pattern. Python's part is in ``profile.py``."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from bayesbeam.sampling.engines.library import cached_here

# Half widths beyond which the normal part of a line is nothing: exp(-4 ln 2 * 9) = 1.5e-11.
_NORMAL_REACH = 6.0
_LN2 = math.log(2.0)
LARGEST_SKEW = 0.8


def _bragg_angles(planes: Any, cell: Any, wavelengths: Any, theta: Any) -> None:
    """Bragg angles (W, L) in radians of planes (L, 3) of a cell; nan where there is none."""
    a, b, c = cell[0], cell[1], cell[2]
    # The metric, with exact zeros at right angles, and its inverse by cofactors.
    x = 0.0 if cell[3] == 90.0 else math.cos(math.radians(cell[3]))
    y = 0.0 if cell[4] == 90.0 else math.cos(math.radians(cell[4]))
    z = 0.0 if cell[5] == 90.0 else math.cos(math.radians(cell[5]))
    whole = 1.0 - x * x - y * y - z * z + 2.0 * x * y * z
    aa, bb, cc = (1.0 - x * x) / (a * a), (1.0 - y * y) / (b * b), (1.0 - z * z) / (c * c)
    bc, ac, ab = 2.0 * (y * z - x) / (b * c), 2.0 * (x * z - y) / (a * c), 2.0 * (x * y - z) / (a * b)
    for n in range(planes.shape[0]):
        h, k, m = planes[n, 0], planes[n, 1], planes[n, 2]
        square = (h * h * aa + k * k * bb + m * m * cc + k * m * bc + h * m * ac + h * k * ab) / whole
        half = 0.5 * math.sqrt(square)
        for w in range(wavelengths.shape[0]):
            sine = half * wavelengths[w]
            theta[w, n] = math.asin(sine) if sine < 0.9999 else math.nan


@njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
def _width(t: float, common: Any, size: float, strain: float) -> tuple[float, float]:
    """Full width at half maximum (degrees) and share of Lorentz of a line at tan(theta): see ``profile.widths``."""
    rise = math.exp(common[4])
    g = math.exp(common[2]) * math.sqrt((1.0 + common[3] * t) ** 2 + (rise * t) ** 2)
    lorentz = size * math.sqrt(1.0 + t * t) + strain * t
    fifth = g**5 + 2.69269 * g**4 * lorentz + 2.42843 * g**3 * lorentz**2 + 4.47163 * g**2 * lorentz**3
    full = (fifth + 0.07842 * g * lorentz**4 + lorentz**5) ** 0.2
    q = lorentz / full
    return full, 1.36603 * q - 0.47719 * q * q + 0.11116 * q * q * q


def _widths(tangent: Any, common: Any, size: float, strain: float, full: Any, mixing: Any) -> None:
    """Widths and shares of Lorentz of lines."""
    for n in range(tangent.shape[0]):
        full[n], mixing[n] = _width(tangent[n], common, size, strain)


def _on_axis(
    theta: Any, area: Any, common: Any, size: float, strain: float, ends: tuple[float, float], out: Any
) -> int:  # fmt: skip
    """Lines that reach into a range, as rows of ``out`` (5, n): centre, width, mixing, skewness, area; their number."""
    count = 0
    for n in range(theta.shape[0]):
        if math.isnan(theta[n]):
            continue
        t = math.tan(theta[n])
        centre = math.degrees(2.0 * theta[n]) + common[0] + common[1] * math.cos(theta[n])
        width, mixing = _width(t, common, size, strain)
        if centre <= ends[0] - 40.0 * width or centre >= ends[1] + 40.0 * width:
            continue
        lean = common[7] * (1.0 - t * t) / (2.0 * t)
        out[0, count], out[1, count], out[2, count] = centre, width, mixing
        out[3, count], out[4, count] = LARGEST_SKEW * math.tanh(lean / LARGEST_SKEW), area[n]
        count += 1
    return count


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


def _shift_weights(place: Any, last: int, first: Any, weight: Any) -> None:
    """Where ``place`` (S, N) lies on an even grid of ``last + 1`` points: first of four, and weights of a cubic.

    Weights (S, N, 4) are 0 outside.
    """
    for s in range(place.shape[0]):
        for i in range(place.shape[1]):
            at = place[s, i]
            j = int(at)
            if at < 1.0 or j > last - 2:
                first[s, i] = 0
                weight[s, i, :] = 0.0
                continue
            t = at - j
            first[s, i] = j - 1
            weight[s, i, 0] = t * (-1.0 / 3.0 + t * (0.5 - t / 6.0))
            weight[s, i, 1] = 1.0 + t * (-0.5 + t * (-1.0 + 0.5 * t))
            weight[s, i, 2] = t * (1.0 + t * (0.5 - 0.5 * t))
            weight[s, i, 3] = t * (-1.0 / 6.0 + t * t / 6.0)


def _shift(values: Any, first: Any, weight: Any, out: Any) -> None:
    """Values of an even grid at places of which the weights are given."""
    for s in range(first.shape[0]):
        for i in range(first.shape[1]):
            j = first[s, i]
            out[s, i] = (weight[s, i, 0] * values[j] + weight[s, i, 1] * values[j + 1]
                         + weight[s, i, 2] * values[j + 2] + weight[s, i, 3] * values[j + 3])  # fmt: skip


def _whiten(band: Any, rows: Any, start: int, stop: int) -> None:
    """Solve L v = row for some columns of ``rows`` (N, C) in place; ``band`` (N, B+1) is L, column by column."""
    points, reach = rows.shape[0], band.shape[1] - 1
    for i in range(points):
        # Views, so that the loops count from 0 and become vectors.
        own = rows[i][start:stop]
        for d in range(1, min(reach, i) + 1):
            factor = band[i - d, d]
            if factor != 0.0:
                other = rows[i - d][start:stop]
                for c in range(own.shape[0]):
                    own[c] -= factor * other[c]
        inverse = 1.0 / band[i, 0]
        for c in range(own.shape[0]):
            own[c] *= inverse


def _whiten_few(band: Any, rows: Any) -> None:
    """As above for few columns, as rows (C, N): values are taken out of those that follow as soon as they are known.

    Four at once, so that what follows is read and written a fourth as often; in the same order, to the same bits.
    """
    points, reach = rows.shape[1], band.shape[1] - 1
    for c in range(rows.shape[0]):
        row, i = rows[c], 0
        while i < points and row[i] == 0.0:
            i += 1
        while reach > 3 and i + reach + 3 < points:
            zero, one, two, three = band[i], band[i + 1], band[i + 2], band[i + 3]
            u = row[i] / zero[0]
            v = (row[i + 1] - zero[1] * u) / one[0]
            w = (row[i + 2] - zero[2] * u - one[1] * v) / two[0]
            z = (row[i + 3] - zero[3] * u - one[2] * v - two[1] * w) / three[0]
            row[i], row[i + 1], row[i + 2], row[i + 3] = u, v, w, z
            # A view, so that the loop counts from 0 and becomes vectors.
            rest = row[i + 4 : i + reach + 1]
            for d in range(reach - 3):
                rest[d] = rest[d] - zero[d + 4] * u - one[d + 3] * v - two[d + 2] * w - three[d + 1] * z
            last = i + reach
            row[last + 1] = row[last + 1] - one[reach] * v - two[reach - 1] * w - three[reach - 2] * z
            row[last + 2] = row[last + 2] - two[reach] * w - three[reach - 1] * z
            row[last + 3] = row[last + 3] - three[reach] * z
            i += 4
        while i < points:
            value = row[i] / band[i, 0]
            row[i] = value
            for d in range(1, min(reach, points - 1 - i) + 1):
                row[i + d] -= band[i, d] * value
            i += 1


def _add_misfit(place: Any, reach: float, sd: Any, band: Any) -> None:
    """Add Wendland's correlation within a reach, times standard deviations, to a band (N, B+1), column by column."""
    points = place.shape[0]
    for i in range(points):
        for d in range(min(band.shape[1], points - i)):
            distance = (place[i + d] - place[i]) / reach
            if distance >= 1.0:
                break
            near = (1.0 - distance) * (1.0 - distance)
            band[i, d] += near * near * (4.0 * distance + 1.0) * sd[i + d] * sd[i]


# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    bragg_angles = njit(nogil=True, cache=True, error_model="numpy")(_bragg_angles)
    line_widths = njit(nogil=True, cache=True, error_model="numpy")(_widths)
    on_axis = njit(nogil=True, cache=True, error_model="numpy")(_on_axis)
    add_lines = njit(nogil=True, cache=True, error_model="numpy")(_add_lines)
    shift_weights = njit(nogil=True, cache=True, error_model="numpy")(_shift_weights)
    shift = njit(nogil=True, cache=True, error_model="numpy")(_shift)
    whiten = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})(_whiten)
    whiten_few = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})(_whiten_few)
    add_misfit = njit(nogil=True, cache=True, error_model="numpy")(_add_misfit)
