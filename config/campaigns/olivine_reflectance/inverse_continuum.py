"""Continuum of the modified Gaussian model, c0 + c1 / x, by its value at 1 um, which c0 and c1 share."""

from bayesbeam.models.base import REAL, Parameter

name = "inverse_continuum"
title = "continuum c0 + c1 / x"
exchangeable = False
parameters = (
    Parameter("level", "y", "normal(mean=y_max, sd=y_span)", REAL, "continuum at x = 1, c0 + c1", (-1.0, 1.0)),
    Parameter("c1", "x*y", "normal(mean=0, sd=y_span)", REAL, "factor of 1 / x", (-0.2, 0.2)),
)


def formula(m, x, level, c1):
    """Level at x = 1, and a part in proportion to 1 / x; finite beside x = 0, where no reflectance is."""
    return level + c1 * (x / m.maximum(m.square(x), 1e-6) - 1.0)
