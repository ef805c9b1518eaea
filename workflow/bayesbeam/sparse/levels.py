"""All supports with a noise level that is not known: a search at each of some levels, and the integral over them.

Whatever the prior of the level, and with priors of coefficients in their own units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bayesbeam.errors import ModelError, SamplingError
from bayesbeam.sparse.exhaustive import MOST_ROUNDING
from bayesbeam.sparse.problem import LOG_2PI, FloatArray, Reduced, Regression, reduced, without_always
from bayesbeam.sparse.search import IntArray, Ranked, Search, SparsePosterior, posterior, ranking
from bayesbeam.sparse.sizes import log_prior_of_one, log_sum

Searcher = Callable[[Regression], Search]
# Levels of which the integrand is this many nats below its greatest add nothing that rounding would keep.
NEGLIGIBLE = 40.0
# Spacing of levels, over the least width that the posterior of a logarithm can have: the trapezoidal rule is then right
# to 1e-8 for what falls off like a normal density.
SPACING = 0.8
COARSEST = 0.35
FEWEST_LEVELS, MOST_LEVELS = 32, 400


@dataclass(frozen=True)
class Levelled:
    """Posterior over supports and the level.

    Attributes
    ----------
    posterior : SparsePosterior
        As of a known level, the level integrated out; free energies of single supports too.
    level, log_weight : arrays (G,)
        Levels that matter, and the logarithms of their posterior probabilities.
    searches : tuple of Search
        One a level.
    """

    posterior: SparsePosterior
    level: FloatArray
    log_weight: FloatArray
    searches: tuple[Search, ...]

    @property
    def best(self) -> int:
        """Place of the most probable level."""
        return int(np.argmax(self.log_weight))


def at_level(problem: Regression, level: float) -> Regression:
    """The same regression with the noise of every point times a level."""
    return replace(problem, noise=problem.noise * level)


def search_levels(
    problem: Regression, log_size: FloatArray, search: Searcher, log_density: Callable[[float], float],
    ends: tuple[float, float],
) -> Levelled:  # fmt: skip
    """Posterior over supports and the level, which multiplies the noise of the problem.

    Parameters
    ----------
    log_size : array (K+1,)
        Log prior probabilities of sizes.
    search : callable
        All supports of a regression, see :func:`bayesbeam.sparse.exhaustive.search_all`; to be asked to let rounding
        pass, which is looked at where a level matters.
    log_density : callable
        Log prior density of the logarithm of the level, normalised.
    ends : two numbers above 0
        Levels between which the prior lies.
    """
    low, high = math.log(ends[0]), math.log(ends[1])
    steps = max(2, math.ceil((high - low) / COARSEST))
    # A prior that is narrower than that is told by its ends.
    least = min(SPACING / math.sqrt(2.0 * len(problem.y)), (high - low) / FEWEST_LEVELS)
    halvings = max(0, math.ceil(math.log2((high - low) / steps / least)))
    whole = steps << halvings
    found: dict[int, tuple[float, Search]] = {}

    def look(place: int) -> None:
        if place not in found:
            at = low + (high - low) * place / whole
            made = search(at_level(problem, math.exp(at)))
            found[place] = log_density(at) - posterior(made, log_size).free_energy, made

    stride = 1 << halvings
    for place in range(0, whole + 1, stride):
        look(place)
    while stride > 1:
        _refine(found, stride, look, len(problem.y), (high - low) / whole)
        stride //= 2
    top = max(value for value, _ in found.values())
    kept = sorted(place for place, (value, _) in found.items() if value > top - NEGLIGIBLE)
    logs = low + (high - low) * np.arange(whole + 1) / whole
    width = np.full(whole + 1, (high - low) / whole)
    width[[0, -1]] *= 0.5
    log_weight = np.array([found[place][0] for place in kept]) + np.log(width[kept])
    grid = np.exp(logs), np.array([log_density(one) for one in logs]) + np.log(width)
    return _combined(problem, log_size, np.exp(logs[kept]), log_weight, tuple(found[place][1] for place in kept), grid)


def _refine(
    found: dict[int, tuple[float, Search]], stride: int, look: Callable[[int], None], points: int, unit: float
) -> None:
    """Look between neighbours unless the integrand cannot matter there: its logarithm bends by 2 N at most or so."""
    top = max(value for value, _ in found.values())
    slack = 2.0 * points * (0.5 * stride * unit) ** 2
    places = sorted(found)
    for one, other in pairwise(places):
        if other - one == stride and max(found[one][0], found[other][0]) + slack > top - NEGLIGIBLE:
            look(one + stride // 2)
            if len(found) > MOST_LEVELS:
                expected = f"{MOST_LEVELS} at most"
                remedy = "State a narrower prior of the level, or a level."
                raise SamplingError.at("noise level", f"more than {MOST_LEVELS} levels that matter", expected, remedy)


def _combined(
    problem: Regression, log_size: FloatArray, level: FloatArray, log_weight: FloatArray, searches: tuple[Search, ...],
    grid: tuple[FloatArray, FloatArray],
) -> Levelled:  # fmt: skip
    """Posterior over all levels from those of each; ``grid`` has levels and log prior weights of the whole prior."""
    _check_rounding(searches)
    total = log_sum(log_weight)
    share = np.exp(log_weight - total)
    each = [posterior(search, log_size) for search in searches]
    size, inclusion, mean = (
        sum(w * getattr(one, name) for w, one in zip(share, each, strict=True))
        for name in ("size", "inclusion", "mean")
    )
    square = sum(w * (np.square(one.sd) + np.square(one.mean)) for w, one in zip(share, each, strict=True))
    log_prior = log_prior_of_one(log_size, problem.columns)
    ranked = _ranked(problem, log_prior, grid, each, total)
    sd = np.sqrt(np.maximum(square - np.square(mean), 0.0))
    return Levelled(SparsePosterior(-total, size, inclusion, mean, sd, ranked), level, log_weight - total, searches)


def _check_rounding(searches: tuple[Search, ...]) -> None:
    """Refuse free energies that rounding has spoilt, at levels that matter."""
    worst = max(search.rounding for search in searches)
    if not worst < MOST_ROUNDING:
        remedy = "Leave out columns that others nearly make up, or state smaller priors."
        raise ModelError.at("dictionary", f"free energies that rounding moves by {worst:.1g} nats",
                            f"{MOST_ROUNDING:g} at most", remedy)  # fmt: skip


def _ranked(
    problem: Regression, log_prior: FloatArray, grid: tuple[FloatArray, FloatArray], each: list[SparsePosterior],
    total: float,
) -> tuple[Ranked, ...]:  # fmt: skip
    """Supports that rank high at any level, by their probability over all."""
    rows = sorted({one.support for found in each for one in found.ranking})
    most = max(map(len, rows), default=0)
    support = np.array([[*row, *[-1] * (most - len(row))] for row in rows], dtype=np.int64).reshape(len(rows), most)
    # A support of little weight may want another level than all together: here the whole prior counts.
    integrated = -np.array([log_sum(grid[1] - row) for row in free_energies(problem, support, grid[0])])
    longest = max(len(found.ranking) for found in each)
    return ranking(support, integrated, log_prior, total)[:longest]


def free_energies(problem: Regression, support: IntArray, level: FloatArray) -> FloatArray:
    """Free energies (M, G) of supports (M, K), filled up with -1, at levels (G,) of the noise."""
    found = np.empty((len(support), len(level)))
    size = (support >= 0).sum(1)
    for g, sums in enumerate(_sums_at(problem, level)):
        for k in np.unique(size):
            these = np.flatnonzero(size == k)
            chosen = support[these, :k]
            root = np.linalg.cholesky(sums.gram[chosen[:, :, None], chosen[:, None, :]])
            known = np.linalg.solve(root, sums.moment[chosen][..., None])[..., 0]
            logs = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
            left = sums.squares + sums.offset[chosen].sum(1) - np.square(known).sum(1)
            found[these, g] = sums.constant + logs + sums.energy(left)
    return found


def _sums_at(problem: Regression, level: FloatArray) -> Iterator[Reduced]:
    """Sums over the columns that may be in or not, at each level."""
    sums = reduced(problem)
    centre = problem.prior_mean / problem.prior_sd
    identity, points = np.eye(len(centre)), len(problem.y)
    logs = float(np.log(problem.noise).sum()) + 0.5 * points * LOG_2PI
    for one in level:
        scaled = replace(
            sums,
            gram=identity + (sums.gram - identity) / one**2,
            moment=centre + (sums.moment - centre) / one**2,
            squares=sums.squares / one**2,
            constant=logs + points * math.log(one),
        )
        yield without_always(scaled, problem.always)


def draw_levels(
    problem: Regression, support: IntArray, levelled: Levelled, log_density: Callable[[float], float],
    generator: np.random.Generator,
) -> FloatArray:  # fmt: skip
    """Levels (n,), each drawn given its support (n, K), between the levels of a search."""
    logs = np.log(levelled.level)
    if len(logs) == 1:
        return np.full(len(support), levelled.level[0])
    fine = np.linspace(logs[0], logs[-1], 8 * (len(logs) - 1) + 1)
    rows, place = np.unique(support, axis=0, return_inverse=True)
    value = np.array([log_density(one) for one in fine]) - free_energies(problem, rows, np.exp(fine))
    density = np.exp(value - value.max(1, keepdims=True))
    area = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(0.5 * (density[:, 1:] + density[:, :-1]), axis=1)], 1)
    u = generator.random(len(support))
    drawn = np.array([np.interp(v * area[i, -1], area[i], fine) for v, i in zip(u, place.ravel(), strict=True)])
    found: FloatArray = np.exp(drawn)
    return found
