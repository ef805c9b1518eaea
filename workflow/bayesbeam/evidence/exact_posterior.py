"""Exact posterior of a linear regression: the level of the noise known, or integrated out under any prior.

Given the level everything is normal, or normal within a box; over the logarithm of the level goes Gauss' rule on the
range that matters. Draws are independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import ModelError
from bayesbeam.evidence.level_posterior import NODES, PANELS, Levels, levels_of
from bayesbeam.evidence.normal_box import log_difference
from bayesbeam.evidence.regression import ALONE, Given, Regression, moments

FloatArray = NDArray[np.float64]
LogPrior = Callable[[FloatArray], FloatArray]
# Largest share of the evidence, and so error of F in nats, that may be neglected beyond the ends of priors.
LIMIT = 1e-9
# By how much a density has fallen, in nats, where the range of the level ends.
DROP = 45.0
_COARSE, _ROUNDS, _REACH = 61, 40, 80.0
# Sum of squares that stands for none, so that squares of levels stay numbers.
_NONE = 1e-200
# Last coefficients of the level's density over its largest, beyond which the nodes do not tell it to 1e-7.
_UNRESOLVED = 1e-2
# Rounds of rejection after which draws are given up.
_MOST_TRIES = 400


class NotSolved(ModelError):
    """The posterior is not one that closed forms and quadrature of one number give."""


@dataclass(frozen=True)
class ExactPosterior:
    """What is known exactly of a regression with P coefficients.

    Attributes
    ----------
    free_energy : float, nats
    bound : float, nats
        Bound of its error by what was neglected beyond the ends of priors.
    mean, covariance : arrays (P,), (P, P)
    level, weight : arrays (K,)
        Levels of the noise and their shares of the posterior; one level where it is known.
    levels : Levels or None
        Posterior of the level, where it is not known.
    """

    problem: Regression
    free_energy: float
    bound: float
    mean: FloatArray
    covariance: FloatArray
    level: FloatArray
    weight: FloatArray
    cut: tuple[int, ...]
    given: Given
    levels: Levels | None

    @property
    def sd(self) -> FloatArray:
        """Standard deviations (P,) of the coefficients."""
        found: FloatArray = np.sqrt(np.diag(self.covariance))
        return found

    @property
    def level_moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the level."""
        mean = float(self.weight @ self.level)
        return mean, math.sqrt(float(self.weight @ np.square(self.level - mean)))

    def quantile(self, coefficient: int, share: float) -> float:
        """Value below which a share of a coefficient's posterior lies; nan where the ends of priors cut any."""
        from scipy.special import ndtr

        if self.cut:
            return math.nan
        place = int(np.flatnonzero(self.given.order == coefficient)[0])
        mean, sd = self.given.mean[:, coefficient], np.sqrt(np.square(self.given.root[:, place]).sum(-1))
        low, high = float((mean - 40.0 * sd).min()), float((mean + 40.0 * sd).max())
        for _ in range(200):
            middle = 0.5 * (low + high)
            below = float(self.weight @ ndtr((middle - mean) / sd)) < share
            low, high = (middle, high) if below else (low, middle)
        return 0.5 * (low + high)

    def draw(self, uniform: Callable[[int], FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Independent draws of the coefficients (S, P) and of the level (S,).

        Parameters
        ----------
        uniform : callable
            ``uniform(k)`` gives independent numbers (S, P + 2) between 0 and 1, other ones for each k.

        Raises
        ------
        NotSolved
            If the ends of priors cut off so much that hardly any draw is left.
        """
        count, u = len(self.mean), uniform(0)
        # A level stays what it is until its coefficients are accepted: else levels that accept rarely would be too few.
        level = np.full(len(u), self.level[0]) if self.levels is None else self.levels.quantile(u[:, count])
        found, accepted = self._given_level(level, u)
        for k in range(1, _MOST_TRIES):
            missing = np.flatnonzero(~accepted)
            if not missing.size:
                return found, level
            found[missing], accepted[missing] = self._given_level(level[missing], uniform(k)[missing])
        raise NotSolved.at("linear regression", "priors that cut off nearly all of the posterior", "wider priors", "")

    def _given_level(self, level: FloatArray, u: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Draws (S, P) at their levels, and which of them count."""
        from scipy.special import ndtri

        given = self.problem.at(level, self.cut, ends=False)
        count, first = len(self.mean), len(self.mean) - len(self.cut)
        priors, order = self.problem.priors, given.order
        noise = ndtri(u[:, :count])
        share = np.ones(len(u))
        for j in reversed(range(first, count)):
            shift = np.einsum("kj,kj->k", given.root[:, j, j + 1 :], noise[:, j + 1 :]) + given.mean[:, order[j]]
            scale = given.root[:, j, j]
            ends = [(end[order[j]] - shift) / scale for end in (priors.low, priors.high)]
            a, b = np.minimum(*ends), np.maximum(*ends)
            noise[:, j] = _between(u[:, j], a, b)
            if j < count - 1 and not self._alone:
                share = share * np.exp(log_difference(a, b))
        theta = np.empty_like(noise)
        theta[:, order] = given.mean[:, order] + np.einsum("kij,kj->ki", given.root, noise)
        for j in self.cut:
            theta[:, j] = np.clip(theta[:, j], priors.low[j], priors.high[j])
        return theta, u[:, count + 1] < share

    @property
    def _alone(self) -> bool:
        """Whether those that are cut do not depend on each other."""
        return _largest_correlation(self.given) < ALONE


def exact_posterior(
    problem: Regression, level: float | None = None, log_prior: LogPrior | None = None,
    ends: tuple[float, float] = (0.0, math.inf), names: Sequence[str] = (),
) -> ExactPosterior:  # fmt: skip
    """Posterior of a regression whose level of the noise is known, or has a prior.

    Parameters
    ----------
    level : float or None
        The level; or else ``log_prior``, the logarithm of its prior density at levels, and the ``ends`` of that.
    names : sequence of str
        Of the coefficients, for the error.

    Raises
    ------
    NotSolved
        If three coefficients or more that depend on each other are cut by the ends of their priors, if these lie so far
        from what data allow that no number tells the evidence, or if two levels fit that are far apart.

    Notes
    -----
    Gauss' rule in 16 panels of 16 nodes over the logarithm of the level, from where the posterior density has fallen by
    e^45; checked against quadrature of the level and the coefficients together, to 1e-8, in
    ``tests/exact/test_regression.py``.
    """
    cut: list[int] = []
    while True:
        if level is not None:
            at, log_weight, edges = np.array([level]), np.zeros(1), None
        else:
            assert log_prior is not None
            at, log_weight, edges = _nodes(problem, tuple(cut), log_prior, ends)
        given = problem.at(at, cut)
        density = given.log_evidence + log_weight
        top = float(density.max())
        _check_reached(top)
        weight = np.exp(density - top)
        total = float(weight.sum())
        weight /= total
        bound = float(weight @ given.neglected)
        if bound <= LIMIT:
            break
        beyond = weight @ problem.tails(at)
        beyond[cut] = -1.0
        cut.append(int(np.argmax(beyond)))
        _check_cut(problem.at(at[[int(np.argmax(weight))]], cut, ends=False), names)
    mean, covariance = moments(given, problem.priors, weight)
    whole = weight @ mean
    off = mean - whole
    spread = np.einsum("k,kij->ij", weight, covariance + off[:, :, None] * off[:, None, :])
    levels = None if edges is None else levels_of(edges, weight)
    if levels is not None and np.abs(levels.density[-2:]).max() > _UNRESOLVED * np.abs(levels.density).max():
        found, expected = "two levels of the noise that fit, far apart", "one"
        raise NotSolved.at("linear regression", found, expected, "Widen the priors of the coefficients.")
    value = -(top + math.log(total))
    return ExactPosterior(problem, value, bound, whole, spread, at, weight, tuple(cut), given, levels)


def _check_reached(top: float) -> None:
    """Refuse priors under which no level has any evidence, by the largest logarithm of it."""
    if not math.isfinite(top):
        found, expected = "priors that lie far from all that data allow", "priors that reach the data"
        raise NotSolved.at("linear regression", found, expected, "Widen them.")


def _check_cut(given: Given, names: Sequence[str]) -> None:
    """Refuse three or more that are cut and depend on each other."""
    if given.cut > 2 and _largest_correlation(given) >= ALONE:
        chosen = given.order[len(given.order) - given.cut :]
        words = ", ".join(names[j] if j < len(names) else f"coefficient {j + 1}" for j in sorted(chosen))
        found = f"the ends of the priors of {words} cut their posterior, and these depend on each other"
        raise NotSolved.at("linear regression", found, "two such at most", "Widen their priors, or make them normal.")


def _largest_correlation(given: Given) -> float:
    """Largest correlation between those that are cut, at any level."""
    root = given.root[:, len(given.order) - given.cut :, len(given.order) - given.cut :]
    covariance = np.einsum("kij,klj->kil", root, root)
    sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    correlation = covariance / (sd[:, :, None] * sd[:, None, :]) - np.eye(given.cut)
    return float(np.abs(correlation).max(initial=0.0))


def _nodes(
    problem: Regression, cut: tuple[int, ...], log_prior: LogPrior, ends: tuple[float, float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Levels (K,) of Gauss' rule, logarithm of prior times weight at each, and edges of the panels in ln level."""

    def density(log_level: FloatArray) -> FloatArray:
        level = np.exp(log_level)
        found: FloatArray = problem.at(level, cut).log_evidence + log_prior(level) + log_level
        return found

    middle = 0.5 * math.log(max(problem.rest, _NONE) / problem.points)
    low = max(math.log(ends[0]) if ends[0] > 0.0 else -math.inf, min(middle, 0.0) - _REACH)
    high = min(math.log(ends[1]) if ends[1] > 0.0 else -math.inf, max(middle, 0.0) + _REACH)
    for _ in range(_ROUNDS):
        places = np.linspace(low, high, _COARSE)[1:-1]
        values = density(places)
        _check_reached(float(values.max()))
        step = float(places[1] - places[0])
        # Data may fit with little noise, or the priors with much: of two modes each may be so much above its places.
        hidden = problem.points * min(step, step * step)
        near = np.flatnonzero(values > values.max() - DROP - hidden)
        first, last = max(low, places[near[0]] - step), min(high, places[near[-1]] + step)
        narrower = last - first < 0.7 * (high - low)
        low, high = float(first), float(last)
        if not narrower:
            break
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    edges = np.linspace(low, high, PANELS + 1)
    half = 0.5 * (edges[1] - edges[0])
    places = (0.5 * (edges[:-1] + edges[1:])[:, None] + half * nodes).ravel()
    level = np.exp(places)
    return level, log_prior(level) + places + np.tile(np.log(half * weights), PANELS), edges


def _between(u: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
    """Standard normal numbers between a and b, from uniform ones; in the tail they keep their digits."""
    from scipy.special import log_ndtr, ndtri_exp

    swap = a > 0.0
    low, high = np.where(swap, -b, a), np.where(swap, -a, b)
    share = np.where(swap, 1.0 - u, u)
    below, above = log_ndtr(low), log_ndtr(high)
    found = ndtri_exp(np.minimum(np.logaddexp(below + np.log1p(-share), above + np.log(share)), above))
    within: FloatArray = np.clip(np.where(swap, -found, found), a, b)
    return within


__all__ = ["ExactPosterior", "Levels", "NotSolved", "exact_posterior"]
