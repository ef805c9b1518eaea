"""Stepping-stone free energy, up and down the ladder; the gap of the two is a free alarm."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from bayesbeam.evidence.estimate import FloatArray, FreeEnergy, all_but_one, check_ladder, host_array, jackknife
from bayesbeam.evidence.pairs import Weights, neighbour_weights, weights

# Part of the possible draws of a rung, those of least likelihood, that the rung above does not look down to.
LEFT_OUT = 0.25
# Draws of a rung from which its floor is taken, about.
_ENOUGH = 4096


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
    """Free energy from each rung looking down to the one before, above a floor; shapes as in the forward one.

    Notes
    -----
    ``ln Z = sum_l ln P_l - ln < exp(-(beta_{l+1} - beta_l) lnL) [lnL >= t_l] >_{beta_{l+1}}``, where P_l is the part of
    the draws of rung l with ``lnL >= t_l``; exact for any floor t_l, which is the lower quartile of the possible draws
    of rung l. Without floors the mean hangs on draws that are hardly ever met (from the first rung down to a wide prior
    its variance is infinite), and the runs that met too few of them state the smallest errors: on 960 runs of 16
    systems mean z -0.35 and coverage 0.90; with floors -0.04 and 0.96, at errors that are smaller for most.

    The logarithm of each mean is low by half its variance, which is added; P_l hardly varies, for floors move along.
    An impossible draw above the lowest rung has an infinite weight.

    Source
    ------
    Xie et al. as above, turned around; harmonic means over a region of high likelihood: Robert and Wraith, AIP Conf.
    Proc. 1193, 251 (2009), here with the part of the lower rung that lies in the region. Checked against: testsystems.
    """
    check_ladder(beta, whole=False)
    return backward(host_array(log_likelihood), np.diff(host_array(beta)))


def forward(up: Weights) -> FreeEnergy:
    """Free energy from the weights towards the rungs above."""
    pooled, without = up.log_mean()
    return jackknife(-float(pooled.sum()), -without.sum(-1))


def backward(log_likelihood: FloatArray, gap: FloatArray) -> FreeEnergy:
    """Free energy from draws (S, C, R) looking down by ``gap`` (R-1,) in beta, to the floors of the rungs below."""
    lower, upper = log_likelihood[..., :-1], log_likelihood[..., 1:]
    floor = floors(lower)
    below = (upper < floor) & (upper > -np.inf)
    # A likelihood without bound weighs nothing.
    pooled, without = weights(np.where(below, np.inf, upper), -gap).log_mean()
    above = ((lower >= floor) & (lower > -np.inf)).sum(axis=0, dtype=np.float64)
    steps, chains = lower.shape[:2]
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing possible: no evidence; nothing shared: no number
        part = np.log(above.sum(0) / (steps * chains))
        part_without = np.log(all_but_one(above) / (steps * max(chains - 1, 1)))
        value, replicates = pooled - part, without - part_without
        if np.isfinite(replicates).all():
            value = value + 0.5 * np.square(replicates - replicates.mean(axis=0)).sum(axis=0) * (chains - 1) / chains
        return jackknife(float(value.sum()), replicates.sum(-1))


def floors(log_likelihood: FloatArray) -> FloatArray:
    """Floors (C, P) of rungs: lower quartiles of the possible ones of about 4000 draws (S, C, P).

    Even chains get those of odd ones, and these theirs: a floor that is one of the draws it divides is on the side
    of the others, which at eleven steps of 480 draws moved F by 0.4 errors.
    """
    steps, chains, rungs = log_likelihood.shape
    some = log_likelihood[:: max(steps * chains // _ENOUGH, 1)]
    found = np.full((chains, rungs), -np.inf)
    for half in range(min(chains, 2)):
        for r in range(rungs):
            values = some[:, 1 - half :: 2, r] if chains > 1 else some[..., r]
            values = values[values > -np.inf]
            if values.size:
                place = int(LEFT_OUT * values.size)
                found[half::2, r] = np.partition(values, place)[place]
    return found
