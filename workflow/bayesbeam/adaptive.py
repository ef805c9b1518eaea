"""Adaptive measurement: which points to measure next, given the posterior so far and what each point would cost.

Decides by the curves that posterior draws predict at the possible points; how draws come about does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bayesbeam.curve_draws import (
    Ensemble,
    Rule,
    array_of,
    ensemble_of,
    of_information,
    of_quantity,
    of_variance,
    positive,
)
from bayesbeam.errors import ModelError, nearest
from bayesbeam.targets.sum import SumTarget

if TYPE_CHECKING:
    from bayesbeam.library import Result

FloatArray = NDArray[np.float64]
CRITERIA = ("variance", "information")


@dataclass(frozen=True)
class Advice:
    """Which points to measure next.

    Attributes
    ----------
    x : array (number,)
        The points, in the order in which they were chosen.
    places : array (number,) of int
        Their places among the possible points.
    told : array (number,), nats
        What the measurement of each of them is expected to tell, those before it being made.
    gain : array (N,), nats
        What one measurement of each possible point is expected to tell, before any is made.
    spread : array (N,), units of y
        Standard deviation of the predicted curve at each possible point.
    """

    x: FloatArray
    places: NDArray[np.int64]
    told: FloatArray
    gain: FloatArray
    spread: FloatArray


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
    points = array_of(x, "x", 1)
    ensemble = ensemble_of(curves, probabilities, about, len(points))
    noise = positive(sd, "sd", len(points))
    price = positive(cost, "cost", len(points))
    rule = _rule(criterion, about is not None)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 10_000:
        raise ModelError.at("number", repr(number), "a whole number from 1 to 10000", "")
    spread = np.sqrt(ensemble.variance())
    chosen, told, first = _greedy(ensemble, noise, price, number, rule)
    return Advice(points[chosen], np.array(chosen, dtype=np.int64), told, first, spread)


def expected_gains(
    curves: Sequence[ArrayLike] | ArrayLike,
    sd: ArrayLike,
    places: Sequence[int],
    *,
    probabilities: ArrayLike | None = None,
    about: Sequence[ArrayLike] | ArrayLike | None = None,
    criterion: str = "variance",
) -> FloatArray:
    """What measurements at given places among the possible points are expected to tell, each after those before it.

    Parameters
    ----------
    places : sequence of int
        In the order of measurement; of the points of the curves.
    curves, sd, probabilities, about, criterion :
        As in :func:`next_points`.

    Returns
    -------
    array (number,), nats
    """
    ensemble = ensemble_of(curves, probabilities, about, _points_of(curves))
    noise = positive(sd, "sd", ensemble.curves.shape[1])
    rule = _rule(criterion, about is not None)
    if any(not 0 <= place < len(noise) for place in places):
        raise ModelError.at("places", f"{list(places)}"[:80], f"numbers from 0 to {len(noise) - 1}", "")
    told = []
    for place in places:
        told.append(float(rule(ensemble, noise)[place]))
        ensemble.measure(place, float(noise[place]))
    return np.array(told)


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


def _points_of(curves: Sequence[ArrayLike] | ArrayLike) -> int:
    """Number of points of the first array of curves."""
    first = curves[0] if isinstance(curves, list | tuple) and len(curves) else curves
    return int(array_of(np.asarray(first), "curves", 2).shape[1])


def _rule(criterion: str, about: bool) -> Rule:
    """Criterion by its name."""
    if criterion not in CRITERIA:
        raise ModelError.at("criterion", repr(criterion), " or ".join(CRITERIA), nearest(str(criterion), CRITERIA))
    if criterion == "information" and about:
        remedy = "Leave about or the criterion out."
        raise ModelError.at("criterion", "information beside about", "one of the two", remedy)
    return of_information if criterion == "information" else of_quantity if about else of_variance


def _greedy(
    ensemble: Ensemble, noise: FloatArray, price: FloatArray, number: int, rule: Rule
) -> tuple[list[int], FloatArray, FloatArray]:
    """Places of the points chosen one after the other, what each tells, and the gains before the first."""
    chosen: list[int] = []
    told: list[float] = []
    first = gain = rule(ensemble, noise)
    while True:
        chosen.append(int(np.argmax(gain / price)))
        told.append(float(gain[chosen[-1]]))
        if len(chosen) == number:
            return chosen, np.array(told), first
        ensemble.measure(chosen[-1], float(noise[chosen[-1]]))
        gain = rule(ensemble, noise)
