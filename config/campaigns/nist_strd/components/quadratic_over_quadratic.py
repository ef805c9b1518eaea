"""(b1 + b2 x + b3 x^2) / (1 + b4 x + b5 x^2): NIST StRD Kirby2."""

from bayesbeam.models.base import REAL, Parameter

name = "quadratic_over_quadratic"
title = "ratio of two quadratics"
exchangeable = False
parameters = (
    Parameter("b1", "y", "uniform(low=0, high=1)", REAL, "numerator, constant", (0.5, 2.0)),
    Parameter("b2", "y/x", "uniform(low=0, high=1)", REAL, "numerator, linear", (0.5, 2.0)),
    Parameter("b3", "y/x^2", "uniform(low=0, high=1)", REAL, "numerator, quadratic", (0.5, 2.0)),
    Parameter("b4", "1/x", "uniform(low=0, high=1)", REAL, "denominator, linear", (0.5, 2.0)),
    Parameter("b5", "1/x^2", "uniform(low=0, high=1)", REAL, "denominator, quadratic", (0.5, 2.0)),
)


def formula(m, x, b1, b2, b3, b4, b5):
    return (b1 + x * (b2 + x * b3)) / (1.0 + x * (b4 + x * b5))
