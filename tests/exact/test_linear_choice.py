"""How often one of two linear models is selected: closed forms against draws, and draws against regression."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from bayesbeam.errors import ModelError
from bayesbeam.evidence import linear_choice
from bayesbeam.evidence.closed_form import known_noise, known_noise_in_a_box
from bayesbeam.evidence.linear_choice import LinearModel, Prior, choice, draw_difference, least_from
from bayesbeam.evidence.mesoscopic_lines import Line

Array = NDArray[np.float64]
FLAT, NORMAL = Prior(-10.0, 10.0), Prior(mean=0.2, sd=1.5)


def line(points: int, priors: tuple[Prior, ...], rest: float = 0.0) -> LinearModel:
    """A straight line through the origin, or with b, over places that are not centred."""
    x = np.linspace(-1.0, 2.0, points)
    return LinearModel(np.stack([x, np.ones(points)], 1)[:, : len(priors)], np.full(points, rest), priors)


def test_centred_lines_are_those_of_the_theory() -> None:
    x = np.linspace(-1.0, 1.0, 11)
    x /= math.sqrt(float(np.mean(x * x)))
    large = LinearModel(np.stack([x, np.ones(11)], 1), np.zeros(11), (FLAT, FLAT))
    small = LinearModel(x[:, None], np.zeros(11), (FLAT,))
    theory = Line(11, 1.0, 0.5, 0.8).nested(10.0)
    curve = x + 0.5
    for known, noise in ((True, "known"), (False, "integrated")):
        found = choice(large, small, curve, 0.8, known)
        assert abs(found.probability - float(theory.sf(noise))) < 1e-10  # type: ignore[arg-type]
        assert found.standard_error == 0.0
        turned = choice(small, large, curve, 0.8, known)
        assert abs(turned.probability + found.probability - 1.0) < 1e-12


@pytest.mark.parametrize("sigma", [0.5, 1.5])
def test_draws_are_the_closed_form_where_there_is_one(sigma: float) -> None:
    """Within four standard errors of 1e5 draws: nested lines with flat priors, a level that one of them has fixed."""
    large, small = line(9, (FLAT, FLAT)), line(9, (FLAT,), rest=0.4)
    curve = large.columns @ [1.0, 0.9]
    exact = choice(large, small, curve, sigma)
    assert exact.method == "closed form"
    drawn = np.mean(draw_difference(large, small, curve, sigma, 100_000, np.random.default_rng(1)) > 0.0)
    assert abs(drawn - exact.probability) < 4.0 * math.sqrt(exact.probability * (1.0 - exact.probability) / 100_000)
    unknown = choice(large, small, curve, sigma, known=False)
    assert unknown.method == "quadrature"


@pytest.mark.parametrize(
    "priors", [((NORMAL, NORMAL), (NORMAL,)), ((FLAT, NORMAL), (NORMAL,)), ((FLAT, FLAT), (FLAT,))]
)
def test_differences_are_those_of_regression(priors: tuple[tuple[Prior, ...], tuple[Prior, ...]]) -> None:
    """All of the data drawn: a model and one that it does not contain, by regression of every data set."""
    first = line(8, priors[0])
    second = LinearModel((first.columns[:, :1]) ** 2, np.full(8, 0.3), priors[1])
    curve, sigma = first.columns @ [1.0, 0.4], 0.7
    rng = np.random.default_rng(4)
    y = curve + sigma * rng.standard_normal((300, 8))
    by_regression = np.array([free_energy(second, one, sigma) - free_energy(first, one, sigma) for one in y])
    drawn = draw_difference(first, second, curve, sigma, 100_000, np.random.default_rng(5))
    at = np.quantile(drawn, [0.1, 0.3, 0.5, 0.7, 0.9])
    for level, one in zip((0.1, 0.3, 0.5, 0.7, 0.9), at, strict=True):
        assert abs(np.mean(by_regression <= one) - level) < 4.0 * math.sqrt(level * (1.0 - level) / 300)
    # Exactly, where the basis is all of the space and the draws are these data.
    basis = np.eye(8)
    exact = linear_choice._free_energy(second, basis, y, sigma) - linear_choice._free_energy(first, basis, y, sigma)
    np.testing.assert_allclose(exact, by_regression, atol=1e-8)


def free_energy(model: LinearModel, y: Array, sigma: float) -> float:
    """By regression; a flat prior beside a normal one as a very wide normal one, of the density of the flat one."""
    if model.flat:
        low, high = [one.low for one in model.priors], [one.high for one in model.priors]
        return known_noise_in_a_box(model.columns, y - model.rest, sigma, low, high).free_energy
    wide = 1e6
    sd = [wide if one.flat else one.sd for one in model.priors]
    found = known_noise(model.columns, y - model.rest, sigma, [one.mean for one in model.priors], sd).free_energy
    density = [
        math.log(one.high - one.low) - math.log(wide * math.sqrt(2 * math.pi)) for one in model.priors if one.flat
    ]
    return found + sum(density)


def test_a_planted_half_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_choice, "LOG_2PI", 0.0)
    with pytest.raises(AssertionError):
        test_differences_are_those_of_regression(((FLAT, FLAT), (FLAT,)))
    with pytest.raises(AssertionError):
        test_draws_are_the_closed_form_where_there_is_one(0.5)


def test_other_models_are_found_by_draws() -> None:
    """Normal priors, and models of which none contains the other."""
    large, small = line(9, (NORMAL, NORMAL)), line(9, (NORMAL,))
    curve = large.columns @ [1.0, 0.9]
    found = choice(large, small, curve, 0.8)
    assert found.method == "draws of exact free energies"
    assert 0.0 < found.standard_error < 0.002
    again = choice(large, small, curve, 0.8)
    assert again == found
    parabola = LinearModel(large.columns**2, np.zeros(9), (FLAT, FLAT))
    assert choice(line(9, (FLAT, FLAT)), parabola, curve, 0.1).probability > 0.999


def test_nothing_free_is_a_model_too() -> None:
    empty = LinearModel(np.zeros((9, 0)), np.zeros(9), ())
    level = LinearModel(np.ones((9, 1)), np.zeros(9), (FLAT,))
    exact = choice(level, empty, np.full(9, 0.7), 1.0)
    drawn = np.mean(draw_difference(level, empty, np.full(9, 0.7), 1.0, 100_000, np.random.default_rng(2)) > 0.0)
    assert abs(drawn - exact.probability) < 4.0 * math.sqrt(exact.probability * (1.0 - exact.probability) / 100_000)


def test_least_number_that_is_enough() -> None:
    grid = np.array([3.0, 10.0, 30.0, 100.0, 300.0])
    assert least_from(lambda n: n >= 57, grid, whole=True) == 57.0
    assert least_from(lambda n: n >= 57 or n == 3, grid, whole=True) == 57.0
    assert least_from(lambda n: True, grid, whole=True) == 3.0
    assert least_from(lambda n: False, grid, whole=True) is None
    found = least_from(lambda s: s >= 41.5, grid, whole=False)
    assert found is not None
    assert 41.5 <= found < 41.52


def test_mistakes_are_named() -> None:
    large, small = line(9, (FLAT, FLAT)), line(9, (FLAT,))
    with pytest.raises(ModelError, match="flat prior: an end within reach"):
        choice(large, small, large.columns @ [1.0, 9.9], 1.0)
    with pytest.raises(ModelError, match="not known; expected nested ones with flat priors"):
        choice(line(9, (NORMAL, NORMAL)), line(9, (NORMAL,)), large.columns @ [1.0, 0.5], 1.0, known=False)
