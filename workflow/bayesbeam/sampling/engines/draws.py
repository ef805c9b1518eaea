"""Random numbers by counter for the fused sweep, many at a time: the numbers of ``random_block``.

Loops here are over all moves of one chain in one sweep, which a processor does several at a time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bayesbeam.sampling.engines.base import HUMP, HUMP_SD
from bayesbeam.sampling.engines.scalars import FLAGS, cos_turns_f64, exp_f64, float_i64, log_f64

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _S32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_TWO_52, _TWO_52_BITS = 2.0**52, np.uint64(0x4330000000000000)

_vector = njit(nogil=True, fastmath=FLAGS, error_model="numpy")
_inside = njit(
    nogil=True, fastmath=FLAGS, forceinline=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
)


@_inside
def philox(place: Any, sweep: Any, slot: Any, key0: Any, key1: Any) -> tuple[Any, Any, Any, Any]:
    """Four random words of a counter, as :func:`bayesbeam.rng.philox` gives them; all below 2**32."""
    c0, c1, c2, c3 = place, sweep, slot, np.uint64(0)
    for _ in range(10):
        p0 = (c0 & _LOW) * _M0
        p1 = (c2 & _LOW) * _M1
        c0 = (p1 >> _S32) ^ c1 ^ key0
        c2 = (p0 >> _S32) ^ c3 ^ key1
        c1 = p1 & _LOW
        c3 = p0 & _LOW
        key0 = (key0 + _W0) & _LOW
        key1 = (key1 + _W1) & _LOW
    return c0, c1, c2, c3


@_inside
def uniform(word: Any) -> float:
    """Uniform number in (0, 1) of a word; the conversion by bits is exact and can be done in parallel."""
    return ((float_i64(np.int64(word | _TWO_52_BITS)) - _TWO_52) + 0.5) * 2.0**-32


@_vector
def draw_walks(count: int, where: Any, key: Any, sweep: int, size: Any, step: Any, log_u: Any) -> None:
    """Steps of random walks as ``walk_steps`` makes them, and the logarithms of the numbers that decide on them.

    ``where`` holds the slot above 32 bits of place, ``key`` the second word of the key above the first.
    """
    number = np.uint64(sweep)
    for i in range(count // 8 * 8):
        at, k = np.uint64(where[i]), np.uint64(key[i])
        w0, w1, w2, w3 = philox(at & _LOW, number, at >> _S32, k & _LOW, k >> _S32)
        normal = math.sqrt(-2.0 * log_f64(uniform(w1))) * cos_turns_f64(uniform(w2))
        u = uniform(w3)
        low = u < 0.5
        rest = 2.0 * u if low else 2.0 * u - 1.0
        step[i] = size[i] * (((HUMP if low else -HUMP) + HUMP_SD * normal) * exp_f64(rest - 0.5))
        log_u[i] = log_f64(uniform(w0))


@_vector
def draw_jumps(count: int, where: Any, key: Any, sweep: int, u: Any, log_u: Any) -> None:
    """Numbers that place jumps, and the logarithms of those that decide on them."""
    number = np.uint64(sweep)
    for i in range(count // 8 * 8):
        at, k = np.uint64(where[i]), np.uint64(key[i])
        w0, w1, _, _ = philox(at & _LOW, number, at >> _S32, k & _LOW, k >> _S32)
        u[i] = uniform(w0)
        log_u[i] = log_f64(uniform(w1))


@_vector
def exponentials(count: int, value: Any, result: Any) -> None:
    """Exponentials of many numbers."""
    for i in range(count // 8 * 8):
        result[i] = exp_f64(value[i])


@_vector
def chances(count: int, ratio: Any, result: Any) -> None:
    """Acceptance probabilities of log ratios, added to ``result``; 0 for nan."""
    for i in range(count // 8 * 8):
        x = ratio[i] if ratio[i] < 0.0 else 0.0
        result[i] += exp_f64(x) if ratio[i] > -700.0 else 0.0


@_vector
def count_beyond(count: int, bounds: Any, low: float, high: float) -> tuple[int, int]:
    """Blocks of points that end below ``low``, and those that begin above ``high``.

    ``bounds`` holds the largest places of ``count`` blocks, then their least places.
    """
    before, after = 0, 0
    for i in range(count // 8 * 8):
        before += 1 if bounds[i] < low else 0
        after += 1 if bounds[count + i] > high else 0
    return before, after


@_inside
def one_uniform(place: int, sweep: int, slot: int, key0: int, key1: int) -> float:
    """First uniform number of one counter."""
    w0, _, _, _ = philox(np.uint64(place), np.uint64(sweep), np.uint64(slot), np.uint64(key0), np.uint64(key1))
    return uniform(w0)
