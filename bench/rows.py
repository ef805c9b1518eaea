"""Likelihood rows a second of each engine against the number of states in flight.

A row is the curve of one peak at 301 points with the misfit it leaves: what every move of a state computes once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch

from bayesbeam.sampling.engines.base import Engine, jump_turns
from bayesbeam.sampling.engines.choose import engine_for
from bench import ours

PEAKS = 3
# A block is repeated until it takes so long, and the best of some such blocks counts.
LEAST_SECONDS = 0.2
BEST_OF = 3
SHAPES = {
    "replicas": lambda states: (1, 1, states),
    "groups": lambda states: (states, 1, 1),
    # As a run has them: ladders of sixteen, ten chains a spectrum where there are so many.
    "chains": lambda states: (max(states // 160, 1), max(min(states // 16, 10), 1), min(states, 16)),
}


def measure(name: str, kind: str, states: int, threads: int, device: str = "cpu") -> dict[str, float]:
    """Rows a second of an engine, and its first block's CPU seconds.

    Parameters
    ----------
    name : str
        ``eager``, ``cpu`` or ``cuda``.
    kind : str
        Whether the states in flight are ``replicas`` of one chain, ``groups`` of one state each, or ``chains``.
    states : int
    threads : int
    device : str
        ``cpu`` or ``cuda``.
    """
    groups, chains, replicas = SHAPES[kind](states)
    torch.set_num_threads(threads)
    began = time.process_time()
    engine = engine_for(ours.target_of(PEAKS, (0,) * groups, device=device), name, threads)
    timed = _blocks(engine, groups, chains, replicas)
    next(timed)
    first = time.process_time() - began
    rows, wall, cpu = min((next(timed) for _ in range(BEST_OF)), key=lambda seen: seen[1] / seen[0])
    return {"rows_a_second": rows / wall, "rows_a_cpu_second": rows / cpu, "first_block_cpu_seconds": first}


def _blocks(engine: Engine, groups: int, chains: int, replicas: int) -> Iterator[tuple[int, float, float]]:
    """Rows, wall and CPU seconds of blocks of sweeps: first a tiny one, then ones of the least duration."""
    state, tuned = ours.begin(engine, chains, replicas)
    keys, at, sweeps = ours.keys_of(groups, engine.target.device), 0, 1
    while True:
        wall, cpu = time.perf_counter(), time.process_time()
        engine.advance(state, tuned, keys, at, sweeps)
        if engine.target.device.type == "cuda":
            torch.cuda.synchronize()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rows = rows_of(engine, at, sweeps) * groups * chains * replicas
        at += sweeps
        if wall >= LEAST_SECONDS or at == sweeps:
            yield rows, wall, cpu
        if wall < LEAST_SECONDS:
            sweeps = max(2 * sweeps, min(int(1.2 * sweeps * LEAST_SECONDS / wall), 100 * sweeps))


def rows_of(engine: Engine, first: int, sweeps: int) -> int:
    """Rows that one state costs in some sweeps: a walk of every moving slot, and the jumps."""
    target = engine.target
    jumps: Sequence[int] = [len(jump_turns(target, sweep)) for sweep in range(first, first + sweeps)]
    return sweeps * len(target.moving) + sum(jumps)
