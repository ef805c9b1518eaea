"""Step with the shape of an error function: an edge broadened by a Gaussian."""

from bayesbeam.models.base import POSITIVE, REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.numerics import half_erfc

name = "erf_step"
title = "error-function step"
exchangeable = False
locations = ("position",)
widths = ("fwhm",)
parameters = (
    Parameter("step", "y", "half_normal(sd=y_span)", REAL, "height of the step"),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "middle of the step", (-3.0, 3.0)),
    Parameter(
        "fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE,
        "full width at half height of the Gaussian that broadens the step", (0.3, 3.0),
    ),
)  # fmt: skip
references = ("Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1 (1994), chapter 13",)
SOURCE = "scipy 1.17, stats.norm.cdf of the standard deviation 0.8 / sqrt(8 ln 2)"
reference_values = tuple(
    ReferenceValue(x, (1.5, 0.5, 0.8), value, SOURCE, 1e-10)
    for x, value in ((0.2, 0.2829038970644433), (0.5, 0.75), (1.1, 1.4419675861744539), (4.0, 1.5))
)


def formula(m: MathSpace, x: Value, step: Value, position: Value, fwhm: Value) -> Value:
    """Step times a normal distribution's probability below x."""
    return step * half_erfc(m, (x - position) * (-2.0 * m.sqrt(m.log(2.0)) / fwhm))
