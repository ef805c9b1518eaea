"""Sweeps of walkers over supports: compiled loops shared out to threads, or batched torch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from bayesbeam.sparse.problem import FloatArray, Reduced
from bayesbeam.sparse.walkers import Block, Steps, Walkers


class Engine(Protocol):
    """Advances walkers; ``first`` is the number of the first sweep since the start of the run."""

    name: str

    def begin(self, walkers: Walkers) -> None:
        """Compute the log evidence of all states."""

    def advance(self, walkers: Walkers, beta: FloatArray, first: int, sweeps: int) -> Block:
        """Advance by some sweeps."""


def engine_for(
    sums: Reduced, steps: Steps, key: tuple[int, int], moves: int, ranked: int, threads: int, device: str,
    compiled: bool | None,
) -> Engine:  # fmt: skip
    """Compiled loops on the CPU where numba is there; else batched torch."""
    if compiled is None:
        compiled = device == "cpu" and find_spec("numba") is not None
    if compiled:
        return Loops(sums, steps, key, moves, ranked, threads)
    from bayesbeam.sparse.chains_torch import Batched

    return Batched(sums, steps, key, moves, ranked, device)


def empty_block(walkers: Walkers, sweeps: int, ranked: int) -> Block:
    """Room for some sweeps."""
    chains, rungs, most = walkers.support.shape
    return Block(
        np.empty((sweeps, chains, rungs)), np.empty((sweeps, chains, rungs), np.int16),
        np.empty((sweeps, chains, most), np.int64), np.empty((sweeps, chains, rungs - 1)),
        np.full((chains, ranked, most), -1), np.full((chains, ranked), np.inf),
    )  # fmt: skip


class Loops:
    """Compiled loops; results are the same bits for any number of threads."""

    name = "cpu"

    def __init__(
        self, sums: Reduced, steps: Steps, key: tuple[int, int], moves: int, ranked: int, threads: int
    ) -> None:
        self.moves, self.ranked, self.threads = moves, ranked, threads
        self._key = np.array(key, dtype=np.uint64)
        self._steps = tuple(steps)
        numbers = tuple(map(float, (sums.squares, sums.constant, sums.after, sums.scale)))
        self._sums = (np.ascontiguousarray(sums.gram), sums.moment, sums.offset, *numbers)

    def begin(self, walkers: Walkers) -> None:
        """Compute the log evidence of all states."""
        self.advance(walkers, np.zeros(walkers.size.shape[1]), 0, 0)

    def advance(self, walkers: Walkers, beta: FloatArray, first: int, sweeps: int) -> Block:
        """Advance by some sweeps."""
        from bayesbeam.sparse import chain_loops

        block = empty_block(walkers, sweeps, self.ranked)
        state: tuple[Any, ...] = (walkers.support, walkers.size, walkers.value)
        state += (walkers.replica, walkers.last, walkers.halves)

        def run(low: int, high: int) -> None:
            chain_loops.advance(
                low, high, first, self.moves, self._key, beta, self._sums, self._steps, state, tuple(block)
            )

        chains = len(walkers.size)
        edges = np.linspace(0, chains, min(self.threads, chains) + 1).astype(int).tolist()
        if len(edges) == 2:
            run(0, chains)
            return block
        with ThreadPoolExecutor(len(edges) - 1) as pool:
            for job in [pool.submit(run, a, b) for a, b in pairwise(edges)]:
                job.result()
        return block
