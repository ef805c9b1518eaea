"""Pseudo-Voigt peak: a Gaussian and a Lorentzian of one height and one full width, mixed."""

from bayesbeam.models.base import Derived, Parameter, ReferenceValue, centre, full_width, height
from bayesbeam.models.mathspace import MathSpace, Value

name = "pseudo_voigt"
title = "pseudo-Voigt peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("fwhm",)
amplitude = "amplitude"
parameters = (
    height(),
    centre(),
    full_width(),
    Parameter(
        "mixing", "1", "uniform(low=0, high=1)", (0.0, 1.0), "Lorentzian part: 0 Gaussian, 1 Lorentzian", (0.0, 1.0)
    ),
)
references = ("Wertheim et al., Review of Scientific Instruments 45 (1974) 1369, doi:10.1063/1.1686503",)
SOURCE = "lmfit 1.3.4, lineshapes.gaussian and lorentzian of one full width, each over its value at the centre"
reference_values = tuple(
    ReferenceValue(x, (3.0, 1.25, 0.8, 0.3), value, SOURCE, 1e-13)
    for x, value in ((0.5, 0.3829240404981621), (2.0, 0.3829240404981621), (4.5, 0.013429703893681508))
)


def formula(m: MathSpace, x: Value, amplitude: Value, position: Value, fwhm: Value, mixing: Value) -> Value:
    """Height times (1 - mixing) exp(-4 ln 2 t^2) + mixing / (1 + 4 t^2), t = (x - position) / fwhm."""
    square = 4.0 * m.square((x - position) / fwhm)
    return amplitude * ((1.0 - mixing) * m.exp(-m.log(2.0) * square) + mixing / (1.0 + square))


def area(m: MathSpace, amplitude: Value, position: Value, fwhm: Value, mixing: Value) -> Value:
    """Integral of the peak over the whole line."""
    gaussian = 0.5 * m.sqrt(m.pi / m.log(2.0))
    return amplitude * fwhm * ((1.0 - mixing) * gaussian + mixing * (0.5 * m.pi))


derived = (Derived("area", "x*y", area, "integral of the peak over the whole line"),)
