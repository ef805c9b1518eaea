"""Gaussian peak with a width of its own on either side of its centre."""

from bayesbeam.models.base import POSITIVE, Derived, Parameter, ReferenceValue, centre, height
from bayesbeam.models.mathspace import MathSpace, Value

name = "split_gaussian"
title = "split Gaussian peak"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("sd_low", "sd_high")
amplitude = "amplitude"
WIDTH = "log_uniform(low=x_step, high=x_span)"
parameters = (
    height(),
    centre(),
    Parameter("sd_low", "x", WIDTH, POSITIVE, "standard deviation of the side below the centre", (0.2, 1.5)),
    Parameter("sd_high", "x", WIDTH, POSITIVE, "standard deviation of the side above the centre", (0.2, 1.5)),
)
references = ("Wallis, Statistical Science 29 (2014) 106, doi:10.1214/13-STS417: the two-piece normal distribution",)
SOURCE = "scipy 1.17, stats.norm.pdf of each side's standard deviation over its value at the centre"
reference_values = tuple(
    ReferenceValue(x, (3.0, 1.25, 0.8, 1.4), value, SOURCE, 1e-13)
    for x, value in ((0.5, 1.9331661744755861), (1.0, 2.857034399685529), (2.0, 2.5989756606078087),
                     (4.5, 0.20272538126469355))
)  # fmt: skip


def formula(m: MathSpace, x: Value, amplitude: Value, position: Value, sd_low: Value, sd_high: Value) -> Value:
    """Height times exp(-(x - position)^2 / (2 sd^2)), sd that of the side on which x is."""
    d = x - position
    return amplitude * m.exp(-0.5 * m.square(d * m.where(d < 0.0, 1.0 / sd_low, 1.0 / sd_high)))


def area(m: MathSpace, amplitude: Value, position: Value, sd_low: Value, sd_high: Value) -> Value:
    """Integral of the peak: half of each side's Gaussian."""
    return amplitude * (sd_low + sd_high) * m.sqrt(0.5 * m.pi)


def fwhm(m: MathSpace, amplitude: Value, position: Value, sd_low: Value, sd_high: Value) -> Value:
    """Full width at half height."""
    return (sd_low + sd_high) * m.sqrt(2.0 * m.log(2.0))


derived = (
    Derived("area", "x*y", area, "integral of the peak"),
    Derived("fwhm", "x", fwhm, "full width of the peak at half its height"),
)
