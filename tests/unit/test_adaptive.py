"""Which point next: against closed forms of the linear Gaussian model, quadrature, and a loop of measurements."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

import bayesbeam
from bayesbeam.adaptive import expected_gains, next_points, predicted
from bayesbeam.errors import ModelError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import adaptive_measurement

Array = NDArray[np.float64]
X = np.linspace(-1.0, 1.0, 21)
DESIGN = np.stack([np.ones_like(X), X, X**2], axis=1)  # (N, P): a parabola
SD = 0.2 + 0.1 * X**2
PRIOR = np.diag([1.0, 4.0, 0.5])


def draws_of(covariance: Array, n: int = 400) -> Array:
    """Draws (n, P) whose mean is zero and whose covariance is exactly this one."""
    raw = np.random.default_rng(3).standard_normal((n, len(covariance)))
    raw -= raw.mean(0)
    whitened = raw @ np.linalg.inv(np.linalg.cholesky(raw.T @ raw / n)).T
    return np.asarray(whitened @ np.linalg.cholesky(covariance).T)


def after(covariance: Array, place: int) -> Array:
    """Covariance of the parameters after a measurement, by the inverse of the information matrix."""
    row = DESIGN[place]
    return np.linalg.inv(np.linalg.inv(covariance) + np.outer(row, row) / SD[place] ** 2)


def test_gain_is_that_of_the_linear_gaussian_model() -> None:
    advice = next_points(X, draws_of(PRIOR) @ DESIGN.T, SD)
    exact = [0.5 * math.log(np.linalg.det(PRIOR) / np.linalg.det(after(PRIOR, j))) for j in range(len(X))]
    assert advice.gain == pytest.approx(exact, rel=1e-10)
    assert advice.spread == pytest.approx(np.sqrt(np.einsum("np,pq,nq->n", DESIGN, PRIOR, DESIGN)), rel=1e-10)
    assert advice.x[0] == X[int(np.argmax(exact))]


def test_gain_about_one_parameter_is_the_fall_of_its_standard_deviation() -> None:
    theta = draws_of(PRIOR)
    advice = next_points(X, theta @ DESIGN.T, SD, about=theta[:, 1])
    factor = [math.sqrt(after(PRIOR, j)[1, 1] / PRIOR[1, 1]) for j in range(len(X))]
    assert np.exp(-advice.gain) == pytest.approx(factor, rel=1e-10)
    assert abs(advice.x[0]) == 1.0


@pytest.mark.parametrize("wanted", [None, 1])
def test_several_points_are_the_greedy_choice_one_after_the_other(wanted: int | None) -> None:
    theta, covariance, exact = draws_of(PRIOR), PRIOR, []
    for _ in range(6):
        later = [after(covariance, j) for j in range(len(X))]
        size = [np.linalg.det(one) if wanted is None else one[wanted, wanted] for one in later]
        # The first of what is best to rounding: the parabola is symmetric about 0.
        exact.append(int(np.flatnonzero(np.array(size) <= min(size) * (1 + 1e-9))[0]))
        covariance = later[exact[-1]]
    about = None if wanted is None else theta[:, wanted]
    advice = next_points(X, theta @ DESIGN.T, SD, number=6, about=about)
    assert np.abs(X[exact]).tolist() == pytest.approx(np.abs(advice.x).tolist())


@pytest.mark.parametrize("wanted", [None, 1])
def test_what_given_points_tell_one_after_the_other(wanted: int | None) -> None:
    theta, covariance, exact, places = draws_of(PRIOR), PRIOR, [], [3, 17, 3, 10]
    for place in places:
        later = after(covariance, place)
        size = [np.linalg.det(one) if wanted is None else one[wanted, wanted] for one in (covariance, later)]
        exact.append(0.5 * math.log(size[0] / size[1]))
        covariance = later
    about = None if wanted is None else theta[:, wanted]
    told = expected_gains(theta @ DESIGN.T, SD, places, about=about)
    assert told == pytest.approx(exact, rel=1e-9)
    advice = next_points(X, theta @ DESIGN.T, SD, number=4, about=about)
    assert advice.told == pytest.approx(expected_gains(theta @ DESIGN.T, SD, advice.places.tolist(), about=about))
    assert advice.told.sum() > told.sum()
    with pytest.raises(ModelError, match=r"places: \[21\]; expected numbers from 0 to 20"):
        expected_gains(theta @ DESIGN.T, SD, [21])


def test_a_costly_point_must_tell_more() -> None:
    cost = np.where(X > 0.99, 10.0, 1.0)
    curves = draws_of(PRIOR) @ DESIGN.T
    assert next_points(X, curves, SD, cost=np.where(np.abs(X) > 0.99, 10.0, 1.0)).x[0] not in (-1.0, 1.0)
    assert next_points(X, curves, SD, cost=cost).x[0] == -1.0
    twice = next_points([0.5, 0.5], curves[:, [15, 15]], [0.3, 0.3 / math.sqrt(4)], cost=[1.0, 4.0])
    assert twice.places[0] == 0  # four times as long tells more, but not four times as much


def test_candidates_count_by_their_probabilities() -> None:
    one, other = np.full((2, 1), 1.0), np.full((3, 1), 4.0)
    advice = next_points([0.0], [one, other], 0.5, probabilities=[0.2, 0.8])
    assert advice.spread[0] == pytest.approx(math.sqrt(0.2 * 0.8 * 9.0), rel=1e-12)  # law of total variance
    assert next_points([0.0], [one, other], 0.5, probabilities=[0.0, 1.0]).spread[0] == 0


@pytest.mark.parametrize("apart", [0.0, 0.3, 1.0, 3.0, 30.0, 3e7])
def test_information_where_two_candidates_disagree_is_that_of_quadrature(apart: float) -> None:
    sd, odds = 0.5, (0.3, 0.7)

    def integrand(y: float) -> float:
        density = odds[0] * norm.pdf(y, 0.0, sd) + odds[1] * norm.pdf(y, apart, sd)
        return -density * math.log(density) if density > 0 else 0.0

    if apart < 1e3:
        whole = quad(integrand, -6.0, apart + 6.0, points=[0.0, apart], epsabs=1e-10, limit=400)[0]
        exact = whole - 0.5 * math.log(2 * math.pi * math.e * sd**2)
    else:
        exact = -sum(p * math.log(p) for p in odds)  # all there is to know: which candidate
    curves = [np.zeros((2, 1)), np.full((2, 1), apart)]
    advice = next_points([0.0], curves, sd, probabilities=odds, criterion="information")
    assert advice.gain[0] == pytest.approx(exact, abs=2e-4)
    normal = next_points([0.0], curves, sd, probabilities=odds).gain[0]
    assert normal >= exact - 1e-9  # of all densities of one variance the normal one has the largest entropy


def test_information_of_normal_draws_is_the_closed_form() -> None:
    """20000 draws: the variance is right to 1 %, the gain to 0.005."""
    curves = np.random.default_rng(5).standard_normal((20_000, 3)) * [0.1, 1.0, 5.0]
    advice = next_points([0.0, 1.0, 2.0], curves, 0.5, criterion="information")
    assert advice.gain == pytest.approx(0.5 * np.log1p(np.square([0.2, 2.0, 10.0])), abs=0.02)


def test_predictions_are_those_of_the_draws_in_their_order() -> None:
    x, parts = np.linspace(-1.0, 1.0, 15), {"line": "linear"}
    priors = {"line.level": "normal(mean=0, sd=1)", "line.slope": "normal(mean=0, sd=1)", "line.pivot": 0}
    target = bayesbeam.curve_target(x, 0.3 + x, parts, priors, sd=0.2)
    result = bayesbeam.sample(target, seed=1, target_standard_error=0.3)
    places = np.array([-2.0, 0.5, 3.0])
    curves = predicted(result, bayesbeam.curve_target(places, 0 * places, parts, priors))
    one, two = (bayesbeam.curve_target([at], [0.0], parts, priors) for at in (-2.0, 3.0))
    assert np.array_equal(curves[:, [0]], predicted(result, one))
    slope = (curves[:, 2] - curves[:, 0]) / 5.0
    assert slope == pytest.approx(result.draws["line.slope"], abs=1e-9)
    assert curves[:, 2] == pytest.approx(predicted(result, two)[:, 0])
    with pytest.raises(ModelError, match=r"draws without p[.]amplitude; expected the same model"):
        predicted(result, bayesbeam.curve_target(places, places, {"p": "gaussian"}, dict.fromkeys(
            ("p.amplitude", "p.position", "p.sd"), "uniform(low=0.1, high=1)")))  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"curves": np.zeros((5, 3))},
            r"curves of candidate 1: an array \(5, 3\); expected two draws or more at the 21",
        ),
        ({"curves": np.full((5, 21), math.nan)}, "curves: numbers that are not finite"),
        ({"x": []}, "x: an array of shape"),
        ({"x": ["a"]}, "x: .*expected numbers"),
        ({"sd": 0.0}, "sd: a number that is not above 0"),
        ({"sd": [0.1, 0.2]}, r"sd: an array of shape \(2,\)"),
        ({"cost": -1.0}, "cost: a number that is not above 0"),
        ({"number": 0}, "number: 0; expected a whole number"),
        ({"probabilities": [0.5, 0.5]}, "probabilities: .*expected 1 numbers"),
        ({"probabilities": [-1.0]}, "none below 0"),
        ({"about": np.zeros(4)}, r"about: \[4\] draws; expected those of the curves: \[400\]"),
        ({"about": np.zeros(400), "criterion": "information"}, "information beside about"),
        ({"criterion": "varience"}, "Did you mean variance?"),
    ],
)
def test_what_cannot_be_advised(changed: dict[str, object], message: str) -> None:
    arguments = {"x": X, "curves": draws_of(PRIOR) @ DESIGN.T, "sd": SD} | changed
    with pytest.raises(ModelError, match=message):
        next_points(**arguments)  # type: ignore[arg-type]


@pytest.mark.nightly
def test_chosen_points_beat_a_grid_of_as_many() -> None:
    """The study of docs/results.md at a third of its size; the gain there is far beyond its spread, chance has none."""
    found = adaptive_measurement.study(replicates=8)
    assert np.median(found.grid / found.chosen) > 1.2
    assert (found.grid > found.chosen).sum() >= 7  # 9 in 256 if there were no difference
    assert found.covered(found.chosen_error, found.chosen) >= 5  # 95 % intervals: fewer once in 3000 studies
