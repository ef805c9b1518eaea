"""A free energy with its error, and the delete-one-chain jackknife that every estimator uses.

Chains are independent and long; draws within a chain and neighbouring rungs are correlated, so nothing smaller than a
chain is left out, and the errors of pairs of rungs are never added in quadrature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.errors import LadderError, SamplingError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FreeEnergy:
    """Free energy F = -ln Z in nats, its standard error and the degrees of freedom of that error."""

    value: float
    standard_error: float
    degrees_of_freedom: int


@dataclass(frozen=True)
class Replicates:
    """Free energy from all chains, and from all but chain c (C,)."""

    value: float
    without: FloatArray

    def free_energy(self) -> FreeEnergy:
        """Free energy with the jackknife error."""
        return jackknife(self.value, self.without)

    def unbiased(self) -> Replicates:
        """The same less its bias of order 1/C; see :func:`unbiased`."""
        return Replicates(float(unbiased(np.array(self.value), self.without)), self.without)


def unbiased(value: FloatArray, without: FloatArray) -> FloatArray:
    """Estimates (...) less their bias of order 1/C, which the replicates (..., C) tell.

    As they are where one of the numbers is not finite.

    Source
    ------
    Quenouille, Biometrika 43, 353 (1956).
    """
    chains = without.shape[-1]
    finite = np.isfinite(value) & np.isfinite(without).all(-1)
    with np.errstate(invalid="ignore"):
        found: FloatArray = np.where(finite, chains * value - (chains - 1) * without.mean(-1), value)
    return found


def jackknife(pooled: float, without: FloatArray) -> FreeEnergy:
    """Free energy from all chains with the jackknife error from leaving each out; for the errors see below.

    Parameters
    ----------
    pooled : number, nats
        Estimate from all chains together.
    without : array (C,), nats
        Estimates without chain c.
    """
    error = float(jackknife_errors(without))
    # Always the same nan: records with it are equal then.
    return FreeEnergy(pooled, math.nan if math.isnan(error) else error, len(without) - 1)


def jackknife_errors(without: FloatArray) -> FloatArray:
    """Standard errors (...) of estimates from those without each chain (..., C); nan where one is not finite.

    Raises
    ------
    SamplingError
        With fewer than two chains, for which no error can be stated.

    Source
    ------
    Efron and Stein, Ann. Statist. 9, 586 (1981). Checked against: testsystems.LinearGaussian, coverage of intervals.
    """
    chains = check_chains(without.shape[-1])
    with np.errstate(invalid="ignore"):
        spread = ((without - without.mean(-1, keepdims=True)) ** 2).sum(-1) * (chains - 1) / chains
    found: FloatArray = np.where(np.isfinite(without).all(-1), np.sqrt(spread), math.nan)
    return found


def all_but_one(values: FloatArray) -> FloatArray:
    """Sums over all chains but c, (C, ...) of non-negative numbers to the same shape; nothing is subtracted."""
    rest = np.zeros_like(values)
    rest[1:] = np.cumsum(values[:-1], axis=0)
    rest[:-1] += np.cumsum(values[:0:-1], axis=0)[::-1]
    return rest


def host_array(values: FloatArray | Tensor) -> FloatArray:
    """Numbers in double precision on the host, contiguous, so that sums do not depend on strides."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    return np.ascontiguousarray(values, dtype=np.float64)


def check_chains(chains: int) -> int:
    """Number of chains, which must be two at least.

    Raises
    ------
    SamplingError
        With fewer, for which no error can be stated.
    """
    if chains < 2:
        raise SamplingError.at("chains", f"{chains}", "at least 2", "Raise sampling.chains: no error without it.")
    return chains


def check_ladder(beta: FloatArray | Tensor, whole: bool = True) -> None:
    """Refuse a ladder (..., R) that does not rise strictly, and a whole one that does not go from 0 to 1.

    Raises
    ------
    LadderError
        Naming the first bad index.
    """
    ladder = host_array(beta)
    first, last = ladder[..., 0], ladder[..., -1]
    if whole and bool(((first != 0) | (last != 1)).any()):
        raise LadderError.at("ladder", f"from {first.min():g} to {last.max():g}", "from 0 to 1", "Rescale it.")
    bad = ~(np.diff(ladder) > 0)
    if bool(bad.any()):
        index = int(np.argwhere(bad)[0, -1])
        raise LadderError.at("ladder", f"not rising after index {index}", "strictly rising values", "Sort it.")
