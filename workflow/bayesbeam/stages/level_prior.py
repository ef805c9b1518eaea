"""The prior under which a stated level of the noise is integrated out, cut to the levels that a run can tell of.

Decides which priors say too little of those levels; the integral itself is in ``evidence.noise_level``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bayesbeam.config.noise import LEAST_SHARE, WIDEST
from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import BayesbeamError, ModelError
from bayesbeam.io.store import Measurement
from bayesbeam.priors.base import Prior
from bayesbeam.stages.rates import data_words

FloatArray = NDArray[np.float64]
# Places at which the prior is looked at: evenly in the logarithm of the level, and in its own quantiles.
_EVEN, _QUANTILES = 20001, 4001
_INSIDE = 1e-12


@dataclass(frozen=True)
class LevelPrior:
    """Prior of the logarithm of a level over the stated one, at factors (n,) that ascend; zero outside of them."""

    text: str
    at: FloatArray
    log_density: Callable[[FloatArray], FloatArray]


def level_prior(spec: CandidateSpec, m: Measurement) -> LevelPrior | None:
    """Prior of the level of a candidate, normalised over the levels of a run; None where none is stated.

    Raises
    ------
    ModelError
        If it does not fit the data, or less than half of it lies at levels of which the run can tell.
    """
    noise = spec.noise
    if noise.level is None:
        return None
    where, stated = f"measurement {m.id}: prior of the noise level", noise.value if noise.value is not None else 1.0
    try:
        prior = noise.level.resolve(data_words(spec, m))
    except BayesbeamError as error:
        found = f"{noise.level} does not fit its data ({error})"
        raise ModelError.at(where, found, "a proper prior", "State it with numbers.") from error
    low, high = stated, WIDEST * stated
    share = prior.share(low, high)
    if share < LEAST_SHARE:
        found = f"{prior}, of which {100 * share:.2g} % lies between {low:g} and {high:g}"
        remedy = "State a sigma that is surely too small, or change the prior."
        raise ModelError.at(where, found, "half of it at least, from the stated sigma on", remedy)
    first, last = prior.support()
    ends = max(first, low) * (1.0 + _INSIDE), min(last, high) * (1.0 - _INSIDE)
    level = np.unique(np.concatenate([np.geomspace(*ends, _EVEN), _quantiles(prior, *ends)]))

    def density(factor: FloatArray) -> FloatArray:
        sigma = factor * stated
        found: FloatArray = prior.log_prob(torch.from_numpy(np.ascontiguousarray(sigma))).numpy() + np.log(sigma)
        return found

    whole = float(np.log(np.trapezoid(np.exp(density(level / stated)), np.log(level))))
    return LevelPrior(str(prior), level / stated, lambda factor: density(factor) - whole)


def check_level(spec: CandidateSpec, members: Sequence[Sequence[Measurement]]) -> None:
    """Refuse a prior of the level that does not fit a measurement, before anything is sampled."""
    for group in members:
        for m in group:
            level_prior(spec, m)


def _quantiles(prior: Prior, low: float, high: float) -> FloatArray:
    """Quantiles of a prior that lie between two values."""
    u = (torch.arange(_QUANTILES, dtype=torch.float64) + 0.5) / _QUANTILES
    found: FloatArray = prior.icdf(u).numpy()
    return found[(found > low) & (found < high)]
