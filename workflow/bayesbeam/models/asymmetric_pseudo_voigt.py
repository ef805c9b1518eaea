"""Pseudo-Voigt peak whose full width grows or shrinks along the axis by a sigmoid."""

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter, ReferenceValue, centre, height
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.numerics import falls_below, line_integral

name = "asymmetric_pseudo_voigt"
title = "asymmetric pseudo-Voigt peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("symmetric_fwhm",)
amplitude = "amplitude"
parameters = (
    height(),
    centre(),
    Parameter(
        "symmetric_fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE,
        "full width at the centre: that of the peak if its asymmetry were 0", (0.3, 2.0),
    ),
    Parameter(
        "mixing", "1", "uniform(low=0, high=1)", (0.0, 1.0), "Lorentzian part: 0 Gaussian, 1 Lorentzian", (0.0, 1.0)
    ),
    Parameter(
        "asymmetry", "1", "normal(mean=0, sd=0.5)", REAL,
        "rate of the sigmoid times symmetric_fwhm; the side below the centre is the wider one if above 0", (-0.6, 0.6),
    ),
)  # fmt: skip
references = ("Stancik and Brauns, Vibrational Spectroscopy 47 (2008) 66, doi:10.1016/j.vibspec.2008.02.009",)
SOURCE = "mpmath 1.4.1, the equations of the paper with asymmetry a = 0.4 / 0.8"
reference_values = tuple(
    ReferenceValue(x, (3.0, 1.25, 0.8, 0.3, 0.4), value, SOURCE, 1e-12)
    for x, value in (
        (0.5, 0.62764742834258984), (1.5, 2.1664137692385372), (2.0, 0.19633109340171539),
        (4.5, 0.0014735431183685491), (-3.0, 0.024747940869871934),
    )
)  # fmt: skip
STEEPEST = 30.0
"""Exponent beyond which the sigmoid is held: the curve is nothing there, and no square overflows."""


def reduced(m: MathSpace, u: Value, asymmetry: Value) -> Value:
    """Distance in units of the local full width: u (1 + exp(asymmetry u)) / 2, which rises with u everywhere."""
    return u * (0.5 + 0.5 * m.exp(m.minimum(u * asymmetry, STEEPEST)))


def shape(m: MathSpace, u: Value, mixing: Value, asymmetry: Value) -> Value:
    """Curve of height 1 at the distance u from the centre, in units of symmetric_fwhm."""
    square = 4.0 * m.square(reduced(m, u, asymmetry))
    return (1.0 - mixing) * m.exp(-m.log(2.0) * square) + mixing / (1.0 + square)


def formula(
    m: MathSpace, x: Value, amplitude: Value, position: Value, symmetric_fwhm: Value, mixing: Value, asymmetry: Value
) -> Value:
    """Pseudo-Voigt of full width 2 symmetric_fwhm / (1 + exp(asymmetry (x - position) / symmetric_fwhm))."""
    return amplitude * shape(m, (x - position) * (1.0 / symmetric_fwhm), mixing, asymmetry)


def area(
    m: MathSpace, amplitude: Value, position: Value, symmetric_fwhm: Value, mixing: Value, asymmetry: Value
) -> Value:
    """Integral of the peak over the whole line, by quadrature."""
    return amplitude * symmetric_fwhm * line_integral(m, lambda u: shape(m, u, mixing, asymmetry))


def fwhm(
    m: MathSpace, amplitude: Value, position: Value, symmetric_fwhm: Value, mixing: Value, asymmetry: Value
) -> Value:
    """Full width at half height: both parts are there where the reduced distance is 1/2."""
    low = falls_below(m, lambda u: 1.0 - reduced(m, u, -asymmetry), 0.5, 0.0 * asymmetry, 1.0 + 0.0 * asymmetry)
    high = falls_below(m, lambda u: 1.0 - reduced(m, u, asymmetry), 0.5, 0.0 * asymmetry, 1.0 + 0.0 * asymmetry)
    return symmetric_fwhm * (low + high)


derived = (
    Derived("area", "x*y", area, "integral of the peak over the whole line"),
    Derived("fwhm", "x", fwhm, "full width of the peak at half its height"),
)
