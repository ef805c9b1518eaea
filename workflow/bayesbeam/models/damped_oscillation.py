"""Oscillation that begins at a place and decays from there: beats, coherent phonons, free induction."""

from bayesbeam.models.base import POSITIVE, REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "damped_oscillation"
title = "damped oscillation"
exchangeable = True
order_by = "frequency"
locations = ("start",)
widths = ("decay",)
amplitude = "amplitude"
PI = "3.141592653589793"
parameters = (
    Parameter("amplitude", "y", "half_normal(sd=y_span)", REAL, "size at the start"),
    Parameter(
        "frequency", "1/x", "log_uniform(low=1/x_span, high=0.5/x_step)", POSITIVE, "periods per unit of x", (0.1, 0.8)
    ),
    Parameter("phase", "1", f"uniform(low=-{PI}, high={PI})", REAL, "phase at the start in radians", (-3.0, 3.0)),
    Parameter(
        "decay", "x", "log_uniform(low=x_step, high=10*x_span)", POSITIVE,
        "distance over which the size falls by a factor of e", (1.0, 9.0),
    ),
    Parameter("start", "x", "fixed(value=x_min)", REAL, "where it begins; nothing before", (-6.5, -5.5)),
)  # fmt: skip
references = ("definition: an underdamped harmonic oscillator",)
SOURCE = "mpmath 1.4.1, real part of 2 exp((-1/3 + 0.8 pi i) (x + 5) + 0.6 i)"
reference_values = (
    *(
        ReferenceValue(x, (2.0, 0.4, 0.6, 3.0, -5.0), value, SOURCE, 1e-12)
        for x, value in (
            (-5.0, 1.6506712298193566), (-3.5, -0.40737270248557338), (1.0, -0.27056204305960991),
            (4.5, 0.06676003171859802),
        )
    ),
    ReferenceValue(-5.5, (2.0, 0.4, 0.6, 3.0, -5.0), 0.0, "definition: nothing before the start", 0.0),
)  # fmt: skip


def formula(
    m: MathSpace, x: Value, amplitude: Value, frequency: Value, phase: Value, decay: Value, start: Value
) -> Value:
    """Amplitude times exp(-d / decay) cos(2 pi frequency d + phase), d the distance from the start; 0 before."""
    d = x - start
    swing = m.exp(m.maximum(d, 0.0) * (-1.0 / decay)) * m.cos(d * (2.0 * m.pi * frequency) + phase)
    return amplitude * m.where(d < 0.0, 0.0, swing)
