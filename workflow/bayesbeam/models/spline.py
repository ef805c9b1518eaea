"""Smooth background of no certain form: a cubic spline whose coefficients have a smoothness prior.

Second differences of neighbouring coefficients are normal with the standard deviation ``bend``, which is fixed or has a
prior. Written in modes from the smoothest to the roughest, each with a number of its own, so that every prior is proper
and of one number, and modes are nearly independent in what data say about them.
"""

import numpy as np

from bayesbeam.models.base import POSITIVE, REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

COUNT = 8
"""Coefficients; the range is cut into three fewer intervals of equal length."""
MODES = COUNT - 2


def _modes() -> tuple[tuple[float, ...], ...]:
    """Coefficients of each mode: those of least length whose second differences are orthonormal, smoothest first.

    With second differences D = U S V', these are the columns of V / S: then D c = U z, as normal as z.
    """
    differences = np.diff(np.eye(COUNT), 2, axis=0)
    _, sizes, right = np.linalg.svd(differences, full_matrices=False)
    modes = (right / sizes[:, None])[::-1]
    # of two signs the one with a positive first coefficient, whatever the library chooses
    modes = modes * np.sign(modes[:, :1])
    return tuple(tuple(float(value) for value in mode) for mode in modes)


MODE = _modes()

name = "spline"
title = "smooth background"
exchangeable = False
locations = ("low", "high")
parameters = (
    Parameter("level", "y", "normal(mean=y_mid, sd=y_span)", REAL, "mean of the coefficients", (-1.0, 1.0)),
    Parameter("slope", "y/x", "normal(mean=0, sd=y_span/x_span)", REAL, "mean rise of the coefficients", (-0.2, 0.2)),
    Parameter(
        "bend", "y", "log_uniform(low=0.001*y_span, high=y_span)", POSITIVE,
        "standard deviation of second differences of neighbouring coefficients: the smaller, the smoother", (0.05, 0.3),
    ),
    *(
        Parameter(f"mode_{k + 1}", "1", "normal(mean=0, sd=1)", REAL, f"mode {k + 1}, from the smoothest", (-1.5, 1.5))
        for k in range(MODES)
    ),
    Parameter("low", "x", "fixed(value=x_min)", REAL, "lower end of the range with knots", (-6.0, -5.0)),
    Parameter("high", "x", "fixed(value=x_max)", REAL, "upper end of the range with knots", (5.0, 6.0)),
)  # fmt: skip
references = (
    "Eilers and Marx, Statistical Science 11 (1996) 89, doi:10.1214/ss/1038425655: penalised B-splines",
    "Lang and Brezger, J. Comput. Graph. Stat. 13 (2004) 183, doi:10.1198/1061860043010: the same as a prior",
)


def formula(m: MathSpace, x: Value, level: Value, slope: Value, bend: Value, *rest: Value) -> Value:
    """Sum of coefficients times cubic B-splines of equally spaced knots; outside their range as at its end.

    Coefficient j is level + slope * spacing * (j - middle) + bend * (sum over modes of their number times their j).
    """
    modes, (low, high) = rest[:MODES], rest[MODES:]
    spacing = (high - low) / (COUNT - 3.0)
    place = m.minimum(m.maximum((x - low) / spacing, 0.0), COUNT - 3.0)
    total = 0.0
    for j in range(COUNT):
        wave = modes[0] * MODE[0][j]
        for number, mode in zip(modes[1:], MODE[1:], strict=True):
            wave = wave + number * mode[j]
        coefficient = level + slope * spacing * (j - 0.5 * (COUNT - 1)) + bend * wave
        total = total + coefficient * _bump(m, place - (j - 1.0))
    return total


def _bump(m: MathSpace, t: Value) -> Value:
    """Cubic B-spline of knots -2, -1, 0, 1, 2."""
    far = m.maximum(2.0 - m.abs(t), 0.0)
    near = m.maximum(1.0 - m.abs(t), 0.0)
    return (m.square(far) * far - 4.0 * (m.square(near) * near)) / 6.0


SOURCE = "scipy 1.17, interpolate.BSpline with coefficients from numpy's pinv of second differences and eigenvectors"
THETA = (0.7, 0.15, 0.2, 0.9, -1.1, 0.4, 1.3, -0.6, 0.2, -5.5, 5.25)
reference_values = tuple(
    ReferenceValue(x, THETA, value, SOURCE, 1e-11)
    for x, value in (
        (-4.5, 0.0714898569331261), (-1.3, 0.4215979011741585), (0.2, 0.5430875793112316),
        (2.75, 0.8842776963532621), (5.0, 1.4806136515584885),
    )
)  # fmt: skip
