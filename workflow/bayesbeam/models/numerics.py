"""What formulas share on any math namespace: a scaled error function, a difference of ln Gamma, where a curve falls.

Built from what every engine has, so that compiled loops over points stay loops that a processor can run in parallel.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bayesbeam.models.mathspace import MathSpace, Value

MIDDLE = 2.6
SCALED_ERFC = (
    1.0587888862435975e00, -8.2293230781000215e-01, 4.8412744224592819e-01, -1.9964702487528635e-01,
    4.4248933695320507e-02, 4.3544395498702143e-03, -5.6937270971660590e-03, 4.0220976419498724e-04,
    7.1770094083804543e-04, -9.3388610064637568e-05, -1.1041462683735598e-04, 1.1601023232938959e-05,
    1.7954579023104032e-05, -7.3726197300226765e-07, -1.9842172832896579e-06,
)  # fmt: skip
"""Chebyshev's approximation of (s + MIDDLE) exp(s^2) erfc(s) in (s - MIDDLE) / (s + MIDDLE), as a polynomial: fitted
to ``scipy.special.erfcx`` of SciPy 1.17, right to 2e-11 of the value for all s >= 0."""


def scaled_erfc(m: MathSpace, s: Value) -> Value:
    """exp(s^2) erfc(s) for s >= 0, to 2e-11 of itself: it neither overflows nor loses digits.

    Source
    ------
    Form of Shepherd and Laframboise, Mathematics of Computation 36 (1981) 249, doi:10.1090/S0025-5718-1981-0595058-X;
    coefficients fitted here.
    """
    q = 1.0 / (s + MIDDLE)
    z = 1.0 - (2.0 * MIDDLE) * q
    value = SCALED_ERFC[-1] * z + SCALED_ERFC[-2]
    for coefficient in SCALED_ERFC[-3::-1]:
        value = value * z + coefficient
    return value * q


def half_erfc(m: MathSpace, v: Value) -> Value:
    """erfc(v) / 2, a standard normal's probability above sqrt(2) v, to 2e-11 of itself where v >= 0."""
    above = 0.5 * m.exp(-m.square(v)) * scaled_erfc(m, m.abs(v))
    return m.where(v < 0.0, 1.0 - above, above)


def transformed_share(m: MathSpace, d: Value, rate: Value, exponent: Value) -> Value:
    """1 - exp(-(rate d)^exponent) at a distance d from the start, 0 before it; exact where it is small."""
    after = d > 0.0
    power = m.exp(m.minimum(exponent * m.log(m.where(after, d, 1.0) * rate), 80.0))
    return m.where(after, -m.expm1(-power), 0.0)


def falls_below(m: MathSpace, curve: Callable[[Value], Value], level: Value, near: Value, far: Value) -> Value:
    """Where a curve, above a level at ``near`` and below it at ``far``, crosses it: to 2^-60 of their distance."""
    for _ in range(60):
        middle = 0.5 * (near + far)
        above = curve(middle) > level
        near, far = m.where(above, middle, near), m.where(above, far, middle)
    return 0.5 * (near + far)


def line_integral(m: MathSpace, curve: Callable[[Value], Value]) -> Value:
    """Integral over the whole line of a curve of width 1 about 0 whose tails are Lorentzian or less, to 1e-12.

    The trapezoidal rule in s after u = sinh(s): tails fall exponentially there, however far out they end, and the rule
    converges geometrically with its step.
    """
    step, last = 0.125, 240
    total: Value = 0.0
    for k in range(-last, last + 1):
        total = total + curve(math.sinh(k * step)) * (step * math.cosh(k * step))
    return total


_SHIFT = 8
_HALF_STEP = (-1.0 / 8.0, 1.0 / 192.0, -1.0 / 640.0, 17.0 / 14336.0, -31.0 / 18432.0, 691.0 / 180224.0)


def log_gamma_half_step(m: MathSpace, z: Value) -> Value:
    """Difference ln Gamma(z + 1/2) - ln Gamma(z) for z > 0, to 1e-13 however large or small z is.

    Stirling's series of the difference at z + 8, where its seventh term is below 1e-13, and the eight factors between;
    the difference of two logarithms of Gamma would lose its digits at large z.

    Source
    ------
    NIST Digital Library of Mathematical Functions, equation 5.11.8 with h = 1/2 and h = 0. Checked against: scipy.
    """
    ratio = (z + 0.5) / z
    for k in range(1, _SHIFT):
        ratio = ratio * ((z + (k + 0.5)) / (z + float(k)))
    w = z + float(_SHIFT)
    q = 1.0 / w
    series: Value = _HALF_STEP[-1]
    for coefficient in _HALF_STEP[-2::-1]:
        series = series * m.square(q) + coefficient
    return 0.5 * m.log(w) + series * q - m.log(ratio)
