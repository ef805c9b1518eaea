"""Integration after the fact: posteriors of single measurements multiplied, in place of sampling them together.

For measurements that share parameters s of prior p(s) and have all else for themselves,
``sum F_i - F_together = ln integral of prod_i p(s | Y_i) / p(s)^(n - 1) ds``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesbeam.integration.proposal import heavy_gain, points_about
from bayesbeam.integration.single import Single
from bayesbeam.integration.uncertain import Uncertain
from bayesbeam.sampling.diagnostics import effective_sample_sizes

FloatArray = NDArray[np.float64]

LEAST_DRAWS = 50.0
"""Effective points, or draws of a member, below which nothing is concluded from them."""
LEAST_BEYOND = 5.0
"""Draws of a measurement that are to lie as far out as the product does, or farther."""


@dataclass(frozen=True)
class Product:
    """Posteriors of several measurements multiplied.

    Attributes
    ----------
    members : tuple of str
    gain : float, nats
        ``sum F_i - F_together``; above zero the measurements are better explained by shared parameters.
    influence : array (n, C)
        What the gain owes to each chain of each member: its errors, to be added in quadrature, and to be compared with
        those of other products of the same measurements.
    own_error : float, nats
        Of the integral itself, and of densities where draws of the members disagree with them.
    points, weight : array (n, d) and (n,)
        Draws of the shared parameters with weights that add up to one.
    effective_points : float
    effective_draws : array (n,)
        How many draws of each member are left as draws of the whole.
    beyond : array (n,)
        How many draws of each member lie as far out as the product does, or farther.
    ceiling : float, nats
        The gain, or where it is refused as a guess what it would be at most, if densities had heavy tails.
    """

    members: tuple[str, ...]
    gain: float
    influence: FloatArray
    own_error: float
    points: FloatArray
    weight: FloatArray
    effective_points: float
    effective_draws: FloatArray
    beyond: FloatArray
    ceiling: float

    @property
    def standard_error(self) -> float:
        """Standard error of the gain, nats."""
        return math.sqrt(float(np.square(self.influence).sum()) + self.own_error**2)

    @property
    def refusal(self) -> str:
        """Why the gain is not to be believed; empty where it is."""
        if self.effective_points < LEAST_DRAWS:
            return f"the product of the densities is hit by {self.effective_points:.0f} points only"
        worst = int(np.argmin(self.beyond))
        if self.beyond[worst] < LEAST_BEYOND:
            number = self.beyond[worst]
            return f"the product lies where {self.members[worst]} has {number:.1f} draws: its density is a guess there"
        return ""

    @property
    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean (d,) and covariance (d, d) of the shared parameters."""
        mean = self.weight @ self.points
        step = self.points - mean
        return mean, (self.weight[:, None] * step).T @ step

    @property
    def uncertain(self) -> Uncertain:
        """The gain with what its errors are owed to."""
        chains = {f"density of {name}": row for name, row in zip(self.members, self.influence, strict=True)}
        own = {f"integral of {'+'.join(self.members)}": np.array([self.own_error])}
        return Uncertain(self.gain, chains | own, self.refusal, self.ceiling if self.refusal else None)

    def draw(self, count: int) -> FloatArray:
        """Draws of the shared parameters (count, d) of equal weight, by an even sequence of the weights."""
        found: FloatArray = self.points[evenly(self.weight, count)]
        return found


def product(singles: Sequence[Single], errors: bool = True) -> Product:
    """Multiply the posteriors of some measurements.

    Parameters
    ----------
    singles : sequence of Single
        At least two, of the same shared parameters.
    errors : bool
        Whether errors are asked for; without, a third of the work.

    Notes
    -----
    The integral is taken over fitted densities, by importance sampling from a normal density widened a little. Its
    error is found by leaving out a chain of a member at a time (jackknife). For each member the integral is also taken
    as an average over its own draws, which asks nothing of its density; where the two differ by more than twice
    their error, the difference counts as error too.

    Source
    ------
    Scott et al., Int. J. Manag. Sci. Eng. Manag. 11, 78 (2016): posteriors of parts of data, multiplied; Neiswanger,
    Wang, Xing, UAI 2014: by densities. Checked against: testsystems.LinearGaussian, and sampling together.
    """
    points, log_proposal = points_about(singles)
    densities = np.array([one.density.log_density(points) for one in singles])
    log_weight = densities.sum(0) - (len(singles) - 1) * singles[0].log_prior_at(points) - log_proposal
    gain = float(logsumexp(log_weight) - math.log(len(points)))
    weight = np.exp(log_weight - logsumexp(log_weight))
    effective = 1.0 / float(np.square(weight).sum())
    names = tuple(one.name for one in singles)
    unknown = np.full(len(singles), math.nan)
    if not errors:
        nothing = np.zeros((len(singles), 0))
        return Product(names, gain, nothing, 0.0, points, weight, effective, unknown, unknown, gain)
    influence = np.array(
        [_influence(one, points, weight, density) for one, density in zip(singles, densities, strict=True)]
    )
    looked = [_look(singles, k, gain, float(weight @ densities[k])) for k in range(len(singles))]
    own = math.hypot(math.sqrt(max(1.0 / effective - 1.0 / len(points), 0.0)), sum(one.doubt for one in looked))
    found = Product(
        names, gain, influence, own, points, weight, effective,
        np.array([one.effective for one in looked]), np.array([one.beyond for one in looked]), gain,
    )  # fmt: skip
    return replace(found, ceiling=max(gain, heavy_gain(singles))) if found.refusal else found


def evenly(weight: FloatArray, count: int) -> NDArray[np.int64]:
    """Places that an even sequence of so many steps finds in a distribution (n,)."""
    edges = np.cumsum(weight)
    steps = (np.arange(count) + 0.5) / count * edges[-1]
    return np.asarray(np.minimum(np.searchsorted(edges, steps), len(weight) - 1), dtype=np.int64)


@dataclass(frozen=True)
class _Look:
    """The product as the draws of one member see it."""

    doubt: float
    effective: float
    beyond: float


def _look(singles: Sequence[Single], member: int, gain: float, height: float) -> _Look:
    """Gain as an average over the draws of a member, compared; and how far out of them the product lies.

    ``height`` is the average log density of this member over the product.
    """
    one = singles[member]
    log_weight, weight = _weights_of_draws(singles, member)
    by_chain = logsumexp(log_weight.reshape(one.chains.shape[:2]), axis=1)
    count = len(by_chain)
    total = float(logsumexp(by_chain))
    left_out = logsumexp(np.where(np.eye(count, dtype=bool), -np.inf, by_chain[None]), axis=1)
    left_out += math.log(count / (count - 1))
    error = math.sqrt((count - 1) / count * float(np.square(left_out - left_out.mean()).sum()))
    difference = abs(total - math.log(log_weight.size) - gain)
    effective = _effective(one, weight)
    share = float((one.density.log_density(one.draws) <= height).mean())
    trusted = effective >= LEAST_DRAWS
    return _Look(max(difference - 2.0 * error, 0.0) if trusted else 0.0, effective, share * _independent(one))


def _weights_of_draws(singles: Sequence[Single], member: int) -> tuple[FloatArray, FloatArray]:
    """Logarithm of what makes the draws of a member draws of the whole (C S,), and the same as weights."""
    draws = singles[member].draws
    log_weight = -(len(singles) - 1) * singles[member].log_prior_at(draws)
    for k, one in enumerate(singles):
        if k != member:
            log_weight += one.density.log_density(draws)
    return log_weight, np.exp(log_weight - logsumexp(log_weight))


def _effective(one: Single, weight: FloatArray) -> float:
    """Independent draws that weighted draws of a measurement are worth."""
    return _independent(one) / len(weight) / float(np.square(weight).sum())


def _independent(one: Single) -> float:
    """Independent draws that the draws of a measurement are worth, in the worst direction."""
    sizes = effective_sample_sizes(one.chains.transpose(2, 0, 1))
    return float(min(sizes.min(), one.chains.shape[0] * one.chains.shape[1]))


def _influence(one: Single, points: FloatArray, weight: FloatArray, density: FloatArray) -> FloatArray:
    """Changes of the gain when the density is fitted without one of the chains (C,), so that their squares add up."""
    changes = np.array([np.log(np.exp(other.log_density(points) - density) @ weight) for other in one.without])
    found: FloatArray = (changes - changes.mean()) * math.sqrt((len(changes) - 1) / len(changes))
    return found
