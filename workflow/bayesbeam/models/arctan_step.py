"""Step with the shape of an arctangent: an edge broadened by a Lorentzian."""

from bayesbeam.models.base import POSITIVE, REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "arctan_step"
title = "arctangent step"
exchangeable = False
locations = ("position",)
widths = ("fwhm",)
parameters = (
    Parameter("step", "y", "half_normal(sd=y_span)", REAL, "height of the step"),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "middle of the step", (-3.0, 3.0)),
    Parameter(
        "fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE,
        "full width at half height of the Lorentzian that broadens the step", (0.3, 3.0),
    ),
)  # fmt: skip
references = ("Breit and Wigner's line, integrated; Richtmyer, Barnes and Ramberg, Physical Review 46 (1934) 843",)
SOURCE = "lmfit 1.3.4, lineshapes.step of form atan and sigma 0.4"
reference_values = tuple(
    ReferenceValue(x, (1.5, 0.5, 0.8), value, SOURCE, 1e-13)
    for x, value in (
        (-2.0, 0.07575230767351926), (0.5, 0.75), (1.1, 1.2192494372835019), (4.0, 1.445668318736192)
    )
)  # fmt: skip


def formula(m: MathSpace, x: Value, step: Value, position: Value, fwhm: Value) -> Value:
    """Step times 1/2 + arctan(2 (x - position) / fwhm) / pi."""
    return step * (0.5 + m.atan((x - position) * (2.0 / fwhm)) * (1.0 / m.pi))
