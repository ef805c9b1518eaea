"""Straight-line background, by its level and slope at a pivot."""

from bayesbeam.models.base import REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "linear"
title = "linear background"
exchangeable = False
locations = ("pivot",)
parameters = (
    Parameter("level", "y", "normal(mean=y_mid, sd=y_span)", REAL, "background at the pivot", (-1.0, 1.0)),
    Parameter("slope", "y/x", "normal(mean=0, sd=y_span/x_span)", REAL, "rise of the background", (-0.2, 0.2)),
    Parameter("pivot", "x", "fixed(value=x_mid)", REAL, "where the background equals its level", (-1.0, 1.0)),
)
references = ("definition",)
reference_values = (
    ReferenceValue(2.0, (1.0, 0.5, 2.0), 1.0, "definition: the level at the pivot", 0.0),
    ReferenceValue(4.0, (1.0, 0.5, 2.0), 2.0, "definition: a rise of 0.5 over each of 2 steps", 0.0),
    ReferenceValue(-6.0, (1.0, 0.5, 2.0), -3.0, "definition: a fall of 0.5 over each of 8 steps", 0.0),
)


def formula(m: MathSpace, x: Value, level: Value, slope: Value, pivot: Value) -> Value:
    """Level plus slope times the distance from the pivot."""
    return level + slope * (x - pivot)
