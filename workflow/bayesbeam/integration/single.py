"""What one measurement by itself says of the parameters that may be shared: draws, and a density fitted to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import SamplingError
from bayesbeam.integration.normal_mixture import NormalMixture, choose_components, fit_mixture

FloatArray = NDArray[np.float64]
LogDensity = Callable[[FloatArray], FloatArray]

LEAST_CHAINS = 4
_MOST_DRAWS = 6000


@dataclass(frozen=True)
class Single:
    """Posterior of the shared parameters from one measurement alone, in coordinates without bounds.

    Attributes
    ----------
    name : str
        The measurement.
    chains : array (C, S, d)
        Draws of independent chains.
    log_prior : tuple of callable, length d
        Log density of the prior of each coordinate, of values (n,).
    density : NormalMixture
        Fitted to all draws.
    without : tuple of NormalMixture, length C
        The same, fitted without one of the chains: what they differ by is the error of the density.
    """

    name: str
    chains: FloatArray
    log_prior: tuple[LogDensity, ...]
    density: NormalMixture
    without: tuple[NormalMixture, ...]

    @property
    def draws(self) -> FloatArray:
        """All draws (C S, d), chain by chain."""
        return self.chains.reshape(-1, self.chains.shape[2])

    def of(self, keep: Sequence[int]) -> Single:
        """The same of some of the shared parameters."""
        columns = list(keep)
        return Single(
            self.name,
            self.chains[:, :, columns],
            tuple(self.log_prior[k] for k in columns),
            self.density.marginal(columns),
            tuple(one.marginal(columns) for one in self.without),
        )

    def log_prior_at(self, x: FloatArray) -> FloatArray:
        """Log density (n,) of the prior at x (n, d)."""
        total = np.zeros(len(x))
        for k, one in enumerate(self.log_prior):
            total += one(x[:, k])
        return total


def single_posterior(name: str, chains: FloatArray, log_prior: Sequence[LogDensity]) -> Single:
    """Fit a density to the draws of one measurement.

    Parameters
    ----------
    name : str
        The measurement, for messages.
    chains : array (C, S, d)
        Draws in coordinates without bounds; one chain is cut into blocks, which should be longer than its memory.
    log_prior : sequence of callable, length d

    Raises
    ------
    SamplingError
        If draws are too few or do not move.
    """
    chains = _in_chains(np.asarray(chains, dtype=np.float64))
    total, d = chains.shape[0] * chains.shape[1], chains.shape[2]
    if total < 50 * d:
        found, needed = f"{total} draws of {d} shared parameters", f"{50 * d} or more"
        raise SamplingError.at(f"measurement {name}", found, needed, "Raise sampling.draws.")
    thinned = chains[:, :: max(1, math.ceil(total / _MOST_DRAWS))]
    try:
        components = choose_components(thinned)
        density = fit_mixture(thinned.reshape(-1, d), components)
        start = density if components > 1 else None
        left_out = (np.delete(thinned, c, 0).reshape(-1, d) for c in range(len(thinned)))
        without = tuple(fit_mixture(draws, components, start) for draws in left_out)
    except np.linalg.LinAlgError as problem:
        found = "draws of the shared parameters that do not span their space"
        remedy = "Share fewer of them, or those that the data determine."
        raise SamplingError.at(f"measurement {name}", found, "draws in every direction", remedy) from problem
    return Single(name, chains, tuple(log_prior), density, without)


def _in_chains(chains: FloatArray) -> FloatArray:
    """Draws as at least a few chains: a long one is cut into blocks."""
    if len(chains) >= LEAST_CHAINS:
        return chains
    blocks = math.ceil(8 / len(chains))
    length = chains.shape[1] // blocks
    return chains[:, : blocks * length].reshape(len(chains) * blocks, length, chains.shape[2])
