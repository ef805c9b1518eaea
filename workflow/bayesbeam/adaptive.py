"""Adaptive measurement: which points to measure next, given the posterior so far and what each point would cost.

Decides by the curves that posterior draws predict at the possible points; how draws come about does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.signal import fftconvolve

from bayesbeam.errors import ModelError, nearest
from bayesbeam.targets.sum import SumTarget

if TYPE_CHECKING:
    from bayesbeam.library import Result

FloatArray = NDArray[np.float64]
CRITERIA = ("variance", "information")
_STEP, _REACH = 0.03, 6.0  # of the grid of an entropy, and of the noise on it, in units of its sd


@dataclass(frozen=True)
class Advice:
    """Which points to measure next.

    Attributes
    ----------
    x : array (number,)
        The points, in the order in which they were chosen.
    places : array (number,) of int
        Their places among the possible points.
    gain : array (N,), nats
        What one measurement of each possible point is expected to tell, before any is made.
    spread : array (N,), units of y
        Standard deviation of the predicted curve at each possible point.
    """

    x: FloatArray
    places: NDArray[np.int64]
    gain: FloatArray
    spread: FloatArray


@dataclass
class _Ensemble:
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


def next_points(
    x: ArrayLike,
    curves: Sequence[ArrayLike] | ArrayLike,
    sd: ArrayLike,
    *,
    number: int = 1,
    probabilities: ArrayLike | None = None,
    about: Sequence[ArrayLike] | ArrayLike | None = None,
    criterion: str = "variance",
    cost: ArrayLike = 1.0,
) -> Advice:
    """Points whose measurement is expected to tell most, for their cost.

    Parameters
    ----------
    x : array (N,)
        Possible points; one may occur several times, with another exposure, say.
    curves : array (S, N), or a list of such, one a candidate
        Noise-free signal at x by posterior draws of each candidate, see :func:`predicted`.
    sd : number or array (N,)
        Standard deviation of the noise that a measurement at x would have.
    number : int
        How many points; each after the first takes those before it as measured.
    probabilities : array (K,), optional
        Of the candidates; alike if left out.
    about : array (S,), or a list of such
        Draws of the one quantity that is wanted (a peak's position, say), beside those of the curves. Without it,
        every difference of the curves counts, and that between candidates too.
    criterion : "variance" or "information"
        With ``variance``, predictions at a point count as normal, with the variance that they have over all
        candidates. ``information`` integrates what they are: use it where candidates or modes disagree. Not with
        ``about``.
    cost : number or array (N,)
        Time that a measurement at x takes, in any unit.

    Returns
    -------
    Advice

    Raises
    ------
    ModelError
        If an argument has the wrong shape, is not finite, or out of range.

    Notes
    -----
    Gain is the mutual information of the measurement and, without ``about``, the curve at that point:
    ln(1 + v / sd^2) / 2 for normal predictions of variance v. With ``about`` it is -ln(1 - r^2) / 2, r the correlation
    of the quantity with the measurement, so that exp(-gain) is the factor of its standard deviation.

    Source
    ------
    Lindley, Ann. Math. Stat. 27 (1956) 986; MacKay, Neural Computation 4 (1992) 590, equations 3.4 and 4.4. Checked
    against closed forms of the linear Gaussian model in ``tests/unit/test_adaptive.py``.
    """
    points = _array(x, "x", 1)
    ensemble = _ensemble(curves, probabilities, about, len(points))
    noise = _positive(sd, "sd", len(points))
    price = _positive(cost, "cost", len(points))
    if criterion not in CRITERIA:
        raise ModelError.at("criterion", repr(criterion), " or ".join(CRITERIA), nearest(str(criterion), CRITERIA))
    if criterion == "information" and about is not None:
        remedy = "Leave about or the criterion out."
        raise ModelError.at("criterion", "information beside about", "one of the two", remedy)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 10_000:
        raise ModelError.at("number", repr(number), "a whole number from 1 to 10000", "")
    spread = np.sqrt(ensemble.variance())
    rule = _information if criterion == "information" else _about if about is not None else _variance
    chosen, first = _greedy(ensemble, noise, price, number, rule)
    return Advice(points[chosen], np.array(chosen, dtype=np.int64), first, spread)


def predicted(result: Result, at: SumTarget) -> FloatArray:
    """Noise-free curves (S, N) of the draws of a run, in the order of its ``draws``, at the points of a target.

    Parameters
    ----------
    result : Result
        Of :func:`bayesbeam.sample` for a target of :func:`bayesbeam.curve_target`.
    at : SumTarget
        From the same parts and priors, with the possible points for x and anything for y.
    """
    # Chain after chain, as in result.draws.
    theta = torch.from_numpy(np.ascontiguousarray(result.run.theta.transpose(2, 0, 1, 3))).flatten(0, 2)
    lacking = [at.slots[j].name for j in at.moving if at.slots[j].name not in result.draws]
    if theta.shape[-1] != len(at.slots) or lacking:
        found = (
            f"draws without {lacking[0]}" if lacking else f"draws of {theta.shape[-1]} of {len(at.slots)} parameters"
        )
        raise ModelError.at("predicted", found, "the same model", "Give curve_target the same parts and priors.")
    curves = at.curves(theta[None, None, None].to(at.device)).sum(0)[0, 0, 0]
    return curves.to(torch.float64).cpu().numpy()


Rule = Callable[[_Ensemble, FloatArray], FloatArray]


def _greedy(
    ensemble: _Ensemble, noise: FloatArray, price: FloatArray, number: int, rule: Rule
) -> tuple[list[int], FloatArray]:
    """Places of the points chosen one after the other, and the gains before the first."""
    chosen: list[int] = []
    first = gain = rule(ensemble, noise)
    while True:
        chosen.append(int(np.argmax(gain / price)))
        if len(chosen) == number:
            return chosen, first
        ensemble.measure(chosen[-1], float(noise[chosen[-1]]))
        gain = rule(ensemble, noise)


def _variance(ensemble: _Ensemble, noise: FloatArray) -> FloatArray:
    """Information about the curve, of normal predictions."""
    return 0.5 * np.log1p(ensemble.variance() / noise**2)


def _about(ensemble: _Ensemble, noise: FloatArray) -> FloatArray:
    """Information about the quantity of interest, of normal predictions."""
    assert ensemble.about is not None
    own = float(ensemble.weights @ np.square(ensemble.about))
    if own <= 0:
        return np.zeros_like(noise)
    shared = (ensemble.weights * ensemble.about) @ ensemble.curves
    return -0.5 * np.log1p(-np.square(shared) / (own * (ensemble.variance() + noise**2)))


def _information(ensemble: _Ensemble, noise: FloatArray) -> FloatArray:
    """Information about the curve: entropy of the measurement less that of the noise, by quadrature."""
    return np.array(
        [_entropy_gain(ensemble.weights, row, sd) for row, sd in zip(ensemble.curves.T, noise, strict=True)]
    )


def _entropy_gain(weights: FloatArray, values: FloatArray, sd: float) -> float:
    """Entropy of draws (S,) with noise of this sd on them, less that of the noise, in nats.

    Draws go to a grid, each to its two neighbours, which adds less than step^2 / 4 to their variance: 1e-4 nats. Gaps
    that the noise does not reach across are shortened first, which leaves the entropy as it is.
    """
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


def _ensemble(
    curves: Sequence[ArrayLike] | ArrayLike,
    probabilities: ArrayLike | None,
    about: Sequence[ArrayLike] | ArrayLike | None,
    points: int,
) -> _Ensemble:
    """Draws of all candidates together, weighted, about their means."""
    rows = _list(curves, "curves", 2)
    for k, one in enumerate(rows):
        if one.shape[1] != points or len(one) < 2:
            expected = f"two draws or more at the {points} points of x"
            raise ModelError.at(f"curves of candidate {k + 1}", f"an array {one.shape}", expected, "See predicted().")
    odds = np.full(len(rows), 1.0) if probabilities is None else _array(probabilities, "probabilities", 1)
    if len(odds) != len(rows) or (odds < 0).any() or odds.sum() <= 0:
        expected = f"{len(rows)} numbers, none below 0, one a candidate"
        raise ModelError.at("probabilities", f"{odds.tolist()}"[:80], expected, "Give one for each array of curves.")
    weights = np.concatenate([np.full(len(one), p / len(one)) for one, p in zip(rows, odds / odds.sum(), strict=True)])
    whole = np.concatenate(rows)
    wanted = None
    if about is not None:
        columns = _list(about, "about", 1)
        if [len(one) for one in columns] != [len(one) for one in rows]:
            found = f"{[len(one) for one in columns]} draws"
            raise ModelError.at("about", found, f"those of the curves: {[len(one) for one in rows]}", "")
        wanted = np.concatenate(columns)
        wanted = wanted - weights @ wanted
    return _Ensemble(weights, whole - weights @ whole, wanted)


def _list(values: Sequence[ArrayLike] | ArrayLike, name: str, axes: int) -> list[FloatArray]:
    """Arrays of all candidates; a single array stands for one candidate."""
    if isinstance(values, list | tuple):
        return [_array(one, name, axes) for one in values]
    return [_array(np.asarray(values), name, axes)]


def _array(values: ArrayLike, name: str, axes: int) -> FloatArray:
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


def _positive(values: ArrayLike, name: str, points: int) -> FloatArray:
    """Positive numbers, one a point."""
    found = np.asarray(values, dtype=np.float64)
    if found.shape not in ((), (points,)):
        raise ModelError.at(name, f"an array of shape {found.shape}", f"a number, or {points} of them", "")
    if not (np.isfinite(found) & (found > 0)).all():
        raise ModelError.at(name, "a number that is not above 0", "positive, finite numbers", "")
    return np.broadcast_to(found, (points,)).astype(np.float64)
