"""Compiled loops of noise that is correlated over a few points. Python's part is in ``noise.py``."""

from __future__ import annotations

from typing import Any

from numba import njit

from bayesbeam.sampling.engines.library import cached_here


def _whiten(band: Any, rows: Any, start: int, stop: int) -> None:
    """Solve L v = row for some columns of ``rows`` (N, C) in place; ``band`` (N, B+1) is L, column by column.

    Four rows are taken out at once, so that what is left is read and written a fourth as often.
    """
    points, reach = rows.shape[0], band.shape[1] - 1
    for i in range(points):
        # Views, so that the loops count from 0 and become vectors.
        own = rows[i][start:stop]
        d, last = 1, min(reach, i)
        while d + 3 <= last:
            a, b, c, e = band[i - d, d], band[i - d - 1, d + 1], band[i - d - 2, d + 2], band[i - d - 3, d + 3]
            if a != 0.0 or b != 0.0 or c != 0.0 or e != 0.0:
                one, two = rows[i - d][start:stop], rows[i - d - 1][start:stop]
                three, four = rows[i - d - 2][start:stop], rows[i - d - 3][start:stop]
                for k in range(own.shape[0]):
                    own[k] = own[k] - a * one[k] - b * two[k] - c * three[k] - e * four[k]
            d += 4
        while d <= last:
            factor, other = band[i - d, d], rows[i - d][start:stop]
            for k in range(own.shape[0]):
                own[k] -= factor * other[k]
            d += 1
        inverse = 1.0 / band[i, 0]
        for k in range(own.shape[0]):
            own[k] *= inverse


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
    whiten = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})(_whiten)
    whiten_few = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})(_whiten_few)
    add_misfit = njit(nogil=True, cache=True, error_model="numpy")(_add_misfit)
