"""Compiled sums over the lines of a powder pattern. Python's part is in ``profile.py``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bayesbeam.sampling.engines.library import cached_here

# Half widths beyond which the normal part of a line is nothing: exp(-4 ln 2 * 9) = 1.5e-11.
_NORMAL_REACH = 6.0
_LN2 = math.log(2.0)
_THIRD, _SIXTH = 1.0 / 3.0, 1.0 / 6.0
LARGEST_SKEW = 0.8
# 1/sin(theta) at which nothing is lost: scales are those at a middling angle, and hardly change with the loss.
_MIDDLE = 3.0
_INNER = njit(nogil=True, error_model="numpy", fastmath={"contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True)


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


@_INNER
def _width(t: float, common: Any, size: float, strain: float) -> tuple[float, float]:
    """Full width at half maximum (degrees) and share of Lorentz of a line at tan(theta): see ``profile.widths``."""
    rise = math.exp(common[4])
    g = math.exp(common[2]) * math.sqrt((1.0 + common[3] * t) ** 2 + (rise * t) ** 2)
    lorentz = size * math.sqrt(1.0 + t * t) + strain * t
    fifth = g**5 + 2.69269 * g**4 * lorentz + 2.42843 * g**3 * lorentz**2 + 4.47163 * g**2 * lorentz**3
    full = (fifth + 0.07842 * g * lorentz**4 + lorentz**5) ** 0.2
    q = lorentz / full
    return full, 1.36603 * q - 0.47719 * q * q + 0.11116 * q * q * q


def _march(r: float, squared_cosine: float) -> float:
    """Factor of the intensity of a line by grains that lie flat (r < 1) or upright (r > 1).

    Source
    ------
    Dollase, Journal of Applied Crystallography 19 (1986) 267: equation 7. Its mean over the sphere is 1.
    """
    turned = r * r * squared_cosine + (1.0 - squared_cosine) / r
    return 1.0 / (turned * math.sqrt(turned))


@_INNER
def _loss(q: float, sine: float) -> float:
    """Factor of the intensity of a line at sin(theta) by a rough surface; 1 at 2 theta of 39 degrees.

    Source
    ------
    Suortti, Journal of Applied Crystallography 5 (1972) 325, of which this is the part that changes with the angle. A
    beam that is wider than the specimen at low angles, and a specimen that lets the beam through at high ones (q below
    0), change intensities in nearly the same way.
    """
    return math.exp(q * (_MIDDLE - 1.0 / sine))


def _widths(tangent: Any, common: Any, size: float, strain: float, full: Any, mixing: Any) -> None:
    """Widths and shares of Lorentz of lines."""
    for n in range(tangent.shape[0]):
        full[n], mixing[n] = _width(tangent[n], common, size, strain)


def _lines(
    phase: Any, cell: Any, beam: Any, common: Any, own: Any, ends: tuple[float, float], out: Any
) -> int:  # fmt: skip
    """Lines that reach into a range, as rows of ``out`` (5, n): centre, width, mixing, skewness, area; their number.

    ``phase`` are planes (L, 3), their strengths and squared cosines of their tilt; ``beam`` are wavelengths, shares and
    natural widths (W,), and what ``Optics.numbers`` tells; ``common`` and the last three of ``own`` are as in
    ``profile.COMMON`` and ``profile.OWN``.
    """
    planes, strength, tilted = phase
    wavelengths, shares, natural, optics = beam
    theta = np.empty((wavelengths.shape[0], planes.shape[0]))
    _angles(planes, cell, wavelengths, theta)
    size, strain = math.exp(common[5] + own[-3]), math.exp(common[6] + own[-2])
    r, q = math.exp(own[-1]), common[8]
    count = 0
    for w in range(wavelengths.shape[0]):
        for n in range(planes.shape[0]):
            if math.isnan(theta[w, n]):
                continue
            s, c = math.sin(theta[w, n]), math.cos(theta[w, n])
            t = s / c
            centre = math.degrees(2.0 * theta[w, n]) + common[0] + common[1] * c
            width, mixing = _width(t, common, size, strain + natural[w])
            if centre <= ends[0] - 40.0 * width or centre >= ends[1] + 40.0 * width:
                continue
            area = shares[w] * strength[n]
            if optics[0] != 0.0:
                double = 1.0 - 2.0 * s * s
                lit = s if optics[3] != 0.0 else 1.0
                area *= lit * (optics[1] + optics[2] * double * double) / (s * s * c)
            if own[-1] != 0.0:
                area *= _turned(r, tilted[n])
            if q != 0.0:
                area *= _loss(q, s)
            lean = common[7] * (1.0 - t * t) / (2.0 * t)
            out[0, count], out[1, count], out[2, count] = centre, width, mixing
            out[3, count], out[4, count] = LARGEST_SKEW * math.tanh(lean / LARGEST_SKEW), area
            count += 1
    return count


@_INNER
def _first_at(x: Any, value: float) -> int:
    """Number of the first point of a growing, nearly even grid that is at a value or beyond."""
    points = x.shape[0]
    if not value > x[0]:
        return 0
    if value > x[points - 1]:
        return int(points)
    i = int((value - x[0]) * (points - 1) / (x[points - 1] - x[0]))
    while i > 0 and x[i - 1] >= value:
        i -= 1
    while x[i] < value:
        i += 1
    return i


@_INNER
def _add_tail(x: Any, centre: float, per_width: float, tail: float, out: Any) -> None:
    """Add a Lorentzian."""
    for i in range(x.shape[0]):
        t = (x[i] - centre) * per_width
        out[i] += tail / (1.0 + t * t)


@_INNER
def _add_core(x: Any, centre: float, per_width: float, tail: float, core: float, out: Any) -> None:
    """Add a Lorentzian and a normal density, of which 1e-12 may be missing.

    The exponential is the 1024th power of a series, for which there are vectors: libraries take one number at a time.
    """
    for i in range(x.shape[0]):
        t = (x[i] - centre) * per_width
        u = (_LN2 / 1024.0) * (t * t)
        e = 1.0 - u * (1.0 - 0.5 * u * (1.0 - _THIRD * u * (1.0 - 0.25 * u * (1.0 - 0.2 * u * (1.0 - _SIXTH * u)))))
        e *= e  # to the 2nd power, and so on
        e *= e
        e *= e
        e *= e
        e *= e
        e *= e
        e *= e
        e *= e
        e *= e
        e *= e
        out[i] += tail / (1.0 + t * t) + core * e


def _add_lines(
    x: Any, centre: Any, width: Any, mixing: Any, skew: Any, area: Any, faintest: float, out: Any
) -> None:  # fmt: skip
    """Add split pseudo-Voigt lines of given areas to ``out``, each as far as it is above ``faintest``.

    The half below the centre is ``1 + skew`` times as wide as in the even line, the half above ``1 - skew`` times: the
    area stays what it is.
    """
    for n in range(centre.shape[0]):
        half, eta = 0.5 * width[n], mixing[n]
        tail = area[n] * eta / (math.pi * half)
        core = area[n] * (1.0 - eta) * math.sqrt(_LN2 / math.pi) / half
        # Half widths to where the tail is as low as the faintest that counts.
        reach = max(_NORMAL_REACH, math.sqrt(max(tail / faintest - 1.0, 0.0)))
        below, above = half * (1.0 + skew[n]), half * (1.0 - skew[n])
        a, b = _first_at(x, centre[n] - below * reach), _first_at(x, centre[n] - below * _NORMAL_REACH)
        m = _first_at(x, centre[n])
        c, d = _first_at(x, centre[n] + above * _NORMAL_REACH), _first_at(x, centre[n] + above * reach)
        # Views, so that the loops count from 0 and become vectors.
        _add_tail(x[a:b], centre[n], 1.0 / below, tail, out[a:b])
        _add_core(x[b:m], centre[n], 1.0 / below, tail, core, out[b:m])
        _add_core(x[m:c], centre[n], 1.0 / above, tail, core, out[m:c])
        _add_tail(x[c:d], centre[n], 1.0 / above, tail, out[c:d])


def _add_patterns(
    x: Any, phase: Any, crystal: Any, beam: Any, common: Any, own: Any, faintest: float, out: Any
) -> None:  # fmt: skip
    """Add patterns of a phase to ``out`` (S, N), each with its row of ``common`` (S, 9) and ``own`` (S, P).

    ``crystal`` is its cell (6,) and for each edge and angle the number of the change that it goes by, or -1;
    ``faintest`` is a share of the height of the strongest line.
    """
    lengths, group = crystal
    found = np.empty((5, beam[0].shape[0] * phase[0].shape[0]))
    cell = np.empty(6)
    ends = (x[0], x[x.shape[0] - 1])
    for s in range(out.shape[0]):
        for j in range(6):
            change = own[s, group[j]] if group[j] >= 0 else 0.0
            cell[j] = lengths[j] * (1.0 + change) if j < 3 else lengths[j] + math.degrees(change)
        count = _lines_of(phase, cell, beam, common[s], own[s], ends, found)
        highest = 0.0
        for n in range(count):
            highest = max(highest, found[4, n] / found[1, n])
        if highest > 0.0:
            _add(x, found[0, :count], found[1, :count], found[2, :count], found[3, :count], found[4, :count],
                 faintest * highest, out[s])  # fmt: skip


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


_angles, _turned = _INNER(_bragg_angles), _INNER(_march)
_lines_of, _add = _INNER(_lines), _INNER(_add_lines)

# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    bragg_angles = njit(nogil=True, cache=True, error_model="numpy")(_bragg_angles)
    march = njit(nogil=True, cache=True, error_model="numpy")(_march)
    line_widths = njit(nogil=True, cache=True, error_model="numpy")(_widths)
    lines_of = njit(nogil=True, cache=True, error_model="numpy")(_lines)
    add_lines = njit(nogil=True, cache=True, error_model="numpy")(_add_lines)
    add_patterns = njit(nogil=True, cache=True, error_model="numpy")(_add_patterns)
    shift_weights = njit(nogil=True, cache=True, error_model="numpy")(_shift_weights)
    shift = njit(nogil=True, cache=True, error_model="numpy")(_shift)
