"""One proposal at a time, for the fused sweep: what it is, what it would change, and keeping it.

A proposal is written into the state itself; what it replaces is saved, and put back where the proposal is rejected.
"""

from __future__ import annotations

import math

from numba import njit

from bayesbeam.sampling.engines.arrays import BLOCK, Moving, Problem, Scratch
from bayesbeam.sampling.engines.calls import (
    call_density,
    call_move,
    call_points,
    call_resize,
    call_row,
    call_settle,
    call_settle_size,
    call_span,
    call_total,
    put_real,
    put_whole,
    real,
    reals,
    whole,
)
from bayesbeam.sampling.engines.draws import count_beyond

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
def term_values(p: Problem, w: Scratch, member: int, d: int, theta: int, k: int) -> int:
    """Address of the parameters of term k, places on the axis counted from its middle."""
    start, stop = whole(p.term_start, k), whole(p.term_start, k + 1)
    if whole(p.term_centred, k) == 0:
        return theta + 8 * start
    origin, values = real(p.origin, member), w.values + 8 * d * p.slots
    for j in range(start, stop):
        put_real(values, j - start, real(theta, j) - origin * real(p.place, j))
    return values


@_helper
def find_span(p: Problem, w: Scratch, member: int, d: int, k: int, values: int, span: int) -> None:
    """Write the blocks of points at which a curve is computed: the first, and the one after the last.

    All where the curve goes on for ever.
    """
    blocks = p.points // BLOCK
    first, last = 0, blocks
    if whole(p.term_span, k) != 0:
        ends = w.ends + 16 * d
        call_span(whole(p.term_span, k), values, ends)
        axis = 2 * member + whole(p.term_centred, k)
        bounds, sign = p.bounds + 16 * p.bounds_a_row * axis, real(p.direction, axis)
        one, other = sign * real(ends, 0), sign * real(ends, 1)
        # Comparisons with what is no number fail: all blocks then.
        first, after = count_beyond(p.bounds_a_row, reals(bounds, 2 * p.bounds_a_row), min(one, other), max(one, other))
        last = max(first, blocks - after)
    put_whole(span, 0, first)
    put_whole(span, 1, last)


@_helper
def rebuild(p: Problem, m: Moving, w: Scratch, g: int, c: int, r: int) -> None:
    """Compute the caches of a replica from its parameters."""
    row = p.points * p.item
    for d in range(p.members):
        member, own = g * p.members + d, r * p.members + d
        place = (member * m.chains + c) * m.replicas + r
        theta = m.theta + 8 * p.slots * place
        curves, sums, terms = w.rows + own * p.terms * row, w.sums + own * row, w.terms + own * row
        for i in range(row // 8):
            put_whole(sums, i, 0)
        for i in range(p.terms * row // 8):
            put_whole(curves, i, 0)
        for k in range(p.terms):
            values, data = term_values(p, w, member, d, theta, k), data_of(p, member, k)
            size, span = w.sizes + 16 * (own * p.terms + k), w.spans + 32 * (own * p.terms + k)
            find_span(p, w, member, d, k, values, span)
            at = whole(span, 0) * BLOCK * p.item
            count = (whole(span, 1) - whole(span, 0)) * BLOCK
            put_real(size, 0, 0.0)
            call_row(whole(p.term_row, k), count, p.points, data + at, values, size, w.fresh)
            call_settle(p.settle_at, count, size, curves + k * row + at, sums + at, w.fresh, w.parts, terms + at)
            put_real(size, 0, real(size, 1))
        phi = theta + 8 * p.noise_start
        power = call_points(p.points_at, p.points, p.points, data_of(p, member, -1), phi, sums, terms)
        put_real(w.power, own, power)
        likelihood = call_total(p.total_at, power, real(p.constant, member), real(p.effective, member), phi)
        put_real(m.log_likelihood, place, likelihood)
        for j in range(p.slots):
            put_real(w.prior, own * p.slots + j, 0.0)
        for i in range(p.moving):
            j = whole(p.moving_slots, i)
            put_real(w.prior, own * p.slots + j, log_prior(p, real(theta, j), j, member))


@_helper
def attempt(p: Problem, w: Scratch, member: int, d: int, own: int, theta: int, k: int, resize: bool) -> float:
    """Likelihood of a state in which term k (or, below 0, the noise) has moved; ``resize`` where only its size has."""
    row = p.points * p.item
    phi, sums, parts = theta + 8 * p.noise_start, w.sums + own * row, w.parts + d * row
    power = real(w.power, own)
    if k >= 0:
        values = term_values(p, w, member, d, theta, k)
        span, blocks = w.spans + 32 * (own * p.terms + k), p.points // BLOCK
        first, last = whole(span, 0), whole(span, 1)
        if not resize:
            find_span(p, w, member, d, k, values, span + 16)
            begin, end = whole(span, 2), whole(span, 3)
            if last == first:
                first, last = begin, end
            elif end > begin:
                first, last = min(first, begin), max(last, end)
        change = change_of(p, w, member, d, own, theta, values, k, resize, first, last)
        # Nothing can be taken off what is infinite, and what is no number may come from points that do not count.
        power += change
        if last - first == blocks:
            power = change
        elif not power - power == 0.0:
            first, last = 0, blocks
            power = change_of(p, w, member, d, own, theta, values, k, resize, first, last)
        put_whole(w.changed, 2 * d, first)
        put_whole(w.changed, 2 * d + 1, last)
    elif p.phi_matters:
        power = call_points(p.points_at, p.points, p.points, data_of(p, member, -1), phi, sums, parts)
    likelihood = call_total(p.total_at, power, real(p.constant, member), real(p.effective, member), phi)
    put_real(w.new_power, d, power)
    put_real(w.new_likelihood, d, likelihood)
    return likelihood


@_helper
def change_of(
    p: Problem, w: Scratch, member: int, d: int, own: int, theta: int, values: int, k: int, resize: bool,
    first: int, last: int,
) -> float:  # fmt: skip
    """Change of the sum over points by a move of term k, or the new sum where it is computed at all of them."""
    row, term = p.points * p.item, own * p.terms + k
    at, count = first * BLOCK * p.item, (last - first) * BLOCK
    phi, size, data = theta + 8 * p.noise_start, w.sizes + 16 * term, data_of(p, member, k) + at
    old, sums, terms = w.rows + term * row + at, w.sums + own * row + at, w.terms + own * row + at
    new, parts = w.fresh + d * row + at, w.parts + d * row + at
    if resize:
        loop = whole(p.term_resize, k)
        return call_resize(loop, count, p.points, data, values, phi, size, old, sums, parts, terms)
    loop = whole(p.term_move, k)
    return call_move(loop, count, p.points, data, values, phi, size, old, sums, new, parts, terms)


@_helper
def keep(p: Problem, m: Moving, w: Scratch, d: int, own: int, place: int, k: int, n: int, resize: bool) -> None:
    """Take an accepted proposal into the caches."""
    for q in range(n):
        put_real(w.prior, own * p.slots + whole(w.together, q), real(w.new_prior, d * p.slots + q))
    put_real(m.log_likelihood, place, real(w.new_likelihood, d))
    put_real(w.power, own, real(w.new_power, d))
    row = p.points * p.item
    if k >= 0:
        term, at = own * p.terms + k, whole(w.changed, 2 * d) * BLOCK * p.item
        count = (whole(w.changed, 2 * d + 1) - whole(w.changed, 2 * d)) * BLOCK
        size, old, sums = w.sizes + 16 * term, w.rows + term * row + at, w.sums + own * row + at
        parts, terms = w.parts + d * row + at, w.terms + own * row + at
        if resize:
            call_settle_size(p.settle_size_at, count, size, old, sums, parts, terms)
        else:
            call_settle(p.settle_at, count, size, old, sums, w.fresh + d * row + at, parts, terms)
            put_whole(w.spans + 32 * term, 0, whole(w.spans + 32 * term, 2))
            put_whole(w.spans + 32 * term, 1, whole(w.spans + 32 * term, 3))
        put_real(size, 0, real(size, 1))
    elif p.phi_matters:
        for i in range(row // 8):
            put_whole(w.terms + own * row, i, whole(w.parts + d * row, i))


@_helper
def put_back(p: Problem, w: Scratch, d: int, theta: int, n: int) -> None:
    """Undo a rejected proposal."""
    for q in range(n):
        put_real(theta, whole(w.together, q), real(w.saved, d * p.slots + q))
