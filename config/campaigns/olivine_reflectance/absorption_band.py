"""Absorption band of the modified Gaussian model: a Gaussian that is taken off the logarithm of reflectance."""

from bayesbeam.models.base import POSITIVE, REAL, Parameter

name = "absorption_band"
title = "absorption band"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("sd",)
amplitude = "depth"
parameters = (
    Parameter("depth", "y", "half_normal(sd=y_span)", REAL, "how far it goes down", (0.3, 2.0)),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "centre of the band", (-3.0, 3.0)),
    Parameter("sd", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "standard deviation", (0.3, 2.0)),
)


def formula(m, x, depth, position, sd):
    """Minus a Gaussian."""
    return -depth * m.exp(-0.5 * m.square((x - position) / sd))
