"""Lorentzian peak by height, position and full width at half height."""

from bayesbeam.models.base import Derived, ReferenceValue, centre, full_width, height
from bayesbeam.models.mathspace import MathSpace, Value

name = "lorentzian"
title = "Lorentzian peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("fwhm",)
amplitude = "amplitude"
parameters = (height(), centre(), full_width())
references = ("Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1 (1994), chapter 16",)
SOURCE = "lmfit 1.3.4, lineshapes.lorentzian of sigma 0.4 over its value at the centre"
reference_values = tuple(
    ReferenceValue(x, (3.0, 1.25, 0.8), value, SOURCE, 1e-13)
    for x, value in ((0.5, 0.6643598615916955), (2.0, 0.6643598615916955), (4.5, 0.04476567964560503))
)


def formula(m: MathSpace, x: Value, amplitude: Value, position: Value, fwhm: Value) -> Value:
    """Height over 1 + (2 (x - position) / fwhm)^2."""
    return amplitude / (1.0 + m.square(2.0 * (x - position) / fwhm))


def area(m: MathSpace, amplitude: Value, position: Value, fwhm: Value) -> Value:
    """Integral of the peak over the whole line."""
    return amplitude * fwhm * (0.5 * m.pi)


derived = (Derived("area", "x*y", area, "integral of the peak over the whole line"),)
