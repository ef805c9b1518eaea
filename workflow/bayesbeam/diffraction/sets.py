"""Which sets of phases: closed free energies of all sets of given columns, all of them or by exchange Monte Carlo.

A column is the pattern of a phase at one shape, noise and background taken out; its height is positive, with a normal
prior. A phase may have several columns, of which a set has one at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.set_loops import all_sets, one, walk
from bayesbeam.errors import ModelError
from bayesbeam.rng import stream_key

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_COLUMNS = 62
"""Sets are kept as bits of an integer."""
MOST_SETS = 60_000
"""Sets that are all looked at, instead of walking among them."""
SHARE_SD = 0.5
"""Standard deviation of a height's prior, as a share of all that is above the background."""
_REMEMBERED = 1 << 14
"""Sets of which a walk keeps the free energies; a power of 2."""
_CHAINS, _RUNGS, _COLDEST_SPREAD, _BURN_IN = 4, 8, 0.05, 0.2


@dataclass(frozen=True)
class Columns:
    """What the free energy of any set depends on.

    Attributes
    ----------
    gram, moment : arrays (C, C), (C,)
        Scalar products of white columns with each other and with the white data; a height of 1 is the whole net
        intensity.
    cost : array (C,)
        Nats that the shape of a column costs: its Laplace integral.
    owner : int array (C,)
        Number of the phase of each column.
    log_prior : array (M+1,)
        Log prior of one set of 0 to M phases.
    """

    gram: FloatArray
    moment: FloatArray
    cost: FloatArray
    owner: IntArray
    log_prior: FloatArray

    @property
    def most(self) -> int:
        """Phases in the largest set."""
        return min(len(self.log_prior) - 1, len(np.unique(self.owner)))


@dataclass(frozen=True)
class Sets:
    """Sets, the most probable first.

    ``members`` holds the columns of each; ``free_energy`` (T,) counts from no phase at all, priors of sets included;
    ``probability`` (T,) is of sets among those that were found; ``error`` what a probability of a phase may be off by
    because not all sets were looked at: the largest standard error of a walk, 0 where none was left out.
    """

    members: tuple[tuple[int, ...], ...]
    free_energy: FloatArray
    probability: FloatArray
    error: float

    def inclusion(self, owner: IntArray, phases: int) -> FloatArray:
        """Probability (P,) that each phase is there."""
        found = np.zeros(phases)
        for members, weight in zip(self.members, self.probability, strict=True):
            found[[int(owner[j]) for j in members]] += weight
        return np.minimum(found, 1.0)


def log_prior_of_sets(phases: int, most: int, expected: float = 3.0) -> FloatArray:
    """Log prior (M+1,) of one set of 0 to M of so many phases: a Poisson number, cut off, and all sets of it alike.

    Raises
    ------
    ModelError
        If there is no phase, or no phase is expected.
    """
    if phases < 1 or expected <= 0.0:
        raise ModelError.at("phases", f"{phases} candidates, {expected:g} expected", "one or more, above 0", "")
    number = np.arange(min(most, phases) + 1)
    log_size = number * math.log(expected) - np.array([math.lgamma(n + 1.0) for n in number])
    log_size -= math.log(float(np.exp(log_size).sum()))
    choices = [math.lgamma(phases + 1.0) - math.lgamma(n + 1.0) - math.lgamma(phases - n + 1.0) for n in number]
    return np.asarray(log_size - np.array(choices))


def free_energy_of(columns: Columns, members: tuple[int, ...]) -> float:
    """Free energy of one set."""
    return float(one(_sums(columns), np.array(members, dtype=np.int64), _scratch(max(len(members), 1))))


def search_sets(
    columns: Columns, seed: int = 0, sweeps: int = 2000, name: str = "phases", threads: int = 1
) -> Sets:  # fmt: skip
    """Posterior over sets: all of them where they are few, exchange Monte Carlo otherwise.

    Threads share out the chains, and change no number.

    Raises
    ------
    ModelError
        For more columns than bits.
    """
    if len(columns.owner) > MOST_COLUMNS:
        raise ModelError.at("columns", f"{len(columns.owner)}", f"at most {MOST_COLUMNS}", "Screen them first.")
    if number_of_sets(columns) <= MOST_SETS:
        return every_set(columns)
    return walked_sets(columns, seed, sweeps, name, threads)


def number_of_sets(columns: Columns) -> int:
    """Number of sets if no two columns were of one phase."""
    return sum(math.comb(len(columns.owner), n) for n in range(columns.most + 1))


def every_set(columns: Columns) -> Sets:
    """Posterior over all sets."""
    count = number_of_sets(columns)
    masks, values = np.zeros(count, dtype=np.int64), np.zeros(count)
    found = all_sets(_sums(columns), columns.owner, columns.most, masks, values, _scratch(columns.most + 1))
    masks, values = masks[:found], values[:found]
    order = np.argsort(values, kind="stable")
    weight = np.exp(values[order[0]] - values[order])
    kept = order[weight > 1e-12]
    return Sets(_members(masks[kept]), values[kept], weight[weight > 1e-12] / weight.sum(), 0.0)


def walked_sets(columns: Columns, seed: int, sweeps: int, name: str = "phases", threads: int = 1) -> Sets:
    """Posterior over sets by exchange Monte Carlo; probabilities are those of the sets that were seen."""
    words = np.array(stream_key(seed, name, "sets"), dtype=np.uint64)
    beta = np.concatenate([[0.0], np.geomspace(_COLDEST_SPREAD, 1.0, _RUNGS - 1)])
    moves = max(8, len(columns.owner) // 4)
    empty = free_energy_of(columns, ())
    first = int(_BURN_IN * sweeps)

    def chain(number: int) -> tuple[IntArray, FloatArray]:
        state = (np.zeros((_RUNGS, columns.most + 1), dtype=np.int64), np.zeros(_RUNGS, dtype=np.int64),
                 np.full(_RUNGS, empty))  # fmt: skip
        record = np.zeros(sweeps, dtype=np.int64), np.zeros(sweeps), np.zeros(_RUNGS)
        memory = np.full(_REMEMBERED, -1, dtype=np.int64), np.zeros(_REMEMBERED)
        walk(_sums(columns), columns.owner, columns.most, words, number, beta, moves, state, record,
             (*_scratch(columns.most + 1), memory))  # fmt: skip
        return record[0][first:], record[1][first:]

    with ThreadPoolExecutor(max_workers=threads) as pool:
        masks, values = zip(*pool.map(chain, range(_CHAINS)), strict=True)
    drawn = np.concatenate(masks)
    distinct, place = np.unique(drawn, return_index=True)
    energy = np.concatenate(values)[place]
    order = np.argsort(energy, kind="stable")
    # Sets that were seen weigh by their free energies, which are exact; how often they were drawn tells the error.
    weight = np.exp(energy[order[0]] - energy[order])
    return Sets(_members(distinct[order]), energy[order], weight / weight.sum(), _spread(columns, masks))


def _spread(columns: Columns, masks: Sequence[IntArray]) -> float:
    """Largest standard error, over chains, of how often a column is in."""
    bits = np.arange(len(columns.owner))
    share = np.array([((drawn[:, None] >> bits) & 1).mean(0) for drawn in masks])
    return float(share.std(0, ddof=1).max() / math.sqrt(len(masks)))


def _members(masks: IntArray) -> tuple[tuple[int, ...], ...]:
    """Columns of each set."""
    return tuple(tuple(j for j in range(MOST_COLUMNS) if (int(mask) >> j) & 1) for mask in masks)


def _sums(columns: Columns) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, float]:
    """What compiled loops take."""
    return (np.ascontiguousarray(columns.gram), np.ascontiguousarray(columns.moment),
            np.ascontiguousarray(columns.cost), np.ascontiguousarray(columns.log_prior), 1.0 / SHARE_SD**2)  # fmt: skip


def _scratch(most: int) -> tuple[tuple[FloatArray, FloatArray, FloatArray], IntArray]:
    """Room for one set."""
    return (np.zeros((most, most)), np.zeros(most), np.zeros((most, most))), np.zeros(most + 1, dtype=np.int64)
