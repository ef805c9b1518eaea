"""Pseudo-Voigt peak with a half width of its own on either side of its top, by its full width and their difference."""

from bayesbeam.models.base import POSITIVE, Derived, Parameter, ReferenceValue, centre, height
from bayesbeam.models.mathspace import MathSpace, Value

name = "split_pseudo_voigt"
title = "split pseudo-Voigt peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("fwhm",)
amplitude = "amplitude"
parameters = (
    height(),
    centre(),
    Parameter(
        "fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "full width of the peak at half its height",
        (0.5, 3.0),
    ),
    Parameter(
        "mixing", "1", "uniform(low=0, high=1)", (0.0, 1.0), "Lorentzian part: 0 Gaussian, 1 Lorentzian", (0.0, 1.0)
    ),
    Parameter(
        "skew", "1", "uniform(low=-0.8, high=0.8)", (-1.0, 1.0),
        "half width above the centre less that below, over fwhm: 0 is symmetric", (-0.4, 0.4),
    ),
)  # fmt: skip
references = ("Wertheim et al., Review of Scientific Instruments 45 (1974) 1369, doi:10.1063/1.1686503: each side",)
SOURCE = "lmfit 1.3.4, lineshapes.split_lorentzian and gaussian of each side's half width, over their values at the top"
reference_values = tuple(
    ReferenceValue(x, (3.0, 1.25, 0.8, 0.3, 0.4), value, SOURCE, 1e-13)
    for x, value in (
        (0.5, 0.08601195234150885), (1.0, 1.4215164134122027), (1.5, 2.579484078677187), (2.0, 0.9278666712792641),
        (4.5, 0.02595047872472101),
    )
)  # fmt: skip


def formula(
    m: MathSpace, x: Value, amplitude: Value, position: Value, fwhm: Value, mixing: Value, skew: Value
) -> Value:
    """Pseudo-Voigt of full width fwhm (1 - skew) below the centre, and fwhm (1 + skew) above it."""
    d = x - position
    square = 4.0 * m.square(d * m.where(d < 0.0, 1.0 / (fwhm * (1.0 - skew)), 1.0 / (fwhm * (1.0 + skew))))
    return amplitude * ((1.0 - mixing) * m.exp(-m.log(2.0) * square) + mixing / (1.0 + square))


def area(m: MathSpace, amplitude: Value, position: Value, fwhm: Value, mixing: Value, skew: Value) -> Value:
    """Integral of the peak over the whole line: each half in proportion to its half width, so that skew drops out."""
    gaussian = 0.5 * m.sqrt(m.pi / m.log(2.0))
    return amplitude * fwhm * ((1.0 - mixing) * gaussian + mixing * (0.5 * m.pi))


def hwhm_low(m: MathSpace, amplitude: Value, position: Value, fwhm: Value, mixing: Value, skew: Value) -> Value:
    """Half width at half height below the centre."""
    return 0.5 * fwhm * (1.0 - skew)


def hwhm_high(m: MathSpace, amplitude: Value, position: Value, fwhm: Value, mixing: Value, skew: Value) -> Value:
    """Half width at half height above the centre."""
    return 0.5 * fwhm * (1.0 + skew)


derived = (
    Derived("area", "x*y", area, "integral of the peak over the whole line"),
    Derived("hwhm_low", "x", hwhm_low, "half width at half height below the centre"),
    Derived("hwhm_high", "x", hwhm_high, "half width at half height above the centre"),
)
