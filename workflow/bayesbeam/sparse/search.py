"""What a search over supports finds: sums over supports of each size, so that any prior of sizes can follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.sparse.problem import FloatArray, Reduced, root_of
from bayesbeam.sparse.sizes import log_prior_of_one, log_sum

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Search:
    """All supports of 0 to K of P columns, by their size.

    Attributes
    ----------
    count : int array (K+1,)
        Supports of each size, exact.
    log_sum : array (K+1,)
        Logarithm of the sum of ``exp(-F)`` over the supports of a size.
    inclusion, mean, square : arrays (K+1, A + P)
        Of the supports of a size, each as probable as ``exp(-F)``: probability that a column is in, and mean and mean
        square of its coefficient, which is 0 where the column is not in. The A columns that are always in come first.
    edges, histogram : arrays (B+1,), int (K+1, B)
        Density of states: numbers of supports of which F lies between two edges.
    best, best_free_energy : int (K+1, T, K), (K+1, T)
        Supports of least F of each size, best first, filled up with -1 and infinity.
    rounding : float
        Bound of what rounding may have cost a free energy, nats.
    parts : array (n, K+1)
        Logarithm of the sum of ``exp(-F)`` over the supports of a size in each part of the search, in its order.
    """

    columns: int
    always: int
    count: IntArray
    log_sum: FloatArray
    inclusion: FloatArray
    mean: FloatArray
    square: FloatArray
    edges: FloatArray
    histogram: IntArray
    best: IntArray
    best_free_energy: FloatArray
    rounding: float
    parts: FloatArray


@dataclass(frozen=True)
class Ranked:
    """One support, its free energy and its posterior probability."""

    support: tuple[int, ...]
    free_energy: float
    probability: float


@dataclass(frozen=True)
class SparsePosterior:
    """Posterior over supports and coefficients under a prior of sizes.

    ``free_energy`` is that of the whole candidate, supports summed over; ``size`` the posterior probability of each
    size; ``inclusion``, ``mean`` and ``sd`` those of each column, a coefficient being 0 where its column is not in.
    """

    free_energy: float
    size: FloatArray
    inclusion: FloatArray
    mean: FloatArray
    sd: FloatArray
    ranking: tuple[Ranked, ...]


def posterior(search: Search, log_size: FloatArray) -> SparsePosterior:
    """Posterior under a prior of sizes, given as log probabilities (K+1,)."""
    log_prior = log_prior_of_one(log_size, search.columns)
    log_weight = log_prior + search.log_sum
    total = log_sum(log_weight)
    size = np.exp(log_weight - total)
    inclusion, mean, square = ((size[:, None] * part).sum(0) for part in (search.inclusion, search.mean, search.square))
    sd = np.sqrt(np.maximum(square - np.square(mean), 0.0))
    longest = search.best.shape[1]
    flat = search.best.reshape(-1, search.best.shape[2]), search.best_free_energy.ravel()
    return SparsePosterior(-total, size, inclusion, mean, sd, ranking(*flat, log_prior, total)[:longest])


def ranking(support: IntArray, free_energy: FloatArray, log_prior: FloatArray, log_total: float) -> tuple[Ranked, ...]:
    """Supports (T, K), filled up with -1, most probable first; of equal ones the shorter, then the earlier.

    Those of infinite free energy are none. ``log_total`` is the log evidence of all supports.
    """
    found = []
    for row, value in zip(support, free_energy, strict=True):
        if math.isfinite(value):
            chosen = tuple(int(j) for j in row if j >= 0)
            # Above 1 only in a run that has lost its way, whose verdict says so.
            cost = float(value - log_prior[len(chosen)])
            found.append((cost, Ranked(chosen, float(value), math.exp(min(-cost - log_total, 0.0)))))
    found.sort(key=lambda one: (one[0], len(one[1].support), one[1].support))
    return tuple(one for _, one in found)


def histogram_edges(sums: Reduced, most: int, bins: int) -> FloatArray:
    """Edges (B+1,) of bins between which the free energy of every support lies.

    The least it can be: what all columns together explain, at no cost. The most: no column explains anything, and
    the determinant is that of orthogonal columns (Hadamard's inequality).
    """
    root = root_of(sums.gram)
    explained = float(np.square(np.linalg.solve(root, sums.moment)).sum())
    least = max(sums.squares - explained, 0.0)
    cost = np.sort(0.5 * np.log(np.diag(sums.gram)))[::-1][:most]
    offset = float(np.sort(sums.offset)[::-1][:most].sum())
    low = sums.constant + float(sums.energy(np.float64(least)))
    high = sums.constant + float(sums.energy(np.float64(sums.squares + offset))) + float(cost.sum())
    margin = 1e-9 * (1.0 + abs(low) + abs(high))
    return np.linspace(low - margin, high + margin, bins + 1)
