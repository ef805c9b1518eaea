"""Exchanges on a GPU, and notes of what a sweep has reached: one chain a program."""

from __future__ import annotations

import math

import triton
import triton.language as tl

from bayesbeam.sampling.engines import base
from bayesbeam.sampling.engines.cuda_random import words

_INFINITY = tl.constexpr(math.inf)
_EXCHANGE_SLOT = tl.constexpr(base.EXCHANGE_SLOT)


@triton.jit
def _chance(gap, lower, upper):
    """Acceptance probability of an exchange of two neighbours."""
    gain = tl.where(lower == -_INFINITY, -_INFINITY, lower - upper)
    log_ratio = tl.where(gap == 0.0, 0.0, gap * gain)
    return tl.exp(tl.minimum(log_ratio, 0.0))


@triton.jit(do_not_specialize=["sweep", "done"])
def exchange(
    theta, log_likelihood, rung, replica_on_rung, beta, group_keys, level_likelihood, likelihoods, top, swap, places,
    sweep, done, all_chains, groups, members, chains, replicas, slots, levels, CHAINS: tl.constexpr,
    RUNGS: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    """Note what some chains have reached, and exchange even pairs of neighbours, then odd ones."""
    chain = tl.program_id(0) * CHAINS + tl.arange(0, CHAINS)[:, None].to(tl.int64)
    there = chain < all_chains
    chain = tl.where(there, chain, 0)
    g, c = chain // chains, chain % chains
    level = tl.arange(0, RUNGS)[None, :]
    real = there & (level < replicas)
    on_rung, back = replica_on_rung + chain * replicas, rung + chain * replicas
    replica = tl.load(on_rung + level, mask=real, other=0)
    likelihood = tl.full((CHAINS, RUNGS), 0, tl.float64)
    for d in range(members):
        row = ((g * members + d) * chains + c) * replicas + replica
        likelihood += tl.load(log_likelihood + row, mask=real, other=0.0)
    seen = done.to(tl.int64) * all_chains + chain
    tl.store(likelihoods + seen * replicas + level, likelihood, mask=real)
    tl.store(level_likelihood + chain * replicas + level, likelihood, mask=real)
    slot = tl.arange(0, SLOTS)[None, :]
    copied = there & (slot < slots)
    for i in range(levels):
        one = tl.load(on_rung + replicas - levels + i)
        for d in range(members):
            row = ((g * members + d) * chains + c) * replicas + one
            to = (((done.to(tl.int64) * groups + g) * members + d) * chains + c) * levels + i
            tl.store(top + to * slots + slot, tl.load(theta + row * slots + slot, mask=copied, other=0.0), mask=copied)
    tl.debug_barrier()
    held = level_likelihood + chain * replicas
    key0, key1 = tl.load(group_keys + 2 * g), tl.load(group_keys + 2 * g + 1)
    ladder = beta + g * replicas
    pairs = there & (level < replicas - 1)
    gap = tl.load(ladder + level + 1, mask=pairs, other=0.0) - tl.load(ladder + level, mask=pairs, other=0.0)
    lower = tl.load(held + level, mask=pairs, other=0.0)
    upper = tl.load(held + level + 1, mask=pairs, other=0.0)
    tl.store(swap + seen * (replicas - 1) + level, _chance(gap, lower, upper), mask=pairs)
    u0, _u1, _u2, _u3 = words(c * 65536 + level, sweep, sweep - sweep + _EXCHANGE_SLOT, key0, key1)
    for parity in tl.static_range(2):
        turn = pairs & (level % 2 == parity)
        lower = tl.load(held + level, mask=turn, other=0.0)
        upper = tl.load(held + level + 1, mask=turn, other=0.0)
        first = tl.load(on_rung + level, mask=turn, other=0)
        second = tl.load(on_rung + level + 1, mask=turn, other=0)
        accept = turn & (u0 < _chance(gap, lower, upper))
        tl.debug_barrier()
        tl.store(held + level, upper, mask=accept)
        tl.store(held + level + 1, lower, mask=accept)
        tl.store(on_rung + level, second, mask=accept)
        tl.store(on_rung + level + 1, first, mask=accept)
        tl.store(back + first, (level + 1 + first - first), mask=accept)
        tl.store(back + second, (level + second - second), mask=accept)
        tl.debug_barrier()
    tl.store(places + seen * replicas + level, tl.load(on_rung + level, mask=real, other=0), mask=real)
