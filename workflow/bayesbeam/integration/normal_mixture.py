"""Mixtures of normal densities: a density close to that of draws, which can be evaluated anywhere and marginalised.

As many components as draws that were left out of the fit ask for, and one where that is enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesbeam.sampling.mixture import parts

FloatArray = NDArray[np.float64]

MOST_COMPONENTS = 4
_ITERATIONS = 40
_SETTLED = 1e-6
# Draws that the spread of all draws counts as in the spread of a component; a component cannot collapse.
_PSEUDO_DRAWS = 1.0
# Gain in the log-density of a draw, nats, below which a further component is not worth its errors.
_WORTH = 0.002
_TURN = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass(frozen=True)
class NormalMixture:
    """Weights (J,), means (J, d) and covariances (J, d, d) of normal components."""

    weight: FloatArray
    mean: FloatArray
    covariance: FloatArray

    def log_density(self, x: FloatArray) -> FloatArray:
        """Logarithm of the density at x (n, d): (n,)."""
        found: FloatArray = logsumexp(_log_terms(self, x), axis=0)
        return found

    def marginal(self, keep: list[int]) -> NormalMixture:
        """Density of some of the numbers, exactly."""
        return NormalMixture(self.weight, self.mean[:, keep], self.covariance[:, keep][:, :, keep])

    @cached_property
    def whitening(self) -> tuple[FloatArray, FloatArray]:
        """Inverse Cholesky factors (J, d, d), and log of weight times density at each mean (J,)."""
        inverse = np.linalg.inv(np.linalg.cholesky(self.covariance))
        size = np.log(self.weight) + np.log(np.diagonal(inverse, axis1=1, axis2=2)).sum(1)
        return inverse, size - 0.5 * self.mean.shape[1] * math.log(2.0 * math.pi)

    @property
    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean (d,) and covariance (d, d) of the whole."""
        mean = self.weight @ self.mean
        step = self.mean - mean
        spread = self.covariance + step[:, :, None] * step[:, None, :]
        return mean, np.tensordot(self.weight, spread, 1)


def fit_mixture(x: FloatArray, components: int, start: NormalMixture | None = None) -> NormalMixture:
    """Mixture of a given number of components that makes draws most likely.

    Parameters
    ----------
    x : array (n, d)
    components : int
    start : NormalMixture, optional
        Where to begin, as of nearly the same draws; far apart draws when left out.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the draws do not span the space.

    Source
    ------
    Dempster, Laird, Rubin, J. R. Stat. Soc. B 39, 1 (1977): expectation and maximisation.
    """
    mean, covariance = x.mean(0), np.atleast_2d(np.cov(x.T, bias=True))
    one = NormalMixture(np.ones(1), mean[None], covariance[None])
    np.linalg.cholesky(covariance)
    if components == 1:
        return one
    spread = components ** (-2.0 / x.shape[1])
    found = start or NormalMixture(
        np.full(components, 1.0 / components),
        x[_far_apart((x - mean) / np.sqrt(np.diag(covariance)), components)],
        np.repeat(spread * one.covariance, components, 0),
    )
    before = -np.inf
    for _ in range(_ITERATIONS):
        log_terms = _log_terms(found, x)
        total = logsumexp(log_terms, axis=0)
        now = float(total.mean())
        if now - before < _SETTLED:
            break
        before, share = now, np.exp(log_terms - total)
        found = _maximised(share, x, spread * covariance)
    return found


def choose_components(chains: FloatArray) -> int:
    """Number of components that draws left out of the fit ask for.

    Parameters
    ----------
    chains : array (C, S, d)
        Independent chains; each half of them is predicted by the other.
    """
    halves = [chains[0::2].reshape(-1, chains.shape[2]), chains[1::2].reshape(-1, chains.shape[2])]
    enough, reached = 1, -np.inf
    for components in range(1, MOST_COMPONENTS + 1):
        if min(map(len, halves)) < 20 * components * chains.shape[2]:
            break
        pairs = zip(halves, halves[::-1], strict=True)
        score = float(np.mean([fit_mixture(a, components).log_density(b).mean() for a, b in pairs]))
        if score > reached + _WORTH:
            enough, reached = components, score
    return enough


def _log_terms(mixture: NormalMixture, x: FloatArray) -> FloatArray:
    """Logarithm of weight times density of each component (J, n)."""
    inverse, size = mixture.whitening
    terms = np.empty((len(size), len(x)))
    for rows in parts(*x.shape):
        for j, (matrix, mean) in enumerate(zip(inverse, mixture.mean, strict=True)):
            step = matrix @ (x[rows] - mean).T
            terms[j, rows] = size[j] - 0.5 * np.square(step, out=step).sum(0)
    return terms


def _maximised(share: FloatArray, x: FloatArray, floor: FloatArray) -> NormalMixture:
    """Mixture of components to which draws belong in shares (J, n)."""
    count = share.sum(1)
    total, covariance = np.zeros((len(share), x.shape[1])), np.zeros((len(share), *floor.shape))
    for rows in parts(*x.shape):
        total += share[:, rows] @ x[rows]
    mean = total / np.maximum(count, 1e-300)[:, None]
    for j, (part, centre) in enumerate(zip(share, mean, strict=True)):
        for rows in parts(*x.shape):
            step = x[rows] - centre
            covariance[j] += (part[rows, None] * step).T @ step
        covariance[j] = (covariance[j] + _PSEUDO_DRAWS * floor) / (count[j] + _PSEUDO_DRAWS)
    return NormalMixture((count + 0.5) / (count + 0.5).sum(), mean, covariance)


def _far_apart(x: FloatArray, number: int) -> list[int]:
    """Some of the draws (n, d), taken in proportion to the squared distance to those already taken.

    Source
    ------
    Arthur and Vassilvitskii, SODA 2007: k-means++, with an even sequence for random numbers.
    """
    chosen = [0]
    nearest = np.full(len(x), np.inf)
    for k in range(1, number):
        nearest = np.minimum(nearest, np.square(x - x[chosen[-1]]).sum(1))
        total = np.cumsum(nearest)
        chosen.append(min(int(np.searchsorted(total, (k * _TURN % 1.0) * total[-1])), len(x) - 1))
    return chosen
