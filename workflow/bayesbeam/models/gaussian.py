"""Gaussian peak by height, position and standard deviation."""

from bayesbeam.models.base import POSITIVE, Derived, Parameter, ReferenceValue, centre, height
from bayesbeam.models.mathspace import MathSpace, Value

name = "gaussian"
title = "Gaussian peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("sd",)
amplitude = "amplitude"
parameters = (
    height(),
    centre(),
    Parameter(
        "sd", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "standard deviation of the peak", (0.2, 1.5)
    ),
)
references = ("Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1 (1994), chapter 13",)
SOURCE = "lmfit 1.3.4, lineshapes.gaussian over its value at the centre"
reference_values = tuple(
    ReferenceValue(x, (3.0, 1.25, 0.8), value, SOURCE, 1e-13)
    for x, value in ((0.5, 1.9331661744755861), (2.0, 1.9331661744755861), (4.5, 0.0007822463540064819))
)


def formula(m: MathSpace, x: Value, amplitude: Value, position: Value, sd: Value) -> Value:
    """Height times exp(-(x - position)^2 / (2 sd^2))."""
    return amplitude * m.exp(-0.5 * m.square((x - position) / sd))


def area(m: MathSpace, amplitude: Value, position: Value, sd: Value) -> Value:
    """Integral of the peak."""
    return amplitude * sd * m.sqrt(2.0 * m.pi)


def fwhm(m: MathSpace, amplitude: Value, position: Value, sd: Value) -> Value:
    """Full width at half height."""
    return sd * (2.0 * m.sqrt(2.0 * m.log(2.0)))


derived = (
    Derived("area", "x*y", area, "integral of the peak"),
    Derived("fwhm", "x", fwhm, "full width of the peak at half its height"),
)
