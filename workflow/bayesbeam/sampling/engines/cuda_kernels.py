"""The sweep on a GPU: proposals of all slots, moves of one replica a warp, exchanges of one chain a program.

Everything that differs between targets comes in as functions (:mod:`cuda_source`); the number of replicas that a
program moves is one on a GPU, and many where the kernels are interpreted. Random numbers, moves and their order are
those of the eager engine.
"""

from __future__ import annotations

import math

import triton
import triton.language as tl

from bayesbeam.sampling.engines import base

WALK, JUMP, PRESENT = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)
_INFINITY, _TWO_PI = tl.constexpr(math.inf), tl.constexpr(2.0 * math.pi)
_HUMP, _HUMP_SD = tl.constexpr(base.HUMP), tl.constexpr(base.HUMP_SD)
_EXCHANGE_SLOT = tl.constexpr(base.EXCHANGE_SLOT)
# Numbers of a move: kind of the term (-1 for the noise), its first slot, how many, which of them, the first of these,
# whether it is shared, and whether it walks.
MOVE = tl.constexpr(7)


@triton.jit
def _words(place, sweep, slot, key0, key1):
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
    if what == WALK:
        u0, u1, u2, u3 = _words(c * 65536 + r, sweep, slot, key0, key1)
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
    elif what == JUMP:
        u0, u1, _u2, _u3 = _words(c * 65536 + r, sweep, slots + slot, key0, key1)
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


@triton.jit
def _whole(
    axis, centred, offsets, theta, proposal, stride, kind, start, moved, origin, terms, term_table, like,
    curve: tl.constexpr,
):  # fmt: skip
    """Sum of all curves at some points, one term with the parameters proposed."""
    total = like
    for k in range(terms):
        first = tl.load(term_table + 2 * k + 1)
        mask = tl.where((kind >= 0) & (first == start), moved, 0)
        own = tl.load(term_table + 2 * k)
        total += curve(own, like, axis, centred, offsets, theta, proposal, stride, first, mask, origin)
    return total


@triton.jit
def _changed(
    pred, axis, centred, offsets, valid, theta, proposal, stride, kind, start, moved, origin, terms, term_table, like,
    curve: tl.constexpr,
):  # fmt: skip
    """Sum of curves at some points after a move."""
    f = tl.load(pred + offsets, mask=valid, other=0.0)
    if kind >= 0:
        nothing = moved - moved
        f -= curve(kind, like, axis, centred, offsets, theta, proposal, stride, start, nothing, origin)
        f += curve(kind, like, axis, centred, offsets, theta, proposal, stride, start, moved, origin)
        # Nothing can be taken off what is infinite.
        bad = f != f
        if tl.max(bad.to(tl.int32)) > 0:
            whole = _whole(
                axis, centred, offsets, theta, proposal, stride, kind, start, moved, origin, terms, term_table, like,
                curve,
            )  # fmt: skip
            f = tl.where(bad, whole, f)
    return f


@triton.jit
def _attempt(
    row, member, valid, theta, pred, proposal, kind, start, moved, data, origins, constants, counts, terms, term_table,
    noise_start, stride, slots, points, like_a, like_b, at_a, at_b, curve: tl.constexpr, term: tl.constexpr,
    total: tl.constexpr, LEFT: tl.constexpr, RIGHT: tl.constexpr,
):  # fmt: skip
    """Log-likelihoods (R, 1) after a move, and the sums of curves."""
    state, new = theta + row * slots, proposal + row
    sums, axis = pred + row * points, data + member * 6 * points
    centred, rest, origin = axis + points, axis + 2 * points, tl.load(origins + member)
    changed = tl.where(kind >= 0, 0, moved)
    a = _changed(
        sums, axis, centred, at_a, valid, state, new, stride, kind, start, moved, origin, terms, term_table, like_a,
        curve,
    )  # fmt: skip
    each = term(a, rest, points, at_a, state, new, stride, noise_start, changed)
    s = tl.sum(each.to(tl.float64), 1)[:, None]
    if RIGHT > 0:
        b = _changed(
            sums, axis, centred, at_b, valid, state, new, stride, kind, start, moved, origin, terms, term_table,
            like_b, curve,
        )  # fmt: skip
        each_b = term(b, rest, points, at_b, state, new, stride, noise_start, changed)
        s += tl.sum(each_b.to(tl.float64), 1)[:, None]
    else:
        b = a
    constant, count = tl.load(constants + member), tl.load(counts + member)
    return total(s, constant, count, state, new, stride, noise_start, changed), a, b


@triton.jit
def _table_gain(
    row, member, valid, level, chain, theta, log_prior, density, width, edges, slot_table, start, count, moved,
    all_members, stride, slots, edge_chains, edge_rungs, bins, BINS: tl.constexpr,
):  # fmt: skip
    """What a jump of some slots adds to the log acceptance ratio besides the likelihood, (R, 1)."""
    gain = (row - row).to(tl.float64)
    bin = tl.arange(0, BINS)[None, :]
    for q in range(count):
        if (moved >> q) & 1 != 0:
            j = start + q
            table = tl.load(slot_table + 4 * j + 3)
            where = (table * all_members + member) * edge_chains + chain % edge_chains
            where = where * edge_rungs + tl.where(edge_rungs > 1, level, 0)
            at = edges + where * (bins + 1)
            old = tl.load(theta + row * slots + j, mask=valid, other=0.0)
            present = tl.load(log_prior + row * slots + j, mask=valid, other=0.0)
            edge = tl.load(at + bin, mask=bin <= bins, other=_INFINITY)
            found = tl.sum((edge <= old).to(tl.int32), 1)[:, None] - 1
            found = tl.minimum(tl.maximum(found, 0), bins - 1)
            before = tl.load(at + found + 1) - tl.load(at + found)
            inside = (old >= tl.load(at)) & (old <= tl.load(at + bins))
            value = tl.load(density + j * stride + row, mask=valid, other=0.0) - present
            wider = tl.load(width + j * stride + row, mask=valid, other=0.0) - tl.log(before)
            gain += value + tl.where(inside, wider, -_INFINITY)
    return gain


@triton.jit
def _heat(beta, new, old):
    """Likelihood's part of a log acceptance ratio; none at beta = 0, nor between impossible states."""
    nothing = (beta == 0.0) | ((new == -_INFINITY) & (old == -_INFINITY))
    return tl.where(nothing, 0.0, beta * (new - old))


@triton.jit
def _settle(
    row, valid, accept, theta, log_prior, log_likelihood, pred, proposal, density, new, a, b, start, count, moved,
    stride, slots, points, at_a, at_b, RIGHT: tl.constexpr,
):  # fmt: skip
    """Keep what was accepted."""
    keep = accept & valid
    for q in range(count):
        if (moved >> q) & 1 != 0:
            j = start + q
            value = tl.load(proposal + j * stride + row, mask=keep, other=0.0)
            tl.store(theta + row * slots + j, value, mask=keep)
            value = tl.load(density + j * stride + row, mask=keep, other=0.0)
            tl.store(log_prior + row * slots + j, value, mask=keep)
    tl.store(log_likelihood + row, new, mask=keep)
    tl.store(pred + row * points + at_a, a, mask=keep)
    if RIGHT > 0:
        tl.store(pred + row * points + at_b, b, mask=keep)


@triton.jit(do_not_specialize=["moves_from", "moves_to"])
def move(
    theta, log_prior, log_likelihood, pred, rung, beta, edges, data, origins, constants, counts, moves, slot_table,
    term_table, walk_new, walk_density, walk_gain, walk_log_u, jump_new, jump_density, jump_width, jump_log_u, ratios,
    accepted, flags, moves_from, moves_to, members, chains, replicas, slots, terms, noise_start, edge_chains,
    edge_rungs, bins, points, all_members, curve: tl.constexpr, term: tl.constexpr, total: tl.constexpr,
    SHARED: tl.constexpr, BINS: tl.constexpr, SLOTS: tl.constexpr, LEFT: tl.constexpr, RIGHT: tl.constexpr,
    REPLICAS: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """All moves of one sweep for some replicas of a group, one after the other."""
    g = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * REPLICAS + tl.arange(0, REPLICAS)[:, None].to(tl.int64)
    valid = place < chains * replicas
    place = tl.where(valid, place, 0)
    chain = place // replicas
    level = tl.load(rung + g * chains * replicas + place)
    own_beta = tl.load(beta + g * replicas + level)
    stride = all_members * chains * replicas
    at_a = tl.arange(0, LEFT)[None, :]
    like_a = tl.full((REPLICAS, LEFT), 0, ROWS)
    if RIGHT > 0:
        at_b = LEFT + tl.arange(0, RIGHT)[None, :]
        like_b = tl.full((REPLICAS, RIGHT), 0, ROWS)
    else:
        at_b = at_a
        like_b = like_a
    none = tl.full((1, 1), 0, tl.int32)
    for i in range(moves_from, moves_to):
        at = moves + i * MOVE
        kind, start, count = tl.load(at), tl.load(at + 1), tl.load(at + 2)
        moved, lead = tl.load(at + 3), tl.load(at + 4)
        tied, walk = tl.load(at + 5), tl.load(at + 6)
        bits = none + moved
        proposal, density, log_u_at = walk_new, walk_density, walk_log_u
        if walk == 0:
            proposal, density, log_u_at = jump_new, jump_density, jump_log_u
        together = tl.where(tied != 0, members, 1)
        for low in range(0, members, together):
            heat = own_beta - own_beta
            ratio = own_beta - own_beta
            accept = valid
            # Members that share a slot are decided on together: all are tried, then all are kept or none.
            for turn in range(0, 2 * together):
                d = low + turn % together
                if (turn < together) | (SHARED and together > 1):
                    member = g * members + d
                    row = member * chains * replicas + place
                    new, a, b = _attempt(
                        row, member, valid, theta, pred, proposal, kind, start, bits, data, origins, constants,
                        counts, terms, term_table, noise_start, stride, slots, points, like_a, like_b, at_a, at_b,
                        curve, term, total, LEFT, RIGHT,
                    )  # fmt: skip
                    if turn < together:
                        old = tl.load(log_likelihood + row)
                        heat += _heat(own_beta, new, old)
                        if walk != 0:
                            possible = tl.load(density + lead * stride + row, mask=valid, other=0.0) > -_INFINITY
                            bad = (new != new) & possible & valid
                            tl.store(flags + g * chains + chain, (row - row + 1).to(tl.int32), mask=bad)
                        if turn == 0:
                            if walk != 0:
                                gain = tl.load(walk_gain + lead * stride + row)
                            else:
                                gain = _table_gain(
                                    row, member, valid, level, chain, theta, log_prior, density, jump_width, edges,
                                    slot_table, start, count, moved, all_members, stride, slots, edge_chains,
                                    edge_rungs, bins, BINS,
                                )  # fmt: skip
                            ratio += gain
                    if turn == together - 1:
                        ratio += heat
                        ratio = tl.where(ratio == ratio, ratio, -_INFINITY)
                        first = (g * members + low) * chains * replicas + place
                        accept = valid & (tl.load(log_u_at + lead * stride + first) < ratio)
                        if walk != 0:
                            for other in range(0, together):
                                to = (g * members + low + other) * chains * replicas + place
                                tl.store(ratios + lead * stride + to, ratio, mask=valid)
                    if (turn >= together) | (together == 1):
                        # All threads have read what was before any writes what comes after.
                        tl.debug_barrier()
                        _settle(
                            row, valid, accept, theta, log_prior, log_likelihood, pred, proposal, density, new, a, b,
                            start, count, moved, stride, slots, points, at_a, at_b, RIGHT,
                        )  # fmt: skip
            # What some threads have written others read in the next move.
            tl.debug_barrier()
    slot = tl.arange(0, SLOTS)[None, :]
    walks = (slot < slots) & valid
    for d in range(members):
        row = (g * members + d) * chains * replicas + place
        ratio = tl.load(ratios + slot * stride + row, mask=walks, other=0.0)
        to = accepted + slot * stride + row - place + chain * replicas + level
        chance = tl.load(to, mask=walks, other=0.0) + tl.exp(tl.minimum(ratio, 0.0))
        tl.store(to, chance, mask=walks)


@triton.jit
def rebuild(
    theta, log_likelihood, pred, data, origins, constants, counts, term_table, members, chains, replicas, slots, terms,
    noise_start, points, curve: tl.constexpr, term: tl.constexpr, total: tl.constexpr, LEFT: tl.constexpr,
    RIGHT: tl.constexpr, REPLICAS: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Sums of curves and log-likelihoods from the parameters."""
    member = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * REPLICAS + tl.arange(0, REPLICAS)[:, None].to(tl.int64)
    valid = place < chains * replicas
    row = member * chains * replicas + tl.where(valid, place, 0)
    state, axis = theta + row * slots, data + member * 6 * points
    origin = tl.load(origins + member)
    at = tl.arange(0, LEFT)[None, :]
    like = tl.full((REPLICAS, LEFT), 0, ROWS)
    none = tl.full((1, 1), 0, tl.int32)
    f = _whole(
        axis, axis + points, at, state, state, 0, none, none - 1, none, origin, terms, term_table, like, curve
    )  # fmt: skip
    tl.store(pred + row * points + at, f, mask=valid)
    each = term(f, axis + 2 * points, points, at, state, state, 0, noise_start, none)
    s = tl.sum(each.to(tl.float64), 1)[:, None]
    if RIGHT > 0:
        at_b = LEFT + tl.arange(0, RIGHT)[None, :]
        like_b = tl.full((REPLICAS, RIGHT), 0, ROWS)
        b = _whole(
            axis, axis + points, at_b, state, state, 0, none, none - 1, none, origin, terms, term_table, like_b, curve
        )  # fmt: skip
        tl.store(pred + row * points + at_b, b, mask=valid)
        each_b = term(b, axis + 2 * points, points, at_b, state, state, 0, noise_start, none)
        s += tl.sum(each_b.to(tl.float64), 1)[:, None]
    constant, count = tl.load(constants + member), tl.load(counts + member)
    tl.store(log_likelihood + row, total(s, constant, count, state, state, 0, noise_start, none), mask=valid)


@triton.jit
def _chance(gap, lower, upper):
    """Acceptance probability of an exchange of two neighbours."""
    gain = tl.where(lower == -_INFINITY, -_INFINITY, lower - upper)
    log_ratio = tl.where(gap == 0.0, 0.0, gap * gain)
    return tl.exp(tl.minimum(log_ratio, 0.0))


@triton.jit(do_not_specialize=["sweep", "done"])
def exchange(
    theta, log_likelihood, rung, replica_on_rung, beta, group_keys, level_likelihood, likelihoods, top, swap, places,
    sweep, done, all_chains, groups, members, chains, replicas, slots, levels, CHAINS: tl.constexpr,
    RUNGS: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    """Note what some chains have reached, and exchange even pairs of neighbours, then odd ones."""
    chain = tl.program_id(0) * CHAINS + tl.arange(0, CHAINS)[:, None].to(tl.int64)
    there = chain < all_chains
    chain = tl.where(there, chain, 0)
    g, c = chain // chains, chain % chains
    level = tl.arange(0, RUNGS)[None, :]
    real = there & (level < replicas)
    on_rung, back = replica_on_rung + chain * replicas, rung + chain * replicas
    replica = tl.load(on_rung + level, mask=real, other=0)
    likelihood = tl.full((CHAINS, RUNGS), 0, tl.float64)
    for d in range(members):
        row = ((g * members + d) * chains + c) * replicas + replica
        likelihood += tl.load(log_likelihood + row, mask=real, other=0.0)
    seen = done.to(tl.int64) * all_chains + chain
    tl.store(likelihoods + seen * replicas + level, likelihood, mask=real)
    tl.store(level_likelihood + chain * replicas + level, likelihood, mask=real)
    slot = tl.arange(0, SLOTS)[None, :]
    copied = there & (slot < slots)
    for i in range(levels):
        one = tl.load(on_rung + replicas - levels + i)
        for d in range(members):
            row = ((g * members + d) * chains + c) * replicas + one
            to = (((done.to(tl.int64) * groups + g) * members + d) * chains + c) * levels + i
            tl.store(top + to * slots + slot, tl.load(theta + row * slots + slot, mask=copied, other=0.0), mask=copied)
    tl.debug_barrier()
    held = level_likelihood + chain * replicas
    key0, key1 = tl.load(group_keys + 2 * g), tl.load(group_keys + 2 * g + 1)
    ladder = beta + g * replicas
    pairs = there & (level < replicas - 1)
    gap = tl.load(ladder + level + 1, mask=pairs, other=0.0) - tl.load(ladder + level, mask=pairs, other=0.0)
    lower = tl.load(held + level, mask=pairs, other=0.0)
    upper = tl.load(held + level + 1, mask=pairs, other=0.0)
    tl.store(swap + seen * (replicas - 1) + level, _chance(gap, lower, upper), mask=pairs)
    u0, _u1, _u2, _u3 = _words(c * 65536 + level, sweep, sweep - sweep + _EXCHANGE_SLOT, key0, key1)
    for parity in tl.static_range(2):
        turn = pairs & (level % 2 == parity)
        lower = tl.load(held + level, mask=turn, other=0.0)
        upper = tl.load(held + level + 1, mask=turn, other=0.0)
        first = tl.load(on_rung + level, mask=turn, other=0)
        second = tl.load(on_rung + level + 1, mask=turn, other=0)
        accept = turn & (u0 < _chance(gap, lower, upper))
        tl.debug_barrier()
        tl.store(held + level, upper, mask=accept)
        tl.store(held + level + 1, lower, mask=accept)
        tl.store(on_rung + level, second, mask=accept)
        tl.store(on_rung + level + 1, first, mask=accept)
        tl.store(back + first, (level + 1 + first - first), mask=accept)
        tl.store(back + second, (level + second - second), mask=accept)
        tl.debug_barrier()
    tl.store(places + seen * replicas + level, tl.load(on_rung + level, mask=real, other=0), mask=real)
