"""What the free energy of a set is off by, heights and background being integrated by Laplace: importance sampling.

Shapes stay those of the columns: what their integral is off by is told where they are sampled (``refined``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.open_lines import OpenSums, log_density_of_lines, open_fit
from bayesbeam.diffraction.sets import SHARE_SD
from bayesbeam.rng import stream_key

FloatArray = NDArray[np.float64]

DRAWS = 500
_FREEDOM = 8.0
"""Degrees of freedom of the proposal, Student's t: wider than the posterior everywhere."""
_LOG_2PI = math.log(2.0 * math.pi)


@dataclass(frozen=True)
class Correction:
    """What is to be added to the free energy of a set, nats, with its standard error."""

    value: float
    standard_error: float

    @property
    def size(self) -> float:
        """How far the approximation is off, as far as that is known."""
        return math.hypot(self.value, self.standard_error)

    def __add__(self, other: Correction) -> Correction:
        """Both, where they have nothing to do with each other."""
        return Correction(self.value + other.value, math.hypot(self.standard_error, other.standard_error))


def correction_of(sums: OpenSums, members: Sequence[int], seed: int = 0, draws: int = DRAWS) -> Correction:
    """Correction of ``open_fit(sums, members).free_energy`` to the integral over heights above 0 and the background.

    Draws are of Student's t about the most probable heights, with the covariance that Laplace's approximation has.

    Notes
    -----
    Assumes shapes, and so the columns, to be right. The seed and the members fix every random number. Costs
    O(draws L D^2) for L lines and D columns, background and data included.
    """
    fit = open_fit(sums, members)
    own = [*members, *range(sums.candidates, sums.rest.shape[0])]
    picked = np.ix_(own, own)
    told, wrong, rest = sums.told[:, picked[0], picked[1]], sums.wrong[:, picked[0], picked[1]], sums.rest[picked]
    size = len(members)
    gram = rest + np.einsum("b,bij->ij", fit.right, told) + np.einsum("b,bij->ij", 1.0 - fit.right, wrong)
    hessian = gram[:-1, :-1].copy()
    hessian[np.arange(size), np.arange(size)] += 1.0 / SHARE_SD**2
    best = np.linalg.solve(hessian, gram[:-1, -1])
    factor = np.linalg.cholesky(hessian)
    count = len(best)
    rng = np.random.default_rng(stream_key(seed, "+".join(map(str, members)), "heights"))
    normal = rng.standard_normal((draws, count)) / np.sqrt(rng.chisquare(_FREEDOM, draws) / _FREEDOM)[:, None]
    states = best + np.linalg.solve(factor.T, normal.T).T
    residual = np.hstack([-states, np.ones((draws, 1))])
    told_wrong = [-0.5 * np.einsum("si,lij,sj->sl", residual, part, residual, optimize=True) - log for part, log in
                  ((told, sums.log_told), (wrong, sums.log_wrong))]  # fmt: skip
    lines = np.array([log_density_of_lines(*one) for one in zip(*told_wrong, strict=True)])
    cost = 0.5 * np.einsum("si,ij,sj->s", residual, rest, residual, optimize=True) + sums.log_rest - lines
    cost += 0.5 * _LOG_2PI * (count - size)
    heights = states[:, :size]
    cost += 0.5 * np.square(heights).sum(1) / SHARE_SD**2 + size * (math.log(SHARE_SD / 2.0) + 0.5 * _LOG_2PI)
    log_weight = -cost - _log_proposal(normal, factor) + fit.free_energy
    log_weight[(heights < 0.0).any(1)] = -np.inf
    top = float(log_weight.max())
    if not math.isfinite(top):
        return Correction(math.inf, math.inf)
    weight = np.exp(log_weight - top)
    mean = float(weight.mean())
    return Correction(-top - math.log(mean), float(weight.std(ddof=1)) / mean / math.sqrt(draws))


def _log_proposal(normal: FloatArray, factor: FloatArray) -> FloatArray:
    """Log density (S,) of the proposal at states that are ``normal`` (S, D) in its own coordinates."""
    count = normal.shape[1]
    head = math.lgamma(0.5 * (_FREEDOM + count)) - math.lgamma(0.5 * _FREEDOM) - 0.5 * count * math.log(_FREEDOM)
    head += float(np.log(np.diag(factor)).sum()) - 0.5 * count * math.log(math.pi)
    found: FloatArray = head - 0.5 * (_FREEDOM + count) * np.log1p(np.square(normal).sum(1) / _FREEDOM)
    return found
