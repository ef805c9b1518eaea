"""Step with the shape of a logistic function: growth that feeds on itself until nothing is left."""

from bayesbeam.models.base import POSITIVE, REAL, Derived, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "sigmoid"
title = "sigmoid (logistic) step"
exchangeable = False
locations = ("position",)
widths = ("time",)
parameters = (
    Parameter("change", "y", "normal(mean=0, sd=y_span)", REAL, "height of the step; a fall if below 0"),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "middle of the step", (-3.0, 3.0)),
    Parameter(
        "time", "x", "log_uniform(low=x_step/4, high=x_span)", POSITIVE,
        "distance over which done over still to do grows by a factor of e", (0.3, 3.0),
    ),
)  # fmt: skip
derived = (
    Derived("rise", "x", lambda m, change, position, time: time * (2.0 * m.log(9.0)), "distance from 10 % to 90 %"),
)
references = ("Verhulst, Correspondance mathematique et physique 10 (1838) 113: logistic growth",)
SOURCE = "scipy 1.17, stats.logistic.cdf of location 0.5 and scale 0.8, times 1.5"
reference_values = tuple(
    ReferenceValue(x, (1.5, 0.5, 0.8), value, SOURCE, 1e-12)
    for x, value in ((-1.5, 0.11378727003186531), (0.5, 0.75), (1.1, 1.0187680487630897), (4.0, 1.4813525237202212))
)


def formula(m: MathSpace, x: Value, change: Value, position: Value, time: Value) -> Value:
    """Change over 1 + exp(-(x - position) / time)."""
    return change * (0.5 + 0.5 * m.tanh((x - position) * (0.5 / time)))
