"""Independent posterior draws of supports and coefficients after an exhaustive search.

The search is gone through a second time, in those of its parts in which a draw falls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

import numpy as np

from bayesbeam.rng import stream_key
from bayesbeam.sparse.exhaustive import loop_arguments, tally_of
from bayesbeam.sparse.problem import FloatArray, Reduced, Regression, reduced, without_always
from bayesbeam.sparse.search import IntArray, Search
from bayesbeam.sparse.sizes import log_prior_of_one, log_sum


def draw_supports(
    problem: Regression, search: Search, log_size: FloatArray, number: int, generator: np.random.Generator,
    device: str = "cpu", compiled: bool | None = None,
) -> IntArray:  # fmt: skip
    """Independent posterior draws of supports (number, K), filled up with -1; ``device`` as it was in the search.

    ``log_size`` (K+1,) are log probabilities of sizes under the prior.
    """
    log_weight = search.parts + log_prior_of_one(log_size, search.columns)
    chance = np.exp(log_weight - log_sum(log_weight.ravel())).ravel()
    cells = generator.multinomial(number, chance / chance.sum()).reshape(log_weight.shape)
    most = len(log_size) - 1
    found = np.full((number, most), -1)
    at = int(cells[0, 0])  # the first part is the empty support alone
    if compiled is None:
        compiled = device == "cpu" and find_spec("numba") is not None
    pick = _in_loops if compiled else _in_batches
    for supports in pick(problem, search, cells[1:], generator, most, device):
        found[at : at + len(supports)] = supports
        at += len(supports)
    return generator.permutation(found, axis=0)


def _marks(
    cells: IntArray, log_sums: FloatArray, reference: FloatArray, generator: np.random.Generator
) -> list[FloatArray]:
    """Rising numbers below the sum of weights of each size, as many as draws are wanted."""
    return [
        np.sort(generator.random(int(count))) * (np.exp(total + one) if count else 0.0)
        for count, total, one in zip(cells, log_sums, reference, strict=True)
    ]


def _in_loops(
    problem: Regression, search: Search, cells: IntArray, generator: np.random.Generator, most: int, device: str
) -> Iterator[IntArray]:
    """Supports picked by compiled loops, part by part."""
    from bayesbeam.sparse import draw_loops

    whole = reduced(problem)
    sums = without_always(whole, problem.always)
    tally = tally_of(search)
    for part, row in enumerate(cells):
        if not row.any():
            continue
        # Weights are relative to the mean of those of the part: none overflows, and the sum is near 1.
        reference = np.where(np.isfinite(search.parts[part + 1]), -search.parts[part + 1], 0.0)
        marks = _marks(row, search.parts[part + 1], reference, generator)
        ends = np.cumsum(row)
        arguments = loop_arguments(problem, whole, sums, most, tally)
        picked = np.full((int(ends[-1]), most), -1)
        place = ends - row
        wanted = (reference, np.zeros(most + 1), np.concatenate(marks), place, ends)
        draw_loops.walk(part - 1, most, arguments[0], arguments[2], arguments[-1], wanted, picked)
        yield _completed(picked, row)


def _completed(picked: IntArray, row: IntArray) -> IntArray:
    """Picked supports; where rounding has let a sum end below the last mark, the one before is taken again."""
    ends = np.cumsum(row)
    for start, end in zip(ends - row, ends, strict=True):
        for i in range(int(start) + 1, int(end)):
            if picked[i, 0] < 0:
                picked[i] = picked[i - 1]
    return picked


def _in_batches(
    problem: Regression, search: Search, cells: IntArray, generator: np.random.Generator, most: int, device: str
) -> Iterator[IntArray]:
    """Supports picked on batched torch, batch by batch."""
    from bayesbeam.sparse.batched import pick_in_batches

    whole = reduced(problem)
    sums = without_always(whole, problem.always)
    yield from pick_in_batches(problem, whole, sums, cells, generator, most, device)


def draw_coefficients(
    problem: Regression, supports: IntArray, generator: np.random.Generator, level: FloatArray | None = None
) -> FloatArray:
    """Draws (n, A + P) of all coefficients, given supports (n, K) filled up with -1; 0 where a column is not in.

    ``level`` (n,) multiplies the noise of the problem.
    """
    sums = reduced(problem)
    found = np.zeros((len(supports), len(problem.names)))
    normal = generator.standard_normal(found.shape)
    rows, place = np.unique(supports, axis=0, return_inverse=True)
    for number, row in enumerate(rows):
        chosen = np.array([*range(problem.always), *(problem.always + j for j in row if j >= 0)], dtype=np.int64)
        if not len(chosen):
            continue
        these = np.flatnonzero(place.ravel() == number)
        if level is not None:
            scaled = _at_levels(sums, problem, chosen, level[these], normal[these][:, : len(chosen)])
            found[np.ix_(these, chosen)] = problem.prior_sd[chosen] * scaled
            continue
        root = np.linalg.cholesky(sums.gram[np.ix_(chosen, chosen)])
        known = np.linalg.solve(root, sums.moment[chosen])
        noise = normal[these][:, : len(chosen)]
        if not problem.level_is_known:
            left = sums.squares + sums.offset[chosen].sum() - float(known @ known)
            squared = (sums.scale + 0.5 * left) / generator.gamma(sums.after, size=len(these))
            noise = noise * np.sqrt(squared)[:, None]
        scaled = np.linalg.solve(root.T, (known + noise).T).T
        found[np.ix_(these, chosen)] = problem.prior_sd[chosen] * scaled
    return found


def _at_levels(sums: Reduced, problem: Regression, chosen: IntArray, level: FloatArray, z: FloatArray) -> FloatArray:
    """Draws (m, k) of the coefficients of one support at levels (m,), in the priors' units, from normal numbers."""
    identity, centre = np.eye(len(chosen)), (problem.prior_mean / problem.prior_sd)[chosen]
    gram = identity + (sums.gram[np.ix_(chosen, chosen)] - identity) / np.square(level)[:, None, None]
    moment = centre + (sums.moment[chosen] - centre) / np.square(level)[:, None]
    root = np.linalg.cholesky(gram)
    known = np.linalg.solve(root, moment[..., None])
    return np.asarray(np.linalg.solve(np.swapaxes(root, 1, 2), known + z[..., None])[..., 0], dtype=np.float64)


def generator_of(seed: int, *names: str) -> np.random.Generator:
    """Random numbers that are fixed by a seed and names."""
    low, high = stream_key(seed, *names)
    return np.random.Generator(np.random.Philox(key=np.array([low, high], dtype=np.uint64)))


__all__: Sequence[str] = ("draw_coefficients", "draw_supports", "generator_of")
