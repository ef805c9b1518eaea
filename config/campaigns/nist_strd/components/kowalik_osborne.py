"""b1 (x^2 + x b2) / (x^2 + x b3 + b4): NIST StRD MGH09."""

from bayesbeam.models.base import REAL, Parameter

name = "kowalik_osborne"
title = "ratio of Kowalik and Osborne"
exchangeable = False
parameters = (
    Parameter("b1", "y", "uniform(low=0, high=1)", REAL, "value far out", (0.5, 2.0)),
    Parameter("b2", "x", "uniform(low=0, high=1)", REAL, "numerator", (0.5, 2.0)),
    Parameter("b3", "x", "uniform(low=0, high=1)", REAL, "denominator, linear", (0.5, 2.0)),
    Parameter("b4", "x^2", "uniform(low=0, high=1)", REAL, "denominator, constant", (0.5, 2.0)),
)


def formula(m, x, b1, b2, b3, b4):
    return b1 * x * (x + b2) / (x * (x + b3) + b4)
