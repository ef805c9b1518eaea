"""b1 (1 - exp(-b2 x)): NIST StRD Misra1a and BoxBOD."""

from bayesbeam.models.base import REAL, Parameter

name = "saturation"
title = "exponential saturation"
exchangeable = False
parameters = (
    Parameter("b1", "y", "uniform(low=0, high=1)", REAL, "level that is approached", (0.5, 2.0)),
    Parameter("b2", "1/x", "uniform(low=0, high=1)", REAL, "rate of the approach", (0.5, 2.0)),
)


def formula(m, x, b1, b2):
    return b1 * (1.0 - m.exp(-b2 * x))
