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
_MAGIC = F(12582912.0)
_E0, _E1, _E2, _E3, _E4, _E5 = (
    F(1.9875691500e-4), F(1.3981999507e-3), F(8.3334519073e-3), F(4.1665795894e-2), F(1.6666665459e-1),
    F(5.0000001201e-1),
)  # fmt: skip
_LOW32, _HIGH32, _ONE = F(-80.0), F(88.0), F(1.0)


@njit(fastmath=FLAGS, inline="never")
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
    p = p * (r * r) + r + _ONE
    return p * float_i32((bits_f32(shifted) + np.int32(127 - 0x4B400000)) << np.int32(23))


_INVERSE = [1.0 / math.factorial(k) for k in range(14)]
_I2, _I3, _I4, _I5, _I6, _I7, _I8, _I9, _I10, _I11, _I12, _I13 = _INVERSE[2:]
_MAGIC64 = 6755399441055744.0
_MAGIC64_BITS = 0x4338000000000000
_L2E, _L2_HIGH, _L2_LOW = 1.4426950408889634, 6.93147180369123816490e-01, 1.90821492927058770002e-10


@njit(fastmath=FLAGS, inline="never")
def exp_f64(x: float) -> float:
    """Exponential in double precision to 2 units in the last place; arguments are held within -700 and 709."""
    x = 709.0 if x > 709.0 else x
    x = -700.0 if x < -700.0 else x
    shifted = x * _L2E + _MAGIC64
    whole = shifted - _MAGIC64
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
    return p * float_i64((bits_f64(shifted) - _MAGIC64_BITS + 1023) << 52)
