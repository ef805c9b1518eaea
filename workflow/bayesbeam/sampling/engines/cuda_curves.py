"""Curves on a GPU: sums of them after a move and from the parameters, and the log-likelihoods they have.

A curve lies in two tiles of powers of two, the second of which may be empty.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _whole(
    axis, centred, points, offsets, theta, proposal, stride, kind, start, moved, origin, terms, term_table, like,
    curve: tl.constexpr,
):  # fmt: skip
    """Sum of all curves at some points, one term with the parameters proposed."""
    total = like
    for k in range(terms):
        first = tl.load(term_table + 2 * k + 1)
        mask = tl.where((kind >= 0) & (first == start), moved, 0)
        own = tl.load(term_table + 2 * k)
        total += curve(own, like, axis, centred, points, offsets, theta, proposal, stride, first, mask, origin)
    return total


@triton.jit
def _changed(
    pred, axis, centred, points, offsets, valid, theta, proposal, stride, kind, start, moved, which, origin, terms,
    term_table, like, curve: tl.constexpr, change: tl.constexpr,
):  # fmt: skip
    """Sum of curves at some points after a move."""
    f = tl.load(pred + offsets, mask=valid, other=0.0)
    if kind >= 0:
        f = change(kind, f, axis, centred, points, offsets, theta, proposal, stride, start, moved, which, origin)
        # Nothing can be taken off what is infinite.
        bad = f != f
        if tl.max(bad.to(tl.int32)) > 0:
            whole = _whole(
                axis, centred, points, offsets, theta, proposal, stride, kind, start, moved, origin, terms, term_table,
                like, curve,
            )  # fmt: skip
            f = tl.where(bad, whole, f)
    return f


@triton.jit
def attempt(
    row, member, valid, theta, pred, proposal, kind, start, moved, which, data, origins, constants, counts, terms,
    term_table, noise_start, stride, slots, points, tables, like_a, like_b, at_a, at_b, curve: tl.constexpr,
    change: tl.constexpr, term: tl.constexpr, total: tl.constexpr, RIGHT: tl.constexpr,
):  # fmt: skip
    """Log-likelihoods (R, 1) after a move, and the sums of curves."""
    state, new = theta + row * slots, proposal + row
    sums, axis = pred + row * points, data + member * (6 * points + tables)
    centred, rest, origin = axis + points, axis + 2 * points, tl.load(origins + member)
    changed = tl.where(kind >= 0, 0, moved)
    a = _changed(
        sums, axis, centred, points, at_a, valid, state, new, stride, kind, start, moved, which, origin, terms,
        term_table, like_a, curve, change,
    )  # fmt: skip
    each = term(a, rest, points, at_a, state, new, stride, noise_start, changed)
    s = tl.sum(each.to(tl.float64), 1)[:, None]
    if RIGHT > 0:
        b = _changed(
            sums, axis, centred, points, at_b, valid, state, new, stride, kind, start, moved, which, origin, terms,
            term_table, like_b, curve, change,
        )  # fmt: skip
        each_b = term(b, rest, points, at_b, state, new, stride, noise_start, changed)
        s += tl.sum(each_b.to(tl.float64), 1)[:, None]
    else:
        b = a
    constant, count = tl.load(constants + member), tl.load(counts + member)
    return total(s, constant, count, state, new, stride, noise_start, changed), a, b


@triton.jit
def rebuild(
    theta, log_likelihood, pred, data, origins, constants, counts, term_table, members, chains, replicas, slots, terms,
    noise_start, points, tables, curve: tl.constexpr, term: tl.constexpr, total: tl.constexpr, LEFT: tl.constexpr,
    RIGHT: tl.constexpr, REPLICAS: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """Sums of curves and log-likelihoods from the parameters."""
    member = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * REPLICAS + tl.arange(0, REPLICAS)[:, None].to(tl.int64)
    valid = place < chains * replicas
    row = member * chains * replicas + tl.where(valid, place, 0)
    state, axis = theta + row * slots, data + member * (6 * points + tables)
    origin = tl.load(origins + member)
    at = tl.arange(0, LEFT)[None, :]
    like = tl.full((REPLICAS, LEFT), 0, ROWS)
    none = tl.full((1, 1), 0, tl.int32)
    f = _whole(
        axis, axis + points, points, at, state, state, 0, none, none - 1, none, origin, terms, term_table, like, curve
    )  # fmt: skip
    tl.store(pred + row * points + at, f, mask=valid)
    each = term(f, axis + 2 * points, points, at, state, state, 0, noise_start, none)
    s = tl.sum(each.to(tl.float64), 1)[:, None]
    if RIGHT > 0:
        at_b = LEFT + tl.arange(0, RIGHT)[None, :]
        like_b = tl.full((REPLICAS, RIGHT), 0, ROWS)
        b = _whole(
            axis, axis + points, points, at_b, state, state, 0, none, none - 1, none, origin, terms, term_table, like_b,
            curve,
        )  # fmt: skip
        tl.store(pred + row * points + at_b, b, mask=valid)
        each_b = term(b, axis + 2 * points, points, at_b, state, state, 0, noise_start, none)
        s += tl.sum(each_b.to(tl.float64), 1)[:, None]
    constant, count = tl.load(constants + member), tl.load(counts + member)
    tl.store(log_likelihood + row, total(s, constant, count, state, state, 0, noise_start, none), mask=valid)
