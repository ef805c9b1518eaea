"""Cubic background, by its level, slope, curvature and third coefficient at a pivot."""

from bayesbeam.models.base import REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "cubic"
title = "cubic background"
exchangeable = False
locations = ("pivot",)
parameters = (
    Parameter("level", "y", "normal(mean=y_mid, sd=y_span)", REAL, "background at the pivot", (-1.0, 1.0)),
    Parameter("slope", "y/x", "normal(mean=0, sd=y_span/x_span)", REAL, "rise at the pivot", (-0.2, 0.2)),
    Parameter(
        "curvature", "y/x^2", "normal(mean=0, sd=4*y_span/(x_span*x_span))", REAL,
        "factor of the squared distance from the pivot", (-0.05, 0.05),
    ),
    Parameter(
        "third", "y/x^3", "normal(mean=0, sd=8*y_span/(x_span*x_span*x_span))", REAL,
        "factor of the cubed distance from the pivot", (-0.01, 0.01),
    ),
    Parameter("pivot", "x", "fixed(value=x_mid)", REAL, "place of level and slope", (-1.0, 1.0)),
)  # fmt: skip
references = ("definition",)
reference_values = (
    ReferenceValue(2.0, (1.0, 0.5, 0.25, 0.125, 2.0), 1.0, "definition: the level at the pivot", 0.0),
    ReferenceValue(4.0, (1.0, 0.5, 0.25, 0.125, 2.0), 4.0, "definition: 1 + 0.5 * 2 + 0.25 * 4 + 0.125 * 8", 0.0),
    ReferenceValue(-6.0, (1.0, 0.5, 0.25, 0.125, 2.0), -51.0, "definition: 1 - 0.5 * 8 + 0.25 * 64 - 0.125 * 512", 0.0),
)


def formula(m: MathSpace, x: Value, level: Value, slope: Value, curvature: Value, third: Value, pivot: Value) -> Value:
    """Level plus slope d plus curvature d^2 plus third d^3, d the distance from the pivot."""
    d = x - pivot
    return level + d * (slope + d * (curvature + d * third))
