"""Core level of a metal: a Lorentzian made asymmetric by electrons that the hole excites."""

from bayesbeam.models.base import POSITIVE, Derived, Parameter, ReferenceValue, centre, height
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.numerics import falls_below

name = "doniach_sunjic"
title = "Doniach-Sunjic peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("lorentzian_fwhm",)
amplitude = "amplitude"
parameters = (
    height(),
    centre(),
    Parameter(
        "lorentzian_fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE,
        "full width at half height of the line without asymmetry", (0.3, 2.0),
    ),
    Parameter(
        "asymmetry", "1", "uniform(low=0, high=0.5)", (-1.0, 1.0),
        "singularity index: the tail is to higher x if above 0, to lower x if below", (0.05, 0.3),
    ),
)  # fmt: skip
references = ("Doniach and Sunjic, Journal of Physics C 3 (1970) 285, doi:10.1088/0022-3719/3/2/010: equation 21",)
SOURCE = "lmfit 1.3.4, lineshapes.doniach of gamma 0.15 and sigma 0.4, mirrored, over its maximum"
UP, DOWN = (3.0, 1.25, 0.8, 0.15), (3.0, 1.25, 0.8, -0.15)
reference_values = tuple(
    ReferenceValue(x, theta, value, SOURCE, 1e-12)
    for x, theta, value in (
        (0.5, UP, 0.7186435505040727), (1.25, UP, 3.0), (2.0, UP, 1.168193489073781), (4.5, UP, 0.2731859085710111),
        (0.5, DOWN, 1.168193489073781), (4.5, DOWN, 0.054543456286012135),
    )
)  # fmt: skip


def angle_of_maximum(m: MathSpace, index: Value) -> Value:
    """Arctangent of the reduced energy at which the curve has its maximum."""
    return (-0.5 * m.pi) * index / (2.0 - index)


def at_angle(m: MathSpace, angle: Value, index: Value) -> Value:
    """Curve at the reduced energy tan(angle), to a constant factor."""
    return m.cos((0.5 * m.pi) * index + (1.0 - index) * angle) * m.exp((1.0 - index) * m.log(m.cos(angle)))


def formula(
    m: MathSpace, x: Value, amplitude: Value, position: Value, lorentzian_fwhm: Value, asymmetry: Value
) -> Value:
    """Height times cos(pi a / 2 + (1 - a) arctan e) / (1 + e^2)^((1 - a) / 2) over its maximum.

    Here a is the size of the asymmetry, and e the energy below the singularity over the half width; the position is
    that of the maximum.
    """
    index = m.abs(asymmetry)
    top = angle_of_maximum(m, index)
    scale = m.where(asymmetry < 0.0, 2.0, -2.0) / lorentzian_fwhm
    e = (x - position) * scale + m.sin(top) / m.cos(top)
    fall = m.exp(m.log1p(m.square(e)) * (0.5 * index - 0.5))
    height = m.exp((2.0 - index) * m.log(m.cos(top)))
    return (amplitude / height) * (m.cos(m.atan(e) * (1.0 - index) + (0.5 * m.pi) * index) * fall)


def fwhm(m: MathSpace, amplitude: Value, position: Value, lorentzian_fwhm: Value, asymmetry: Value) -> Value:
    """Full width at half height, between the two angles at which the curve has fallen by half."""
    index = m.abs(asymmetry)
    top, edge = angle_of_maximum(m, index), 0.0 * index + 0.5 * m.pi
    half = 0.5 * at_angle(m, top, index)
    ends = [falls_below(m, lambda angle: at_angle(m, angle, index), half, top, far) for far in (-edge, edge)]
    low, high = (m.sin(end) / m.cos(end) for end in ends)
    return 0.5 * lorentzian_fwhm * (high - low)


def singularity(m: MathSpace, amplitude: Value, position: Value, lorentzian_fwhm: Value, asymmetry: Value) -> Value:
    """Doniach and Sunjic's own energy of the line, where e is 0."""
    top = angle_of_maximum(m, m.abs(asymmetry))
    return position + m.where(asymmetry < 0.0, -0.5, 0.5) * lorentzian_fwhm * (m.sin(top) / m.cos(top))


derived = (
    Derived("fwhm", "x", fwhm, "full width of the peak at half its height"),
    Derived("singularity", "x", singularity, "energy of the line without its asymmetry"),
)
