"""Exchange Monte Carlo over supports against looking at all of them."""

from __future__ import annotations

import numpy as np
import pytest

from bayesbeam.sparse.exchange import Walk, Walked, walk_supports
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.problem import Regression, regression
from bayesbeam.sparse.search import posterior
from bayesbeam.sparse.sizes import each_column, equal_sizes


def independent(noise: float, always: int = 0, shape: float = 0.0) -> Regression:
    """Four of thirty columns."""
    generator = np.random.default_rng(21)
    design = generator.standard_normal((100, 30))
    y = design[:, [2, 7, 11, 28]] @ [1.0, -0.6, 0.4, 0.3] + noise * generator.standard_normal(100)
    return regression(design, y, noise, 1.0, always=always, shape=shape, scale=shape)


def bells() -> Regression:
    """Three peaks among bells at forty places, each much like its neighbours."""
    x = np.linspace(0.0, 1.0, 120)
    design = np.exp(-0.5 * ((x[:, None] - np.linspace(0.0, 1.0, 40)) / 0.04) ** 2)
    y = design[:, [10, 13, 30]] @ [1.0, 0.8, 0.5] + 0.1 * np.random.default_rng(4).standard_normal(120)
    return regression(design, y, 0.1, 1.0)


CASES = {
    "little noise": (independent(0.05), 4),
    "much noise": (independent(2.0), 4),
    "level unknown, one column always in": (independent(0.5, 1, 2.0), 4),
    "columns much alike": (bells(), 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", list(CASES))
def test_a_run_finds_what_looking_at_all_supports_finds(case: str) -> None:
    """Free energy within 4 of its standard errors, of nine degrees of freedom; 0.003 false alarms a case."""
    given, most = CASES[case]
    log_size = equal_sizes(given.columns, most)
    search = search_all(given, most, bins=100)
    exact = posterior(search, log_size)
    found = walk_supports(given, log_size, Walk(seed=8, bins=100, threads=2))
    assert found.verdict.reliable, found.verdict.reasons
    assert abs(found.free_energy.value - exact.free_energy) < 4.0 * found.free_energy.standard_error
    assert found.free_energy.standard_error < 0.1
    assert np.abs(found.posterior.inclusion - exact.inclusion).max() < 0.01
    assert np.abs(found.posterior.size - exact.size).max() < 0.02
    assert [one.support for one in found.posterior.ranking[:10]] == [one.support for one in exact.ranking[:10]]
    for one, other in zip(found.posterior.ranking[:10], exact.ranking[:10], strict=True):
        assert one.free_energy == pytest.approx(other.free_energy, abs=1e-8)
    scale = np.sqrt(search.square.max(0)).max()
    assert np.abs(found.posterior.mean - exact.mean).max() < 0.02 * scale
    assert np.abs(found.posterior.sd - exact.sd).max() < 0.02 * scale
    _compare_states(found, search.histogram)


def _compare_states(found: Walked, exact: np.ndarray) -> None:
    """Numbers of supports in bins that hold some: those of a size to 10 %, and errors that are those stated.

    The mean square of Student's t of nine is 1.3; bins share their draws, so that it was 0.8 to 2.2 in 16 runs.
    """
    states = found.states
    np.testing.assert_allclose(states.histogram.sum(1), exact.sum(1), rtol=0.1)
    many = exact >= 20
    z = (states.histogram - exact)[many] / np.maximum(states.standard_error[many], 1e-300)
    assert many.sum() > 30
    assert 0.4 < np.square(z).mean() < 4.0


@pytest.mark.slow
def test_errors_of_the_free_energy_are_those_of_many_runs() -> None:
    """Spread of z over 24 runs that are stopped at their first check; chi-squared of 24 against Student's t of nine."""
    given = independent(0.5)
    log_size = each_column(30, 4, 0.1)
    exact = posterior(search_all(given, 4), log_size).free_energy
    runs = [walk_supports(given, log_size, Walk(seed=s, target_standard_error=10.0, inclusion_error=1.0, moves=2,
                                                max_sweeps=1000, threads=2)) for s in range(24)]  # fmt: skip
    z = np.array([(run.free_energy.value - exact) / run.free_energy.standard_error for run in runs])
    # The mean of 24 t of nine has a standard deviation of 0.23, their mean square of about 0.5: four of each.
    assert abs(z.mean()) < 0.95
    assert 0.3 < np.square(z).mean() < 3.4
