"""Bennett's acceptance ratio between neighbouring rungs, and all estimates of neighbours from common weights."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from bayesbeam.evidence.estimate import FloatArray, FreeEnergy, host_array, jackknife
from bayesbeam.evidence.pairs import Weights, bennett, neighbour_weights
from bayesbeam.evidence.stepping_stone import backward, forward


def bar(log_likelihood: FloatArray | Tensor, beta: FloatArray | Tensor) -> FreeEnergy:
    """Free energy by Bennett's acceptance ratio, pair by pair along the ladder.

    Parameters
    ----------
    log_likelihood : array or Tensor (S, C, R), float64, nats
        Untempered log-likelihood of stored draws, replica r drawn at ``beta[r]``.
    beta : array or Tensor (R,), float64
        Ladder, strictly rising; F is that of the last rung less that of the first.

    Notes
    -----
    Solved by Newton steps on pooled draws; leaving a chain out is one more step from the pooled root, which is exact
    to order 1/C^2. Memory O(S C R). Infinite, without an error, where a rung has no possible draw, or one above the
    lowest an impossible draw; without an error too where neighbours share less than one draw.

    Source
    ------
    Bennett, J. Comput. Phys. 22, 245 (1976): equation 12; Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008).
    Checked against: Bennett's equation solved by another method, testsystems, and the two stepping stones.
    """
    return _bar(*neighbour_weights(log_likelihood, beta))


def neighbour_estimates(log_likelihood: FloatArray | Tensor, beta: FloatArray | Tensor) -> dict[str, FreeEnergy]:
    """Bennett's acceptance ratio and the stepping stones up and down; weights are computed once.

    Parameters
    ----------
    log_likelihood : array or Tensor (S, C, R), float64, nats
    beta : array or Tensor (R,), float64

    Returns
    -------
    dict of FreeEnergy
        ``bar``, ``stepping_stone_forward``, ``stepping_stone_backward``, to the bit as the functions of these names.
    """
    draws = host_array(log_likelihood)
    up, down = neighbour_weights(draws, beta)
    return {
        "bar": _bar(up, down),
        "stepping_stone_forward": forward(up),
        "stepping_stone_backward": backward(draws, np.diff(host_array(beta))),
    }


def _bar(up: Weights, down: Weights) -> FreeEnergy:
    """Free energy from the weights between neighbours."""
    root, without = bennett(up, down)
    return jackknife(-float(root.sum()), -without.sum(-1))
