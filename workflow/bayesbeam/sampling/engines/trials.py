"""One proposal at a time, for the fused sweep: what it would change, and keeping it.

The caches of a chain stay in its scratch; curves are computed by loops compiled for each formula.
"""

from __future__ import annotations

import math

from numba import njit

from bayesbeam.sampling.engines.arrays import Moving, Problem, Scratch
from bayesbeam.sampling.engines.calls import (
    call_density,
    call_move,
    call_points,
    call_row,
    call_settle,
    call_total,
)

_helper = njit(nogil=True, forceinline=True)


@_helper
def log_prior(p: Problem, x: float, j: int, g: int, d: int) -> float:
    """Log density of slot j up to a constant; -inf outside the support."""
    if not (p.support[g, d, j, 0] <= x <= p.support[g, d, j, 1]):
        return -math.inf
    at = p.arguments_at + ((g * p.arguments.shape[1] + d) * p.arguments.shape[2] + j) * 8 * p.arguments.shape[3]
    return call_density(p.density_at[j], x, at)


@_helper
def data_at(p: Problem, g: int, d: int, k: int) -> int:
    """Address of the data of a member, with the axis that term k wants."""
    block = ((g * p.data.shape[1] + d) * 2 + (p.term_centred[k] if k >= 0 else 0)) * 5
    return p.data_at + block * p.data.shape[4] * p.data.itemsize


@_helper
def term_values(p: Problem, w: Scratch, g: int, d: int, k: int) -> None:
    """Parameters of term k in the proposal, places on the axis counted from its middle."""
    for j in range(p.term_start[k], p.term_start[k + 1]):
        w.values[j - p.term_start[k]] = w.state[d, j] - p.origin[g, d] * p.place[j]


@_helper
def load(m: Moving, w: Scratch, g: int, d: int, c: int, r: int) -> None:
    """Copy a state into the proposal."""
    for j in range(m.theta.shape[4]):
        w.state[d, j] = m.theta[g, d, c, r, j]


@_helper
def rebuild(p: Problem, m: Moving, w: Scratch, g: int, c: int, r: int) -> None:
    """Compute the caches of a replica from its parameters."""
    points, item = p.data.shape[4], p.data.itemsize
    members, slots, terms = m.theta.shape[1], m.theta.shape[4], p.term_start.shape[0] - 1
    for d in range(members):
        place = r * members + d
        load(m, w, g, d, c, r)
        for i in range(points):
            w.sums[r, d, i] = 0.0
        for k in range(terms):
            term_values(p, w, g, d, k)
            row = w.rows_at + (place * terms + k) * points * item
            call_row(p.term_row[k], points, data_at(p, g, d, k), w.values_at, row)
            for i in range(points):
                w.sums[r, d, i] += w.rows[r, d, k, i]
        phi = w.state_at + 8 * (d * slots + p.noise_start)
        sums = w.sums_at + place * points * item
        w.power[r, d] = call_points(p.points_at, points, data_at(p, g, d, -1), phi, sums)
        m.log_likelihood[g, d, c, r] = call_total(p.total_at, w.power[r, d], p.constant[g, d], p.count[g, d], phi)
        for j in range(slots):
            w.prior[r, d, j] = 0.0
        for i in range(p.moving.shape[0]):
            j = p.moving[i]
            w.prior[r, d, j] = log_prior(p, w.state[d, j], j, g, d)


@_helper
def attempt(p: Problem, m: Moving, w: Scratch, g: int, d: int, c: int, r: int, k: int) -> None:
    """Likelihood of the state in ``w.state[d]``, in which term k (or, below 0, the noise) has moved."""
    members, points, item = m.theta.shape[1], p.data.shape[4], p.data.itemsize
    phi = w.state_at + 8 * (d * m.theta.shape[4] + p.noise_start)
    place = r * members + d
    sums = w.sums_at + place * points * item
    if k >= 0:
        term_values(p, w, g, d, k)
        old = w.rows_at + (place * w.rows.shape[2] + k) * points * item
        new = w.fresh_at + d * points * item
        w.new_power[d] = call_move(p.term_move[k], points, data_at(p, g, d, k), w.values_at, phi, old, sums, new)
    elif p.phi_matters:
        w.new_power[d] = call_points(p.points_at, points, data_at(p, g, d, -1), phi, sums)
    else:
        w.new_power[d] = w.power[r, d]
    w.new_likelihood[d] = call_total(p.total_at, w.new_power[d], p.constant[g, d], p.count[g, d], phi)


@_helper
def settle(p: Problem, m: Moving, w: Scratch, g: int, d: int, c: int, r: int, k: int, n: int) -> None:
    """Keep what was accepted."""
    for q in range(n):
        j = w.slots[q]
        m.theta[g, d, c, r, j] = w.state[d, j]
        w.prior[r, d, j] = w.new_prior[d, j]
    m.log_likelihood[g, d, c, r] = w.new_likelihood[d]
    w.power[r, d] = w.new_power[d]
    if k >= 0:
        points, item, place = p.data.shape[4], p.data.itemsize, r * m.theta.shape[1] + d
        old = w.rows_at + (place * w.rows.shape[2] + k) * points * item
        call_settle(p.settle_at, points, old, w.sums_at + place * points * item, w.fresh_at + d * points * item)
