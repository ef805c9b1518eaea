"""b1 x^b2: NIST StRD DanWood."""

from bayesbeam.models.base import REAL, Parameter

name = "power_law"
title = "power law"
exchangeable = False
parameters = (
    Parameter("b1", "y", "uniform(low=0, high=1)", REAL, "value at x = 1", (0.5, 2.0)),
    Parameter("b2", "1", "uniform(low=0, high=1)", REAL, "exponent", (0.5, 2.0)),
)


def formula(m, x, b1, b2):
    return b1 * m.exp(b2 * m.log(m.abs(x)))  # the data have x > 0 only
