"""Continuum c0 + c1 / x + c2 / x^2, by its value and slope at 1 um and its curvature in 1 / x."""

from bayesbeam.models.base import REAL, Parameter

name = "curved_continuum"
title = "continuum of second order in 1 / x"
exchangeable = False
parameters = (
    Parameter("level", "y", "normal(mean=y_max, sd=y_span)", REAL, "continuum at x = 1", (-1.0, 1.0)),
    Parameter("c1", "x*y", "normal(mean=0, sd=y_span)", REAL, "slope in 1 / x at x = 1", (-0.2, 0.2)),
    Parameter("c2", "x^2*y", "normal(mean=0, sd=y_span)", REAL, "curvature in 1 / x", (-0.2, 0.2)),
)


def formula(m, x, level, c1, c2):
    """Second order in 1 / x - 1; finite beside x = 0, where no reflectance is."""
    away = x / m.maximum(m.square(x), 1e-6) - 1.0
    return level + away * (c1 + c2 * away)
