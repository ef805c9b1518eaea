"""exp(-b1 x) / (b2 + b3 x): NIST StRD Chwirut2."""

from bayesbeam.models.base import REAL, Parameter

name = "decay_over_line"
title = "decay over a straight line"
exchangeable = False
parameters = (
    Parameter("b1", "1/x", "uniform(low=0, high=1)", REAL, "rate of the decay", (0.5, 2.0)),
    Parameter("b2", "1/y", "uniform(low=0, high=1)", REAL, "line at 0", (0.5, 2.0)),
    Parameter("b3", "1/x*y", "uniform(low=0, high=1)", REAL, "rise of the line", (0.5, 2.0)),
)


def formula(m, x, b1, b2, b3):
    return m.exp(-b1 * x) / (b2 + b3 * x)
