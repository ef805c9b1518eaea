"""Every way to divide measurements into blocks that share parameters, with its prior weight.

The free energy of a division is a sum over its blocks, so each block is computed once; its error is in all divisions
that have the block, and errors that blocks owe to the same draws are in all of these blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]
Block = tuple[int, ...]
Partition = tuple[Block, ...]

_LIMIT = 9


@dataclass(frozen=True)
class Divisions:
    """All divisions of some measurements.

    Attributes
    ----------
    partitions : tuple of Partition, length K
        The first is one block, the last is as many as there are measurements.
    blocks : tuple of Block, length B
        All blocks of two or more.
    has : array (K, B)
        Which blocks a division has.
    """

    members: int
    partitions: tuple[Partition, ...]
    blocks: tuple[Block, ...]
    has: FloatArray

    @property
    def log_weight(self) -> FloatArray:
        """Logarithm of the prior weight (K,) of each division: see :func:`log_weight`."""
        return np.array([log_weight(self.members, len(one)) for one in self.partitions])

    @property
    def together(self) -> FloatArray:
        """Whether two measurements are in one block (K, M, M), as 0 or 1."""
        label = np.zeros((len(self.partitions), self.members), dtype=int)
        for row, partition in zip(label, self.partitions, strict=True):
            for k, block in enumerate(partition):
                row[list(block)] = k
        return np.asarray(label[:, :, None] == label[:, None, :], dtype=np.float64)


def divisions(members: int) -> Divisions:
    """All divisions of so many measurements.

    Raises
    ------
    ModelError
        If they are too many to be looked at one by one.
    """
    if not 2 <= members <= _LIMIT:
        found = f"{members} measurements, which can be divided in {bell_number(members)} ways"
        remedy = "Merge them one by one (partitions: greedy)."
        raise ModelError.at("divisions of measurements", found, f"2 to {_LIMIT}", remedy)
    blocks = tuple(all_blocks(members))
    place = {block: k for k, block in enumerate(blocks)}
    partitions = tuple(sorted(all_partitions(members), key=lambda one: (len(one), one)))
    has = np.zeros((len(partitions), len(blocks)))
    for row, partition in zip(has, partitions, strict=True):
        row[[place[block] for block in partition if len(block) > 1]] = 1.0
    return Divisions(members, partitions, blocks, has)


def log_weight(members: int, blocks: int) -> float:
    """Logarithm of the prior weight of a division of measurements into so many blocks.

    Every number of blocks weighs the same, shared out among all divisions into that many: there are many ways to
    divide, and one of them looks good by chance.
    """
    return -math.log(_stirling(members, blocks))


def bell_number(members: int) -> int:
    """Number of ways to divide so many measurements."""
    return sum(_stirling(members, blocks) for blocks in range(1, members + 1))


def all_partitions(members: int) -> Iterator[Partition]:
    """Every way to divide measurements 0 .. members - 1 into blocks, each in rising order."""
    if members == 0:
        yield ()
        return
    for smaller in all_partitions(members - 1):
        for k, block in enumerate(smaller):
            yield (*smaller[:k], (*block, members - 1), *smaller[k + 1 :])
        yield (*smaller, (members - 1,))


def all_blocks(members: int) -> Iterator[Block]:
    """Every set of two or more measurements, in rising order."""
    for chosen in range(1, 1 << members):
        block = tuple(k for k in range(members) if chosen >> k & 1)
        if len(block) > 1:
            yield block


def partition_words(partition: Partition, names: Sequence[str]) -> str:
    """Division as tables write it: blocks by bars, measurements by plus signs."""
    return " | ".join("+".join(names[k] for k in block) for block in partition)


@lru_cache(maxsize=4096)
def _stirling(members: int, blocks: int) -> int:
    """Number of ways to divide so many measurements into so many blocks."""
    if blocks in (members, 1):
        return 1
    if not 0 < blocks < members:
        return 0
    return blocks * _stirling(members - 1, blocks) + _stirling(members - 1, blocks - 1)
