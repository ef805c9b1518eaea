"""Pattern of one phase on a grid of angles: positions, widths and form of its lines.

Widths as Thompson, Cox and Hastings have them: a normal part (Caglioti) of the instrument, and a Lorentzian part of
size and strain, of which a phase may have more or less than others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayesbeam.crystals.geometry import Optics, lorentz_polarisation
from bayesbeam.diffraction.aberrations import Diffractometer, bundles
from bayesbeam.diffraction.line_loops import add_lines, bragg_angles, line_widths, on_axis
from bayesbeam.diffraction.phase import Phase, changed_cell, tilt

FloatArray = NDArray[np.float64]

COMMON = ("zero", "displacement", "log_width", "lean", "log_rise", "log_size", "log_strain", "skew", "low_angle_loss")
"""Parameters of a pattern that all phases share: shift of all lines, and times cos(theta), in degrees; width of the
normal part, of which the square is ``W ((1 + lean t)^2 + (rise t)^2)`` with t = tan(theta) and W that of ``width``,
degrees (Caglioti's U = W (lean^2 + rise^2), V = 2 W lean, never below 0); logarithms of the Lorentzian widths, degrees,
that go with 1/cos(theta) and tan(theta); skewness of lines times cot(2 theta)."""
OWN = ("log_size_factor", "log_strain_factor", "log_texture")
"""Parameters of a phase after those of its cell: logarithms of factors of its Lorentzian widths, and of March's r."""


_MIDDLE = 3.0
"""1/sin(theta) at which nothing is lost: scales are those at a middling angle, and hardly change with the loss."""


@dataclass(frozen=True)
class Beam:
    """What comes from the source, and what geometry makes of it.

    Attributes
    ----------
    wavelengths, shares : tuple
        Angstrom, copper's doublet by default, and the share of each.
    optics : Optics
        What geometry does to intensities.
    spectrum : tuple
        Natural width of each wavelength (full width at half maximum) as a share of it; none by default, for lines are
        then as wide as is found.
    instrument : Diffractometer
        What it makes of lines; nothing by default, for lines are then as skew as is found.
    """

    wavelengths: tuple[float, ...] = (1.5405929, 1.5444274)
    shares: tuple[float, ...] = (2.0 / 3.0, 1.0 / 3.0)
    optics: Optics = field(default_factory=Optics)
    spectrum: tuple[float, ...] = ()
    instrument: Diffractometer | None = None


@dataclass(frozen=True)
class Places:
    """Lines on the axis: centre, full width at half maximum (degrees), share of Lorentz, skewness, area, (n,) each."""

    centre: FloatArray
    width: FloatArray
    mixing: FloatArray
    skew: FloatArray
    area: FloatArray


def pattern(
    x: FloatArray, phase: Phase, beam: Beam, common: FloatArray, own: FloatArray,
    axis: tuple[int, int, int] = (0, 0, 1), faintest: float = 1e-5,
) -> FloatArray:  # fmt: skip
    """Pattern (N,) of a phase of unit scale at angles 2 theta (N,) in degrees, growing and nearly even.

    Parameters
    ----------
    common : array (9,)
        See ``COMMON``.
    own : array (strains + 3,)
        Changes of the cell, then as in ``OWN``.
    axis : three integers
        Normal of the plane by which grains lie flat (March's r below 1).
    faintest : float
        Share of the height of the strongest line below which tails are cut.
    """
    out = np.zeros(len(x))
    lines = places(phase, beam, common, own, (float(x[0]), float(x[-1])), axis)
    if len(lines.centre):
        height = float((lines.area / lines.width).max())
        add_lines(x, lines.centre, lines.width, lines.mixing, lines.skew, lines.area, faintest * height, out)
    return out


def places(
    phase: Phase, beam: Beam, common: FloatArray, own: FloatArray, ends: tuple[float, float],
    axis: tuple[int, int, int] = (0, 0, 1),
) -> Places:  # fmt: skip
    """All lines of a phase that reach into a range of angles."""
    theta = np.empty((len(beam.wavelengths), len(phase.strength)))
    bragg_angles(phase.planes, changed_cell(phase, own[: phase.strains]), np.array(beam.wavelengths), theta)
    strength = phase.strength
    if own[-1] != 0.0:
        tilted = phase.upright if axis == (0, 0, 1) else tilt(phase, axis)
        strength = strength * march(math.exp(own[-1]), tilted)
    area = np.multiply.outer(np.array(beam.shares), strength) * lorentz_polarisation(
        np.degrees(2.0 * theta), beam.optics
    )
    if common[8] != 0.0:
        area *= loss(common[8], theta)
    if beam.spectrum:
        lines = _of_spectrum(theta, area, beam, common, own, ends)
    else:
        found = np.empty((5, theta.size))
        count = on_axis(theta.ravel(), area.ravel(), common, *_lorentzian(common, own), ends, found)
        lines = Places(*found[:, :count])
    return lines if beam.instrument is None else _spread_out(lines, beam.instrument)


def _of_spectrum(
    theta: FloatArray, area: FloatArray, beam: Beam, common: FloatArray, own: FloatArray, ends: tuple[float, float]
) -> Places:  # fmt: skip
    """Lines (W, L) of wavelengths that have widths: what d lambda / lambda is, angles differ by 2 tan(theta) times."""
    found, filled = np.empty((5, theta.size)), 0
    size, strain = _lorentzian(common, own)
    for angle, weight, width in zip(theta, area, beam.spectrum, strict=True):
        natural = math.degrees(2.0 * width)
        filled += on_axis(angle, weight, common, size, strain + natural, ends, found[:, filled:])
    return Places(*found[:, :filled])


def _spread_out(lines: Places, instrument: Diffractometer) -> Places:
    """Lines as an instrument shows them."""
    place, share = bundles(lines.centre, instrument)
    wide, mixing, skew = (np.repeat(values, len(share)) for values in (lines.width, lines.mixing, lines.skew))
    return Places(place.ravel(), wide, mixing, skew, np.outer(lines.area, share).ravel())


def _lorentzian(common: FloatArray, own: FloatArray) -> tuple[float, float]:
    """Widths by size and by strain, degrees."""
    return math.exp(common[5] + own[-3]), math.exp(common[6] + own[-2])


def widths(tangent: FloatArray, common: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Full width at half maximum (degrees) and share of Lorentz of lines at tan(theta).

    Source
    ------
    Thompson, Cox, Hastings, Journal of Applied Crystallography 20 (1987) 79: equations 9 and 10.
    """
    full, mixing = np.empty_like(tangent), np.empty_like(tangent)
    line_widths(tangent, common, *_lorentzian(common, own), full, mixing)
    return full, mixing


def march(r: float, squared_cosine: FloatArray) -> FloatArray:
    """Factor of the intensity of lines by grains that lie flat (r < 1) or upright (r > 1).

    Source
    ------
    Dollase, Journal of Applied Crystallography 19 (1986) 267: equation 7. Its mean over the sphere is 1.
    """
    found: FloatArray = (r * r * squared_cosine + (1.0 - squared_cosine) / r) ** -1.5
    return found


def loss(q: float, theta: FloatArray) -> FloatArray:
    """Factor of the intensity of lines at angles theta, radians, by a rough surface; 1 at 2 theta of 39 degrees.

    Source
    ------
    Suortti, Journal of Applied Crystallography 5 (1972) 325, of which this is the part that changes with the angle. A
    beam that is wider than the specimen at low angles, and a specimen that lets the beam through at high ones (q below
    0), change intensities in nearly the same way.
    """
    found: FloatArray = np.exp(q * (_MIDDLE - 1.0 / np.sin(theta)))
    return found
