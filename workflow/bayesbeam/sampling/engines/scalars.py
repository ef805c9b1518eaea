"""Scalar functions that the compiled loops call; those a processor can do in parallel are polynomials here.

The C library's exponential keeps a compiler from vectorising a loop, and is slow where results underflow.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# No reassociation here: it would delete the addition that rounds to a whole number.
FLAGS = {"contract", "nsz"}


@intrinsic
def bits_f32(typingctx, value):
    """Bits of a float32 as int32."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@intrinsic
def float_i32(typingctx, value):
    """Float32 of the bits of an int32."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), codegen


@intrinsic
def bits_f64(typingctx, value):
    """Bits of a float64 as int64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), codegen


@intrinsic
def float_i64(typingctx, value):
    """Float64 of the bits of an int64."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), codegen


F = np.float32
_LOG2E = F(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = F(0.693359375), F(-2.12194440e-4)
# The number that rounds to a whole one, with the exponent's bias of 127: its own bits leave by the shift below.
_MAGIC = F(12582912.0 + 127.0)
_E0, _E1, _E2, _E3, _E4, _E5 = (
    F(1.9875691500e-4), F(1.3981999507e-3), F(8.3334519073e-3), F(4.1665795894e-2), F(1.6666665459e-1),
    F(5.0000001201e-1),
)  # fmt: skip
_LOW32, _HIGH32, _ONE = F(-80.0), F(88.0), F(1.0)


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def exp_f32(x: float) -> float:
    """Exponential in single precision to 2 units in the last place; arguments are held within -80 and 88.

    Source
    ------
    Moshier, Cephes library, expf: coefficients of the polynomial.
    """
    x = _HIGH32 if x > _HIGH32 else x
    x = _LOW32 if x < _LOW32 else x
    shifted = x * _LOG2E + _MAGIC
    whole = shifted - _MAGIC
    r = x - whole * _LN2_HIGH
    r = r - whole * _LN2_LOW
    p = ((((_E0 * r + _E1) * r + _E2) * r + _E3) * r + _E4) * r + _E5
    p = (p * r + _ONE) * r + _ONE
    return p * float_i32(bits_f32(shifted) << np.int32(23))


_INVERSE = [1.0 / math.factorial(k) for k in range(14)]
_I2, _I3, _I4, _I5, _I6, _I7, _I8, _I9, _I10, _I11, _I12, _I13 = _INVERSE[2:]
_MAGIC64 = 6755399441055744.0
_BIASED64 = _MAGIC64 + 1023.0
_L2E, _L2_HIGH, _L2_LOW = 1.4426950408889634, 6.93147180369123816490e-01, 1.90821492927058770002e-10


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def exp_f64(x: float) -> float:
    """Exponential in double precision to 2 units in the last place; arguments are held within -700 and 709."""
    x = 709.0 if x > 709.0 else x
    x = -700.0 if x < -700.0 else x
    shifted = x * _L2E + _BIASED64
    whole = shifted - _BIASED64
    r = (x - whole * _L2_HIGH) - whole * _L2_LOW
    p = _I13
    p = p * r + _I12
    p = p * r + _I11
    p = p * r + _I10
    p = p * r + _I9
    p = p * r + _I8
    p = p * r + _I7
    p = p * r + _I6
    p = p * r + _I5
    p = p * r + _I4
    p = p * r + _I3
    p = p * r + _I2
    p = p * (r * r) + r + 1.0
    return p * float_i64(bits_f64(shifted) << 52)


_LN2_HIGH64, _LN2_LOW64 = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_L1, _L2, _L3, _L4, _L5, _L6, _L7 = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
_HALF_ROOT_BITS = 0x3FE6A09E667F3BCD
_TWO_52_BITS = 0x4330000000000000


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def log_f64(x: float) -> float:
    """Natural logarithm of a positive normal number to 1 unit in the last place.

    Source
    ------
    Sun Microsystems, fdlibm, e_log.c: reduction and coefficients of the polynomial.
    """
    shifted = bits_f64(x) - _HALF_ROOT_BITS
    # The exponent of x / sqrt(1/2), made a double by its bits; x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
    exponent = shifted >> 52
    k = float_i64((exponent + 2048) | _TWO_52_BITS) - (4503599627370496.0 + 2048.0)
    f = float_i64(bits_f64(x) - (exponent << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    r = w * (_L2 + w * (_L4 + w * _L6)) + z * (_L1 + w * (_L3 + w * (_L5 + w * _L7)))
    half = 0.5 * f * f
    return k * _LN2_HIGH64 - ((half - (s * (half + r) + k * _LN2_LOW64)) - f)


_S1, _S2, _S3, _S4, _S5, _S6, _S7 = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(1, 8)]
_C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = [(-1.0) ** k / math.factorial(2 * k) for k in range(1, 9)]
_TWO_PI = 2.0 * math.pi


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def cos_turns_f64(turns: float) -> float:
    """Cosine of 2 pi times a number of turns below 2**40, right to 2e-16."""
    shifted = 4.0 * turns + _MAGIC64
    quarter = bits_f64(shifted)
    y = (turns - 0.25 * (shifted - _MAGIC64)) * _TWO_PI
    z = y * y
    sine = y + y * z * (_S1 + z * (_S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * (_S6 + z * _S7))))))
    cosine = 1.0 + z * (_C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * (_C6 + z * (_C7 + z * _C8)))))))
    value = sine if quarter & 1 else cosine
    # cos(y + q pi/2) is cos y, -sin y, -cos y, sin y for q = 0, 1, 2, 3.
    return -value if (quarter + 1) & 2 else value


_LOG0, _LOG1, _LOG2, _LOG3, _LOG4, _LOG5, _LOG6, _LOG7, _LOG8 = (
    F(7.0376836292e-2), F(-1.1514610310e-1), F(1.1676998740e-1), F(-1.2420140846e-1), F(1.4249322787e-1),
    F(-1.6668057665e-1), F(2.0000714765e-1), F(-2.4999993993e-1), F(3.3333331174e-1),
)  # fmt: skip
_HALF_ROOT_BITS32 = np.int32(0x3F3504F3)
_LARGEST32, _LARGEST64 = F(3.0e38), 1.0e308
_SMALLEST32, _SMALLEST64 = F(1.2e-38), 2.3e-308
_HALF, _ZERO, _SHIFT23 = F(0.5), F(0.0), np.int32(23)


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def log_f32(x: float) -> float:
    """Natural logarithm in single precision to 2 units in the last place; -inf below the smallest normal number.

    Nothing is said of negative numbers.

    Source
    ------
    Moshier, Cephes library, logf: coefficients of the polynomial.
    """
    exponent = (bits_f32(x) - _HALF_ROOT_BITS32) >> _SHIFT23
    k = F(exponent)
    f = float_i32(bits_f32(x) - (exponent << _SHIFT23)) - _ONE
    p = (((((((_LOG0 * f + _LOG1) * f + _LOG2) * f + _LOG3) * f + _LOG4) * f + _LOG5) * f + _LOG6) * f + _LOG7) * f
    z = f * f
    y = (p + _LOG8) * f * z + k * _LN2_LOW - _HALF * z
    value = (f + y) + k * _LN2_HIGH
    value = value if x < _LARGEST32 else x
    return F(-math.inf) if x < _SMALLEST32 else value


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def log1p_f32(x: float) -> float:
    """Logarithm of 1 + x in single precision; -inf at -1, nothing is said of numbers below."""
    w = x + _ONE
    # What rounding took from w comes back to first order.
    value = log_f32(w) + (x - (w - _ONE)) / w
    value = F(-math.inf) if w < _SMALLEST32 else value
    return value if w < _LARGEST32 else x


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def whole_log_f64(x: float) -> float:
    """Natural logarithm in double precision; -inf below the smallest normal number, not for those below 0."""
    value = log_f64(x)
    value = value if x < _LARGEST64 else x
    return -math.inf if x < _SMALLEST64 else value


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def log1p_f64(x: float) -> float:
    """Logarithm of 1 + x in double precision; -inf at -1, nothing is said of numbers below."""
    w = x + 1.0
    value = log_f64(w) + (x - (w - 1.0)) / w
    value = -math.inf if w < _SMALLEST64 else value
    return value if w < _LARGEST64 else x
