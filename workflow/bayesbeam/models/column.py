"""Column of a measurement times a coefficient: a term of linear regression.

Whoever computes the curve puts the column in place of x.
"""

from bayesbeam.models.base import REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "column"
title = "column of the data"
exchangeable = False
parameters = (
    Parameter(
        "coefficient", "y", "normal(mean=0, sd=y_span)", REAL, "factor of the column, in units of y over its own",
        (-1.0, 1.0),
    ),
)  # fmt: skip
references = ("definition",)
reference_values = tuple(
    ReferenceValue(x, (coefficient,), value, "definition of a product", 0.0)
    for x, coefficient, value in ((2.0, 1.5, 3.0), (-4.0, 0.25, -1.0), (0.0, 7.0, 0.0))
)


def formula(m: MathSpace, x: Value, coefficient: Value) -> Value:
    """Coefficient times what stands in place of x."""
    return coefficient * x
