"""Gaussian peak by height, position and precision (inverse variance), as in Nagata, Sugita and Okada 2012."""

from bayesbeam.models.base import POSITIVE, Derived, Parameter, ReferenceValue, centre, height
from bayesbeam.models.mathspace import MathSpace, Value

name = "gaussian_precision"
title = "Gaussian peak (precision)"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("precision",)
amplitude = "amplitude"
parameters = (
    height(),
    centre(),
    Parameter(
        "precision",
        "1/x^2",
        "log_uniform(low=1/(x_span*x_span), high=1/(x_step*x_step))",
        POSITIVE,
        "inverse of the squared standard deviation of the peak",
        (0.5, 25.0),
    ),
)
references = ("Nagata, Sugita and Okada, Neural Networks 28 (2012) 82, doi:10.1016/j.neunet.2011.12.001",)
SOURCE = "lmfit 1.3.4, lineshapes.gaussian of sigma 2.5^-1/2 over its value at the centre"
reference_values = tuple(
    ReferenceValue(x, (3.0, 1.25, 2.5), value, SOURCE, 1e-13)
    for x, value in ((0.5, 1.4851076907785958), (2.0, 1.4851076907785958), (4.5, 5.534481286718483e-06))
)


def formula(m: MathSpace, x: Value, amplitude: Value, position: Value, precision: Value) -> Value:
    """Height times exp(-precision (x - position)^2 / 2)."""
    return amplitude * m.exp(-0.5 * precision * m.square(x - position))


def area(m: MathSpace, amplitude: Value, position: Value, precision: Value) -> Value:
    """Integral of the peak."""
    return amplitude * m.sqrt(2.0 * m.pi / precision)


def sd(m: MathSpace, amplitude: Value, position: Value, precision: Value) -> Value:
    """Return the standard deviation."""
    return m.sqrt(1.0 / precision)


def fwhm(m: MathSpace, amplitude: Value, position: Value, precision: Value) -> Value:
    """Full width at half height."""
    return m.sqrt(8.0 * m.log(2.0) / precision)


derived = (
    Derived("area", "x*y", area, "integral of the peak"),
    Derived("sd", "x", sd, "standard deviation of the peak"),
    Derived("fwhm", "x", fwhm, "full width of the peak at half its height"),
)
