"""Compiled free energies of sets of columns, and walks over sets. Python's part is in ``sets.py``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from bayesbeam.sampling.engines.draws import philox, uniform
from bayesbeam.sampling.engines.library import cached_here

_helper = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
_LOG_2PI = math.log(2.0 * math.pi)
# Standard deviations below 0 from where a tail's own series is used.
_TAIL = -8.0
EXCHANGE_SLOT = 1 << 20


@_helper
def _log_ndtr(z: float) -> float:
    """Logarithm of the normal distribution function."""
    if z > _TAIL:
        return math.log(0.5 * math.erfc(-z * 0.7071067811865476))
    square = z * z
    series = 1.0 - 1.0 / square + 3.0 / square**2 - 15.0 / square**3
    return -0.5 * square - 0.5 * _LOG_2PI - math.log(-z) + math.log(series)


@_helper
def _orthant(mean: Any, covariance: Any, size: int) -> float:
    """Log probability that all of a normal vector are positive, one after the other, the least likely first.

    What is left after each condition is taken for normal again, of the right mean and covariance.
    """
    total = 0.0
    for step in range(size):
        worst, lowest = step, 1e300
        for i in range(step, size):
            z = mean[i] / math.sqrt(max(covariance[i, i], 1e-300))
            if z < lowest:
                worst, lowest = i, z
        mean[step], mean[worst] = mean[worst], mean[step]
        for i in range(size):
            covariance[step, i], covariance[worst, i] = covariance[worst, i], covariance[step, i]
        for i in range(size):
            covariance[i, step], covariance[i, worst] = covariance[i, worst], covariance[i, step]
        log_p = _log_ndtr(lowest)
        total += log_p
        if lowest > 7.0:
            return total
        sd = math.sqrt(covariance[step, step])
        ratio = math.exp(-0.5 * lowest * lowest - 0.5 * _LOG_2PI - log_p)
        shrink = ratio * (ratio + lowest)
        for i in range(step + 1, size):
            mean[i] += covariance[i, step] / sd * ratio
        for i in range(step + 1, size):
            for j in range(step + 1, size):
                covariance[i, j] -= shrink * covariance[i, step] * covariance[j, step] / (sd * sd)
    return total


@_helper
def _free_energy(sums: Any, chosen: Any, size: int, scratch: Any) -> float:
    """Free energy of a set of columns against none, with priors of sets and shapes."""
    gram, moment, cost, log_prior, precision = sums
    root, mean, covariance = scratch
    total = -log_prior[size]
    for i in range(size):
        total += cost[chosen[i]]
        for j in range(i + 1):
            value = gram[chosen[i], chosen[j]]
            if i == j:
                value += precision
            for t in range(j):
                value -= root[i, t] * root[j, t]
            root[i, j] = math.sqrt(max(value, 1e-12 * precision)) if i == j else value / root[j, j]
    explained = 0.0
    for i in range(size):
        value = moment[chosen[i]]
        for t in range(i):
            value -= root[i, t] * mean[t]
        mean[i] = value / root[i, i]
        explained += mean[i] * mean[i]
        total += math.log(root[i, i])
    total -= 0.5 * explained + size * (0.5 * math.log(precision) + math.log(2.0))
    # The factor's inverse, then covariance = inverse' inverse and mean = inverse' mean.
    for j in range(size):
        root[j, j] = 1.0 / root[j, j]
    for j in range(size):
        for i in range(j + 1, size):
            value = 0.0
            for t in range(j, i):
                value += root[i, t] * root[t, j]
            root[i, j] = -value * root[i, i]
    for i in range(size):
        for j in range(i + 1):
            value = 0.0
            for t in range(i, size):
                value += root[t, i] * root[t, j]
            covariance[i, j] = value
            covariance[j, i] = value
    for i in range(size):
        value = 0.0
        for t in range(i, size):
            value += root[t, i] * mean[t]
        mean[i] = value
    return total - _orthant(mean, covariance, size)


@_helper
def _fits(owner: Any, chosen: Any, size: int, column: int) -> bool:
    """Whether no column of the same phase is in the set."""
    for t in range(size):
        if owner[chosen[t]] == owner[column]:
            return False
    return True


def _all_sets(sums: Any, owner: Any, most: int, masks: Any, values: Any, scratch: Any) -> int:
    """Free energy of every set of at most so many columns, no two of one phase; returns how many there are."""
    columns = owner.shape[0]
    chosen = scratch[1]
    count, size = 1, 0
    masks[0], values[0] = 0, _free_energy(sums, chosen, 0, scratch[0])
    if most == 0:
        return count
    chosen[0] = -1
    # Depth first; chosen[size] is the column being tried.
    while size >= 0:
        chosen[size] += 1
        if chosen[size] >= columns:
            size -= 1
            continue
        if not _fits(owner, chosen, size, chosen[size]):
            continue
        mask = 0
        for t in range(size + 1):
            mask |= 1 << chosen[t]
        masks[count] = mask
        values[count] = _free_energy(sums, chosen, size + 1, scratch[0])
        count += 1
        if size + 1 < most:
            chosen[size + 1] = chosen[size]
            size += 1
    return count


@_helper
def _propose(
    owner: Any, chosen: Any, size: int, most: int, new: Any, u: float, v: float, w: float
) -> tuple[int, float]:
    """A set near a set: one more, one less or one for another; its size (-1 for none) and log of the chances' ratio."""
    columns = owner.shape[0]
    for t in range(size):
        new[t] = chosen[t]
    if u < 0.5:
        column = min(int(v * columns), columns - 1)
        for t in range(size):
            if chosen[t] == column:
                for s in range(t, size - 1):
                    new[s] = chosen[s + 1]
                return size - 1, 0.0
        if size >= most or not _fits(owner, chosen, size, column):
            return -1, 0.0
        new[size] = column
        return size + 1, 0.0
    if size == 0:
        return -1, 0.0
    place, column = min(int(v * size), size - 1), min(int(w * columns), columns - 1)
    for t in range(size):
        if chosen[t] == column or (t != place and owner[chosen[t]] == owner[column]):
            return -1, 0.0
    new[place] = column
    return size, 0.0


@_helper
def _known(sums: Any, chosen: Any, size: int, memory: Any, scratch: Any) -> float:
    """Free energy of a set, kept by its bits: a walk comes to few sets again and again."""
    masks, values = memory
    mask = 0
    for t in range(size):
        mask |= 1 << chosen[t]
    place = ((mask * 0x9E3779B97F4A7C1) >> 20) & (masks.shape[0] - 1)
    if masks[place] != mask:
        masks[place], values[place] = mask, _free_energy(sums, chosen, size, scratch)
    return float(values[place])


def _walk(
    sums: Any, owner: Any, most: int, key: Any, chain: int, beta: Any, moves: int, state: Any, record: Any, scratch: Any
) -> None:  # fmt: skip
    """Sweeps of one chain of replicas; ``record`` gets sets and free energies at beta = 1 and rates of exchange."""
    chosen, sizes, values = state
    masks, energies, rates = record
    new, memory = scratch[1], scratch[2]
    rungs = beta.shape[0]
    for sweep in range(masks.shape[0]):
        for r in range(rungs):
            for slot in range(moves):
                words = philox(np.uint64(chain * 65536 + r), np.uint64(sweep), np.uint64(slot), key[0], key[1])
                size, ratio = _propose(owner, chosen[r], sizes[r], most, new, uniform(words[0]), uniform(words[1]),
                                       uniform(words[2]))  # fmt: skip
                if size < 0:
                    continue
                value = _known(sums, new, size, memory, scratch[0])
                if math.log(uniform(words[3])) < ratio - beta[r] * (value - values[r]):
                    for t in range(size):
                        chosen[r, t] = new[t]
                    sizes[r], values[r] = size, value
        for r in range(sweep % 2, rungs - 1, 2):
            place, slot = np.uint64(chain * 65536 + r), np.uint64(EXCHANGE_SLOT)
            words = philox(place, np.uint64(sweep), slot, key[0], key[1])
            log_rate = (beta[r + 1] - beta[r]) * (values[r + 1] - values[r])
            rates[r] += min(1.0, math.exp(min(log_rate, 0.0)))
            if math.log(uniform(words[0])) < log_rate:
                values[r], values[r + 1] = values[r + 1], values[r]
                sizes[r], sizes[r + 1] = sizes[r + 1], sizes[r]
                for t in range(most):
                    chosen[r, t], chosen[r + 1, t] = chosen[r + 1, t], chosen[r, t]
        mask = 0
        for t in range(sizes[rungs - 1]):
            mask |= 1 << chosen[rungs - 1, t]
        masks[sweep], energies[sweep] = mask, values[rungs - 1]


def _one(sums: Any, chosen: Any, scratch: Any) -> float:
    """Free energy of one set."""
    return float(_free_energy(sums, chosen, chosen.shape[0], scratch[0]))


# Declared here, for this is when numba chooses the folder for what it compiles.
with cached_here():
    all_sets = njit(nogil=True, cache=True, error_model="numpy")(_all_sets)
    walk = njit(nogil=True, cache=True, error_model="numpy")(_walk)
    one = njit(nogil=True, cache=True, error_model="numpy")(_one)
