"""All ways to share that a group is asked about, compared: none, all, some of the parameters, some of the members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.integration.partitions import Block, Partition, all_partitions, log_weight
from bayesbeam.integration.uncertain import Compared, Uncertain, compare

FloatArray = NDArray[np.float64]

NONE, FULL, PATTERN, DIVISION = "none", "all", "pattern", "division"


@dataclass(frozen=True)
class Sharing:
    """One way to share.

    Attributes
    ----------
    kind : str
        none, all, pattern or division.
    name : str
        Of a pattern; empty otherwise.
    partition : Partition
        Blocks of measurements that share; of a pattern, one block.
    gain, standard_error : float, nats
        Free energy lower than that of none by so much.
    probability, probability_error : float
    doubt : str
        Why the gain is a guess; empty where it is not.
    ceiling : float, nats
        What a guess is at most.
    """

    kind: str
    name: str
    partition: Partition
    gain: float = 0.0
    standard_error: float = 0.0
    probability: float = 0.0
    probability_error: float = 0.0
    doubt: str = ""
    ceiling: float = 0.0


@dataclass(frozen=True)
class Sharings:
    """All ways compared, in the order none, all, patterns, divisions by probability.

    Attributes
    ----------
    each : tuple of Sharing
    together, together_error : array (M, M) or None
        Probability that two measurements share something; None where divisions were not compared.
    """

    each: tuple[Sharing, ...]
    together: FloatArray
    together_error: FloatArray

    @property
    def best(self) -> Sharing:
        """Most probable one."""
        return max(self.each, key=lambda one: one.probability)


def compare_sharings(
    members: int,
    blocks: Mapping[Block, Uncertain],
    patterns: Mapping[str, Uncertain],
    partitions: Sequence[Partition] | None = None,
) -> Sharings:
    """Compare everything that gains are known of.

    Parameters
    ----------
    members : int
        Number of measurements.
    blocks : mapping of Block to Uncertain
        Gain of each block that shares all; the block of all measurements among them.
    patterns : mapping of str to Uncertain
        Gain of each partial sharing, by all measurements.
    partitions : sequence of Partition, optional
        Divisions to compare, of blocks that are known; all of them when left out.

    Notes
    -----
    Prior weights: none, all, and each pattern weigh the same; so do all divisions into a given number of blocks
    together, shared out among them.
    """
    whole: Block = tuple(range(members))
    apart: Partition = tuple((k,) for k in whole)
    found = all_partitions(members) if partitions is None else partitions
    between = sorted({one for one in found if 1 < len(one) < members}, key=lambda one: (len(one), one))
    plain = [Sharing(NONE, "", apart), Sharing(FULL, "", (whole,))]
    ways = [*plain, *(Sharing(PATTERN, name, (whole,)) for name in patterns)]
    ways += [Sharing(DIVISION, "", one) for one in between]
    keys: dict[Block | str, int] = {}
    for block in blocks:
        keys[block] = len(keys)
    for name in patterns:
        keys[name] = len(keys)
    gains = [*blocks.values(), *patterns.values()]
    has = np.zeros((len(ways), len(gains)))
    for row, way in zip(has, ways, strict=True):
        row[[keys[key] for key in _gains_of(way)]] = 1.0
    weights = np.array([log_weight(members, len(way.partition)) for way in ways])
    return _told(members, ways, has, gains, compare(has, gains, weights))


def _gains_of(way: Sharing) -> list[Block | str]:
    """Names of the gains that add up to that of a sharing."""
    if way.kind == PATTERN:
        return [way.name]
    return [block for block in way.partition if len(block) > 1]


def _told(members: int, ways: list[Sharing], has: FloatArray, gains: list[Uncertain], compared: Compared) -> Sharings:
    """Sharings with their numbers."""
    ceilings = np.array([one.value if one.ceiling is None else one.ceiling for one in gains])
    filled = [
        replace(
            way, gain=float(compared.gain[k]), standard_error=float(compared.standard_error[k]),
            probability=float(compared.probability[k]), probability_error=float(compared.probability_error[k]),
            doubt="; ".join(gains[j].doubt for j in np.flatnonzero(has[k]) if gains[j].doubt),
            ceiling=float(has[k] @ ceilings),
        )
        for k, way in enumerate(ways)
    ]  # fmt: skip
    same = np.array([_together(members, way.partition) for way in ways])
    together, error = compared.of(same)
    head = [one for one in filled if one.kind != DIVISION]
    tail = sorted((one for one in filled if one.kind == DIVISION), key=lambda one: (-one.probability, one.partition))
    return Sharings((*head, *tail), together, error)


def _together(members: int, partition: Partition) -> FloatArray:
    """Whether two measurements are in one block (M, M), as 0 or 1."""
    found = np.zeros((members, members))
    for block in partition:
        found[np.ix_(block, block)] = 1.0
    return found


def doubtful(
    members: int,
    blocks: Mapping[Block, Uncertain],
    patterns: Mapping[str, Uncertain],
    partitions: Sequence[Partition] | None = None,
    reach: float = 0.01,
) -> list[Block | str]:
    """Blocks and patterns whose gain is a guess and might decide, those that might most first.

    Parameters
    ----------
    members, blocks, patterns, partitions :
        As in :func:`compare_sharings`.
    reach : float
        Probability of a sharing, if guesses were at their ceilings, from which it counts.
    """
    high_blocks = {block: _at_ceiling(one) for block, one in blocks.items()}
    high_patterns = {name: _at_ceiling(one) for name, one in patterns.items()}
    found: dict[Block | str, float] = {}
    for one in compare_sharings(members, high_blocks, high_patterns, partitions).each:
        for key in _gains_of(one) if one.probability >= reach else ():
            if (patterns[key] if isinstance(key, str) else blocks[key]).ceiling is not None:
                found[key] = found.get(key, 0.0) + one.probability
    return sorted(found, key=lambda key: -found[key])


def _at_ceiling(one: Uncertain) -> Uncertain:
    """A gain that is a guess, as high as it may be."""
    return one if one.ceiling is None else replace(one, value=max(one.value, one.ceiling))
