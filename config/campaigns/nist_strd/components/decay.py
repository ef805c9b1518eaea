"""height exp(-rate x): one term of NIST StRD Gauss1, Gauss2, Lanczos3 and MGH17."""

from bayesbeam.models.base import REAL, Parameter

name = "decay"
title = "exponential decay"
exchangeable = True
order_by = "rate"
parameters = (
    Parameter("height", "y", "uniform(low=0, high=1)", REAL, "value at x = 0", (0.5, 2.0)),
    Parameter("rate", "1/x", "uniform(low=0, high=1)", REAL, "rate of the decay", (0.5, 2.0)),
)


def formula(m, x, height, rate):
    return height * m.exp(-rate * x)
