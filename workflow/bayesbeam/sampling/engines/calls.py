"""Calls of compiled loops by their addresses, and random numbers by counter, for the fused engine.

Calling by address lets one compiled sweep serve every formula.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_DOUBLE, _INT, _POINTER = ir.DoubleType(), ir.IntType(64), ir.IntType(8).as_pointer()


def _caller(kinds: str) -> Any:
    """Intrinsic that calls ``address(...)``; kinds are i (int64), d (float64) or p (address as int64)."""
    llvm = {"i": _INT, "d": _DOUBLE, "p": _POINTER}

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(_DOUBLE, [llvm[kind] for kind in kinds])
        target = builder.inttoptr(args[0], function.as_pointer())
        given = [builder.inttoptr(a, _POINTER) if k == "p" else a for k, a in zip(kinds, args[1:], strict=True)]
        return builder.call(target, given)

    numba_types = [types.float64 if kind == "d" else types.int64 for kind in kinds]
    return types.float64(types.int64, *numba_types), codegen


@intrinsic
def call_move(typingctx, address, n, data, theta, phi, old, pred, new):
    """Curve of a moved term and the new sum over points."""
    return _caller("ipppppp")


@intrinsic
def call_row(typingctx, address, n, data, theta, new):
    """Curve of a term."""
    return _caller("ippp")


@intrinsic
def call_settle(typingctx, address, n, old, sums, new):
    """Put a new curve in the place of an old one."""
    return _caller("ippp")


@intrinsic
def call_points(typingctx, address, n, data, phi, pred):
    """Sum over points for a sum of curves."""
    return _caller("ippp")


@intrinsic
def call_total(typingctx, address, s, constant, count, phi):
    """Log-likelihood from the sum over points."""
    return _caller("dddp")


@intrinsic
def call_density(typingctx, address, x, arguments):
    """Log density of a prior inside its support, up to a constant."""
    return _caller("dp")


_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _S32 = np.uint64(0xFFFFFFFF), np.uint64(32)


@njit(inline="never")
def philox(place: int, sweep: int, slot: int, k0: int, k1: int, out: Any) -> None:
    """Four uniform numbers of a counter, as :func:`bayesbeam.rng.uniforms` gives them."""
    c0, c1, c2, c3 = np.uint64(place), np.uint64(sweep), np.uint64(slot), np.uint64(0)
    a, b = np.uint64(k0), np.uint64(k1)
    for _ in range(10):
        p0 = c0 * _M0
        p1 = c2 * _M1
        c0 = (p1 >> _S32) ^ c1 ^ a
        c2 = (p0 >> _S32) ^ c3 ^ b
        c1 = p1 & _LOW
        c3 = p0 & _LOW
        a = (a + _W0) & _LOW
        b = (b + _W1) & _LOW
    scale = 2.0**-32
    out[0] = (np.float64(c0) + 0.5) * scale
    out[1] = (np.float64(c1) + 0.5) * scale
    out[2] = (np.float64(c2) + 0.5) * scale
    out[3] = (np.float64(c3) + 0.5) * scale


@njit(inline="never")
def spread_normal(words: Any) -> float:
    """Normal number times a spread, from the words 1 to 3; as ``random_block`` makes it."""
    normal = math.sqrt(-2.0 * math.log(words[1])) * math.cos(2.0 * math.pi * words[2])
    return normal * math.exp(3.0 * words[3] - 2.0)
