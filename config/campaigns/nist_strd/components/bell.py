"""height exp(-((x - position) / width)^2): one peak of NIST StRD Gauss1 and Gauss2."""

from bayesbeam.models.base import REAL, Parameter

name = "bell"
title = "Gaussian by its 1/e half-width"
exchangeable = True
order_by = "position"
parameters = (
    Parameter("height", "y", "uniform(low=0, high=1)", REAL, "height of the peak", (0.5, 2.0)),
    Parameter("position", "x", "uniform(low=0, high=1)", REAL, "centre of the peak", (0.5, 2.0)),
    Parameter(
        "width", "x", "uniform(low=0, high=1)", REAL, "distance at which the height has fallen to 1/e", (0.5, 2.0)
    ),
)


def formula(m, x, height, position, width):
    return height * m.exp(-m.square((x - position) / width))
