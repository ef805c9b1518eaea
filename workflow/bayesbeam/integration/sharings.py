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
    together, together_error : array (M, M)
        Probability that two measurements share something.
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
    keys: list[Block | str] = [*blocks, *patterns]
    place = {key: k for k, key in enumerate(keys)}
    terms = [[place[key] for key in _gains_of(way)] for way in ways]
    gains = [*blocks.values(), *patterns.values()]
    weights = np.array([log_weight(members, len(way.partition)) for way in ways])
    return _told(members, ways, terms, gains, compare(terms, gains, weights, _pairs(members, ways)))


def _gains_of(way: Sharing) -> list[Block | str]:
    """Names of the gains that add up to that of a sharing."""
    if way.kind == PATTERN:
        return [way.name]
    return [block for block in way.partition if len(block) > 1]


def _told(
    members: int, ways: list[Sharing], terms: list[list[int]], gains: list[Uncertain], compared: Compared
) -> Sharings:
    """Sharings with their numbers."""
    ceilings = [one.value if one.ceiling is None else one.ceiling for one in gains]
    filled = [
        replace(
            way, gain=float(compared.gain[k]), standard_error=float(compared.standard_error[k]),
            probability=float(compared.probability[k]), probability_error=float(compared.probability_error[k]),
            doubt="; ".join(gains[j].doubt for j in terms[k] if gains[j].doubt),
            ceiling=sum(ceilings[j] for j in terms[k]),
        )
        for k, way in enumerate(ways)
    ]  # fmt: skip
    together, error = np.eye(members), np.zeros((members, members))
    for matrix, values in ((together, compared.expected), (error, compared.expected_error)):
        matrix[np.triu_indices(members, 1)] = values
        matrix += np.triu(matrix, 1).T
    head = [one for one in filled if one.kind != DIVISION]
    tail = sorted((one for one in filled if one.kind == DIVISION), key=lambda one: (-one.probability, one.partition))
    return Sharings((*head, *tail), together, error)


def _pairs(members: int, ways: Sequence[Sharing]) -> FloatArray:
    """Whether two measurements are in one block, as 0 or 1: of each pair (M (M - 1) / 2) in each sharing (K)."""
    label = np.zeros((len(ways), members), dtype=int)
    for row, way in zip(label, ways, strict=True):
        for k, block in enumerate(way.partition):
            row[list(block)] = k
    first, second = np.triu_indices(members, 1)
    return np.asarray(label.T[first] == label.T[second], dtype=np.float64)


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
