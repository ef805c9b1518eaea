"""Cosine of a given frequency and phase: a term of a Fourier series."""

from bayesbeam.models.base import POSITIVE, REAL, Parameter, ReferenceValue
from bayesbeam.models.mathspace import MathSpace, Value

name = "wave"
title = "cosine"
exchangeable = False
amplitude = "amplitude"
PI = "3.141592653589793"
parameters = (
    Parameter("amplitude", "y", "normal(mean=0, sd=y_span)", REAL, "size", (-2.0, 2.0)),
    Parameter(
        "frequency", "1/x", "log_uniform(low=1/x_span, high=0.5/x_step)", POSITIVE, "periods per unit of x", (0.1, 0.8)
    ),
    Parameter("phase", "1", f"uniform(low=-{PI}, high={PI})", REAL, "phase at x = 0 in radians", (-3.0, 3.0)),
)
references = ("definition: a cosine",)
SOURCE = "mpmath 1.3.0, 2 cos(0.8 pi x + 0.6)"
reference_values = tuple(
    ReferenceValue(x, (2.0, 0.4, 0.6), value, SOURCE, 1e-12)
    for x, value in (
        (-5.0, 1.65067122981935741), (-3.5, -0.671644039690561114), (1.0, -1.99919811440874778),
        (4.5, 1.58409926953869893),
    )
)  # fmt: skip


def formula(m: MathSpace, x: Value, amplitude: Value, frequency: Value, phase: Value) -> Value:
    """Amplitude times cos(2 pi frequency x + phase)."""
    return amplitude * m.cos(x * (2.0 * m.pi * frequency) + phase)
