"""Exponential background, by its level at a pivot and its rate of decay."""

from bayesbeam.models.base import REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "exponential"
title = "exponential background"
exchangeable = False
locations = ("pivot",)
parameters = (
    Parameter("level", "y", "half_normal(sd=y_span)", REAL, "background at the pivot", (0.5, 2.0)),
    Parameter("rate", "1/x", "normal(mean=0, sd=3/x_span)", REAL, "rate of decay; it grows if below 0", (-0.2, 0.2)),
    Parameter("pivot", "x", "fixed(value=x_min)", REAL, "where the background equals its level", (-1.0, 1.0)),
)
references = ("definition",)
SOURCE = "lmfit 1.3.4, lineshapes.exponential of x + 5 and decay 1 / 0.3"
reference_values = tuple(
    ReferenceValue(x, (2.5, 0.3, -5.0), value, SOURCE, 1e-13)
    for x, value in ((-5.0, 2.5), (1.0, 0.4132472205539664), (4.5, 0.14461080218709615))
)


def formula(m: MathSpace, x: Value, level: Value, rate: Value, pivot: Value) -> Value:
    """Level times exp(-rate (x - pivot))."""
    return level * m.exp((x - pivot) * -rate)
