"""Moessbauer quadrupole doublet: two Lorentzian lines of absorption of one width."""

from bayesbeam.models import iron57
from bayesbeam.models.base import ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "moessbauer_doublet"
title = "Moessbauer doublet"
axis_unit = iron57.VELOCITY
exchangeable = True
order_by = "quadrupole_splitting"
locations = ("isomer_shift",)
widths = ("fwhm",)
amplitude = "depth"
parameters = (iron57.depth, iron57.isomer_shift, iron57.quadrupole_splitting, iron57.fwhm, iron57.asymmetry)
references = iron57.REFERENCES
reference_values = tuple(
    ReferenceValue(
        x, (3.0, 0.45, 0.7, 0.5, 0.8), value, "SciPy 1.17.1, scipy.special.voigt_profile, sum of lines", 1e-13
    )
    for x, value in (
        (0.1, -3.271493212669683),
        (0.45, -1.8243243243243243),
        (0.9, -2.335869431832127),
        (3.0, -0.05272705632359786),
    )
)


def formula(
    m: MathSpace,
    x: Value,
    depth: Value,
    isomer_shift: Value,
    quadrupole_splitting: Value,
    fwhm: Value,
    asymmetry: Value,
) -> Value:
    """Minus the depth times a line half a splitting below the centre, and ``asymmetry`` times one above."""
    t, half = x - isomer_shift, 0.5 * quadrupole_splitting
    low, high = iron57.lorentzian(m, t + half, fwhm), iron57.lorentzian(m, t - half, fwhm)
    return -depth * (low + asymmetry * high)


def area(
    m: MathSpace, depth: Value, isomer_shift: Value, quadrupole_splitting: Value, fwhm: Value, asymmetry: Value
) -> Value:
    """Area of both lines."""
    return depth * fwhm * (0.5 * m.pi) * (1.0 + asymmetry)


derived = (iron57.absorption_area(area),)
