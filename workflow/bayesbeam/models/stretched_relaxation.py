"""Stretched exponential approach to a new level after a start (Kohlrausch): first-order kinetics of many rates."""

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.numerics import transformed_share

name = "stretched_relaxation"
title = "stretched exponential relaxation to a new level"
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
    Parameter("stretch", "1", "uniform(low=0.2, high=1)", (0.0, 1.0), "exponent; 1 is a plain exponential", (0.4, 1.0)),
    Parameter("start", "x", "fixed(value=x_min)", REAL, "when it begins; nothing before", (-6.5, -5.5)),
)  # fmt: skip
derived = (
    Derived(
        "half_time",
        "x",
        lambda m, change, rate, stretch, start: m.exp(m.log(m.log(2.0)) / stretch) / rate,
        "time in which half of it happens",
    ),
)
references = ("R. Kohlrausch, Annalen der Physik 167 (1854) 179",)
SOURCE = "mpmath 1.3.0 with 30 digits, -2 expm1(-(0.4 (x + 5))^0.6)"
reference_values = (
    *(
        ReferenceValue(x, (2.0, 0.4, 0.6, -5.0), value, SOURCE, 1e-13)
        for x, value in (
            (-4.875, 0.3054376961090169),
            (-3.5, 1.041968616600216),
            (1.0, 1.6313056003862938),
            (4.5, 1.784462814082331),
        )
    ),
    ReferenceValue(-5.5, (2.0, 0.4, 0.6, -5.0), 0.0, "definition: nothing before the start", 0.0),
)  # fmt: skip


def formula(m: MathSpace, x: Value, change: Value, rate: Value, stretch: Value, start: Value) -> Value:
    """Change times 1 - exp(-(rate d)^stretch), d the distance from the start; 0 before."""
    return change * transformed_share(m, x - start, rate, stretch)
