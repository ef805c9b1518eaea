"""Power of x times an amplitude: a term of a polynomial; the exponent is a number of the campaign, 1 here."""

from bayesbeam.models.base import REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "power"
title = "power of x"
exchangeable = False
parameters = (
    Parameter("amplitude", "y/x", "normal(mean=0, sd=y_span/x_span)", REAL, "factor of the power of x", (-1.0, 1.0)),
)
references = ("definition",)
reference_values = tuple(
    ReferenceValue(x, (amplitude,), value, "definition of a product", 0.0)
    for x, amplitude, value in ((2.0, 1.5, 3.0), (-4.0, 0.25, -1.0), (0.0, 7.0, 0.0))
)


def formula(m: MathSpace, x: Value, amplitude: Value) -> Value:
    """Amplitude times x, its first power."""
    return amplitude * x
