"""Every way to divide measurements into blocks that share parameters, with its prior weight."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

Block = tuple[int, ...]
Partition = tuple[Block, ...]


def log_weight(members: int, blocks: int) -> float:
    """Logarithm of the prior weight of a division of measurements into so many blocks.

    Every number of blocks weighs the same, shared out among all divisions into that many: there are many ways to
    divide, and one of them looks good by chance.
    """
    return -math.log(_stirling(members, blocks))


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
