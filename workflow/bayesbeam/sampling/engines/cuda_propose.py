"""Proposals on a GPU: new values of slots in all replicas at once, before the first of them is tried."""

from __future__ import annotations

import math

import triton
import triton.language as tl

from bayesbeam.sampling.engines import base, cuda_tables
from bayesbeam.sampling.engines.cuda_random import words

_WALK, _JUMP = tl.constexpr(cuda_tables.WALK), tl.constexpr(cuda_tables.JUMP)
_INFINITY, _TWO_PI = tl.constexpr(math.inf), tl.constexpr(2.0 * math.pi)
_HUMP, _HUMP_SD = tl.constexpr(base.HUMP), tl.constexpr(base.HUMP_SD)


@triton.jit(do_not_specialize=["sweep", "first"])
def propose(
    theta, log_prior, rung, scale, edges, keys, group_keys, arguments, support, entries, slot_table,
    walk_new, walk_density, walk_gain, walk_log_u, jump_new, jump_density, jump_width, jump_log_u,
    sweep, first, rows, members, chains, replicas, slots, scale_rungs, edge_chains, edge_rungs, bins,
    density: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Proposed values of a slot in all replicas, their prior densities, and what they add to log acceptance ratios.

    ``entries`` holds rows of (slot, what); ``slot_table`` rows of (kind of prior, shared, walks in the logarithm, slot
    of the jump table).
    """
    entry = first + tl.program_id(1)
    slot, what = tl.load(entries + 2 * entry), tl.load(entries + 2 * entry + 1)
    kind, shared = tl.load(slot_table + 4 * slot), tl.load(slot_table + 4 * slot + 1)
    log_walk, table = tl.load(slot_table + 4 * slot + 2), tl.load(slot_table + 4 * slot + 3)
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)[None, :]
    valid = row < rows
    r = row % replicas
    c = (row // replicas) % chains
    member = row // (replicas * chains)
    g = member // members
    level = tl.load(rung + (g * chains + c) * replicas + r, mask=valid, other=0)
    at, out = row * slots + slot, slot * rows + row
    own = tl.where(shared != 0, group_keys + 2 * g, keys + 2 * member)
    key0, key1 = tl.load(own, mask=valid, other=0), tl.load(own + 1, mask=valid, other=0)
    old = tl.load(theta + at, mask=valid, other=1.0)
    limits = support + 2 * (member * slots + slot)
    low, high = tl.load(limits, mask=valid, other=0.0), tl.load(limits + 1, mask=valid, other=1.0)
    given = arguments + tl.where(valid, (member * slots + slot) * WIDE, 0)
    if what == _WALK:
        u0, u1, u2, u3 = words(c * 65536 + r, sweep, slot, key0, key1)
        half = u3 < 0.5
        rest = tl.where(half, 2.0 * u3, 2.0 * u3 - 1.0)
        width = tl.sqrt(tl.log(u1) * -2.0) * tl.cos(u2 * _TWO_PI) * _HUMP_SD
        step = tl.where(half, width + _HUMP, width - _HUMP) * tl.exp(rest - 0.5)
        where = (slot * (rows // (chains * replicas)) + member) * scale_rungs + tl.where(scale_rungs > 1, level, 0)
        step = step * tl.load(scale + where, mask=valid, other=0.0)
        new = tl.where(log_walk != 0, old * tl.exp(step), old + step)
        value = density(kind, new, given)
        value = tl.where((new >= low) & (new <= high), value, -_INFINITY)
        gain = value - tl.load(log_prior + at, mask=valid, other=0.0)
        tl.store(walk_new + out, new, mask=valid)
        tl.store(walk_density + out, value, mask=valid)
        tl.store(walk_gain + out, tl.where(log_walk != 0, gain + step, gain), mask=valid)
        tl.store(walk_log_u + out, tl.log(u0), mask=valid)
    elif what == _JUMP:
        u0, u1, _u2, _u3 = words(c * 65536 + r, sweep, slots + slot, key0, key1)
        where = (table * (rows // (chains * replicas)) + member) * edge_chains + c % edge_chains
        where = where * edge_rungs + tl.where(edge_rungs > 1, level, 0)
        place = u0 * bins
        into = place.to(tl.int64)
        left = tl.load(edges + where * (bins + 1) + into, mask=valid, other=0.0)
        width = tl.load(edges + where * (bins + 1) + into + 1, mask=valid, other=1.0) - left
        new = left + (place - into.to(tl.float64)) * width
        value = density(kind, new, given)
        value = tl.where((new >= low) & (new <= high), value, -_INFINITY)
        tl.store(jump_new + out, new, mask=valid)
        tl.store(jump_density + out, value, mask=valid)
        tl.store(jump_width + out, tl.log(width), mask=valid)
        tl.store(jump_log_u + out, tl.log(u1), mask=valid)
    else:
        value = density(kind, old, given)
        value = tl.where((old >= low) & (old <= high), value, -_INFINITY)
        tl.store(log_prior + at, value, mask=valid)
