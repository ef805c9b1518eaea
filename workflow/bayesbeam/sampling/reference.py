"""A normalised density close to the posterior: from it F by bridge sampling, and jumps between far states at beta = 1.

It is fitted to the populations' states at beta = 1, for even chains to those of odd ones and the other way round, so
that no chain meets a density that was made from its own states. Any density gives the right F and the right
posterior; a good one gives them soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.sampling.mixture import Mixture
from bayesbeam.sampling.mixture_fit import fit
from bayesbeam.sampling.populations import Climb
from bayesbeam.targets.base import Target
from bayesbeam.targets.exchangeable import relabel

FloatArray = NDArray[np.float64]

# Draws of replica exchange of each chain to fit a density to.
MOST_DRAWS = 400
# With more free numbers than this, populations are too small to fit a density to.
MOST_DIMENSIONS = 48


@dataclass
class Reference:
    """Fitted densities of one group, and what was offered from them.

    Attributes
    ----------
    even, odd : Mixture
        For chains of even and of odd number.
    log_weight : list of arrays (m, C)
        Logarithms of posterior (not normalised) over density of all states drawn so far.
    """

    even: Mixture
    odd: Mixture
    log_weight: list[FloatArray] = field(default_factory=list)

    @property
    def simple(self) -> bool:
        """Whether one component is close enough to the posterior."""
        return all(len(density.weight) == 1 for density in self.halves)

    @property
    def halves(self) -> tuple[Mixture, Mixture]:
        """Densities for even chains and for odd ones."""
        return self.even, self.odd


def fit_references(target: Target, climbs: Sequence[Climb]) -> list[Reference | None]:
    """Densities of all groups of a target whose populations have arrived; None where there is none to be had."""
    if not target.moving:
        return [None] * len(climbs)
    chains = len(climbs[0].log_likelihood[-1])
    if target.coordinates.dimensions > MOST_DIMENSIONS or chains < 2:
        return [None] * len(climbs)
    log_prior = host(target.log_prior(torch.stack([climb.last for climb in climbs])))
    return [
        _fit(target, g, host(climb.last).transpose(1, 2, 0, 3), climb.log_likelihood[-1] + log_prior[g])
        for g, climb in enumerate(climbs)
    ]


def fit_again(
    target: Target, group: int, climb: Climb, theta: FloatArray, log_likelihood: FloatArray
) -> Reference | None:
    """Densities of one group from its populations' states and draws of replica exchange.

    Parameters
    ----------
    theta : array (S, D, C, P)
        Draws at beta = 1.
    log_likelihood : array (S, C), nats

    Returns
    -------
    Reference or None
        Nothing is drawn from it yet.
    """
    every = max(len(theta) // MOST_DRAWS, 1)
    states = np.concatenate([host(climb.last).transpose(1, 2, 0, 3), theta[::every].transpose(2, 0, 1, 3)], 1)
    likelihood = np.concatenate([climb.log_likelihood[-1], log_likelihood[::every].T], 1)
    return _fit(target, group, states, likelihood + log_prior_of(target, group, states))


def _fit(target: Target, group: int, theta: FloatArray, log_posterior: FloatArray) -> Reference | None:
    """Densities of one group, from states (C, n, D, P) and their posterior (C, n) up to a constant."""
    chains, draws = log_posterior.shape
    states = relabel(target, theta.reshape(chains * draws, *theta.shape[2:]))
    x, log_volume = target.coordinates.free(group, states)
    x, log_posterior = x.reshape(chains, draws, -1), log_posterior + log_volume.reshape(chains, draws)
    if not (np.isfinite(x).all() and np.isfinite(log_posterior).all()):
        return None
    halves = []
    for half in range(2):
        others = slice(1 - half, None, 2)
        own, posterior = x[others].reshape(-1, x.shape[2]), log_posterior[others].ravel()
        try:
            halves.append(fit(own, np.ones(len(own)), posterior))
        except np.linalg.LinAlgError:
            return None
    return Reference(halves[0], halves[1])


def log_prior_of(target: Target, group: int, theta: FloatArray) -> FloatArray:
    """Logarithm of the prior of states (C, n, D, P) of one group, (C, n)."""
    states = torch.from_numpy(np.ascontiguousarray(theta.transpose(2, 0, 1, 3)))[None].to(target.device)
    found: FloatArray = host(target.select(torch.tensor([group], device=target.device)).log_prior(states))[0]
    return found


def host(values: Tensor) -> FloatArray:
    """Numbers on the host."""
    return np.array(values.cpu().numpy(), dtype=np.float64)
