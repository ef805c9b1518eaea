"""Random numbers by counter in kernels on a GPU: the words of :mod:`bayesbeam.rng`, bit for bit."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def words(place, sweep, slot, key0, key1):
    """Four random words of 32 bits (Philox4x32-10) for each place, as uniform numbers in (0, 1)."""
    c0 = place.to(tl.uint32)
    c1 = (c0 - c0) + sweep.to(tl.uint32)
    c2 = (c0 - c0) + slot.to(tl.uint32)
    c3 = c0 - c0
    k0 = c3 + key0.to(tl.uint32)
    k1 = c3 + key1.to(tl.uint32)
    a = c3 + 0xD2511F53
    b = c3 + 0xCD9E8D57
    for _ in tl.static_range(10):
        high0, high2 = tl.umulhi(a, c0), tl.umulhi(b, c2)
        low0, low2 = a * c0, b * c2
        c0, c1, c2, c3 = high2 ^ c1 ^ k0, low2, high0 ^ c3 ^ k1, low0
        k0 = k0 + 0x9E3779B9
        k1 = k1 + 0xBB67AE85
    scale = 2.3283064365386962890625e-10
    u0 = (c0.to(tl.float64) + 0.5) * scale
    u1 = (c1.to(tl.float64) + 0.5) * scale
    u2 = (c2.to(tl.float64) + 0.5) * scale
    u3 = (c3.to(tl.float64) + 0.5) * scale
    return u0, u1, u2, u3
