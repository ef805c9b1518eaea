"""One proposal at a time where linear parameters are integrated out, for the fused sweep.

Of each replica the columns of these parameters are kept, over the noise and in units of their priors, what is left of
the data, and the products of all of them: a move computes the columns of one term and their products anew. All of it in
double precision but for the formulas themselves.
"""

from __future__ import annotations

from numba import njit

from bayesbeam.sampling.engines.arrays import BLOCK, Moving, Problem, Scratch
from bayesbeam.sampling.engines.calls import call_row, put_real, put_whole, real, whole
from bayesbeam.sampling.engines.normal_equations import entry, likelihood_of
from bayesbeam.sampling.engines.row_loops import (
    add_times,
    cleared,
    copied,
    over_noise_double,
    over_noise_single,
    product,
)
from bayesbeam.sampling.engines.trials import find_span, log_prior

_helper = njit(nogil=True, forceinline=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
_plain = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def _values(p: Problem, w: Scratch, member: int, d: int, theta: int, k: int, unit: int) -> int:
    """Address of the parameters of term k: what is integrated out is 0, but 1 for number ``unit``."""
    start, stop = whole(p.term_start, k), whole(p.term_start, k + 1)
    values, centred = w.values + 8 * d * p.wholes, whole(p.term_centred, k)
    for j in range(start, stop):
        source = whole(p.source, j)
        value = real(theta, source) if source >= 0 else (1.0 if -1 - source == unit else 0.0)
        if centred != 0:
            value -= real(p.origin, member) * real(p.place, j)
        put_real(values, j - start, value)
    return values


@_helper
def _curve(p: Problem, w: Scratch, member: int, d: int, own: int, k: int, values: int, factor: float, out: int) -> None:
    """Curve of term k times a factor, over the noise, between the blocks of its proposed span."""
    size, span = w.sizes + 16 * (own * p.terms + k), w.spans + 32 * (own * p.terms + k) + 16
    first, count = whole(span, 0) * BLOCK, (whole(span, 1) - whole(span, 0)) * BLOCK
    data = p.data + ((2 * member + whole(p.term_centred, k)) * 5 * p.points + first) * p.item
    put_real(size, 0, 0.0)
    call_row(whole(p.term_row, k), count, p.points, data, values, size, w.fresh)
    weight = data + 2 * p.points * p.item
    if p.item == 4:
        over_noise_single(out + 8 * first, w.fresh, weight, real(size, 1) * factor, count)
    else:
        over_noise_double(out + 8 * first, w.fresh, weight, real(size, 1) * factor, count)


@_helper
def _columns(p: Problem, w: Scratch, member: int, d: int, own: int, theta: int, k: int, out: int, offset: int) -> None:
    """Columns of term k, in units of the priors, from ``out`` on; and its curve without them, where it has one.

    All of them between the blocks of its proposed span, and not set beyond.
    """
    low, high, lifted, row = whole(p.linear_first, k), whole(p.linear_first, k + 1), whole(p.lifted, k), 8 * p.points
    span = w.spans + 32 * (own * p.terms + k) + 16
    values = _values(p, w, member, d, theta, k, -1 if lifted != 0 else low)
    find_span(p, w, member, d, k, values, span)
    at, count = 8 * BLOCK * whole(span, 0), BLOCK * (whole(span, 1) - whole(span, 0))
    if lifted != 0:
        _curve(p, w, member, d, own, k, values, 1.0, offset)
    for e in range(low, high):
        column, sd = out + (e - low) * row, real(p.linear_sd, member * p.linear + e)
        values = _values(p, w, member, d, theta, k, e)
        _curve(p, w, member, d, own, k, values, sd, column)
        if lifted != 0:
            add_times(column + at, offset + at, -sd, count)


@_plain
def rebuild_left(p: Problem, m: Moving, w: Scratch, g: int, c: int, r: int) -> None:
    """Compute the caches of a replica from its parameters."""
    n, row = p.linear, 8 * p.points
    for d in range(p.members):
        member, own = g * p.members + d, r * p.members + d
        place = (member * m.chains + c) * m.replicas + r
        theta = m.theta + 8 * p.slots * place
        columns, rest, gram = w.columns + own * n * row, w.rests + own * row, w.gram + 8 * own * (n + 1) * (n + 1)
        data = p.data + 2 * member * 5 * p.points * p.item
        if p.item == 4:
            over_noise_single(rest, data + p.points * p.item, data + 2 * p.points * p.item, 1.0, p.points)
        else:
            over_noise_double(rest, data + p.points * p.item, data + 2 * p.points * p.item, 1.0, p.points)
        for k in range(p.terms):
            low, high = whole(p.linear_first, k), whole(p.linear_first, k + 1)
            offset, span = w.offsets + (own * p.terms + k) * row, w.spans + 32 * (own * p.terms + k)
            cleared(columns + low * row, (high - low) * p.points)
            _columns(p, w, member, d, own, theta, k, columns + low * row, offset)
            put_whole(span, 0, whole(span, 2))
            put_whole(span, 1, whole(span, 3))
            if whole(p.lifted, k) != 0:
                at, count = 8 * BLOCK * whole(span, 0), BLOCK * (whole(span, 1) - whole(span, 0))
                add_times(rest + at, offset + at, -1.0, count)
        for i in range(n + 1):
            one = columns + i * row if i < n else rest
            for j in range(i + 1):
                put_real(entry(gram, p, i, j), 0, product(one, columns + j * row if j < n else rest, p.points))
        phi = theta + 8 * p.noise_start
        put_real(m.log_likelihood, place, likelihood_of(p, w, member, d, columns, 0, -1, 0, rest, gram, phi))
        for j in range(p.slots):
            put_real(w.prior, own * p.slots + j, 0.0)
        for i in range(p.moving):
            j = whole(p.moving_slots, i)
            put_real(w.prior, own * p.slots + j, log_prior(p, real(theta, j), j, member))


@_helper
def attempt_left(p: Problem, w: Scratch, member: int, d: int, own: int, theta: int, k: int) -> float:
    """Marginal likelihood of a state in which term k (or, below 0, the noise) has moved."""
    n, row = p.linear, 8 * p.points
    columns, rest, gram = w.columns + own * n * row, w.rests + own * row, w.gram + 8 * own * (n + 1) * (n + 1)
    fresh, span = w.new_columns + d * n * row, w.spans + 32 * (own * p.terms + k) + 16
    if k >= 0:
        rest = _products(p, w, d, member, own, theta, k)
        gram = w.new_gram + 8 * d * (n + 1) * (n + 1)
    likelihood = likelihood_of(p, w, member, d, columns, fresh, k, span, rest, gram, theta + 8 * p.noise_start)
    put_real(w.new_likelihood, d, likelihood)
    return likelihood


@_helper
def _products(p: Problem, w: Scratch, d: int, member: int, own: int, theta: int, k: int) -> int:
    """Columns of a proposal of term k, and all products with them; returns where what is left of the data is."""
    n, row = p.linear, 8 * p.points
    columns, rest, gram = w.columns + own * n * row, w.rests + own * row, w.gram + 8 * own * (n + 1) * (n + 1)
    low, high, lifted = whole(p.linear_first, k), whole(p.linear_first, k + 1), whole(p.lifted, k) != 0
    fresh, new_rest, offset = w.new_columns + d * n * row, w.new_rest + d * row, w.new_offset + d * row
    new_gram, span = w.new_gram + 8 * d * (n + 1) * (n + 1), w.spans + 32 * (own * p.terms + k)
    copied(new_gram, gram, (n + 1) * (n + 1))
    _columns(p, w, member, d, own, theta, k, fresh, offset)
    at, count = 8 * BLOCK * whole(span, 2), BLOCK * (whole(span, 3) - whole(span, 2))
    after = rest
    if lifted:
        before, many = 8 * BLOCK * whole(span, 0), BLOCK * (whole(span, 1) - whole(span, 0))
        copied(new_rest, rest, p.points)
        add_times(new_rest + before, w.offsets + (own * p.terms + k) * row + before, 1.0, many)
        add_times(new_rest + at, offset + at, -1.0, count)
        put_real(entry(new_gram, p, n, n), 0, product(new_rest, new_rest, p.points))
        after = new_rest
        for j in range(n):
            if not low <= j < high:
                put_real(entry(new_gram, p, n, j), 0, product(columns + j * row, new_rest, p.points))
    for e in range(low, high):
        column = fresh + (e - low) * row + at
        put_real(entry(new_gram, p, n, e), 0, product(column, after + at, count))
        for j in range(n):
            if not low <= j < high:
                put_real(entry(new_gram, p, e, j), 0, product(column, columns + j * row + at, count))
            elif j <= e:
                put_real(entry(new_gram, p, e, j), 0, product(column, fresh + (j - low) * row + at, count))
    return after


@_helper
def keep_left(p: Problem, m: Moving, w: Scratch, d: int, own: int, place: int, k: int, n_slots: int) -> None:
    """Take an accepted proposal into the caches."""
    for q in range(n_slots):
        put_real(w.prior, own * p.slots + whole(w.together, q), real(w.new_prior, d * p.slots + q))
    put_real(m.log_likelihood, place, real(w.new_likelihood, d))
    if k < 0:
        return
    n, row, span = p.linear, 8 * p.points, w.spans + 32 * (own * p.terms + k)
    low, high = whole(p.linear_first, k), whole(p.linear_first, k + 1)
    before, many = 8 * BLOCK * whole(span, 0), BLOCK * (whole(span, 1) - whole(span, 0))
    put_whole(span, 0, whole(span, 2))
    put_whole(span, 1, whole(span, 3))
    at, count = 8 * BLOCK * whole(span, 0), BLOCK * (whole(span, 1) - whole(span, 0))
    for e in range(low, high):
        column = w.columns + (own * n + e) * row
        cleared(column + before, many)
        copied(column + at, w.new_columns + (d * n + e - low) * row + at, count)
    copied(w.gram + 8 * own * (n + 1) * (n + 1), w.new_gram + 8 * d * (n + 1) * (n + 1), (n + 1) * (n + 1))
    if whole(p.lifted, k) != 0:
        copied(w.rests + own * row, w.new_rest + d * row, p.points)
        copied(w.offsets + (own * p.terms + k) * row + at, w.new_offset + d * row + at, count)
