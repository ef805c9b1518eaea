"""Stepping-stone free energy, up and down the ladder; the gap of the two is a free alarm."""

from __future__ import annotations

import torch
from torch import Tensor

from bayesbeam.evidence.estimate import FreeEnergy, check_ladder, jackknife, leave_one_out_logsumexp


def stepping_stone_forward(log_likelihood: Tensor, beta: Tensor) -> FreeEnergy:
    """Free energy from each rung looking up to the next.

    Parameters
    ----------
    log_likelihood : Tensor (S, C, R), float64, nats
        Untempered log-likelihood of stored draws, replica r drawn at ``beta[r]``.
    beta : Tensor (R,), float64
        Ladder from 0 to 1.

    Notes
    -----
    ``ln Z = sum_l ln < exp((beta_{l+1} - beta_l) lnL) >_{beta_l}``; draws of all chains are pooled before the log.

    Source
    ------
    Xie, Lewis, Fan, Kuo, Chen, Syst. Biol. 60, 150 (2011): equation 9. Checked against: testsystems.LinearGaussian.
    """
    check_ladder(beta, whole=False)
    pooled, without = leave_one_out_logsumexp(torch.diff(beta) * log_likelihood[..., :-1])
    return jackknife(-pooled.sum(), -without.sum(-1))


def stepping_stone_backward(log_likelihood: Tensor, beta: Tensor) -> FreeEnergy:
    """Free energy from each rung looking down to the one before; shapes and source as in the forward one.

    Notes
    -----
    ``ln Z = - sum_l ln < exp(-(beta_{l+1} - beta_l) lnL) >_{beta_{l+1}}``
    """
    check_ladder(beta, whole=False)
    pooled, without = leave_one_out_logsumexp(-torch.diff(beta) * log_likelihood[..., 1:])
    return jackknife(pooled.sum(), without.sum(-1))
