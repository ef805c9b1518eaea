"""Moves on a GPU: all of one sweep, one after the other, for one replica a program.

Where the kernel is interpreted a program moves many replicas.
"""

from __future__ import annotations

import math

import triton
import triton.language as tl

from bayesbeam.sampling.engines.cuda_curves import attempt

_INFINITY = tl.constexpr(math.inf)
# Numbers of a move: kind of the term (-1 for the noise), its first slot, how many, which of them, the first of these,
# whether it is shared, and whether it walks.
_MOVE = tl.constexpr(7)


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


@triton.jit
def _together(
    g, low, together, place, valid, level, chain, own_beta, theta, log_prior, log_likelihood, pred, proposal, density,
    log_u_at, walk_gain, jump_width, edges, data, origins, constants, counts, slot_table, term_table, ratios, flags,
    kind, start, count, moved, bits, lead, walk, members, chains, replicas, slots, terms, noise_start, edge_chains,
    edge_rungs, bins, points, tables, all_members, stride, like_a, like_b, at_a, at_b, curve: tl.constexpr,
    change: tl.constexpr, term: tl.constexpr, total: tl.constexpr, SHARED: tl.constexpr, BINS: tl.constexpr,
    RIGHT: tl.constexpr,
):  # fmt: skip
    """One move of one member, or of all that share a slot: these are all tried, then all kept or none."""
    heat = own_beta - own_beta
    ratio = own_beta - own_beta
    accept = valid
    for turn in range(0, 2 * together):
        if (turn < together) | (SHARED and together > 1):
            member = g * members + low + turn % together
            row = member * chains * replicas + place
            new, a, b = attempt(
                row, member, valid, theta, pred, proposal, kind, start, bits, moved, data, origins, constants, counts,
                terms, term_table, noise_start, stride, slots, points, tables, like_a, like_b, at_a, at_b, curve,
                change, term, total, RIGHT,
            )  # fmt: skip
            if turn < together:
                heat += _heat(own_beta, new, tl.load(log_likelihood + row))
                if walk != 0:
                    possible = tl.load(density + lead * stride + row, mask=valid, other=0.0) > -_INFINITY
                    bad = (new != new) & possible & valid
                    tl.store(flags + g * chains + chain, (row - row + 1).to(tl.int32), mask=bad)
                if turn == 0:
                    if walk != 0:
                        gain = tl.load(walk_gain + lead * stride + row)
                    else:
                        gain = _table_gain(
                            row, member, valid, level, chain, theta, log_prior, density, jump_width, edges, slot_table,
                            start, count, moved, all_members, stride, slots, edge_chains, edge_rungs, bins, BINS,
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
                    row, valid, accept, theta, log_prior, log_likelihood, pred, proposal, density, new, a, b, start,
                    count, moved, stride, slots, points, at_a, at_b, RIGHT,
                )  # fmt: skip


@triton.jit(do_not_specialize=["moves_from", "moves_to"])
def move(
    theta, log_prior, log_likelihood, pred, rung, beta, edges, data, origins, constants, counts, moves, slot_table,
    term_table, walk_new, walk_density, walk_gain, walk_log_u, jump_new, jump_density, jump_width, jump_log_u, ratios,
    accepted, flags, moves_from, moves_to, members, chains, replicas, slots, terms, noise_start, edge_chains,
    edge_rungs, bins, points, tables, all_members, curve: tl.constexpr, change: tl.constexpr, term: tl.constexpr,
    total: tl.constexpr, SHARED: tl.constexpr, BINS: tl.constexpr, SLOTS: tl.constexpr, LEFT: tl.constexpr,
    RIGHT: tl.constexpr, REPLICAS: tl.constexpr, ROWS: tl.constexpr,
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
    at_b = at_a
    like_b = like_a
    if RIGHT > 0:
        at_b = LEFT + tl.arange(0, RIGHT)[None, :]
        like_b = tl.full((REPLICAS, RIGHT), 0, ROWS)
    none = tl.full((1, 1), 0, tl.int32)
    for i in range(moves_from, moves_to):
        at = moves + i * _MOVE
        moved, walk = tl.load(at + 3), tl.load(at + 6)
        proposal, density, log_u_at = walk_new, walk_density, walk_log_u
        if walk == 0:
            proposal, density, log_u_at = jump_new, jump_density, jump_log_u
        together = tl.where(tl.load(at + 5) != 0, members, 1)
        for low in range(0, members, together):
            _together(
                g, low, together, place, valid, level, chain, own_beta, theta, log_prior, log_likelihood, pred,
                proposal, density, log_u_at, walk_gain, jump_width, edges, data, origins, constants, counts,
                slot_table, term_table, ratios, flags, tl.load(at), tl.load(at + 1), tl.load(at + 2), moved,
                none + moved, tl.load(at + 4), walk, members, chains, replicas, slots, terms, noise_start,
                edge_chains, edge_rungs, bins, points, tables, all_members, stride, like_a, like_b, at_a, at_b, curve,
                change, term, total, SHARED, BINS, RIGHT,
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
