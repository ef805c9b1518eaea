"""Cost of looking at all supports of a sparse regression, by this project's ways and as labs write it in numpy.

200 values, normal columns, four of which are in the data; noise and priors as in ``problem_of``.
"""

from __future__ import annotations

import itertools
import math
import time

import numpy as np

from bayesbeam.sparse.exchange import Walk, walk_supports
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.problem import Regression, reduced, regression
from bayesbeam.sparse.search import posterior
from bayesbeam.sparse.sizes import equal_sizes

POINTS, TRUE, NOISE = 200, {6: 1.0, 17: -0.6, 30: 0.4, 44: 0.25}, 0.5
# Supports that numpy looks at in the time it is given, in batches of which the factors fit a cache.
NUMPY_SETS, NUMPY_BATCH = 400_000, 4_000


def problem_of(columns: int) -> Regression:
    """Dictionary and data."""
    generator = np.random.default_rng(1707)
    design = generator.standard_normal((POINTS, columns))
    y = design[:, list(TRUE)] @ list(TRUE.values()) + NOISE * generator.standard_normal(POINTS)
    return regression(design, y, NOISE, 1.0)


def measure(how: str, columns: int, most: int, threads: int) -> dict[str, float]:
    """Supports, seconds and the free energy of the whole candidate.

    Parameters
    ----------
    how : str
        ``loops``: compiled; ``torch``: batched; ``numpy``: factors of batches, on so many of the supports;
        ``exchange``: sampled.
    """
    problem, log_size = problem_of(columns), equal_sizes(columns, most)
    if how in ("loops", "exchange"):  # compiles
        search_all(problem, 2, threads=threads)
        if how == "exchange":
            walk_supports(problem, equal_sizes(columns, 2), Walk(threads=threads, max_sweeps=1000))
    wall, cpu = time.perf_counter(), time.process_time()
    error = 0.0
    if how == "numpy":
        sets, free_energy = numpy_sets(problem, most), math.nan
    elif how == "exchange":
        walked = walk_supports(problem, log_size, Walk(threads=threads))
        sets, free_energy, error = 0, walked.free_energy.value, walked.free_energy.standard_error
    else:
        search = search_all(problem, most, threads=threads, compiled=how == "loops")
        sets, free_energy = int(search.count.sum()), posterior(search, log_size).free_energy
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "sets": sets, "wall_seconds": wall, "cpu_seconds": cpu, "free_energy": free_energy, "standard_error": error,
    }  # fmt: skip


def numpy_sets(problem: Regression, size: int) -> int:
    """Free energies of the first supports of a size by batched factors, with least and sum; returns how many."""
    sums = reduced(problem)
    least, total = math.inf, 0.0
    sets = combinations_of(problem.columns, size)
    for _ in range(NUMPY_SETS // NUMPY_BATCH):
        chosen = np.fromiter((j for one in itertools.islice(sets, NUMPY_BATCH) for j in one), np.int64).reshape(
            -1, size
        )
        root = np.linalg.cholesky(sums.gram[chosen[:, :, None], chosen[:, None, :]])
        known = np.linalg.solve(root, sums.moment[chosen][..., None])[..., 0]
        logs = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
        f = sums.constant + logs + 0.5 * (sums.squares - np.square(known).sum(1))
        least = min(least, float(f.min()))
        total += float(np.exp(-f).sum())
    assert math.isfinite(least + total)
    return NUMPY_SETS


def combinations_of(columns: int, size: int) -> itertools.combinations[tuple[int, ...]]:
    """Supports of a size, one after the other."""
    return itertools.combinations(range(columns), size)
