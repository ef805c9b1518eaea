"""All supports with a noise level that is not known: a search at each of some levels, and the integral over them.

Whatever the prior of the level, and with priors of coefficients in their own units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bayesbeam.sparse.level_rule import Rule, adaptive_rule, whole_rule
from bayesbeam.sparse.problem import (
    LOG_2PI,
    FloatArray,
    Reduced,
    Regression,
    check_rounding,
    reduced,
    root_of,
    without_always,
)
from bayesbeam.sparse.search import IntArray, Ranked, Search, SparsePosterior, posterior, ranking
from bayesbeam.sparse.sizes import log_prior_of_one, log_sum

Searcher = Callable[[Regression], Search]


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
    stretches : array (n, 2)
        Logarithms of levels between which they lie.
    """

    posterior: SparsePosterior
    level: FloatArray
    log_weight: FloatArray
    searches: tuple[Search, ...]
    stretches: FloatArray

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
    found: dict[float, tuple[float, Search]] = {}

    def value(log_level: float) -> float:
        if log_level not in found:
            made = search(at_level(problem, math.exp(log_level)))
            found[log_level] = log_density(log_level) - posterior(made, log_size).free_energy, made
        return found[log_level][0]

    rule = adaptive_rule(value, low, high, len(problem.y))
    log_weight = np.array([value(float(one)) for one in rule.log_level]) + rule.log_weight
    searches = tuple(found[float(one)][1] for one in rule.log_level)
    check_rounding(max(search.rounding for search in searches))
    whole = whole_rule(low, high, len(problem.y))
    prior = np.exp(whole.log_level), np.array([log_density(one) for one in whole.log_level]) + whole.log_weight
    return _combined(problem, log_size, rule, log_weight, searches, prior)


def _combined(
    problem: Regression, log_size: FloatArray, rule: Rule, log_weight: FloatArray, searches: tuple[Search, ...],
    prior: tuple[FloatArray, FloatArray],
) -> Levelled:  # fmt: skip
    """Posterior over all levels from those of each; ``prior`` has levels and log weights of the whole prior."""
    total = log_sum(log_weight)
    share = np.exp(log_weight - total)
    each = [posterior(search, log_size) for search in searches]
    size, inclusion, mean = (
        sum(w * getattr(one, name) for w, one in zip(share, each, strict=True))
        for name in ("size", "inclusion", "mean")
    )
    square = sum(w * (np.square(one.sd) + np.square(one.mean)) for w, one in zip(share, each, strict=True))
    log_prior = log_prior_of_one(log_size, problem.columns)
    ranked = _ranked(problem, log_prior, prior, each, total)
    sd = np.sqrt(np.maximum(square - np.square(mean), 0.0))
    whole = SparsePosterior(-total, size, inclusion, mean, sd, ranked)
    return Levelled(whole, np.exp(rule.log_level), log_weight - total, searches, rule.stretches)


def _ranked(
    problem: Regression, log_prior: FloatArray, prior: tuple[FloatArray, FloatArray], each: list[SparsePosterior],
    total: float,
) -> tuple[Ranked, ...]:  # fmt: skip
    """Supports that rank high at any level, by their probability over all."""
    rows = sorted({one.support for found in each for one in found.ranking})
    most = max(map(len, rows), default=0)
    support = np.array([[*row, *[-1] * (most - len(row))] for row in rows], dtype=np.int64).reshape(len(rows), most)
    # A support of little weight may want another level than all together: here the whole prior counts.
    integrated = -np.array([log_sum(prior[1] - row) for row in free_energies(problem, support, prior[0])])
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
            root = root_of(sums.gram[chosen[:, :, None], chosen[:, None, :]])
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
    """Levels (n,), each drawn given its support (n, K), where the levels of a search lie."""
    many = 8 * (len(levelled.level) - 1) + 1
    fine = np.concatenate([np.linspace(low, high, many) for low, high in levelled.stretches])
    rows, place = np.unique(support, axis=0, return_inverse=True)
    value = np.array([log_density(one) for one in fine]) - free_energies(problem, rows, np.exp(fine))
    density = np.exp(value - value.max(1, keepdims=True))
    area = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(0.5 * (density[:, 1:] + density[:, :-1]), axis=1)], 1)
    u = generator.random(len(support))
    drawn = np.array([np.interp(v * area[i, -1], area[i], fine) for v, i in zip(u, place.ravel(), strict=True)])
    found: FloatArray = np.exp(drawn)
    return found
