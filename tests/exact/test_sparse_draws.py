"""Draws after an exhaustive search are independent draws of the posterior."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayesbeam.evidence.closed_form import known_noise
from bayesbeam.sparse import batched
from bayesbeam.sparse.draws import draw_coefficients, draw_supports, generator_of
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.problem import Regression, regression
from bayesbeam.sparse.search import posterior
from bayesbeam.sparse.sizes import each_column

MOST, DRAWS, FALSE_ALARM = 3, 40_000, 1e-4


def problem(shape: float = 0.0, noise: float = 1.0) -> Regression:
    generator = np.random.default_rng(5)
    design = generator.standard_normal((25, 8))
    y = design[:, [2, 5]] @ [0.4, 0.3] + noise * generator.standard_normal(25)
    return regression(design, y, noise, 0.7, 0.1, always=1, shape=shape, scale=shape)


@pytest.mark.parametrize("compiled", [True, False])
def test_supports_come_as_often_as_their_probability_says(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chi-squared over all supports, in many parts of the search; a seeded test, false alarm 1e-4 on another seed."""
    monkeypatch.setattr(batched, "_AT_ONCE", {"cpu": 200})
    given = problem()
    log_size = each_column(7, MOST, 0.3)
    search = search_all(given, MOST, compiled=compiled, ranked=100)
    ranking = posterior(search, log_size).ranking
    assert len(ranking) == 64
    found = draw_supports(given, search, log_size, DRAWS, generator_of(1, "draws"), compiled=compiled)
    number = {one.support: i for i, one in enumerate(ranking)}
    seen = np.bincount([number[tuple(row[row >= 0].tolist())] for row in found], minlength=len(ranking))
    expected = DRAWS * np.array([one.probability for one in ranking])
    assert expected.min() > 5.0
    assert stats.chisquare(seen, expected * DRAWS / expected.sum()).pvalue > FALSE_ALARM
    # The order says nothing: halves are alike.
    half = np.bincount([number[tuple(row[row >= 0].tolist())] for row in found[: DRAWS // 2]], minlength=len(ranking))
    assert stats.chisquare(half, expected * (DRAWS / 2) / expected.sum()).pvalue > FALSE_ALARM


def test_coefficients_of_a_support_have_its_posterior_and_others_are_zero() -> None:
    given = problem()
    supports = np.tile([2, 5, -1], (DRAWS, 1))
    found = draw_coefficients(given, supports, generator_of(2, "coefficients"))
    chosen = [0, 3, 6]
    assert (np.delete(found, chosen, axis=1) == 0.0).all()
    exact = known_noise(given.design[:, chosen], given.y, given.noise, given.prior_mean[chosen], given.prior_sd[chosen])
    z = (found[:, chosen] - exact.posterior.mean) @ exact.posterior.triangle.T
    for column in z.T:
        assert stats.kstest(column, "norm").pvalue > FALSE_ALARM
    assert np.abs(np.corrcoef(z.T) - np.eye(3)).max() < 4.5 / np.sqrt(DRAWS)


@pytest.mark.parametrize("shape", [0.0, 3.0])
def test_draws_have_the_averages_of_the_search(shape: float) -> None:
    """Means within 4.5 standard errors, and standard deviations within 10 %, for most draws are zero."""
    given, log_size = problem(shape), each_column(7, MOST, 0.3)
    search = search_all(given, MOST)
    exact = posterior(search, log_size)
    generator = generator_of(3, "averages")
    supports = draw_supports(given, search, log_size, DRAWS, generator)
    found = draw_coefficients(given, supports, generator)
    assert (np.abs(found.mean(0) - exact.mean) < 4.5 * exact.sd / np.sqrt(DRAWS)).all()
    np.testing.assert_allclose(found.std(0), exact.sd, rtol=0.1)
    inclusion = (found != 0.0).mean(0)
    error = np.sqrt(np.clip(exact.inclusion * (1.0 - exact.inclusion), 0.0, 1.0) / DRAWS)
    assert (np.abs(inclusion - exact.inclusion) <= 4.5 * error + 1e-12).all()


def test_a_certain_support_is_always_drawn() -> None:
    """Weights of all others are lost in rounding, so that marks at the end of a sum must not run out of it."""
    given, log_size = problem(noise=1e-4), each_column(7, MOST, 0.3)
    search = search_all(given, MOST)
    best = posterior(search, log_size).ranking[0]
    found = draw_supports(given, search, log_size, 500, generator_of(4, "certain"))
    assert (found >= -1).all()
    share = np.mean([tuple(row[row >= 0].tolist()) == best.support for row in found])
    assert abs(share - best.probability) < 0.1
