"""Background of a constant and the inverse of x: the continuum of mineral reflectance in its logarithm."""

from bayesbeam.models.base import REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "inverse_x"
title = "background of a constant and 1/x"
exchangeable = False
parameters = (
    Parameter("level", "y", "normal(mean=y_mid, sd=y_span)", REAL, "background far from x = 0", (-1.0, 1.0)),
    Parameter("inverse", "x*y", "normal(mean=0, sd=y_span*x_span)", REAL, "factor of 1/x", (-0.2, 0.2)),
)
references = ("Nagata, Sugita and Okada, Neural Networks 28 (2012) 82, doi:10.1016/j.neunet.2011.12.001: c0 + c1 / x",)
reference_values = (
    ReferenceValue(0.5, (1.0, 0.25), 1.5, "definition: 1 + 0.25 / 0.5", 0.0),
    ReferenceValue(2.0, (1.0, 0.25), 1.125, "definition: 1 + 0.25 / 2", 0.0),
    ReferenceValue(-4.0, (1.0, 0.25), 0.9375, "definition: 1 - 0.25 / 4", 0.0),
    ReferenceValue(0.0, (1.0, 0.25), 1.0, "a point at x = 0 has no inverse: the level alone", 0.0),
)
NONE = 1e-12
"""Nearer to 0 than this, a point counts as x = 0: rounding, in any unit in use."""


def formula(m: MathSpace, x: Value, level: Value, inverse: Value) -> Value:
    """Level plus inverse / x; at x = 0 the level alone."""
    there = m.abs(x) > NONE
    return level + inverse * m.where(there, 1.0 / m.where(there, x, 1.0), 0.0)
