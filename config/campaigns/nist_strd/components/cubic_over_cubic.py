"""(b1 + b2 x + b3 x^2 + b4 x^3) / (1 + b5 x + b6 x^2 + b7 x^3): NIST StRD Hahn1 and Thurber."""

from bayesbeam.models.base import REAL, Parameter

name = "cubic_over_cubic"
title = "ratio of two cubics"
exchangeable = False
parameters = (
    Parameter("b1", "y", "uniform(low=0, high=1)", REAL, "numerator, constant", (0.5, 2.0)),
    Parameter("b2", "y/x", "uniform(low=0, high=1)", REAL, "numerator, linear", (0.5, 2.0)),
    Parameter("b3", "y/x^2", "uniform(low=0, high=1)", REAL, "numerator, quadratic", (0.5, 2.0)),
    Parameter("b4", "y/x^3", "uniform(low=0, high=1)", REAL, "numerator, cubic", (0.5, 2.0)),
    Parameter("b5", "1/x", "uniform(low=0, high=1)", REAL, "denominator, linear", (0.5, 2.0)),
    Parameter("b6", "1/x^2", "uniform(low=0, high=1)", REAL, "denominator, quadratic", (0.5, 2.0)),
    Parameter("b7", "1/x^3", "uniform(low=0, high=1)", REAL, "denominator, cubic", (0.5, 2.0)),
)


def formula(m, x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + x * (b2 + x * (b3 + x * b4))) / (1.0 + x * (b5 + x * (b6 + x * b7)))
