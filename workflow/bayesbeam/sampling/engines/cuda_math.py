"""Elementary functions for kernels on a GPU, in the precision of their argument: what Triton's own lack.

Triton's logarithm in single precision is the processor's fast one, whose error near 1 would be that of every point of a
spectrum of many counts.
"""

from __future__ import annotations

import math

import triton
import triton.language as tl

_LN2_HIGH, _LN2_LOW = tl.constexpr(0.693359375), tl.constexpr(-2.12194440e-4)
_HALF_ROOT = tl.constexpr(0x3F3504F3)
_LARGEST32, _LARGEST64 = tl.constexpr(3.0e38), tl.constexpr(1.0e308)
_SMALLEST32, _SMALLEST64 = tl.constexpr(1.2e-38), tl.constexpr(2.3e-308)
_L0, _L1, _L2 = tl.constexpr(7.0376836292e-2), tl.constexpr(-1.1514610310e-1), tl.constexpr(1.1676998740e-1)
_L3, _L4, _L5 = tl.constexpr(-1.2420140846e-1), tl.constexpr(1.4249322787e-1), tl.constexpr(-1.6668057665e-1)
_L6, _L7, _L8 = tl.constexpr(2.0000714765e-1), tl.constexpr(-2.4999993993e-1), tl.constexpr(3.3333331174e-1)
_INFINITY = tl.constexpr(math.inf)
_HALF_PI = tl.constexpr(0.5 * math.pi)


@triton.jit
def log(x):
    """Natural logarithm to 2 units in the last place; -inf at 0, nan below.

    Source
    ------
    Moshier, Cephes library, logf: coefficients of the polynomial for single precision.
    """
    if x.dtype == tl.float32:
        bits = x.to(tl.int32, bitcast=True)
        exponent = (bits - _HALF_ROOT) >> 23
        k = exponent.to(tl.float32)
        f = (bits - (exponent << 23)).to(tl.float32, bitcast=True) - 1.0
        p = f * (f * (f * _L0 + _L1) + _L2) + _L3
        p = f * (f * (f * (f * (f * p + _L4) + _L5) + _L6) + _L7)
        z = f * f
        y = (p + _L8) * f * z + k * _LN2_LOW - 0.5 * z
        value = (f + y) + k * _LN2_HIGH
        value = tl.where(x < _LARGEST32, value, x)
        value = tl.where(x < _SMALLEST32, -_INFINITY, value)
        value = tl.where(x < 0.0, float("nan"), value)
    else:
        value = tl.log(x)
    return value


@triton.jit
def log1p(x):
    """Logarithm of 1 + x, exact near 0; -inf at -1."""
    w = x + 1.0
    if x.dtype == tl.float32:
        smallest: tl.constexpr = _SMALLEST32
        largest: tl.constexpr = _LARGEST32
    else:
        smallest: tl.constexpr = _SMALLEST64
        largest: tl.constexpr = _LARGEST64
    safe = tl.where(w < smallest, 1.0, w)
    # What rounding took from w comes back to first order.
    value = log(safe) + (x - (w - 1.0)) / safe
    value = tl.where(w < largest, value, x)
    value = tl.where(w < smallest, -_INFINITY, value)
    return tl.where(w < 0.0, float("nan"), value)


@triton.jit
def expm1(x):
    """Exponential less 1, exact near 0: a series below 0.35."""
    small = tl.where(tl.abs(x) < 0.35, x, 0.0)
    p = 1.0 + small * (1.0 / 13)
    p = 1.0 + p * small * (1.0 / 12)
    p = 1.0 + p * small * (1.0 / 11)
    p = 1.0 + p * small * (1.0 / 10)
    p = 1.0 + p * small * (1.0 / 9)
    p = 1.0 + p * small * (1.0 / 8)
    p = 1.0 + p * small * (1.0 / 7)
    p = 1.0 + p * small * (1.0 / 6)
    p = 1.0 + p * small * (1.0 / 5)
    p = 1.0 + p * small * 0.25
    p = 1.0 + p * small * (1.0 / 3)
    p = 1.0 + p * small * 0.5
    return tl.where(tl.abs(x) < 0.35, p * small, tl.exp(x) - 1.0)


@triton.jit
def tanh(x):
    """Hyperbolic tangent; 1 beyond 20, to rounding."""
    size = tl.where(tl.abs(x) < 20.0, tl.abs(x), 20.0)
    t = expm1(2.0 * size)
    value = tl.where(x < 0.0, -(t / (t + 2.0)), t / (t + 2.0))
    return tl.where(x == x, value, x)


@triton.jit
def atan(x):
    """Inverse tangent in radians: reduced to below 0.2 by its reciprocal and by half angles, then a series."""
    size = tl.abs(x)
    beyond = size > 1.0
    y = tl.where(beyond, 1.0 / tl.where(beyond, size, 1.0), size)
    y = y / (1.0 + tl.sqrt(1.0 + y * y))
    y = y / (1.0 + tl.sqrt(1.0 + y * y))
    z = y * y
    p = 1.0 / 21 - z * (1.0 / 23)
    p = 1.0 / 19 - z * p
    p = 1.0 / 17 - z * p
    p = 1.0 / 15 - z * p
    p = 1.0 / 13 - z * p
    p = 1.0 / 11 - z * p
    p = 1.0 / 9 - z * p
    p = 1.0 / 7 - z * p
    p = 1.0 / 5 - z * p
    p = 1.0 / 3 - z * p
    angle = 4.0 * (y - y * z * p)
    angle = tl.where(beyond, -(angle - _HALF_PI), angle)
    return tl.where(x < 0.0, -angle, angle)


@triton.jit
def larger(a, b):
    """Larger of two numbers; what is no number stays so."""
    return tl.where((a > b) | (a != a), a, b)


@triton.jit
def smaller(a, b):
    """Smaller of two numbers; what is no number stays so."""
    return tl.where((a < b) | (a != a), a, b)
