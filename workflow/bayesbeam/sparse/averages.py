"""Averages over draws of supports at beta = 1, and their standard errors from independent chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.sparse.problem import FloatArray, Reduced, Regression
from bayesbeam.sparse.search import IntArray


@dataclass(frozen=True)
class Averages:
    """Posterior of sizes (K+1,), and of columns (A + P,), those that are always in first; errors are standard errors.

    ``mean`` and ``square`` are mean and mean square of a coefficient, 0 where its column is not in; given a support
    they are exact.
    """

    size: FloatArray
    inclusion: FloatArray
    mean: FloatArray
    square: FloatArray
    size_error: FloatArray
    inclusion_error: FloatArray
    mean_error: FloatArray


def averages(problem: Regression, whole: Reduced, top: IntArray, size: NDArray[np.int16]) -> Averages:
    """Averages over draws (S, C, K) of supports, filled up with P, and of sizes (S, C)."""
    draws, chains, most = top.shape
    rows, place = np.unique(top.reshape(-1, most), axis=0, return_inverse=True)
    number = place.reshape(draws, chains) + len(rows) * np.arange(chains)
    count = np.bincount(number.ravel(), minlength=chains * len(rows)).reshape(chains, len(rows)) / draws
    member, mean, square = (np.zeros((len(rows), len(problem.names))) for _ in range(3))
    of_size = (rows < problem.columns).sum(1)
    for k in np.unique(of_size):
        these = np.flatnonzero(of_size == k)
        fixed = np.tile(np.arange(problem.always), (len(these), 1))
        chosen = np.concatenate([fixed, rows[these, :k] + problem.always], axis=1)
        if chosen.shape[1]:
            at = these[:, None], chosen
            member[at] = 1.0
            mean[at], square[at] = coefficients(problem, whole, chosen)
    # A sum for each chain by itself: how chains are counted must not depend on a library's threads.
    per_chain = [np.array([np.einsum("m,mp->p", one, table) for one in count]) for table in (member, mean, square)]
    sizes = np.stack([np.bincount(column, minlength=most + 1) / draws for column in size.T])
    inclusion, centre, squares = (table.mean(0) for table in per_chain)
    return Averages(sizes.mean(0), inclusion, centre, squares, error_of(sizes), error_of(per_chain[0]),
                    error_of(per_chain[1]))  # fmt: skip


def error_of(means: FloatArray) -> FloatArray:
    """Standard errors (n,) of the mean over independent chains (C, n)."""
    found: FloatArray = means.std(0, ddof=1) / np.sqrt(len(means))
    return found


def coefficients(problem: Regression, whole: Reduced, chosen: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean and mean square (M, k) of the coefficients of supports (M, k) that include what is always in."""
    inverse = np.linalg.inv(whole.gram[chosen[:, :, None], chosen[:, None, :]])
    scaled = (inverse * whole.moment[chosen][:, None, :]).sum(-1)
    variance = np.diagonal(inverse, axis1=1, axis2=2)
    if not problem.level_is_known:
        left = whole.squares + whole.offset[chosen].sum(1) - (whole.moment[chosen] * scaled).sum(1)
        variance = variance * ((whole.scale + 0.5 * left) / (whole.after - 1.0))[:, None]
    mean = problem.prior_sd[chosen] * scaled
    return mean, np.square(mean) + np.square(problem.prior_sd[chosen]) * variance
