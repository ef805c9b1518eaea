"""b1 / (1 + exp(b2 - b3 x)): NIST StRD Rat42."""

from bayesbeam.models.base import REAL, Parameter

name = "logistic"
title = "logistic growth"
exchangeable = False
parameters = (
    Parameter("b1", "y", "uniform(low=0, high=1)", REAL, "level that is approached", (0.5, 2.0)),
    Parameter("b2", "1", "uniform(low=0, high=1)", REAL, "delay", (0.5, 2.0)),
    Parameter("b3", "1/x", "uniform(low=0, high=1)", REAL, "rate", (0.5, 2.0)),
)


def formula(m, x, b1, b2, b3):
    return b1 / (1.0 + m.exp(b2 - b3 * x))
