"""Exponential approach to a new level after a start: first-order kinetics. Two of them are a double exponential."""

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "relaxation"
title = "exponential relaxation to a new level"
exchangeable = True
order_by = "rate"
locations = ("start",)
amplitude = "change"
parameters = (
    Parameter("change", "y", "normal(mean=0, sd=y_span)", REAL, "change of the signal in the end; a decay if below 0"),
    Parameter(
        "rate", "1/x", "log_uniform(low=0.1/x_span, high=1/x_step)", POSITIVE,
        "after 1/rate, 1/e of the change is still to come", (0.1, 1.0),
    ),
    Parameter("start", "x", "fixed(value=x_min)", REAL, "when it begins; nothing before", (-6.5, -5.5)),
)  # fmt: skip
derived = (
    Derived("half_time", "x", lambda m, change, rate, start: m.log(2.0) / rate, "time in which half of it happens"),
)
references = ("definition: first-order kinetics",)
SOURCE = "mpmath 1.3.0 with 30 digits, -2 expm1(-0.4 (x + 5))"
reference_values = (
    *(
        ReferenceValue(x, (2.0, 0.4, -5.0), value, SOURCE, 1e-13)
        for x, value in (
            (-4.875, 0.09754115099857198),
            (-3.5, 0.9023767278119472),
            (1.0, 1.818564093421175),
            (4.5, 1.9552584562876687),
        )
    ),
    ReferenceValue(-5.5, (2.0, 0.4, -5.0), 0.0, "definition: nothing before the start", 0.0),
)  # fmt: skip


def formula(m: MathSpace, x: Value, change: Value, rate: Value, start: Value) -> Value:
    """Change times 1 - exp(-rate d), d the distance from the start; 0 before."""
    return change * -m.expm1(m.maximum(x - start, 0.0) * -rate)
