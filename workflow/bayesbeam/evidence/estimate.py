"""A free energy with its error, and the delete-one-chain jackknife that every estimator uses.

Chains are independent and long; draws within a chain and neighbouring rungs are correlated, so nothing smaller than a
chain is left out, and the errors of pairs of rungs are never added in quadrature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesbeam.errors import LadderError, SamplingError


@dataclass(frozen=True)
class FreeEnergy:
    """Free energy F = -ln Z in nats, its standard error and the degrees of freedom of that error."""

    value: float
    standard_error: float
    degrees_of_freedom: int


def jackknife(pooled: Tensor, without: Tensor) -> FreeEnergy:
    """Free energy from all chains with the jackknife error from leaving each out.

    Parameters
    ----------
    pooled : Tensor (), float64, nats
        Estimate from all chains together.
    without : Tensor (C,), float64, nats
        Estimates without chain c.

    Raises
    ------
    SamplingError
        With fewer than two chains, for which no error can be stated.

    Source
    ------
    Efron and Stein, Ann. Statist. 9, 586 (1981). Checked against: testsystems.LinearGaussian, coverage of intervals.
    """
    chains = without.shape[0]
    if chains < 2:
        raise SamplingError.at("chains", f"{chains}", "at least 2", "Raise sampling.chains: no error without it.")
    spread = ((without - without.mean()) ** 2).sum() * (chains - 1) / chains
    return FreeEnergy(float(pooled), math.sqrt(float(spread)), chains - 1)


def leave_one_out_logsumexp(log_weight: Tensor) -> tuple[Tensor, Tensor]:
    """Log of the mean weight per rung pair, from all chains and without each.

    Parameters
    ----------
    log_weight : Tensor (S, C, L), float64

    Returns
    -------
    pooled : Tensor (L,)
    without : Tensor (C, L)
    """
    steps, chains = log_weight.shape[:2]
    top = torch.clamp(log_weight.amax(dim=(0, 1)), min=torch.finfo(torch.float64).min)
    per_chain = torch.exp(log_weight - top).sum(0)
    total = per_chain.sum(0)
    pooled = top + torch.log(total) - math.log(steps * chains)
    without = top + torch.log(torch.clamp(total - per_chain, min=0.0)) - math.log(steps * max(chains - 1, 1))
    return pooled, without


def check_ladder(beta: Tensor, whole: bool = True) -> None:
    """Refuse a ladder (..., R) that does not rise strictly, and a whole one that does not go from 0 to 1.

    Raises
    ------
    LadderError
        Naming the first bad index.
    """
    rise = torch.diff(beta, dim=-1)
    if whole and bool(((beta[..., 0] != 0) | (beta[..., -1] != 1)).any()):
        raise LadderError.at(
            "ladder", f"from {beta[..., 0].min():g} to {beta[..., -1].max():g}", "from 0 to 1", "Rescale it."
        )
    bad = ~(rise > 0)
    if bool(bad.any()):
        index = int(torch.nonzero(bad)[0, -1])
        raise LadderError.at("ladder", f"not rising after index {index}", "strictly rising values", "Sort it.")
