"""How z-scores of many replications of a free-energy estimate look, and systems with populations to estimate from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bayesbeam.evidence.estimate import FreeEnergy

FloatArray = NDArray[np.float64]

MOST_SIGMA = 4.5


@dataclass(frozen=True)
class Score:
    """Mean of z in its standard errors, actual over stated spread, coverage of 95 % intervals and its departure."""

    mean_in_errors: float
    spread_over_stated: float
    coverage: float
    coverage_in_errors: float

    @property
    def safe(self) -> bool:
        """As passes, but stated errors may be up to a third too large: that of ``smc`` is the larger of two."""
        unbiased = abs(self.mean_in_errors) < MOST_SIGMA
        return unbiased and abs(self.coverage_in_errors) < MOST_SIGMA and 0.75 < self.spread_over_stated < 1.15

    @property
    def passes(self) -> bool:
        unbiased = abs(self.mean_in_errors) < MOST_SIGMA
        return unbiased and abs(self.coverage_in_errors) < MOST_SIGMA and abs(self.spread_over_stated - 1.0) < 0.15


def score(found: Sequence[FreeEnergy], truth: float) -> Score:
    """Score of estimates of one free energy."""
    gap = np.array([f.value for f in found]) - truth
    stated = np.array([f.standard_error for f in found])
    limit = stats.t(found[0].degrees_of_freedom).ppf(0.975)
    coverage = float((np.abs(gap / stated) < limit).mean())
    return Score(
        mean_in_errors=float(gap.mean() / gap.std(ddof=1)) * math.sqrt(len(gap)),
        spread_over_stated=float(gap.std(ddof=1) / np.sqrt(np.square(stated).mean())),
        coverage=coverage,
        coverage_in_errors=(coverage - 0.95) / math.sqrt(0.95 * 0.05 / len(gap)),
    )


@dataclass(frozen=True)
class Wells:
    """Wells that no move leaves: ``lnL = height_j - stiffness |x|^2 / 2`` in well j of prior ``part_j``, x normal.

    Within a well every draw is exact and independent, so all that a population can get wrong is how many of its states
    are in which well: it knows that from its prior draws alone.
    """

    part: tuple[float, ...] = (0.6, 0.4)
    height: tuple[float, ...] = (0.0, 2.5)
    stiffness: float = 200.0
    dimension: int = 3

    def log_weights(self, beta: float) -> FloatArray:
        """Logarithm of the integral over each well."""
        return np.log(self.part) + beta * np.array(self.height) - 0.5 * self.dimension * np.log1p(beta * self.stiffness)

    def free_energy(self) -> float:
        """Free energy in nats, in closed form."""
        return -float(np.logaddexp.reduce(self.log_weights(1.0)))

    def draw(self, well: NDArray[np.int64], beta: FloatArray | float, rng: np.random.Generator) -> FloatArray:
        """Log-likelihoods of independent draws in given wells."""
        square = rng.chisquare(self.dimension, well.shape) / (1.0 + np.asarray(beta) * self.stiffness)
        return np.array(self.height)[well] - 0.5 * self.stiffness * square

    def at_random(self, shape: tuple[int, ...], beta: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """Wells of exact draws."""
        weight = np.exp(self.log_weights(beta))
        return (rng.random(shape) > weight[0] / weight.sum()).astype(np.int64)


@dataclass(frozen=True)
class Record:
    """What tempered SMC and the replica exchange that began from it have seen, in many replications at once."""

    beta: FloatArray
    stages: list[FloatArray]
    log_likelihood: FloatArray


def populations_and_chains(
    wells: Wells, beta: FloatArray, replications: int, chains: int, rng: np.random.Generator, ancestors: int = 16
) -> Record:
    """Waste-free SMC with C populations, and chains that begin in their population and forget it slowly.

    Returns
    -------
    Record
        ``stages``: arrays (replications, C, n), 8 states an ancestor; ``log_likelihood``: (replications, S, C, R) on
        the same inverse temperatures, 50 draws of which each is in a well drawn anew with probability 0.2.
    """
    size = (replications, chains, 8 * ancestors)
    well, wells_of_stages, stages = wells.at_random(size, 0.0, rng), [], []
    for k, here in enumerate(beta):
        stages.append(wells.draw(well, here, rng))
        wells_of_stages.append(well)
        if k + 1 < len(beta):
            weight = np.exp((beta[k + 1] - here) * (stages[-1] - stages[-1].max(axis=-1, keepdims=True)))
            cumulative = np.cumsum(weight, axis=-1) / weight.sum(axis=-1, keepdims=True)
            aim = (np.arange(ancestors) + rng.random((*size[:2], 1))) / ancestors
            chosen = np.minimum((cumulative[..., None, :] < aim[..., None]).sum(-1), size[-1] - 1)
            well = np.repeat(np.take_along_axis(well, chosen, axis=-1), 8, axis=-1)
    state = np.stack([of_stage[..., 0] for of_stage in wells_of_stages], axis=-1)
    draws = []
    for _ in range(50):
        fresh = np.stack([wells.at_random(size[:2], float(b), rng) for b in beta], axis=-1)
        state = np.where(rng.random(state.shape) < 0.2, fresh, state)
        draws.append(wells.draw(state, beta, rng))
    return Record(beta, stages, np.stack(draws[10:], axis=1))
