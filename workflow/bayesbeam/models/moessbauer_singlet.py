"""Moessbauer singlet: one Lorentzian line of absorption."""

from bayesbeam.models import iron57
from bayesbeam.models.base import ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "moessbauer_singlet"
title = "Moessbauer singlet"
axis_unit = iron57.VELOCITY
exchangeable = True
order_by = "isomer_shift"
locations = ("isomer_shift",)
widths = ("fwhm",)
amplitude = "depth"
parameters = (iron57.depth, iron57.isomer_shift, iron57.fwhm)
references = iron57.REFERENCES
reference_values = tuple(
    ReferenceValue(x, (3.0, 0.45, 0.3), value, "SciPy 1.17.1, scipy.special.voigt_profile, sum of lines", 1e-13)
    for x, value in (
        (0.45, -3.0),
        (0.6, -1.5000000000000007),
        (3.0, -0.010344827586206898),
    )
)


def formula(m: MathSpace, x: Value, depth: Value, isomer_shift: Value, fwhm: Value) -> Value:
    """Minus the depth of a Lorentzian line."""
    return -depth * iron57.lorentzian(m, x - isomer_shift, fwhm)


def area(m: MathSpace, depth: Value, isomer_shift: Value, fwhm: Value) -> Value:
    """Area of the line."""
    return depth * fwhm * (0.5 * m.pi)


derived = (iron57.absorption_area(area),)
