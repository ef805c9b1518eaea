"""Pattern of one phase on a grid of angles: positions, widths and form of its lines.

Widths as Thompson, Cox and Hastings have them: a normal part (Caglioti) of the instrument, and a Lorentzian part of
size and strain, of which a phase may have more or less than others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesbeam.crystals.geometry import Optics
from bayesbeam.diffraction.aberrations import Diffractometer, bundles
from bayesbeam.diffraction.line_loops import add_lines, add_patterns, line_widths, lines_of
from bayesbeam.diffraction.phase import Phase, changed_cell, tilt

FloatArray = NDArray[np.float64]

COMMON = ("zero", "displacement", "log_width", "lean", "log_rise", "log_size", "log_strain", "skew", "low_angle_loss")
"""Parameters of a pattern that all phases share: shift of all lines, and times cos(theta), in degrees; width of the
normal part, of which the square is ``W ((1 + lean t)^2 + (rise t)^2)`` with t = tan(theta) and W that of ``width``,
degrees (Caglioti's U = W (lean^2 + rise^2), V = 2 W lean, never below 0); logarithms of the Lorentzian widths, degrees,
that go with 1/cos(theta) and tan(theta); skewness of lines times cot(2 theta)."""
OWN = ("log_size_factor", "log_strain_factor", "log_texture")
"""Parameters of a phase after those of its cell: logarithms of factors of its Lorentzian widths, and of March's r."""


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

    @cached_property
    def numbers(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """What compiled loops take: wavelengths, shares and natural widths (degrees times tan(theta)), and of optics.

        Lines are as wide as wavelengths are: what d lambda / lambda is, angles differ by 2 tan(theta) times.
        """
        natural = np.degrees(2.0 * np.array(self.spectrum or [0.0] * len(self.wavelengths)))
        return np.array(self.wavelengths), np.array(self.shares), natural, np.array(self.optics.numbers)


@dataclass(frozen=True)
class Places:
    """Lines on the axis: centre, full width at half maximum (degrees), share of Lorentz, skewness, area, (n,) each."""

    centre: FloatArray
    width: FloatArray
    mixing: FloatArray
    skew: FloatArray
    area: FloatArray


@dataclass(frozen=True)
class Asked:
    """Patterns that are asked of one phase: S times what all share, ``common`` (S, 9), and its own, (S, strains + 3).

    ``axis`` is the normal of the plane by which grains lie flat (March's r below 1).
    """

    phase: Phase
    common: FloatArray
    own: FloatArray
    axis: tuple[int, int, int] = (0, 0, 1)


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
    (found,) = patterns(x, beam, [Asked(phase, common[None], own[None], axis)], faintest)
    one: FloatArray = found[0]
    return one


def patterns(x: FloatArray, beam: Beam, asked: Sequence[Asked], faintest: float = 1e-5) -> list[FloatArray]:
    """Patterns (S, N) of each phase, as ``pattern`` has them."""
    fill = _fill if beam.instrument is None else _fill_spread
    return [fill(x, beam, one, faintest) for one in asked]


def _fill(x: FloatArray, beam: Beam, asked: Asked, faintest: float) -> FloatArray:
    """Patterns (S, N) of one phase."""
    phase, out = asked.phase, np.zeros((len(asked.own), len(x)))
    add_patterns(x, _numbers(phase, asked.axis), (phase.cell, phase.change), beam.numbers, asked.common, asked.own,
                 faintest, out)  # fmt: skip
    return out


def _fill_spread(x: FloatArray, beam: Beam, asked: Asked, faintest: float) -> FloatArray:
    """The same as an instrument shows them."""
    ends, out = (float(x[0]), float(x[-1])), np.zeros((len(asked.own), len(x)))
    for common, own, row in zip(asked.common, asked.own, out, strict=True):
        lines = places(asked.phase, beam, common, own, ends, asked.axis)
        if len(lines.centre):
            height = float((lines.area / lines.width).max())
            add_lines(x, lines.centre, lines.width, lines.mixing, lines.skew, lines.area, faintest * height, row)
    return out


def places(
    phase: Phase, beam: Beam, common: FloatArray, own: FloatArray, ends: tuple[float, float],
    axis: tuple[int, int, int] = (0, 0, 1),
) -> Places:  # fmt: skip
    """All lines of a phase that reach into a range of angles."""
    found = np.empty((5, len(beam.wavelengths) * len(phase.strength)))
    cell = changed_cell(phase, own[: phase.strains])
    count = lines_of(_numbers(phase, axis), cell, beam.numbers, common, own, ends, found)
    lines = Places(*found[:, :count])
    return lines if beam.instrument is None else _spread_out(lines, beam.instrument)


def _numbers(phase: Phase, axis: tuple[int, int, int]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What compiled loops take of a phase: planes, strengths and tilt of its lines."""
    return phase.planes, phase.strength, phase.upright if axis == (0, 0, 1) else tilt(phase, axis)


def _spread_out(lines: Places, instrument: Diffractometer) -> Places:
    """Lines as an instrument shows them."""
    place, share = bundles(lines.centre, instrument)
    wide, mixing, skew = (np.repeat(values, len(share)) for values in (lines.width, lines.mixing, lines.skew))
    return Places(place.ravel(), wide, mixing, skew, np.outer(lines.area, share).ravel())


def widths(tangent: FloatArray, common: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Full width at half maximum (degrees) and share of Lorentz of lines at tan(theta).

    Source
    ------
    Thompson, Cox, Hastings, Journal of Applied Crystallography 20 (1987) 79: equations 9 and 10.
    """
    full, mixing = np.empty_like(tangent), np.empty_like(tangent)
    line_widths(tangent, common, math.exp(common[5] + own[-3]), math.exp(common[6] + own[-2]), full, mixing)
    return full, mixing
