"""One proposal at a time, for the fused sweep: what it is, what it would change, and keeping it.

A proposal is written into the state itself; what it replaces is saved, and put back where the proposal is rejected.
"""

from __future__ import annotations

import math

from numba import njit

from bayesbeam.sampling.engines.arrays import Moving, Problem, Scratch
from bayesbeam.sampling.engines.calls import (
    call_density,
    call_move,
    call_points,
    call_resize,
    call_row,
    call_settle,
    call_settle_size,
    call_total,
    put_real,
    put_whole,
    real,
    whole,
)

_helper = njit(nogil=True, forceinline=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def log_prior(p: Problem, x: float, j: int, member: int) -> float:
    """Log density of slot j of a member, counted over groups, up to a constant; -inf outside the support."""
    at = member * p.slots + j
    if not (real(p.support, 2 * at) <= x <= real(p.support, 2 * at + 1)):
        return -math.inf
    return call_density(whole(p.density, j), x, p.arguments + 8 * p.wide * at)


@_helper
def data_of(p: Problem, member: int, k: int) -> int:
    """Address of the data of a member, with the axis that term k wants; of the noise where k is below 0."""
    block = 2 * member + (whole(p.term_centred, k) if k >= 0 else 0)
    return p.data + block * 5 * p.points * p.item


@_helper
def term_values(p: Problem, w: Scratch, member: int, theta: int, k: int) -> int:
    """Address of the parameters of term k, places on the axis counted from its middle."""
    start, stop = whole(p.term_start, k), whole(p.term_start, k + 1)
    if whole(p.term_centred, k) == 0:
        return theta + 8 * start
    origin = real(p.origin, member)
    for j in range(start, stop):
        put_real(w.values, j - start, real(theta, j) - origin * real(p.place, j))
    return w.values


@_helper
def rebuild(p: Problem, m: Moving, w: Scratch, g: int, c: int, r: int) -> None:
    """Compute the caches of a replica from its parameters."""
    row = p.points * p.item
    for d in range(p.members):
        member, own = g * p.members + d, r * p.members + d
        place = (member * m.chains + c) * m.replicas + r
        theta = m.theta + 8 * p.slots * place
        curves, sums = w.rows + own * p.terms * row, w.sums + own * row
        for i in range(row // 8):
            put_whole(sums, i, 0)
        for i in range(p.terms * row // 8):
            put_whole(curves, i, 0)
        for k in range(p.terms):
            values = term_values(p, w, member, theta, k)
            size = w.sizes + 16 * (own * p.terms + k)
            put_real(size, 0, 0.0)
            call_row(whole(p.term_row, k), p.points, data_of(p, member, k), values, size, w.fresh)
            call_settle(p.settle_at, p.points, size, curves + k * row, sums, w.fresh)
            put_real(size, 0, real(size, 1))
        phi = theta + 8 * p.noise_start
        power = call_points(p.points_at, p.points, data_of(p, member, -1), phi, sums, w.parts)
        put_real(w.power, own, power)
        likelihood = call_total(p.total_at, power, real(p.constant, member), real(p.effective, member), phi)
        put_real(m.log_likelihood, place, likelihood)
        for j in range(p.slots):
            put_real(w.prior, own * p.slots + j, 0.0)
        for i in range(p.moving):
            j = whole(p.moving_slots, i)
            put_real(w.prior, own * p.slots + j, log_prior(p, real(theta, j), j, member))


@_helper
def propose_walk(p: Problem, w: Scratch, member: int, d: int, own: int, theta: int, j: int, entry: int) -> float:
    """Step of a random walk in slot j; returns the prior's part of the log acceptance ratio."""
    step, old = real(w.step, entry), real(theta, j)
    log_walk = whole(p.log_walk, j)
    new = old * real(w.factor, entry) if log_walk else old + step
    density = log_prior(p, new, j, member)
    put_real(w.saved, d * p.slots, old)
    put_real(theta, j, new)
    put_real(w.new_prior, d * p.slots, density)
    gain = density - real(w.prior, own * p.slots + j)
    return gain + step if log_walk else gain


@_helper
def propose_jump(
    p: Problem, m: Moving, w: Scratch, member: int, c: int, d: int, own: int, theta: int, q: int, u: float, level: int
) -> float:
    """Value of a slot under its table; returns its part of the log acceptance ratio."""
    j = whole(w.together, q)
    row = (j * p.groups * p.members + member) * m.edge_chains + (c if m.edge_chains > 1 else 0)
    row = row * m.edge_rungs + (level if m.edge_rungs > 1 else 0)
    edges = m.edges + 8 * row * (m.bins + 1)
    old = real(theta, j)
    put_real(w.saved, d * p.slots + q, old)
    if not (real(edges, 0) <= old <= real(edges, m.bins)):
        return -math.inf
    place = u * m.bins
    into = int(place)
    low = real(edges, into)
    width = real(edges, into + 1) - low
    new = low + (place - into) * width
    found, end = 0, m.bins
    while end - found > 1:
        middle = (found + end) >> 1
        if real(edges, middle) <= old:
            found = middle
        else:
            end = middle
    before = real(edges, found + 1) - real(edges, found)
    density = log_prior(p, new, j, member)
    put_real(theta, j, new)
    put_real(w.new_prior, d * p.slots + q, density)
    return density - real(w.prior, own * p.slots + j) + (math.log(width) - math.log(before))


@_helper
def attempt(p: Problem, w: Scratch, member: int, d: int, own: int, theta: int, k: int, resize: bool) -> float:
    """Likelihood of a state in which term k (or, below 0, the noise) has moved; ``resize`` where only its size has."""
    row = p.points * p.item
    phi, sums = theta + 8 * p.noise_start, w.sums + own * row
    power = real(w.power, own)
    if k >= 0:
        values = term_values(p, w, member, theta, k)
        term = own * p.terms + k
        size, old, data = w.sizes + 16 * term, w.rows + term * row, data_of(p, member, k)
        if resize:
            power = call_resize(whole(p.term_resize, k), p.points, data, values, phi, size, old, sums, w.parts)
        else:
            loop, new = whole(p.term_move, k), w.fresh + d * row
            power = call_move(loop, p.points, data, values, phi, size, old, sums, new, w.parts)
    elif p.phi_matters:
        power = call_points(p.points_at, p.points, data_of(p, member, -1), phi, sums, w.parts)
    likelihood = call_total(p.total_at, power, real(p.constant, member), real(p.effective, member), phi)
    put_real(w.new_power, d, power)
    put_real(w.new_likelihood, d, likelihood)
    return likelihood


@_helper
def keep(p: Problem, m: Moving, w: Scratch, d: int, own: int, place: int, k: int, n: int, resize: bool) -> None:
    """Take an accepted proposal into the caches."""
    for q in range(n):
        put_real(w.prior, own * p.slots + whole(w.together, q), real(w.new_prior, d * p.slots + q))
    put_real(m.log_likelihood, place, real(w.new_likelihood, d))
    put_real(w.power, own, real(w.new_power, d))
    if k >= 0:
        row = p.points * p.item
        term, sums = own * p.terms + k, w.sums + own * row
        size, old = w.sizes + 16 * term, w.rows + term * row
        if resize:
            call_settle_size(p.settle_size_at, p.points, size, old, sums)
        else:
            call_settle(p.settle_at, p.points, size, old, sums, w.fresh + d * row)
        put_real(size, 0, real(size, 1))


@_helper
def put_back(p: Problem, w: Scratch, d: int, theta: int, n: int) -> None:
    """Undo a rejected proposal."""
    for q in range(n):
        put_real(theta, whole(w.together, q), real(w.saved, d * p.slots + q))
