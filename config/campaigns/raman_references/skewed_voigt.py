"""Pseudo-Voigt line with two half widths: what a spectrometer with coma makes of a symmetric line."""

from bayesbeam.models.base import POSITIVE, REAL, Parameter

name = "skewed_voigt"
title = "pseudo-Voigt line of two half widths"
exchangeable = True
order_by = "position"
locations = ("position",)
widths = ("fwhm",)
amplitude = "amplitude"
parameters = (
    Parameter("amplitude", "y", "half_normal(sd=y_span)", REAL, "height of the line at its top", (0.5, 2.0)),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "place of the top", (-3.0, 3.0)),
    Parameter("fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "full width at half height", (0.5, 3.0)),
    Parameter("mixing", "1", "uniform(low=0, high=1)", (0.0, 1.0), "Lorentzian part of both flanks", (0.0, 1.0)),
    Parameter("skew", "1", "uniform(low=-0.8, high=0.8)", (-1.0, 1.0), "right minus left over fwhm", (-0.5, 0.5)),
)  # fmt: skip


def formula(m, x, amplitude, position, fwhm, mixing, skew):
    """Pseudo-Voigt whose full width is fwhm (1 - skew) left of the top, and fwhm (1 + skew) right of it."""
    distance = x - position
    width = m.where(distance < 0.0, fwhm * (1.0 - skew), fwhm * (1.0 + skew))
    square = 4.0 * m.square(distance / width)
    return amplitude * ((1.0 - mixing) * m.exp(-m.log(2.0) * square) + mixing / (1.0 + square))
