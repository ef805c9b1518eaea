"""The fused sweep: all moves and exchanges of a block of sweeps for some chains, compiled once for all formulas.

A chain keeps the curves of its replicas in a scratch that fits the processor's cache; only parameters leave it. Moves,
random numbers and their order are those of the eager engine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bayesbeam.sampling.engines.arrays import Moving, Problem, Scratch
from bayesbeam.sampling.engines.calls import philox, spread_normal
from bayesbeam.sampling.engines.library import cached_here
from bayesbeam.sampling.engines.trials import attempt, load, log_prior, rebuild, settle

NAN_SEEN = 1


with cached_here():
    _compile = njit(nogil=True, cache=True)
_helper = njit(nogil=True, forceinline=True)


@_helper
def _heat(beta: float, new: float, old: float) -> float:
    """Likelihood's part of a log acceptance ratio; none at beta = 0, nor between impossible states."""
    if beta == 0.0 or (new == -math.inf and old == -math.inf):
        return 0.0
    return beta * (new - old)


@_helper
def _words(p: Problem, w: Scratch, g: int, d: int, place: int, number: int, slot: int, tied: bool) -> None:
    """Random numbers of a move; equal in all members for a shared slot."""
    if tied:
        philox(place, number, slot, p.group_keys[g, 0], p.group_keys[g, 1], w.words)
    else:
        philox(place, number, slot, p.member_keys[g, d, 0], p.member_keys[g, d, 1], w.words)


@_helper
def _decide(
    p: Problem,
    m: Moving,
    w: Scratch,
    g: int,
    d: int,
    c: int,
    r: int,
    k: int,
    beta: float,
    gain: float,
    log_uniform: float,
    n: int,
) -> float:
    """Accept or reject for one member, or for all where d is below 0; returns the acceptance probability."""
    ratio = gain
    first, last = (0, m.theta.shape[1]) if d < 0 else (d, d + 1)
    for e in range(first, last):
        if gain != -math.inf:
            ratio += _heat(beta, w.new_likelihood[e], m.log_likelihood[g, e, c, r])
    if log_uniform < ratio:
        for e in range(first, last):
            settle(p, m, w, g, e, c, r, k, n)
    if ratio >= 0.0:
        return 1.0
    return math.exp(ratio) if ratio == ratio else 0.0


@_helper
def _walk(
    p: Problem, m: Moving, w: Scratch, g: int, c: int, r: int, j: int, number: int, beta: float, scale: Any
) -> None:
    """Random walk in slot j."""
    members, tied, k = m.theta.shape[1], p.shared[j], p.term_of_slot[j]
    level = m.rung[g, c, r]
    w.slots[0] = j
    gain = 0.0
    for d in range(members):
        load(m, w, g, d, c, r)
        _words(p, w, g, d, c * 65536 + r, number, j, tied)
        step = scale[j, g, d, level] * spread_normal(w.words)
        old = w.state[d, j]
        new = old * math.exp(step) if p.log_walk[j] else old + step
        w.state[d, j] = new
        w.new_prior[d, j] = log_prior(p, new, j, g, d)
        gain = w.new_prior[d, j] - w.prior[r, d, j]
        if p.log_walk[j]:
            gain += step
        if gain != -math.inf:
            attempt(p, m, w, g, d, c, r, k)
            if w.new_likelihood[d] != w.new_likelihood[d]:
                m.flags[g, c] = NAN_SEEN
        if not tied:
            m.accepted[j, g, d, c, level] += _decide(p, m, w, g, d, c, r, k, beta, gain, math.log(w.words[0]), 1)
    if tied:
        # The prior of a shared slot counts once, and it is the same in all members.
        probability = _decide(p, m, w, g, -1, c, r, k, beta, gain, math.log(w.words[0]), 1)
        for d in range(members):
            m.accepted[j, g, d, c, level] += probability


@_helper
def _redraw(
    p: Problem,
    m: Moving,
    w: Scratch,
    g: int,
    c: int,
    r: int,
    s: int,
    turn: int,
    turns: Any,
    redraw: Any,
    number: int,
    beta: float,
) -> None:
    """Replace slots by draws of their prior; the prior cancels in the ratio."""
    n = 0
    for q in range(turns.shape[2]):
        if turns[s, turn, q] >= 0:
            w.slots[n] = turns[s, turn, q]
            n += 1
    if n == 0:
        return
    lead = w.slots[0]
    members, tied, k = m.theta.shape[1], p.shared[lead], p.term_of_slot[lead]
    for d in range(members):
        load(m, w, g, d, c, r)
        _words(p, w, g, d, c * 65536 + r, number, m.theta.shape[4] + lead, tied)
        for q in range(n):
            j = w.slots[q]
            w.state[d, j] = redraw[s, turn, q, g, d, c, r]
            w.new_prior[d, j] = log_prior(p, w.state[d, j], j, g, d)
        attempt(p, m, w, g, d, c, r, k)
        if not tied:
            _decide(p, m, w, g, d, c, r, k, beta, 0.0, math.log(w.words[1]), n)
    if tied:
        _decide(p, m, w, g, -1, c, r, k, beta, 0.0, math.log(w.words[1]), n)


@_helper
def _exchange(p: Problem, m: Moving, w: Scratch, g: int, c: int, s: int, number: int, beta: Any) -> None:
    """Exchange neighbouring rungs, even pairs in even sweeps and odd ones in odd, and note what was seen."""
    members, replicas = m.theta.shape[1], m.theta.shape[3]
    for level in range(replicas):
        total = 0.0
        for d in range(members):
            total += m.log_likelihood[g, d, c, m.replica_on_rung[g, c, level]]
        m.likelihoods[s, g, c, level] = total
    for d in range(members):
        for j in range(m.theta.shape[4]):
            m.top[s, g, d, c, j] = m.theta[g, d, c, m.replica_on_rung[g, c, replicas - 1], j]
    for pair in range(replicas - 1):
        lower, upper = m.likelihoods[s, g, c, pair], m.likelihoods[s, g, c, pair + 1]
        gain = -math.inf if lower == -math.inf else lower - upper
        log_ratio = (beta[g, pair + 1] - beta[g, pair]) * gain
        probability = 1.0 if log_ratio >= 0.0 else math.exp(log_ratio)
        m.swap[s, g, c, pair] = probability
        if pair % 2 == number % 2:
            philox(c * 65536 + pair, number, p.exchange_slot, p.group_keys[g, 0], p.group_keys[g, 1], w.words)
            if w.words[0] < probability:
                first, second = m.replica_on_rung[g, c, pair], m.replica_on_rung[g, c, pair + 1]
                m.replica_on_rung[g, c, pair], m.replica_on_rung[g, c, pair + 1] = second, first
                m.rung[g, c, first], m.rung[g, c, second] = pair + 1, pair
    for level in range(replicas):
        m.places[s, g, c, level] = m.replica_on_rung[g, c, level]


@_compile
def advance(
    low: int, high: int, first: int, sweeps: int, p: Problem, m: Moving, beta: Any, scale: Any, turns: Any, redraw: Any
) -> None:
    """Advance the chains ``low`` to ``high - 1``, counted over groups and chains, by some sweeps.

    Without a sweep only their log-likelihoods are computed.

    Parameters
    ----------
    beta : array (G, R)
        Ladders.
    scale : array (P, G, D, R)
        Step sizes on each rung.
    turns : array (S, 2, L), int64
        Slots that each sweep redraws together, filled up with -1.
    redraw : array (S, 2, L, G, D, C, R)
        Draws of their priors.
    """
    _, members, chains, replicas, slots = m.theta.shape
    terms, points = p.term_start.shape[0] - 1, p.data.shape[4]
    rows = np.empty((replicas, members, terms, points), p.data.dtype)
    sums, fresh = np.empty((replicas, members, points), p.data.dtype), np.empty((members, points), p.data.dtype)
    state, values = np.empty((members, slots)), np.empty(slots + 1)
    w = Scratch(
        rows, sums, np.empty((replicas, members)), np.empty((replicas, members, slots)), fresh, state,
        np.empty((members, slots)), np.empty(members), np.empty(members), values, np.empty(4),
        np.empty(slots, np.int64), rows.ctypes.data, sums.ctypes.data, fresh.ctypes.data,
        state.ctypes.data, values.ctypes.data,
    )  # fmt: skip
    for chain in range(low, high):
        g, c = chain // chains, chain % chains
        if sweeps == 0:
            for r in range(replicas):
                rebuild(p, m, w, g, c, r)
        for s in range(sweeps):
            number = first + s
            for r in range(replicas):
                if s == 0 or number % p.rebuild_every == 0:
                    rebuild(p, m, w, g, c, r)
                b = beta[g, m.rung[g, c, r]]
                for i in range(p.moving.shape[0]):
                    _walk(p, m, w, g, c, r, p.moving[i], number, b, scale)
                for turn in range(2):
                    _redraw(p, m, w, g, c, r, s, turn, turns, redraw, number, b)
            _exchange(p, m, w, g, c, s, number, beta)
