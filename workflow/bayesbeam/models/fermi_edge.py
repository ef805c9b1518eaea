"""Fermi edge: a filled band with a linear slope, cut off by temperature, seen with a Gaussian resolution.

The Fermi function is, to 6e-7, a mixture of five error functions; so its convolution with a Gaussian is one too, at any
ratio of the two widths, and no less exact.
"""

from bayesbeam.models.base import POSITIVE, REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value
from bayesbeam.models.numerics import scaled_erfc

name = "fermi_edge"
title = "Fermi edge"
exchangeable = False
locations = ("position",)
widths = ("thermal_width", "gaussian_fwhm")
parameters = (
    Parameter("height", "y", "half_normal(sd=y_span)", REAL, "height of the step at the edge"),
    Parameter("position", "x", "uniform(low=x_min, high=x_max)", REAL, "Fermi level", (-3.0, 3.0)),
    Parameter(
        "thermal_width", "x", "log_uniform(low=0.1*x_step, high=x_span)", POSITIVE,
        "Boltzmann's constant times the temperature, in units of x", (0.2, 1.0),
    ),
    Parameter(
        "gaussian_fwhm", "x", "log_uniform(low=x_step, high=x_span)", POSITIVE,
        "full width at half height of the resolution", (0.3, 2.0),
    ),
    Parameter("slope", "y/x", "normal(mean=0, sd=y_span/x_span)", REAL, "rise of the filled side", (-0.2, 0.2)),
    Parameter("level", "y", "normal(mean=y_min, sd=0.5*y_span)", REAL, "signal of the empty side", (-1.0, 1.0)),
    Parameter(
        "side", "1", "fixed(value=1)", REAL,
        "above 0: filled at lower x, as of a kinetic energy; below 0: at higher x, as of a binding energy", (0.5, 1.5),
    ),
)  # fmt: skip
references = (
    "Monahan and Stefanski, in Balakrishnan, Handbook of the Logistic Distribution (1992) 529: normal scale mixtures",
)
SOURCE = "mpmath 1.4.1, quadrature of the convolution with 30 digits"
UP, DOWN = (3.0, 1.25, 0.3, 0.8, -0.2, 0.5, 1.0), (3.0, 1.25, 0.05, 0.8, 0.1, 0.5, -1.0)
reference_values = tuple(
    ReferenceValue(x, theta, value, SOURCE, 1e-6)
    for x, theta, value in (
        (-1.0, UP, 3.94647065221521), (1.0, UP, 2.527653988268108), (4.5, UP, 0.5000909098608348),
        (1.0, DOWN, 1.219502803959174), (2.0, DOWN, 3.52563216283034),
    )
)  # fmt: skip
WEIGHTS = (0.0443381975971, 0.294962868328, 0.429783460968, 0.207610698248, 0.023304774859)
SPREADS = (0.890709331335, 1.24393893568, 1.73548512515, 2.43349325578, 3.43055983426)
"""Weights and standard deviations, in units of the thermal width, of the normal distributions that make a logistic one;
fitted here for the least largest error, 6e-7."""


def formula(
    m: MathSpace, x: Value, height: Value, position: Value, thermal_width: Value, gaussian_fwhm: Value, slope: Value,
    level: Value, side: Value,
) -> Value:  # fmt: skip
    """Level plus the convolution of (height + slope (x - position)) times the Fermi function with a Gaussian.

    For each normal distribution of the mixture, (h + s d) Phi(-d / S) - s sd^2 phi(d / S) / S with S^2 the sum of the
    squares of both widths, by parts.
    """
    sign = m.where(side < 0.0, -1.0, 1.0)
    d = (x - position) * sign
    rise = slope * sign
    variance = m.square(gaussian_fwhm) / (8.0 * m.log(2.0))
    size, filled, lost = m.abs(d), 0.0, 0.0
    for weight, spread in zip(WEIGHTS, SPREADS, strict=True):
        unit = 1.0 / m.sqrt(2.0 * (m.square(spread * thermal_width) + variance))
        v = size * unit
        bell = m.exp(-m.square(v))
        filled = filled + bell * scaled_erfc(m, v) * (0.5 * weight)
        lost = lost + bell * (unit * weight)
    filled = m.where(d < 0.0, 1.0 - filled, filled)
    return level + ((height + rise * d) * filled - (rise * variance / m.sqrt(m.pi)) * lost)
