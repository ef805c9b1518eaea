"""The arrays that the compiled loops read, change and work in; plain tuples, which compiled code can take apart."""

from __future__ import annotations

from typing import Any, NamedTuple


class Problem(NamedTuple):
    """What stays as it is during a run; arrays in C order, addresses of compiled loops as int64.

    ``data`` (G, D, 2, 5, N) holds axis, y, 1/sd, 1/y and weight of every point, twice: with the axis as it is, and
    counted from its middle for terms that have places on it.
    """

    data: Any
    data_at: int
    origin: Any
    constant: Any
    count: Any
    term_start: Any
    term_move: Any
    term_row: Any
    term_centred: Any
    term_of_slot: Any
    place: Any
    points_at: int
    settle_at: int
    total_at: int
    phi_matters: bool
    noise_start: int
    moving: Any
    shared: Any
    log_walk: Any
    density_at: Any
    arguments: Any
    arguments_at: int
    support: Any
    member_keys: Any
    group_keys: Any
    rebuild_every: int
    exchange_slot: int


class Moving(NamedTuple):
    """What a block of sweeps changes or fills in; shapes as in engines/base.py."""

    theta: Any
    log_likelihood: Any
    rung: Any
    replica_on_rung: Any
    accepted: Any
    swap: Any
    likelihoods: Any
    top: Any
    places: Any
    flags: Any


class Scratch(NamedTuple):
    """Caches of one chain: curves, their sums, sums over points, log priors; and the proposal being tried."""

    rows: Any
    sums: Any
    power: Any
    prior: Any
    fresh: Any
    state: Any
    new_prior: Any
    new_power: Any
    new_likelihood: Any
    values: Any
    words: Any
    slots: Any
    rows_at: int
    sums_at: int
    fresh_at: int
    state_at: int
    values_at: int
