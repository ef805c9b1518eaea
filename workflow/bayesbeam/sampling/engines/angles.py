"""Sine, cosine and inverse tangent of the compiled loops: polynomials, so that a processor does several at a time."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from bayesbeam.sampling.engines.scalars import FLAGS, bits_f32, bits_f64

F = np.float32
_TWO_OVER_PI, _MAGIC = F(2.0 / math.pi), F(12582912.0)
# pi/2 in three pieces, the first two so short that their products with whole numbers are exact.
_P1, _P2, _P3 = F(1.5703125), F(4.837512969970703125e-4), F(7.54978995489188216e-8)
_S1, _S2, _S3 = F(-1.6666654611e-1), F(8.3321608736e-3), F(-1.9515295891e-4)
_C2, _C3, _C4 = F(4.166664568298827e-2), F(-1.388731625493765e-3), F(2.443315711809948e-5)
_HALF, _ONE, _ZERO, _FARTHEST = F(0.5), F(1.0), F(0.0), F(0.8)
_QUARTER, _ODD, _UPPER = np.int32(1), np.int32(1), np.int32(2)


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def _turned_f32(x: float, quarters: int) -> float:
    """Sine of x plus so many right angles."""
    shifted = x * _TWO_OVER_PI + _MAGIC
    whole = shifted - _MAGIC
    q = bits_f32(shifted) + quarters
    r = ((x - whole * _P1) - whole * _P2) - whole * _P3
    # Far out the reduction has no digits left; what remains is held within a right angle. nan stays nan.
    r = _FARTHEST if r > _FARTHEST else r
    r = -_FARTHEST if r < -_FARTHEST else r
    z = r * r
    sine = r + r * z * (_S1 + z * (_S2 + z * _S3))
    cosine = (_ONE - _HALF * z) + z * z * (_C2 + z * (_C3 + z * _C4))
    value = cosine if q & _ODD else sine
    return -value if q & _UPPER else value


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def sin_f32(x: float) -> float:
    """Sine in single precision, right to 2e-7 for angles below 1e4; within -1 and 1 for all.

    Source
    ------
    Moshier, Cephes library, sinf: coefficients of the polynomials.
    """
    return _turned_f32(x, np.int32(0))


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def cos_f32(x: float) -> float:
    """Cosine in single precision; see :func:`sin_f32`."""
    return _turned_f32(x, _QUARTER)


_SINE = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(1, 9)]
_COSINE = [(-1.0) ** k / math.factorial(2 * k) for k in range(2, 10)]
_D1, _D2, _D3, _D4, _D5, _D6, _D7, _D8 = _SINE
_K2, _K3, _K4, _K5, _K6, _K7, _K8, _K9 = _COSINE
_MAGIC64 = 6755399441055744.0
_P1_64, _P2_64, _P3_64 = 1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def _turned_f64(x: float, quarters: int) -> float:
    """Sine of x plus so many right angles."""
    shifted = x * (2.0 / math.pi) + _MAGIC64
    whole = shifted - _MAGIC64
    q = bits_f64(shifted) + quarters
    r = ((x - whole * _P1_64) - whole * _P2_64) - whole * _P3_64
    r = 0.8 if r > 0.8 else r
    r = -0.8 if r < -0.8 else r
    z = r * r
    sine = r + r * z * (_D1 + z * (_D2 + z * (_D3 + z * (_D4 + z * (_D5 + z * (_D6 + z * (_D7 + z * _D8)))))))
    rest = _K2 + z * (_K3 + z * (_K4 + z * (_K5 + z * (_K6 + z * (_K7 + z * (_K8 + z * _K9))))))
    cosine = (1.0 - 0.5 * z) + z * z * rest
    value = cosine if q & 1 else sine
    return -value if q & 2 else value


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def sin_f64(x: float) -> float:
    """Sine in double precision, right to 4e-16 for angles below 1e5; within -1 and 1 for all.

    Source
    ------
    Sun Microsystems, fdlibm, e_rem_pio2.c: pi/2 in pieces.
    """
    return _turned_f64(x, 0)


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def cos_f64(x: float) -> float:
    """Cosine in double precision; see :func:`sin_f64`."""
    return _turned_f64(x, 1)


_EIGHTH, _THREE_EIGHTHS = math.tan(math.pi / 8.0), math.tan(3.0 * math.pi / 8.0)
_LOW, _HIGH = F(_EIGHTH), F(_THREE_EIGHTHS)
_PI_2, _PI_4 = F(math.pi / 2.0), F(math.pi / 4.0)
_A0, _A1, _A2, _A3 = F(-3.33329491539e-1), F(1.99777106478e-1), F(-1.38776856032e-1), F(8.05374449538e-2)


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def atan_f32(x: float) -> float:
    """Inverse tangent in single precision to 2 units in the last place.

    Source
    ------
    Moshier, Cephes library, atanf: reduction and coefficients of the polynomial.
    """
    t = abs(x)
    far, middle = t > _HIGH, t > _LOW
    above = -_ONE if far else (t - _ONE if middle else t)
    below = t if far else (t + _ONE if middle else _ONE)
    start = _PI_2 if far else (_PI_4 if middle else _ZERO)
    u = above / below
    z = u * u
    value = start + (u + u * z * (_A0 + z * (_A1 + z * (_A2 + z * _A3))))
    return -value if x < _ZERO else value


_N0, _N1, _N2, _N3, _N4 = (
    -6.485021904942025371773e1, -1.228866684490136173410e2, -7.500855792314704667340e1, -1.615753718733365076637e1,
    -8.750608600031904122785e-1,
)  # fmt: skip
_Q0, _Q1, _Q2, _Q3, _Q4 = (
    1.945506571482613964425e2, 4.853903996359136964868e2, 4.328810604912902668951e2, 1.650270098316988542046e2,
    2.485846490142306297962e1,
)  # fmt: skip
_MIDDLE64, _MORE = 0.66, 6.123233995736765886130e-17


@njit(fastmath=FLAGS, forceinline=True, error_model="numpy")
def atan_f64(x: float) -> float:
    """Inverse tangent in double precision to 2 units in the last place.

    Source
    ------
    Moshier, Cephes library, atan: reduction and coefficients of the rational function.
    """
    t = abs(x)
    far, middle = t > _THREE_EIGHTHS, t > _MIDDLE64
    above = -1.0 if far else (t - 1.0 if middle else t)
    below = t if far else (t + 1.0 if middle else 1.0)
    start = 0.5 * math.pi if far else (0.25 * math.pi if middle else 0.0)
    more = _MORE if far else (0.5 * _MORE if middle else 0.0)
    u = above / below
    z = u * u
    top = _N0 + z * (_N1 + z * (_N2 + z * (_N3 + z * _N4)))
    bottom = _Q0 + z * (_Q1 + z * (_Q2 + z * (_Q3 + z * (_Q4 + z))))
    value = start + (u + (u * (z * (top / bottom)) + more))
    return -value if x < 0.0 else value
