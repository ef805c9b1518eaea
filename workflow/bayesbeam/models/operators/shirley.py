"""Shirley's background, computed from the peaks of the model: a step in proportion to the area passed.

What the field finds by iteration on the data, until background and peaks agree, holds here by construction.
"""

from bayesbeam.models.base import POSITIVE, Parameter
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.operators.base import Curve, operator, side_of_loss
from bayesbeam.models.operators.integrals import passed


def formula(m: MathSpace, x: Value, axis: Value, curve: Curve, strength: Value, side: Value) -> Value:
    """Strength times the integral of the peaks from x to the end of the data where the background is low."""
    return strength * passed(axis, side, curve)


SHIRLEY = operator(
    name="shirley",
    title="Shirley background",
    parameters=(
        Parameter(
            "strength", "1/x", "half_normal(sd=5/x_span)", POSITIVE,
            "step of the background at a peak over the peak's area", (0.05, 0.3),
        ),
        side_of_loss(),
    ),
    formula=formula,
    references=("Shirley, Physical Review B 5 (1972) 4709, doi:10.1103/PhysRevB.5.4709",),
    adds=True,
    on="peaks",
    unfit=(),
)  # fmt: skip
