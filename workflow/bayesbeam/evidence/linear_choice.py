"""How often one of two linear models is selected where a given curve is true: exactly, before there are data.

Of normal noise; coefficients have normal priors, or flat ones that cut nothing off. Nested models with flat priors go
by their closed form or by quadrature, all others of known noise by draws of data, whose free energies are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.errors import ModelError
from bayesbeam.evidence.least_squares import least_squares
from bayesbeam.evidence.mesoscopic import LOG_2PI, Nested

FloatArray = NDArray[np.float64]
DRAWS, SEED = 100_000, 20_240_602
_SAME = 1e-9
_REACH = 5.0
"""Standard deviations of an estimate that the ends of a flat prior must be away for it to cut nothing off."""


@dataclass(frozen=True)
class Prior:
    """Of one coefficient: flat between two ends, or normal."""

    low: float = -math.inf
    high: float = math.inf
    mean: float = 0.0
    sd: float = math.inf

    @property
    def flat(self) -> bool:
        """Whether it is the flat one."""
        return math.isinf(self.sd)


@dataclass(frozen=True)
class LinearModel:
    """Curve ``rest + columns @ coefficients`` at N points, with the priors of the P coefficients."""

    columns: FloatArray
    rest: FloatArray
    priors: tuple[Prior, ...]

    @property
    def flat(self) -> bool:
        """Whether all priors are flat."""
        return all(one.flat for one in self.priors)

    @property
    def log_volume(self) -> float:
        """Log of the product of the widths of flat priors."""
        return sum(math.log(one.high - one.low) for one in self.priors if one.flat)

    def cut_off(self, curve: FloatArray, sigma: float) -> bool:
        """Whether an end of a flat prior is within reach of what data of a true curve say."""
        if not self.priors:
            return False
        fit = least_squares(self.columns, curve - self.rest)
        reach = _REACH * sigma * fit.normal.sd
        ends = zip(fit.normal.mean - reach, fit.normal.mean + reach, self.priors, strict=True)
        return any(one.flat and (low < one.low or high > one.high) for low, high, one in ends)


@dataclass(frozen=True)
class Choice:
    """Probability that the first model is selected, its standard error (0 where there is none), how it was found."""

    probability: float
    standard_error: float
    method: str


def choice(first: LinearModel, second: LinearModel, curve: ArrayLike, sigma: float, known: bool = True) -> Choice:
    """Probability that the first of two models has the lower free energy.

    Parameters
    ----------
    first, second : LinearModel
    curve : array (N,)
        What is true; of no noise.
    sigma : number
        True standard deviation of a point.
    known : bool
        Whether the models know it; else it is integrated out under a wide prior that is flat in its logarithm, for
        which the priors of all coefficients must be flat.

    Raises
    ------
    ModelError
        If the level is not known and the models are not nested with flat priors, or a flat prior cuts off.
    """
    truth = np.asarray(curve, dtype=np.float64)
    for model in (first, second):
        if model.cut_off(truth, sigma):
            remedy = "Widen it, or find the probability by simulation."
            raise ModelError.at("flat prior", "an end within reach of the data", "one that cuts nothing off", remedy)
    nested = _nested(first, second, truth, sigma)
    if nested is not None:
        pair, first_is_larger = nested
        noise = "known" if known else "integrated"
        above = float(pair.sf(noise))  # type: ignore[arg-type]
        return Choice(above if first_is_larger else 1.0 - above, 0.0, "closed form" if known else "quadrature")
    if not known:
        found, expected = "models of a level that is not known", "nested ones with flat priors"
        raise ModelError.at("linear models", found, expected, "State the noise, or find it by simulation.")
    difference = draw_difference(first, second, truth, sigma, DRAWS, np.random.default_rng(SEED))
    share = float(np.mean(difference > 0.0))
    return Choice(share, math.sqrt(max(share * (1.0 - share), 1.0 / DRAWS) / DRAWS), "draws of exact free energies")


def draw_difference(
    first: LinearModel, second: LinearModel, curve: FloatArray, sigma: float, count: int, generator: np.random.Generator
) -> FloatArray:
    """Free energies of the second model less those of the first (count,), for data drawn about a true curve.

    Notes
    -----
    Only what lies in the space of both models' columns, rests and the curve is drawn; the remaining sum of squares is
    the same for both.
    """
    together = np.column_stack([first.columns, second.columns, first.rest, second.rest, curve])
    scale = np.sqrt(np.square(together).sum(0))
    left, size, _ = np.linalg.svd(together / np.where(scale > 0.0, scale, 1.0), full_matrices=False)
    basis = left[:, size > 1e-12 * max(size.max(initial=0.0), 1e-300)]
    data = basis.T @ curve + sigma * generator.standard_normal((count, basis.shape[1]))
    return _free_energy(second, basis, data, sigma) - _free_energy(first, basis, data, sigma)


def least_from(enough: Callable[[float], bool], grid: FloatArray, whole: bool) -> float | None:
    """Least number from which on something is always enough, None where it is not at the end of a grid.

    Parameters
    ----------
    enough : callable
    grid : array
        Rising; at every point it is looked whether it is enough, and between two points where that begins.
    whole : bool
        Whether only whole numbers count.
    """
    lacking = [place for place, value in enumerate(grid) if not enough(float(value))]
    if not lacking:
        return float(grid[0])
    if lacking[-1] == len(grid) - 1:
        return None
    low, high = float(grid[lacking[-1]]), float(grid[lacking[-1] + 1])
    while (high - low > 1.0) if whole else (high / low > 1.0 + 1e-4):
        middle = math.floor(0.5 * (low + high)) if whole else math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _free_energy(model: LinearModel, basis: FloatArray, data: FloatArray, sigma: float) -> FloatArray:
    """Free energies (count,) but for what is common to all models, of data in a basis."""
    flat = np.array([one.flat for one in model.priors], dtype=bool)
    precision = np.array([0.0 if one.flat else 1.0 / one.sd for one in model.priors])
    mean = np.array([one.mean for one in model.priors])
    values = (data - basis.T @ model.rest) / sigma
    if not len(flat):
        return np.asarray(0.5 * np.square(values).sum(1))
    design = np.vstack([basis.T @ model.columns / sigma, np.diag(precision)])
    q, triangle = np.linalg.qr(design)
    given = np.hstack([values, np.broadcast_to(mean * precision, (len(values), len(mean)))])
    squares = np.square(given).sum(1) - np.square(given @ q).sum(1)
    constant = float(np.log(np.abs(np.diag(triangle))).sum()) + model.log_volume - 0.5 * flat.sum() * LOG_2PI
    return np.asarray(0.5 * squares + constant - np.log(precision[~flat]).sum())


def _nested(first: LinearModel, second: LinearModel, curve: FloatArray, sigma: float) -> tuple[Nested, bool] | None:
    """The two as nested models and whether the first is the larger; None where they are none of flat priors.

    The curve must be one of the larger model.
    """
    if not (first.flat and second.flat) or len(first.priors) == len(second.priors):
        return None
    first_is_larger = len(first.priors) > len(second.priors)
    large, small = (first, second) if first_is_larger else (second, first)
    inside = np.column_stack([small.columns, small.rest - large.rest, curve - large.rest])
    if _distance(large.columns, inside) > _SAME:
        return None
    away = curve - small.rest
    rest = away if not small.priors else away - small.columns @ least_squares(small.columns, away).normal.mean
    information = 2.0 * (_log_determinant(large) - _log_determinant(small))
    kept, added = len(small.priors), len(large.priors) - len(small.priors)
    information -= 2.0 * added * math.log(sigma)
    volume = large.log_volume - small.log_volume
    return Nested(len(curve), kept, added, information, volume, float(rest @ rest) / sigma**2), first_is_larger


def _log_determinant(model: LinearModel) -> float:
    """Half the log determinant of columns' columns."""
    return least_squares(model.columns, np.zeros(len(model.rest))).log_determinant if model.priors else 0.0


def _distance(columns: FloatArray, inside: FloatArray) -> float:
    """Largest distance of vectors from a space, relative to their lengths."""
    q, _ = np.linalg.qr(columns / np.sqrt(np.square(columns).sum(0)))
    left = inside - q @ (q.T @ inside)
    size = np.sqrt(np.square(inside).sum(0))
    return float((np.sqrt(np.square(left).sum(0)) / np.where(size > 0.0, size, 1.0)).max(initial=0.0))
