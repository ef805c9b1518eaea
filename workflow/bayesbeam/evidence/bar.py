"""Bennett's acceptance ratio between neighbouring rungs: the estimator that this project quotes."""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam.evidence.estimate import FreeEnergy, check_ladder, jackknife, leave_one_out_logsumexp

_ITERATIONS = 60


def bar(log_likelihood: Tensor, beta: Tensor) -> FreeEnergy:
    """Free energy by Bennett's acceptance ratio, pair by pair along the ladder.

    Parameters
    ----------
    log_likelihood : Tensor (S, C, R), float64, nats
        Untempered log-likelihood of stored draws, replica r drawn at ``beta[r]``.
    beta : Tensor (R,), float64
        Ladder from 0 to 1.

    Notes
    -----
    Solved by bisection on pooled draws; leaving a chain out is one Newton step from the pooled root, which is exact to
    order 1/C^2. Memory O(S C R).

    Source
    ------
    Bennett, J. Comput. Phys. 22, 245 (1976): equation 12; Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008).
    Checked against: testsystems.LinearGaussian, and the two stepping stones.
    """
    check_ladder(beta, whole=False)
    gap = torch.diff(beta)
    up = gap * log_likelihood[..., :-1]
    down = gap * log_likelihood[..., 1:]
    root = _solve(up, down)
    slope, value = _balance(up, down, root)
    without = root + (value.sum(0) - value) / (slope.sum(0) - slope)
    return jackknife(-root.sum(), -without.sum(-1))


def _balance(up: Tensor, down: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
    """Slope (positive) and value of Bennett's equation, summed per chain: (C, L) each; value falls with root."""
    above, below = torch.sigmoid(up - root), torch.sigmoid(root - down)
    value = above.sum(0) - below.sum(0)
    slope = (above * (1 - above)).sum(0) + (below * (1 - below)).sum(0)
    return slope, value


def _solve(up: Tensor, down: Tensor) -> Tensor:
    """Root of Bennett's equation for each pair (L,): the ln of the ratio of the normalisers."""
    forward, _ = leave_one_out_logsumexp(up)
    backward, _ = leave_one_out_logsumexp(-down)
    low = torch.minimum(forward, -backward) - 1.0
    high = torch.maximum(forward, -backward) + 1.0
    for _ in range(_ITERATIONS):
        middle = 0.5 * (low + high)
        value = _balance(up, down, middle)[1].sum(0)
        low = torch.where(value > 0, middle, low)
        high = torch.where(value > 0, high, middle)
    return 0.5 * (low + high)
