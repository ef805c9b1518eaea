"""Linear regression with normal, flat and truncated normal priors, at several levels of the noise at once.

The data are reduced once to as many numbers as there are coefficients; each level of the noise costs then nothing that
grows with the data. What is beyond the box of bounded priors is taken off exactly where it matters for at most two
coefficients that depend on each other, or for any that do not; of others it is neglected and bounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import ModelError
from bayesbeam.evidence.least_squares import least_squares, numbers_of
from bayesbeam.evidence.normal_box import inside, log_difference

FloatArray = NDArray[np.float64]
LOG_2PI = math.log(2.0 * math.pi)
# Correlations that are as good as none.
ALONE = 1e-12
# Standard deviations from a box beyond which it is not asked what it has, alone and of several.
FAR_ALONE, FAR = 1e9, 1e4
# Share of a level below which its moments do not matter.
LEAST = 1e-25


@dataclass(frozen=True)
class Coefficients:
    """Independent priors of P coefficients, arrays (P,): normal ones, between two ends; flat where sd is infinite."""

    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def flat(self) -> NDArray[np.bool_]:
        """Which of them are flat between their ends."""
        return np.isinf(self.sd)

    @property
    def log_constant(self) -> float:
        """Logarithm of what stands before the exponential of all of them together."""
        flat, scaled = self.flat, ~self.flat
        width = np.where(flat, self.high - self.low, 1.0)
        sd = np.where(flat, 1.0, self.sd)
        within = log_difference(
            (self.low - self.mean)[scaled] / sd[scaled], (self.high - self.mean)[scaled] / sd[scaled]
        )
        return -float(np.log(width).sum() + (np.log(sd) + 0.5 * LOG_2PI)[scaled].sum() + within.sum())


@dataclass(frozen=True)
class Given:
    """Posterior at K levels of the noise.

    Attributes
    ----------
    log_evidence : array (K,), nats
        Of the data at each level.
    mean, root : arrays (K, P), (K, P, P)
        Posterior without ends: its mean, and an upper triangle U of which U U' is the covariance of the coefficients
        in ``order``.
    order : array (P,), int
        Coefficients as they stand in ``root``, those last that the ends of their priors cut.
    cut : int
        How many of the last ones are cut.
    neglected : array (K,)
        Bound of what of the evidence was neglected, as a share of it.
    """

    log_evidence: FloatArray
    mean: FloatArray
    root: FloatArray
    order: NDArray[np.int64]
    cut: int
    neglected: FloatArray


@dataclass(frozen=True)
class Regression:
    """Data reduced to what coefficients see of them: squares of ``target - triangle (coefficients - start)``, and rest.

    Attributes
    ----------
    start : array (P,)
        Least squares where the columns are independent, else the means of the priors.
    triangle, target : arrays (M, P), (M,), M <= P
        Of the design over the standard deviation of each point at level 1.
    rest : float
        Sum of squares that no coefficients can remove.
    points : int
    log_sd : float
        Sum of the logarithms of the standard deviations at level 1.
    priors : Coefficients
    """

    start: FloatArray
    triangle: FloatArray
    target: FloatArray
    rest: float
    points: int
    log_sd: float
    priors: Coefficients

    def at(self, level: FloatArray, cut: Sequence[int] = (), ends: bool = True) -> Given:
        """Posterior at levels (K,), factors on all standard deviations.

        Parameters
        ----------
        cut : sequence of int
            Coefficients whose ends are to be heeded, two at most unless they do not depend on each other.
        ends : bool
            Whether the evidence is wanted; without it, ends change nothing but the order.
        """
        priors, count = self.priors, len(self.start)
        rest = [j for j in range(count) if j not in cut]
        order = np.array([*rest, *reversed(cut)], dtype=np.int64)
        normal = np.flatnonzero(~priors.flat)
        rows = np.zeros((len(level), len(self.target) + len(normal), count))
        rows[:, : len(self.target)] = self.triangle / level[:, None, None]
        rows[:, len(self.target) + np.arange(len(normal)), normal] = 1.0 / priors.sd[normal]
        values = np.zeros((len(level), rows.shape[1]))
        values[:, : len(self.target)] = self.target / level[:, None]
        values[:, len(self.target) :] = (priors.mean - self.start)[normal] / priors.sd[normal]
        rows = rows[:, :, order]
        scale = np.sqrt(np.square(rows).sum(1))
        q, triangle = np.linalg.qr(rows / scale[:, None, :])
        shift = np.linalg.solve(triangle, np.einsum("kmp,km->kp", q, values)[..., None])[..., 0] / scale
        left = values - np.einsum("kmp,kp->km", rows, shift)
        triangle = triangle * scale[:, None, :]
        root = np.linalg.inv(triangle)
        log_triangle = np.log(np.abs(np.diagonal(triangle, axis1=1, axis2=2))).sum(-1)
        squares = self.rest / level**2 + np.square(left).sum(-1)
        log_evidence = -0.5 * (self.points * LOG_2PI + squares) - self.log_sd - self.points * np.log(level)
        log_evidence += 0.5 * count * LOG_2PI - log_triangle + priors.log_constant
        mean = np.empty_like(shift)
        mean[:, order] = self.start[order] + shift
        found = Given(log_evidence, mean, root, order, len(cut), np.zeros(len(level)))
        if not ends:
            return found
        within, neglected = _within(found, priors)
        return Given(log_evidence + within, mean, root, order, len(cut), neglected)

    def tails(self, level: FloatArray) -> FloatArray:
        """Share (K, P) of each coefficient's posterior without ends that lies beyond them, at levels (K,)."""
        found = self.at(level, ends=False)
        return _tails(found, self.priors)


def regression(
    design: FloatArray, y: FloatArray, sd: FloatArray, priors: Coefficients, names: Sequence[str] = ()
) -> Regression:
    """Linear regression with priors, ready for any level of the noise.

    Parameters
    ----------
    design : array (N, P)
    y, sd : array (N,)
        Data, and the standard deviation of each point at level 1.
    priors : Coefficients
    names : sequence of str
        Of the columns, for the error.

    Raises
    ------
    ModelError
        If columns with flat priors are made up of others; it says which.

    Notes
    -----
    Least squares of independent columns are refined in longer arithmetic, and what priors change is computed as a
    difference from it, so that weak priors cost no digits.

    Source
    ------
    Bishop, Pattern Recognition and Machine Learning (2006), equations 3.50 to 3.54 and 3.86, as least squares of data
    and priors together. Checked against: quadrature and :mod:`bayesbeam.evidence.closed_form` in
    ``tests/exact/test_regression.py``.
    """
    matrix, values = numbers_of(design / sd[:, None], y / sd)
    log_sd = float(np.log(sd).sum())
    try:
        fit = least_squares(matrix, values, names)
    except ModelError:
        _check_flat(matrix, values, priors, names)
        start = np.where(priors.flat, 0.0, priors.mean)
        q, triangle = np.linalg.qr(matrix)
        left = values - matrix @ start
        target = q.T @ left
        beyond = left - q @ target
        return Regression(start, triangle, target, float(beyond @ beyond), len(values), log_sd, priors)
    triangle = fit.normal.triangle
    target = np.zeros(len(triangle))
    return Regression(fit.normal.mean, triangle, target, fit.squares, len(values), log_sd, priors)


def _check_flat(matrix: FloatArray, values: FloatArray, priors: Coefficients, names: Sequence[str]) -> None:
    """Refuse flat priors of columns that are made up of others, as far as normal priors do not hold them."""
    normal = np.flatnonzero(~priors.flat)
    rows = np.zeros((len(normal), matrix.shape[1]))
    rows[np.arange(len(normal)), normal] = 1.0 / priors.sd[normal]
    least_squares(np.vstack([matrix, rows]), np.concatenate([values, np.zeros(len(normal))]), names)


def _tails(found: Given, priors: Coefficients) -> FloatArray:
    """Share (K, P) of each coefficient beyond its ends, without ends."""
    from scipy.special import ndtr

    sd = np.empty_like(found.mean)
    sd[:, found.order] = np.sqrt(np.square(found.root).sum(-1))
    beyond: FloatArray = ndtr((priors.low - found.mean) / sd) + ndtr(-(priors.high - found.mean) / sd)
    return beyond


def _within(found: Given, priors: Coefficients) -> tuple[FloatArray, FloatArray]:
    """Logarithm of the share (K,) between the ends of those that are cut, and a bound of what others lie beyond."""
    log_share = np.zeros(len(found.mean))
    chosen = found.order[len(found.order) - found.cut :]
    others = _tails(found, priors)
    others[:, chosen] = 0.0
    beyond = others.sum(-1)
    if found.cut:
        root = found.root[:, -found.cut :, -found.cut :]
        covariance = np.einsum("kij,klj->kil", root, root)
        for k in range(len(found.mean)):
            log_share[k] = log_share_of(found.mean[k, chosen], covariance[k], priors.low[chosen], priors.high[chosen])
    return log_share, np.minimum(beyond / np.exp(np.maximum(log_share, -600.0)), 1.0)


def log_share_of(mean: FloatArray, covariance: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """Logarithm of what a normal distribution has within a box; minus infinity very far out, where nothing matters."""
    sd = np.sqrt(np.diag(covariance))
    a, b = (low - mean) / sd, (high - mean) / sd
    nearest = np.maximum(np.maximum(a, -b), 0.0)
    if len(sd) == 1 and nearest[0] < FAR_ALONE:
        return float(log_difference(a, b)[0])
    return inside(mean, covariance, low, high).log_probability if nearest.max() < FAR else -math.inf


def moments(found: Given, priors: Coefficients, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean (K, P) and covariance (K, P, P) at each level, the ends of those that are cut heeded where it has weight."""
    count = len(found.order)
    covariance = np.einsum("kij,klj->kil", found.root, found.root)
    mean = found.mean[:, found.order].copy()
    if found.cut:
        rest, last = slice(count - found.cut), slice(count - found.cut, count)
        chosen = found.order[last]
        for k in np.flatnonzero(weight > LEAST):
            block = covariance[k, last, last].copy()
            within = inside(mean[k, last], block, priors.low[chosen], priors.high[chosen])
            slope = np.linalg.solve(block, covariance[k, last, rest]).T
            mean[k, rest] += slope @ (within.mean - mean[k, last])
            covariance[k, rest, rest] += slope @ (within.covariance - block) @ slope.T
            covariance[k, rest, last] = slope @ within.covariance
            covariance[k, last, rest] = covariance[k, rest, last].T
            mean[k, last], covariance[k, last, last] = within.mean, within.covariance
    back = np.empty_like(mean)
    back[:, found.order] = mean
    whole = np.empty_like(covariance)
    whole[:, found.order[:, None], found.order] = covariance
    return back, whole


__all__ = ["ALONE", "Coefficients", "Given", "Regression", "moments", "regression"]
