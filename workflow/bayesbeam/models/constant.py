"""Constant background."""

from bayesbeam.models.base import REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "constant"
title = "constant background"
exchangeable = False
parameters = (Parameter("level", "y", "normal(mean=y_mid, sd=y_span)", REAL, "height of the background", (-1.0, 1.0)),)
references = ("definition",)
reference_values = tuple(
    ReferenceValue(x, (level,), level, "definition of a constant", 0.0)
    for x, level in ((-1.0, 0.0), (0.0, 2.5), (1e3, -7.0))
)


def formula(m: MathSpace, x: Value, level: Value) -> Value:
    """Return the level, at every x."""
    return level + 0.0 * x
