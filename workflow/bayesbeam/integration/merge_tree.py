"""Which of many measurements belong together: those that gain most are merged first, until all are one block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesbeam.integration.partitions import Block, Partition, log_weight


@dataclass(frozen=True)
class Merger:
    """Two blocks made one.

    Attributes
    ----------
    first, second : Block
        Measurements of both, in rising order.
    gain : float, nats
        By which the free energy falls when they share parameters; below zero it rises.
    total : float, nats
        Gain of all mergers so far.
    """

    first: Block
    second: Block
    gain: float
    total: float


@dataclass(frozen=True)
class MergeTree:
    """All mergers in order, and the division that is best of those on the way."""

    members: int
    mergers: tuple[Merger, ...]

    @property
    def kept(self) -> int:
        """Number of mergers after which total gain and prior weight of the division together are highest."""
        totals = [0.0, *(one.total for one in self.mergers)]
        return int(np.argmax([total + log_weight(self.members, self.members - k) for k, total in enumerate(totals)]))

    @property
    def best(self) -> Partition:
        """Division after these."""
        return self.after(self.kept)

    def after(self, mergers: int) -> Partition:
        """Division after some of the mergers, in rising order."""
        blocks: set[Block] = {(k,) for k in range(self.members)}
        for one in self.mergers[:mergers]:
            blocks -= {one.first, one.second}
            blocks.add(tuple(sorted(one.first + one.second)))
        return tuple(sorted(blocks))


def merge_tree(members: int, gain_of: Callable[[Block], float]) -> MergeTree:
    """Merge measurements one by one, each time the two blocks that gain most.

    Parameters
    ----------
    members : int
    gain_of : callable
        Gain of integrating a block, nats; asked once a block.

    Notes
    -----
    Greedy: a division that no single merger leads to is not found. About members^2 blocks are looked at.

    Source
    ------
    Heller and Ghahramani, ICML 2005: hierarchical clustering by marginal likelihoods.
    """
    total: dict[Block, float] = {(k,): 0.0 for k in range(members)}
    gain: dict[tuple[Block, Block], float] = {}
    blocks, mergers, reached = sorted(total), list[Merger](), 0.0
    while len(blocks) > 1:
        for a, first in enumerate(blocks):
            for second in blocks[a + 1 :]:
                if (first, second) not in gain:
                    whole = tuple(sorted(first + second))
                    if whole not in total:
                        total[whole] = gain_of(whole)
                    gain[first, second] = total[whole] - total[first] - total[second]
        pairs = [(first, second) for a, first in enumerate(blocks) for second in blocks[a + 1 :]]
        first, second = max(pairs, key=lambda pair: gain[pair])
        reached += gain[first, second]
        mergers.append(Merger(first, second, gain[first, second], reached))
        blocks = sorted({*blocks, tuple(sorted(first + second))} - {first, second})
    return MergeTree(members, tuple(mergers))
