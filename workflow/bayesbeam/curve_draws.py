"""Weighted draws of curves, and what a measurement of any of their points is expected to tell.

Decides how draws of several candidates become one ensemble, and the criteria; not which points are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]
_STEP, _REACH = 0.03, 6.0  # of the grid of an entropy, and of the noise on it, in units of its sd


@dataclass
class Ensemble:
    """Weighted draws of curves (S, N) about their mean, and of the quantity of interest (S,) about its own."""

    weights: FloatArray
    curves: FloatArray
    about: FloatArray | None

    def variance(self) -> FloatArray:
        """Variance of the curves, (N,)."""
        return self.weights @ np.square(self.curves)

    def measure(self, place: int, sd: float) -> None:
        """Move the draws to what they would be after a measurement, whatever it gave.

        Source: Whitaker, Hamill, Mon. Weather Rev. 130 (2002) 1913, equations 10 to 13; exact for normal draws.
        """
        seen = self.curves[:, place].copy()
        variance = float(self.weights @ np.square(seen))
        total = variance + sd**2
        step = 1.0 / (total * (1.0 + np.sqrt(sd**2 / total)))
        self.curves = self.curves - np.outer(seen, (self.weights * seen) @ self.curves * step)
        if self.about is not None:
            self.about = self.about - seen * float((self.weights * seen) @ self.about) * step


Rule = Callable[["Ensemble", FloatArray], FloatArray]


def of_variance(ensemble: Ensemble, noise: FloatArray) -> FloatArray:
    """Information about the curve, of normal predictions."""
    return 0.5 * np.log1p(ensemble.variance() / noise**2)


def of_quantity(ensemble: Ensemble, noise: FloatArray) -> FloatArray:
    """Information about the quantity of interest, of normal predictions."""
    assert ensemble.about is not None
    own = float(ensemble.weights @ np.square(ensemble.about))
    if own <= 0:
        return np.zeros_like(noise)
    shared = (ensemble.weights * ensemble.about) @ ensemble.curves
    return -0.5 * np.log1p(-np.square(shared) / (own * (ensemble.variance() + noise**2)))


def of_information(ensemble: Ensemble, noise: FloatArray) -> FloatArray:
    """Information about the curve: entropy of the measurement less that of the noise, by quadrature."""
    return np.array(
        [_entropy_gain(ensemble.weights, row, sd) for row, sd in zip(ensemble.curves.T, noise, strict=True)]
    )


def _entropy_gain(weights: FloatArray, values: FloatArray, sd: float) -> float:
    """Entropy of draws (S,) with noise of this sd on them, less that of the noise, in nats.

    Draws go to a grid, each to its two neighbours, which adds less than step^2 / 4 to their variance: 1e-4 nats. Gaps
    that the noise does not reach across are shortened first, which leaves the entropy as it is.
    """
    # Nearly half a second to import, which only this criterion needs.
    from scipy.signal import fftconvolve

    order = np.argsort(values)
    gaps = np.minimum(np.diff(values[order]), 2.0 * _REACH * sd)
    step = _STEP * sd
    places = np.concatenate([[0.0], np.cumsum(gaps)]) / step
    left = places.astype(np.int64)
    part, mass = places - left, weights[order]
    length = int(left[-1]) + 2
    grid = np.bincount(left, mass * (1.0 - part), length) + np.bincount(left + 1, mass * part, length)
    reach = int(_REACH / _STEP)
    kernel = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) * _STEP))
    density = fftconvolve(grid, kernel / (kernel.sum() * step))
    filled = density[density > 0]
    return max(0.0, float(-(filled * np.log(filled)).sum() * step - 0.5 * np.log(2.0 * np.pi * np.e * sd**2)))


def ensemble_of(
    curves: Sequence[ArrayLike] | ArrayLike,
    probabilities: ArrayLike | None,
    about: Sequence[ArrayLike] | ArrayLike | None,
    points: int,
) -> Ensemble:
    """Draws of all candidates together, weighted, about their means."""
    rows = _lists(curves, "curves", 2)
    for k, one in enumerate(rows):
        if one.shape[1] != points or len(one) < 2:
            expected = f"two draws or more at the {points} points of x"
            raise ModelError.at(f"curves of candidate {k + 1}", f"an array {one.shape}", expected, "See predicted().")
    odds = np.full(len(rows), 1.0) if probabilities is None else array_of(probabilities, "probabilities", 1)
    if len(odds) != len(rows) or (odds < 0).any() or odds.sum() <= 0:
        expected = f"{len(rows)} numbers, none below 0, one a candidate"
        raise ModelError.at("probabilities", f"{odds.tolist()}"[:80], expected, "Give one for each array of curves.")
    weights = np.concatenate([np.full(len(one), p / len(one)) for one, p in zip(rows, odds / odds.sum(), strict=True)])
    whole = np.concatenate(rows)
    wanted = None
    if about is not None:
        columns = _lists(about, "about", 1)
        if [len(one) for one in columns] != [len(one) for one in rows]:
            found = f"{[len(one) for one in columns]} draws"
            raise ModelError.at("about", found, f"those of the curves: {[len(one) for one in rows]}", "")
        wanted = np.concatenate(columns)
        wanted = wanted - weights @ wanted
    return Ensemble(weights, whole - weights @ whole, wanted)


def _lists(values: Sequence[ArrayLike] | ArrayLike, name: str, axes: int) -> list[FloatArray]:
    """Arrays of all candidates; a single array stands for one candidate."""
    if isinstance(values, list | tuple):
        return [array_of(one, name, axes) for one in values]
    return [array_of(np.asarray(values), name, axes)]


def array_of(values: ArrayLike, name: str, axes: int) -> FloatArray:
    """Finite numbers of so many axes."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise ModelError.at(name, repr(values)[:80], f"numbers in {axes} axes", "") from problem
    if found.ndim != axes or found.size == 0:
        raise ModelError.at(name, f"an array of shape {found.shape}", f"{axes} axes, none of them empty", "")
    if not np.isfinite(found).all():
        remedy = "Leave out the points or draws where the model has no value."
        raise ModelError.at(name, "numbers that are not finite", "finite ones", remedy)
    return found


def positive(values: ArrayLike, name: str, points: int) -> FloatArray:
    """Positive numbers, one a point."""
    found = np.asarray(values, dtype=np.float64)
    if found.shape not in ((), (points,)):
        raise ModelError.at(name, f"an array of shape {found.shape}", f"a number, or {points} of them", "")
    if not (np.isfinite(found) & (found > 0)).all():
        raise ModelError.at(name, "a number that is not above 0", "positive, finite numbers", "")
    return np.broadcast_to(found, (points,)).astype(np.float64)
