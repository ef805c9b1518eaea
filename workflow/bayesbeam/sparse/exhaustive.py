"""Every support up to a size, with its exact free energy; in compiled loops shared out to threads, or on batched torch.

Only sums, a histogram and the best supports are kept, so memory does not grow with the number of supports.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np

from bayesbeam.errors import ModelError, SamplingError
from bayesbeam.sparse.problem import (
    MOST_ROUNDING,
    Reduced,
    Regression,
    check_rounding,
    reduced,
    root_of,
    without_always,
)
from bayesbeam.sparse.search import Search, histogram_edges
from bayesbeam.sparse.sizes import supports_of_size
from bayesbeam.sparse.tally import LOST, Tally

# Supports that one core looks at in a good hour.
MOST_SUPPORTS = 100_000_000_000
_EPSILON = float(np.finfo(np.float64).eps)


def search_all(
    problem: Regression, most: int, *, threads: int = 1, device: str = "cpu", compiled: bool | None = None,
    ranked: int = 100, bins: int = 1000, limit: int = MOST_SUPPORTS, most_rounding: float = MOST_ROUNDING,
) -> Search:  # fmt: skip
    """All supports of 0 to ``most`` columns.

    Parameters
    ----------
    most : int
        Largest number of columns besides those that are always in.
    threads : int
        Of the compiled loops; the result is the same to the last bit for any number.
    device : str
        Of batched torch, for example ``cuda``.
    compiled : bool, optional
        Whether to run compiled loops; by default on the CPU where numba is there.
    ranked, bins : int
        Length of the list of the best supports of each size; number of bins of the density of states.
    limit : int
        Number of supports above which nothing is begun.
    most_rounding : float
        Nats by which rounding may move a free energy.

    Raises
    ------
    SamplingError
        If there are more supports than ``limit``.
    ModelError
        If columns are so nearly made up of others that free energies are not known to 0.001 nats, or as stated.
    """
    counts = supports_of_size(problem.columns, most)
    if sum(counts) > limit:
        found = f"{sum(counts):,} supports of up to {most} of {problem.columns} columns"
        remedy = "Lower `most`, or sample supports instead of looking at all."
        raise SamplingError.at("exhaustive search", found, f"{limit:,} at most", remedy)
    for name, number in (("ranked", ranked), ("bins", bins), ("threads", threads)):
        if number < 1:
            raise ModelError.at(name, repr(number), "1 or more", "")
    whole = reduced(problem)
    sums = without_always(whole, problem.always)
    tally = Tally.empty(most, problem.always + problem.columns, ranked, histogram_edges(sums, most, bins))
    first = _empty_support(problem, whole, sums, tally)
    tally.add(first)
    if compiled is None:
        compiled = device == "cpu" and find_spec("numba") is not None
    if compiled:
        parts = _in_loops(problem, whole, sums, most, tally, counts, threads)
    else:
        from bayesbeam.sparse.batched import in_batches

        parts = in_batches(problem, whole, sums, most, tally, counts, device)
    weights = [first.log_sum()]
    for part in parts:
        weights.append(part.log_sum())
        tally.add(part)
    rounding = _rounding(problem, whole, sums, tally.least)
    check_rounding(rounding, most_rounding, f"a column of which others leave {tally.least:.1g}, and ")
    return tally.search(problem, counts, rounding, np.stack(weights))


def _empty_support(problem: Regression, whole: Reduced, sums: Reduced, tally: Tally) -> Tally:
    """The support without any column but those that are always in."""
    part = tally.like()
    value = sums.constant + float(sums.energy(np.float64(sums.squares)))
    part.reference[0], part.weight[0] = value, 1.0
    part.best_free_energy[0, 0] = value
    part.histogram[0, np.clip(np.searchsorted(tally.edges, value) - 1, 0, len(tally.edges) - 2)] = 1
    count = problem.always
    if count:
        inverse = np.linalg.inv(whole.gram[:count, :count])
        level = 1.0 if problem.level_is_known else (problem.scale + 0.5 * sums.squares) / (sums.after - 1.0)
        mean = problem.prior_sd[:count] * (inverse @ whole.moment[:count])
        part.inclusion[0, :count], part.mean[0, :count] = 1.0, mean
        part.square[0, :count] = np.square(mean) + level * np.square(problem.prior_sd[:count]) * np.diag(inverse)
    return part


def _in_loops(
    problem: Regression, whole: Reduced, sums: Reduced, most: int, tally: Tally, counts: list[int], threads: int
) -> Iterator[Tally]:
    """Sums of the supports that begin with each column, in order, by compiled loops."""
    from bayesbeam.sparse import loops

    lost = LOST + math.log(sum(counts))

    def run(first: int) -> Tally:
        part = tally.like()
        part.least = loops.walk(first, most, lost, *loop_arguments(problem, whole, sums, most, part))
        return part

    yield run(-1)
    if most == 1:
        return
    if threads == 1:
        yield from map(run, range(problem.columns))
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[Tally]] = []
        for first in range(problem.columns):
            waiting.append(pool.submit(run, first))
            if len(waiting) > 2 * threads:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()


def loop_arguments(problem: Regression, whole: Reduced, sums: Reduced, most: int, part: Tally) -> tuple[Any, ...]:
    """What the loops take after the first column and the sizes."""
    columns, deep = problem.columns, most + 1
    longest = problem.always + most
    pivot, rest = np.zeros((deep, columns)), np.zeros((deep, columns))
    pivot[0], rest[0] = np.diag(sums.gram), sums.moment
    logs, squares = np.zeros(deep), np.zeros(deep)
    squares[0] = sums.squares
    per_width = (len(part.edges) - 1) / (part.edges[-1] - part.edges[0])
    return (
        (sums.gram, sums.moment, sums.offset, float(sums.constant), float(sums.after), float(sums.scale)),
        (whole.gram, whole.moment, np.ascontiguousarray(problem.prior_sd), problem.always, float(sums.after),
         float(sums.scale)),
        (np.zeros(deep, np.int64), np.zeros((deep, columns)), pivot, rest, logs, squares),
        (part.reference, part.weight, part.inclusion, part.mean, part.square),
        (float(part.edges[0]), float(per_width), part.histogram),
        (part.best, part.best_free_energy),
        (np.zeros(longest, np.int64), np.zeros((longest, longest)), np.zeros(longest), np.zeros(longest)),
        np.zeros(deep, np.int64),
    )  # fmt: skip


def tally_of(search: Search) -> Tally:
    """Empty sums of the sizes of a search."""
    ranked, most = search.best.shape[1:]
    return Tally.empty(most, search.inclusion.shape[1], ranked, search.edges)


def _rounding(problem: Regression, whole: Reduced, sums: Reduced, least: float) -> float:
    """Bound of what rounding costs a free energy, nats, where others that may be in leave the share ``least``."""
    scale, always = 1.0, problem.always
    if not problem.level_is_known:
        explained = np.square(np.linalg.solve(root_of(sums.gram), sums.moment)).sum()
        scale = sums.after / (sums.scale + 0.5 * max(sums.squares - float(explained), 0.0))
    # What the columns that are always in take away is lost in rounding too.
    own = np.diag(whole.gram)
    fixed = float((np.square(np.diag(root_of(whole.gram[:always, :always]))) / own[:always]).min(initial=1.0))
    least *= float((np.diag(sums.gram) / own[always:]).min())
    lost = (1.0 + scale * sums.squares) / max(least, _EPSILON)
    if always:
        lost += scale * whole.squares / max(fixed, _EPSILON)
    return 8.0 * _EPSILON * lost
