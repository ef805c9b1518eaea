"""Stepping-stone free energy, up and down the ladder; the gap of the two is a free alarm."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from bayesbeam.evidence.estimate import FloatArray, FreeEnergy, all_but_one, host_array, jackknife
from bayesbeam.evidence.pairs import Weights, neighbour_weights


def stepping_stone_forward(log_likelihood: FloatArray | Tensor, beta: FloatArray | Tensor) -> FreeEnergy:
    """Free energy from each rung looking up to the next.

    Parameters
    ----------
    log_likelihood : array or Tensor (S, C, R), float64, nats
        Untempered log-likelihood of stored draws, replica r drawn at ``beta[r]``.
    beta : array or Tensor (R,), float64
        Ladder, strictly rising; F is that of the last rung less that of the first.

    Notes
    -----
    ``ln Z = sum_l ln < exp((beta_{l+1} - beta_l) lnL) >_{beta_l}``; draws of all chains are pooled before the log.

    Source
    ------
    Xie, Lewis, Fan, Kuo, Chen, Syst. Biol. 60, 150 (2011): equation 9. Checked against: testsystems, closed forms.
    """
    return forward(neighbour_weights(log_likelihood, beta)[0])


def stepping_stone_backward(log_likelihood: FloatArray | Tensor, beta: FloatArray | Tensor) -> FreeEnergy:
    """Free energy from each rung looking down to the one before; shapes and source as in the forward one.

    Notes
    -----
    ``ln Z = ln P - sum_l ln < exp(-(beta_{l+1} - beta_l) lnL) >_{beta_{l+1}}``, where P is the part of the draws of the
    first rung that is possible: looking down, states of zero likelihood are never seen.
    """
    draws = host_array(log_likelihood)
    return backward(neighbour_weights(draws, beta)[1], draws[..., 0])


def forward(up: Weights) -> FreeEnergy:
    """Free energy from the weights towards the rungs above."""
    pooled, without = up.log_mean()
    return jackknife(-float(pooled.sum()), -without.sum(-1))


def backward(down: Weights, lowest: FloatArray) -> FreeEnergy:
    """Free energy from the weights towards the rungs below, and the draws of the lowest rung (S, C)."""
    pooled, without = down.log_mean()
    possible = np.isfinite(lowest).sum(axis=0, dtype=np.float64)
    steps, chains = lowest.shape
    with np.errstate(divide="ignore"):  # nothing possible: no evidence
        part = np.log(possible.sum() / (steps * chains))
        part_without = np.log(all_but_one(possible) / (steps * max(chains - 1, 1)))
    return jackknife(float(pooled.sum() - part), without.sum(-1) - part_without)
