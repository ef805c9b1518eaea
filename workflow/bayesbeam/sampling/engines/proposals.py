"""Proposals of one chain in one sweep, for the fused engine: all walks and jumps of all its replicas at a time.

A walk or jump proposes a value that depends on the slot alone, which moves but once before; so whole vectors of
proposals and of their prior densities are made before the first is tried.
"""

from __future__ import annotations

import math

from numba import njit

from bayesbeam.sampling.engines.arrays import Moving, Problem, Scratch
from bayesbeam.sampling.engines.calls import call_densities, put_real, put_whole, real, reals, whole, wholes
from bayesbeam.sampling.engines.draws import draw_jumps, draw_walks, exponentials
from bayesbeam.sampling.engines.scalars import log_f64

NO_SLOT = -1

_helper = njit(nogil=True, forceinline=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def address_slots(
    p: Problem, m: Moving, w: Scratch, where: int, key: int, g: int, d: int, c: int, j: int, slot: int
) -> None:
    """Counters and keys of a slot's move in all replicas; the key is that of the group for a shared slot."""
    at = 2 * (g * p.members + d)
    keys = m.member_keys
    if whole(p.shared, j):
        at, keys = 2 * g, m.group_keys
    packed = whole(keys, at) | whole(keys, at + 1) << 32
    for r in range(m.replicas):
        put_whole(where, r, slot << 32 | (c << 16) + r)
        put_whole(key, r, packed)


@_helper
def prior_densities(p: Problem, j: int, member: int, count: int, x: int, out: int) -> None:
    """Log densities of many values of slot j of a member, up to a constant; -inf outside the support."""
    at = member * p.slots + j
    low, high = real(p.support, 2 * at), real(p.support, 2 * at + 1)
    call_densities(whole(p.densities, j), count, x, p.arguments + 8 * p.wide * at, out)
    for r in range(count):
        if not (low <= real(x, r) <= high):
            put_real(out, r, -math.inf)


@_helper
def propose_walks(p: Problem, m: Moving, w: Scratch, g: int, c: int, number: int) -> None:
    """Random walks of all slots in all replicas: new values, their priors, and these in the log acceptance ratio."""
    for d in range(p.members):
        for i in range(p.moving):
            row = (whole(p.moving_slots, i) * p.groups + g) * p.members + d
            first = (d * p.moving + i) * w.lanes
            for r in range(m.replicas):
                level = whole(m.rung, (g * m.chains + c) * m.replicas + r) if m.scale_rungs > 1 else 0
                put_real(w.size, first + r, real(m.scale, row * m.scale_rungs + level))
    n = w.walks
    step = reals(w.step, n)
    where, key = wholes(w.walk_where, n), wholes(w.walk_key, n)
    draw_walks(n, where, key, number, reals(w.size, n), step, reals(w.walk_log_u, n))
    exponentials(n, step, reals(w.factor, n))
    for d in range(p.members):
        for i in range(p.moving):
            _walks_of(p, m, w, g, d, c, whole(p.moving_slots, i), (d * p.moving + i) * w.lanes)


@_helper
def _walks_of(p: Problem, m: Moving, w: Scratch, g: int, d: int, c: int, j: int, first: int) -> None:
    """Walks of one slot of a member; theirs are the entries from ``first`` on."""
    member = g * p.members + d
    log_walk = whole(p.log_walk, j)
    for r in range(m.replicas):
        old = real(m.theta, ((member * m.chains + c) * m.replicas + r) * p.slots + j)
        new = old * real(w.factor, first + r) if log_walk else old + real(w.step, first + r)
        put_real(w.walk_new, first + r, new)
    prior_densities(p, j, member, w.lanes, w.walk_new + 8 * first, w.walk_prior + 8 * first)
    for r in range(m.replicas):
        gain = real(w.walk_prior, first + r) - real(w.prior, (r * p.members + d) * p.slots + j)
        put_real(w.walk_gain, first + r, gain + real(w.step, first + r) if log_walk else gain)


@_helper
def propose_jumps(p: Problem, m: Moving, w: Scratch, g: int, c: int, s: int, number: int) -> None:
    """Jumps of one sweep in all replicas: new values, their priors, and the widths of the bins they are from."""
    each = m.turns_a_sweep * m.longest
    for d in range(p.members):
        for q in range(each):
            j = whole(m.turns, s * each + q)
            at = 8 * (d * each + q) * w.lanes
            if j != NO_SLOT:
                address_slots(p, m, w, w.jump_where + at, w.jump_key + at, g, d, c, j, p.slots + j)
    n = w.jumps
    where, key = wholes(w.jump_where, n), wholes(w.jump_key, n)
    draw_jumps(n, where, key, number, reals(w.jump_u, n), reals(w.jump_log_u, n))
    for d in range(p.members):
        for q in range(each):
            j = whole(m.turns, s * each + q)
            if j != NO_SLOT:
                _jumps_of(p, m, w, g, d, c, j, (d * each + q) * w.lanes)


@_helper
def _jumps_of(p: Problem, m: Moving, w: Scratch, g: int, d: int, c: int, j: int, first: int) -> None:
    """Jumps of one slot of a member; theirs are the entries from ``first`` on."""
    member = g * p.members + d
    for r in range(m.replicas):
        edges = table_of(p, m, member, c, j, whole(m.rung, (g * m.chains + c) * m.replicas + r))
        place = real(w.jump_u, first + r) * m.bins
        into = int(place)
        low = real(edges, into)
        width = real(edges, into + 1) - low
        put_real(w.jump_new, first + r, low + (place - into) * width)
        put_real(w.jump_width, first + r, width)
    prior_densities(p, j, member, w.lanes, w.jump_new + 8 * first, w.jump_prior + 8 * first)


@_helper
def table_of(p: Problem, m: Moving, member: int, c: int, j: int, level: int) -> int:
    """Address of the jump table of a slot."""
    row = (whole(p.table_slot, j) * p.groups * p.members + member) * m.edge_chains + c % m.edge_chains
    return m.edges + 8 * (row * m.edge_rungs + (level if m.edge_rungs > 1 else 0)) * (m.bins + 1)


@_helper
def walk_to(p: Problem, w: Scratch, d: int, theta: int, j: int, entry: int) -> float:
    """Put a walk's value into the state; returns its part of the log acceptance ratio."""
    put_real(w.saved, d * p.slots, real(theta, j))
    put_real(theta, j, real(w.walk_new, entry))
    put_real(w.new_prior, d * p.slots, real(w.walk_prior, entry))
    return real(w.walk_gain, entry)


@_helper
def jump_to(p: Problem, m: Moving, w: Scratch, edges: int, d: int, own: int, theta: int, q: int, entry: int) -> float:
    """Put a jump's value into slot q of those that jump together; returns its part of the log acceptance ratio.

    -inf where the present value is outside the table: no jump leads back there.
    """
    j = whole(w.together, q)
    old = real(theta, j)
    put_real(w.saved, d * p.slots + q, old)
    if not (real(edges, 0) <= old <= real(edges, m.bins)):
        return -math.inf
    # Without branches, which nobody could foresee.
    found, left = 0, m.bins
    while left > 1:
        half = left >> 1
        found += half if real(edges, found + half) <= old else 0
        left -= half
    before = real(edges, found + 1) - real(edges, found)
    density = real(w.jump_prior, entry)
    put_real(theta, j, real(w.jump_new, entry))
    put_real(w.new_prior, d * p.slots + q, density)
    return density - real(w.prior, own * p.slots + j) + log_f64(real(w.jump_width, entry) / before)
