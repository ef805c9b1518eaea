"""The fused sweep: all moves and exchanges of a block of sweeps for some chains, compiled once for all formulas.

A chain keeps the curves of its replicas in a scratch that fits the processor's cache; only parameters leave it. Moves,
random numbers and their order are those of the eager engine.
"""

from __future__ import annotations

import math

from numba import njit

from bayesbeam.sampling.engines.arrays import Moving, Problem, Scratch
from bayesbeam.sampling.engines.base import EXCHANGE_SLOT, REBUILD_EVERY
from bayesbeam.sampling.engines.calls import put_real, put_whole, real, reals, whole
from bayesbeam.sampling.engines.draws import chances, one_uniform
from bayesbeam.sampling.engines.integrated import attempt_left, keep_left, rebuild_left
from bayesbeam.sampling.engines.library import cached_here
from bayesbeam.sampling.engines.proposals import (
    NO_SLOT,
    address_slots,
    jump_to,
    propose_jumps,
    propose_walks,
    table_of,
    walk_to,
)
from bayesbeam.sampling.engines.trials import attempt, keep, put_back, rebuild

NAN_SEEN = 1

_helper = njit(nogil=True, forceinline=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def _heat(beta: float, new: float, old: float) -> float:
    """Likelihood's part of a log acceptance ratio; none at beta = 0, nor between impossible states."""
    if beta == 0.0 or (new == -math.inf and old == -math.inf):
        return 0.0
    return beta * (new - old)


@_helper
def _choose(p: Problem, m: Moving, w: Scratch, s: int, i: int) -> int:
    """Put the slots of move i of a sweep into ``w.together``: first the walks, then jumps; returns how many."""
    if i < p.moving:
        put_whole(w.together, 0, whole(p.moving_slots, i))
        return 1
    n = 0
    first = (s * m.turns_a_sweep + i - p.moving) * m.longest
    while n < m.longest and whole(m.turns, first + n) != NO_SLOT:
        put_whole(w.together, n, whole(m.turns, first + n))
        n += 1
    return n


@_helper
def _move(
    p: Problem, m: Moving, w: Scratch, g: int, c: int, r: int, i: int, n: int, low: int, high: int, beta: float
) -> None:
    """Propose move i to the members ``low`` to ``high - 1`` together, and accept or reject it."""
    k = whole(p.term_of_slot, whole(w.together, 0))
    level = whole(m.rung, (g * m.chains + c) * m.replicas + r)
    resize = n == 1 and whole(p.only_size, whole(w.together, 0)) != 0
    walk = i < p.moving
    jump = 0 if walk else (i - p.moving) * m.longest
    gain, heat, log_u, entry = 0.0, 0.0, 0.0, 0
    for d in range(low, high):
        member, own = g * p.members + d, r * p.members + d
        place = (member * m.chains + c) * m.replicas + r
        theta = m.theta + 8 * p.slots * place
        if walk:
            entry = (d * p.moving + i) * w.lanes + r
            gain = walk_to(p, w, d, theta, whole(w.together, 0), entry)
            log_u = real(w.walk_log_u, entry)
        else:
            gain = 0.0
            for q in range(n):
                entry = (d * m.turns_a_sweep * m.longest + jump + q) * w.lanes + r
                edges = table_of(p, m, member, c, whole(w.together, q), level)
                gain += jump_to(p, m, w, edges, d, own, theta, q, entry)
            log_u = real(w.jump_log_u, (d * m.turns_a_sweep * m.longest + jump) * w.lanes + r)
        if gain != -math.inf:
            if p.linear > 0:
                likelihood = attempt_left(p, w, member, d, own, theta, k)
            else:
                likelihood = attempt(p, w, member, d, own, theta, k, resize)
            if walk and likelihood != likelihood:
                put_whole(m.flags, g * m.chains + c, NAN_SEEN)
            heat += _heat(beta, likelihood, real(m.log_likelihood, place))
    # The prior of a shared slot counts once, and it is the same in all members.
    ratio = gain + heat if gain != -math.inf else gain
    accept = log_u < ratio
    for d in range(low, high):
        own = r * p.members + d
        place = ((g * p.members + d) * m.chains + c) * m.replicas + r
        if accept and p.linear > 0:
            keep_left(p, m, w, d, own, place, k, n)
        elif accept:
            keep(p, m, w, d, own, place, k, n, resize)
        else:
            put_back(p, w, d, m.theta + 8 * p.slots * place, n)
        if walk:
            put_real(w.ratio, (d * p.moving + i) * w.lanes + level, ratio)


@_helper
def _look(p: Problem, m: Moving, w: Scratch, g: int, c: int, s: int) -> None:
    """Note log-likelihoods on all rungs, states on the last ones, and how likely every exchange would be."""
    replicas, levels = m.replicas, m.levels
    chain = g * m.chains + c
    seen = (s * p.groups * m.chains + chain) * replicas
    on_rung = m.replica_on_rung + 8 * chain * replicas
    for level in range(replicas):
        total = 0.0
        for d in range(p.members):
            place = ((g * p.members + d) * m.chains + c) * replicas + whole(on_rung, level)
            total += real(m.log_likelihood, place)
        put_real(m.likelihoods, seen + level, total)
        put_real(w.level, level, total)
    for d in range(p.members):
        for i in range(levels):
            replica = whole(on_rung, replicas - levels + i)
            place = ((g * p.members + d) * m.chains + c) * replicas + replica
            top = (((s * p.groups + g) * p.members + d) * m.chains + c) * levels + i
            for j in range(p.slots):
                put_real(m.top, top * p.slots + j, real(m.theta, place * p.slots + j))
    for pair in range(replicas - 1):
        put_real(m.swap, (s * p.groups * m.chains + chain) * (replicas - 1) + pair, _swap_chance(m, w, g, pair))


@_helper
def _swap_chance(m: Moving, w: Scratch, g: int, pair: int) -> float:
    """Acceptance probability of an exchange of two neighbours, of which ``w.level`` holds the log-likelihoods."""
    lower, upper = real(w.level, pair), real(w.level, pair + 1)
    gain = -math.inf if lower == -math.inf else lower - upper
    gap = real(m.beta, g * m.replicas + pair + 1) - real(m.beta, g * m.replicas + pair)
    log_ratio = gap * gain if gap != 0.0 else 0.0
    return 1.0 if log_ratio >= 0.0 else math.exp(log_ratio)


@_helper
def _exchange(p: Problem, m: Moving, w: Scratch, g: int, c: int, s: int, number: int) -> None:
    """Exchange even pairs of neighbours, then odd ones."""
    replicas = m.replicas
    chain = g * m.chains + c
    on_rung, rung = m.replica_on_rung + 8 * chain * replicas, m.rung + 8 * chain * replicas
    key0, key1 = whole(m.group_keys, 2 * g), whole(m.group_keys, 2 * g + 1)
    for parity in range(2):
        for pair in range(parity, replicas - 1, 2):
            if one_uniform(c * 65536 + pair, number, EXCHANGE_SLOT, key0, key1) < _swap_chance(m, w, g, pair):
                lower = real(w.level, pair)
                put_real(w.level, pair, real(w.level, pair + 1))
                put_real(w.level, pair + 1, lower)
                first, second = whole(on_rung, pair), whole(on_rung, pair + 1)
                put_whole(on_rung, pair, second)
                put_whole(on_rung, pair + 1, first)
                put_whole(rung, first, pair + 1)
                put_whole(rung, second, pair)
    for level in range(replicas):
        put_whole(m.places, (s * p.groups * m.chains + chain) * replicas + level, whole(on_rung, level))


@_helper
def _sweep(p: Problem, m: Moving, w: Scratch, g: int, c: int, s: int, number: int) -> None:
    """Move all replicas of a chain."""
    propose_walks(p, m, w, g, c, number)
    propose_jumps(p, m, w, g, c, s, number)
    for r in range(m.replicas):
        beta = real(m.beta, g * m.replicas + whole(m.rung, (g * m.chains + c) * m.replicas + r))
        for i in range(p.moving + m.turns_a_sweep):
            n = _choose(p, m, w, s, i)
            tied = n > 0 and whole(p.shared, whole(w.together, 0)) != 0
            low = 0
            while n > 0 and low < p.members:
                high = p.members if tied else low + 1
                _move(p, m, w, g, c, r, i, n, low, high, beta)
                low = high
    chances(w.walks, reals(w.ratio, w.walks), reals(w.chance, w.walks))


def _advance(low: int, high: int, first: int, sweeps: int, p: Problem, m: Moving, w: Scratch) -> None:
    """Advance the chains ``low`` to ``high - 1``, counted over groups and chains, by some sweeps.

    Without a sweep only their log-likelihoods are computed.
    """
    for chain in range(low, high):
        g, c = chain // m.chains, chain % m.chains
        for d in range(p.members):
            for i in range(p.moving):
                j, at = whole(p.moving_slots, i), 8 * (d * p.moving + i) * w.lanes
                address_slots(p, m, w, w.walk_where + at, w.walk_key + at, g, d, c, j, j)
        for e in range(w.walks):
            put_real(w.chance, e, 0.0)
        for s in range(sweeps if sweeps > 0 else 1):
            if s == 0 or (first + s) % REBUILD_EVERY == 0:
                for r in range(m.replicas):
                    if p.linear > 0:
                        rebuild_left(p, m, w, g, c, r)
                    else:
                        rebuild(p, m, w, g, c, r)
            if sweeps > 0:
                _sweep(p, m, w, g, c, s, first + s)
                _look(p, m, w, g, c, s)
                _exchange(p, m, w, g, c, s, first + s)
        for d in range(p.members):
            for i in range(p.moving):
                row = (whole(p.moving_slots, i) * p.groups + g) * p.members + d
                for level in range(m.replicas):
                    chance = real(w.chance, (d * p.moving + i) * w.lanes + level)
                    put_real(m.accepted, (row * m.chains + c) * m.replicas + level, chance)


# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    advance = njit(nogil=True, cache=True, error_model="numpy")(_advance)
