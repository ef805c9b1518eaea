"""Transformed share by nucleation and growth after a start (Johnson, Mehl, Avrami, Kolmogorov)."""

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.numerics import transformed_share

name = "avrami"
title = "Avrami transformation"
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
    Parameter(
        "order", "1", "uniform(low=1, high=4)", POSITIVE,
        "Avrami exponent: dimensions of growth, and 1 more if nuclei keep forming", (1.0, 4.0),
    ),
    Parameter("start", "x", "fixed(value=x_min)", REAL, "when it begins; nothing before", (-6.5, -5.5)),
)  # fmt: skip
derived = (
    Derived(
        "half_time",
        "x",
        lambda m, change, rate, order, start: m.exp(m.log(m.log(2.0)) / order) / rate,
        "time in which half of it happens",
    ),
)
references = ("M. Avrami, J. Chem. Phys. 7 (1939) 1103 and 8 (1940) 212",)
SOURCE = "mpmath 1.3.0 with 30 digits, -2 expm1(-(0.4 (x + 5))^2.5)"
reference_values = (
    *(
        ReferenceValue(x, (2.0, 0.4, 2.5, -5.0), value, SOURCE, 1e-13)
        for x, value in (
            (-4.875, 0.001117721546972695),
            (-3.5, 0.4867004798338074),
            (1.0, 1.9997335186902536),
            (4.5, 1.9999999999988083),
        )
    ),
    ReferenceValue(-5.5, (2.0, 0.4, 2.5, -5.0), 0.0, "definition: nothing before the start", 0.0),
)  # fmt: skip


def formula(m: MathSpace, x: Value, change: Value, rate: Value, order: Value, start: Value) -> Value:
    """Change times 1 - exp(-(rate d)^order), d the distance from the start; 0 before."""
    return change * transformed_share(m, x - start, rate, order)
