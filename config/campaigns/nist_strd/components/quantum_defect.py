"""b1 - b2 x - arctan(b3 / (x - b4)) / pi: NIST StRD Roszman1."""

from bayesbeam.models.base import REAL, Parameter

name = "quantum_defect"
title = "quantum defects"
exchangeable = False
parameters = (
    Parameter("b1", "y", "uniform(low=0, high=1)", REAL, "level", (0.5, 2.0)),
    Parameter("b2", "y/x", "uniform(low=0, high=1)", REAL, "fall", (0.5, 2.0)),
    Parameter("b3", "x", "uniform(low=0, high=1)", REAL, "width of the step", (0.5, 2.0)),
    Parameter("b4", "x", "uniform(low=0, high=1)", REAL, "place of the step", (0.5, 2.0)),
)


def formula(m, x, b1, b2, b3, b4):
    return b1 - b2 * x - m.atan(b3 / (x - b4)) / m.pi
