"""What the compiled loops read, change and work in: addresses of arrays and sizes, all int64.

Compiled code takes plain numbers apart at no cost, while it counts references to every array that it touches. Arrays
are in C order; whoever makes these tuples keeps the arrays alive.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Loops over points run in whole blocks: a rest would be slow, and would be added in another order."""
LANES = 8
"""Vectors of numbers of all replicas are filled up to a multiple of this."""


class Problem(NamedTuple):
    """What stays as it is during a run.

    ``data`` (G, D, 2, 5, N) holds axis, y, 1/sd, 1/y and weight of every point, twice: with the axis as it is, and
    counted from its middle for terms that have places on it. ``points`` is N, a multiple of 32; ``item`` is the size
    of one number of a row in bytes, ``wide`` the number of arguments of a prior. ``bounds`` (G, D, 2, 2, bounds_a_row)
    holds the largest, then the least places of every block of 32 points, of both axes, times the ``direction``
    (G, D, 2) in which they rise; filled up with what is neither below nor above anything.

    ``linear`` is how many parameters are integrated out, 0 for none: see integrated.py. Terms and their places are then
    those of all ``wholes`` slots, ``source`` (wholes) is the slot of the state, or -1 - number of what is integrated
    out; ``linear_first`` (T + 1) the first number of each term, ``lifted`` (T) whether it has a curve without them,
    ``linear_sd`` and ``linear_ratio`` (G, D, L) the standard deviations of their priors and the means over these,
    ``level`` whether the noise has a level; ``reduction_at`` is 0 where there is no such function.
    """

    groups: int
    members: int
    slots: int
    moving: int
    terms: int
    points: int
    item: int
    wide: int
    noise_start: int
    phi_matters: int
    bounds_a_row: int
    data: int
    bounds: int
    direction: int
    origin: int
    constant: int
    effective: int
    term_start: int
    term_move: int
    term_resize: int
    term_row: int
    term_span: int
    term_centred: int
    term_of_slot: int
    place: int
    points_at: int
    settle_at: int
    settle_size_at: int
    total_at: int
    moving_slots: int
    shared: int
    log_walk: int
    only_size: int
    table_slot: int
    density: int
    densities: int
    arguments: int
    support: int
    linear: int = 0
    wholes: int = 0
    level: int = 0
    source: int = 0
    lifted: int = 0
    linear_first: int = 0
    linear_ratio: int = 0
    linear_sd: int = 0
    reduction_at: int = 0


class Moving(NamedTuple):
    """What a block of sweeps is given, changes and fills in; shapes as in engines/base.py.

    ``turns`` (S, J, longest) holds the slots that jump together, J times a sweep, filled up with -1; ``edge_rungs`` and
    ``scale_rungs`` are R, or 1 where all are alike, and ``edge_chains`` is the number of tables that chains share.
    """

    chains: int
    replicas: int
    levels: int
    turns_a_sweep: int
    longest: int
    bins: int
    scale_rungs: int
    edge_rungs: int
    edge_chains: int
    theta: int
    log_likelihood: int
    rung: int
    replica_on_rung: int
    member_keys: int
    group_keys: int
    beta: int
    scale: int
    edges: int
    turns: int
    accepted: int
    swap: int
    likelihoods: int
    top: int
    places: int
    flags: int


class Scratch(NamedTuple):
    """Caches of one chain, its random numbers of one sweep, and the proposal being tried.

    A curve is kept as its shape, in ``rows``, and its size, in ``sizes``: pairs of the present one and a proposed one.
    ``spans`` are the first block of points it is computed at and the one after the last, pairs likewise; beyond them
    its shape is nothing beside its height. ``terms`` are the noise model's terms of all points.

    From ``columns`` to ``tried`` is what integrated.py works in.

    ``walks`` and ``jumps`` are the lengths of vectors of random numbers and proposals: of walks in order
    (D, moving, lanes), of jumps in order (D, J longest, lanes), where ``lanes`` is R filled up to a multiple of 8.
    """

    lanes: int
    walks: int
    jumps: int
    rows: int
    sizes: int
    spans: int
    ends: int
    sums: int
    terms: int
    fresh: int
    parts: int
    values: int
    changed: int
    power: int
    level: int
    prior: int
    new_prior: int
    new_power: int
    new_likelihood: int
    saved: int
    together: int
    columns: int
    offsets: int
    rests: int
    gram: int
    new_columns: int
    new_offset: int
    new_rest: int
    new_gram: int
    small: int
    tried: int
    walk_where: int
    walk_key: int
    size: int
    step: int
    factor: int
    walk_log_u: int
    walk_new: int
    walk_prior: int
    walk_gain: int
    ratio: int
    chance: int
    jump_where: int
    jump_key: int
    jump_u: int
    jump_log_u: int
    jump_new: int
    jump_prior: int
    jump_width: int


def address_of(array: NDArray[Any]) -> int:
    """Address of an array in C order."""
    assert array.flags.c_contiguous
    return int(array.__array_interface__["data"][0])


def scratch(p: Problem, replicas: int, jumps_each: int) -> tuple[Scratch, NDArray[np.uint8]]:
    """Places to work in for so many jumps of a replica a sweep, and their memory; rows begin at whole cache lines."""
    members, row = p.members, p.points * p.item
    lanes = -(-replicas // LANES) * LANES
    walks, jumps = members * p.moving * lanes, members * jumps_each * lanes
    numbers = dict.fromkeys(Scratch._fields[3:], walks) | dict.fromkeys(Scratch._fields[-7:], jumps)
    numbers |= {
        "values": members * p.slots,
        "power": replicas * members,
        "level": replicas,
        "prior": replicas * members * p.slots,
    }
    numbers |= {"sizes": 2 * replicas * members * p.terms, "spans": 4 * replicas * members * p.terms}
    numbers |= {"ends": 2 * members, "changed": 2 * members}
    numbers |= dict.fromkeys(("new_prior", "saved", "together"), members * p.slots)
    numbers |= dict.fromkeys(("new_power", "new_likelihood"), members)
    sizes = {name: 8 * count for name, count in numbers.items()}
    sizes |= {"rows": replicas * members * p.terms * row, "sums": replicas * members * row}
    sizes |= {"terms": replicas * members * row, "fresh": members * row, "parts": members * row}
    sizes |= _of_columns(p, replicas)
    starts, end = {}, 0
    for name in Scratch._fields[3:]:
        starts[name] = end
        end += -(-sizes[name] // 64) * 64
    memory = np.zeros(end + 64, np.uint8)
    base = -(-address_of(memory) // 64) * 64
    return Scratch(lanes, walks, jumps, **{name: base + start for name, start in starts.items()}), memory


def _of_columns(p: Problem, replicas: int) -> dict[str, int]:
    """Bytes of what integrated.py works in; curves that it does not keep take none."""
    each, row, square = replicas * p.members, 8 * p.points, 8 * (p.linear + 1) ** 2
    if p.linear == 0:
        return dict.fromkeys(Scratch._fields[_FIRST:_LAST], 0)
    sizes = {"columns": each * p.linear * row, "offsets": each * p.terms * row, "rests": each * row}
    sizes |= {"gram": each * square, "new_columns": p.members * p.linear * row, "new_gram": p.members * square}
    sizes |= dict.fromkeys(("new_offset", "new_rest", "tried"), p.members * row)
    sizes |= {"small": 8 * p.members * (p.linear * (p.linear + 2) + 2), "values": 8 * p.members * p.wholes}
    return sizes | dict.fromkeys(("rows", "sums", "terms", "parts"), 0)


_FIRST, _LAST = (Scratch._fields.index(name) for name in ("columns", "walk_where"))
