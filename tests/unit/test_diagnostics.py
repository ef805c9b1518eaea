"""Effective sample size and R-hat against processes whose correlation is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bayesbeam.sampling.diagnostics import autocovariance, effective_sample_size, split_rhat


def autoregressive(correlation: float, chains: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Stationary process x' = correlation x + noise, variance 1."""
    x = np.empty((chains, steps))
    x[:, 0] = rng.standard_normal(chains)
    kicks = rng.standard_normal((chains, steps)) * math.sqrt(1 - correlation**2)
    for s in range(1, steps):
        x[:, s] = correlation * x[:, s - 1] + kicks[:, s]
    return x


def test_autocovariance_is_the_plain_sum(numpy_rng: np.random.Generator) -> None:
    draws = numpy_rng.standard_normal((3, 17))
    centred = draws - draws.mean(axis=1, keepdims=True)
    plain = [[(row[: 17 - lag] * row[lag:]).sum() / 17 for lag in range(17)] for row in centred]
    np.testing.assert_allclose(autocovariance(draws), plain, atol=1e-14)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 0.95])
def test_effective_sample_size_of_an_autoregressive_process(correlation: float, numpy_rng: np.random.Generator) -> None:
    """Truth n (1 - r)/(1 + r); 20 % is 4.5 of the errors of Geyer's sum.

    Its relative error over 80000 draws is about sqrt(4 tau / n), 4.4 % at r = 0.95 where tau = 39.
    """
    draws = autoregressive(correlation, 8, 10000, numpy_rng)
    truth = draws.size * (1 - correlation) / (1 + correlation)
    assert effective_sample_size(draws) == pytest.approx(truth, rel=0.2)


def test_chains_that_disagree_have_few_effective_draws_and_a_large_rhat(numpy_rng: np.random.Generator) -> None:
    draws = autoregressive(0.3, 6, 1000, numpy_rng)
    assert split_rhat(draws) < 1.02
    apart = draws + 2.0 * np.arange(6)[:, None]
    assert split_rhat(apart) > 1.5
    assert effective_sample_size(apart) < 30


def test_rhat_sees_chains_that_differ_in_spread_alone_or_drift(numpy_rng: np.random.Generator) -> None:
    draws = numpy_rng.standard_normal((4, 1000))
    wide = draws * np.array([1.0, 1.0, 1.0, 3.0])[:, None]
    assert split_rhat(wide) > 1.1
    assert split_rhat(draws + np.linspace(0, 3, 1000)) > 1.1


def test_rhat_does_not_depend_on_a_monotone_scale(numpy_rng: np.random.Generator) -> None:
    """Ranks alone enter the bulk part; heavy tails without a mean do no harm."""
    draws = numpy_rng.standard_cauchy((4, 1000))
    assert split_rhat(draws) < 1.02


def test_a_constant_or_a_short_record_has_no_diagnosis() -> None:
    for draws in (np.ones((3, 100)), np.arange(6.0).reshape(2, 3)):
        assert math.isnan(effective_sample_size(draws))
        assert math.isnan(split_rhat(draws))


def test_infinite_draws_have_no_diagnosis(numpy_rng: np.random.Generator) -> None:
    draws = numpy_rng.standard_normal((3, 100))
    draws[0, 3] = -np.inf
    assert math.isnan(effective_sample_size(draws))
    assert math.isnan(split_rhat(draws))
