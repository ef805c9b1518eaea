"""Spin-orbit pair of skewed pseudo-Voigt lines on a kinetic energy axis, with a step below each.

Electrons of a line that lost energy on their way out make the background higher on the side of low kinetic energy, in
proportion to the line. The skew is a stand-in for the tail of a metal's line (Doniach, Sunjic 1970).
"""

from bayesbeam.models.base import POSITIVE, REAL, Parameter

name = "stepped_doublet"
title = "skewed doublet with steps"
exchangeable = False
locations = ("position",)
parameters = (
    Parameter("amplitude", "y", "half_normal(sd=y_span)", REAL, "height of the first line", (0.5, 2.0)),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "top of the first line", (-3.0, 1.0)),
    Parameter("splitting", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "second minus first", (0.5, 3.0)),
    Parameter("ratio", "1", "uniform(low=0, high=2)", POSITIVE, "second height over first", (0.2, 1.5)),
    Parameter("fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE, "full width at half height", (0.3, 2.0)),
    Parameter("mixing", "1", "uniform(low=0, high=1)", (0.0, 1.0), "Lorentzian part", (0.0, 1.0)),
    Parameter("skew", "1", "uniform(low=-0.5, high=0.5)", (-1.0, 1.0), "right minus left over fwhm", (-0.4, 0.4)),
    Parameter("loss", "1", "half_normal(sd=0.1)", POSITIVE, "height of a step over that of its line", (0.01, 0.3)),
)  # fmt: skip


def line(m, distance, fwhm, mixing, skew, loss):
    """One line of height one, and its step."""
    width = m.where(distance < 0.0, fwhm * (1.0 - skew), fwhm * (1.0 + skew))
    square = 4.0 * m.square(distance / width)
    peak = (1.0 - mixing) * m.exp(-m.log(2.0) * square) + mixing / (1.0 + square)
    return peak + loss * (0.5 - m.atan(2.0 * distance / fwhm) / m.pi)


def formula(m, x, amplitude, position, splitting, ratio, fwhm, mixing, skew, loss):
    """First line, and the second at a distance and in a ratio."""
    first = line(m, x - position, fwhm, mixing, skew, loss)
    return amplitude * (first + ratio * line(m, x - position - splitting, fwhm, mixing, skew, loss))
