"""Free energy from the stages of tempered sequential Monte Carlo with independent populations.

Each population has an unbiased evidence of its own. A population that is behind, or misses a mode, has a small one:
its draws count as much as its evidence says, for a plain mean over populations would be biased by the laggards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from bayesbeam.errors import LadderError
from bayesbeam.evidence.estimate import FloatArray, Replicates, all_but_one, check_ladder, host_array
from bayesbeam.evidence.sources import Source

_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Populations:
    """Stages of tempered SMC.

    Attributes
    ----------
    beta : array (L,)
        Inverse temperatures of the stages, rising.
    stages : list of L arrays (C, n_l), nats
        Log-likelihoods of all states of C populations at each stage.
    log_evidence : array (C, L), nats
        Log-evidence of each population at each stage; 0 at the first one.
    """

    beta: FloatArray
    stages: list[FloatArray]
    log_evidence: FloatArray


def populations(stages: Sequence[FloatArray | Tensor], beta: FloatArray | Tensor) -> Populations:
    """Populations with their evidence, the product of mean weights from stage to stage.

    Parameters
    ----------
    stages : sequence of arrays (C, n_l), float64, nats
        Log-likelihoods of all states of C populations at each stage; n_l may differ between stages.
    beta : array (L,)
        Inverse temperatures of the stages, from 0 to 1.

    Raises
    ------
    LadderError
        Unless there is one inverse temperature a stage and they rise from 0 to 1.

    Notes
    -----
    ``Z_c = prod_l mean_n exp((beta_{l+1} - beta_l) L_{lcn})``. Minus infinity from the stage on at which a population
    has no possible state.

    Source
    ------
    Del Moral, Doucet and Jasra, JRSS-B 68, 411 (2006): equation 14; waste-free: Dau and Chopin, JRSS-B 84, 114 (2022),
    proposition 2.
    """
    ladder, draws = host_array(beta), [host_array(stage) for stage in stages]
    if len(draws) != len(ladder):
        found = f"{len(draws)} with {len(ladder)} inverse temperatures"
        raise LadderError.at("stages", found, "as many", "Pass the last stage too.")
    check_ladder(ladder)
    log_evidence = np.zeros((len(draws[0]), len(ladder)))
    for k, gap in enumerate(np.diff(ladder)):
        exponent = gap * draws[k]
        top = np.clip(exponent.max(axis=1), -_LARGEST, _LARGEST)
        with np.errstate(divide="ignore"):  # a population without any possible state
            rise = top + np.log(np.exp(exponent - top[:, None]).mean(axis=1))
        log_evidence[:, k + 1] = log_evidence[:, k] + rise
    return Populations(ladder, draws, log_evidence)


def smc_product(found: Populations) -> Replicates:
    """Free energy from the mean over populations of their evidence, less the bias of the logarithm.

    Notes
    -----
    ``F = -ln mean_c Z_c``. The jackknife takes off what is of order 1/C in the bias; its error holds where ln Z_c
    spreads by less than about 0.7 among populations, and is too small by a tenth at 1.

    Source
    ------
    As of populations. Checked against: testsystems, and populations that cannot change modes.
    """
    last = found.log_evidence[:, -1]
    top = float(np.clip(last.max(), -_LARGEST, _LARGEST))
    scaled = np.exp(last - top)
    with np.errstate(divide="ignore"):  # no population, or one only, has any evidence
        pooled = -top - float(np.log(scaled.mean()))
        without = -top - np.log(all_but_one(scaled) / max(len(scaled) - 1, 1))
    return Replicates(pooled, without).unbiased()


def smc_sources(found: Populations) -> list[Source]:
    """Draws of every stage for a pooled estimate, populations weighed by their evidence up to that stage.

    Notes
    -----
    Draws of unequal weight are worth less: weights are scaled to the mean ``e^3``, where
    ``e = (sum w)^2 / (C sum w^2)`` is the part of the populations that is effective. Of the powers 0 to 3 of e this one
    gave the smallest spread of F.
    """
    top = np.clip(found.log_evidence.max(axis=0), -_LARGEST, _LARGEST)
    weight = np.exp(found.log_evidence - top)
    # At least one weight is 1, unless all are 0 and stay so.
    weight /= np.maximum(weight.mean(axis=0), 1.0 / len(weight))
    weight /= np.maximum(np.square(weight).mean(axis=0), 1.0) ** 3
    alike: dict[int, list[int]] = {}
    for k, draws in enumerate(found.stages):
        alike.setdefault(draws.shape[1], []).append(k)
    return [Source(found.beta[k], np.stack([found.stages[i] for i in k]), weight[:, k].T) for k in alike.values()]
