"""Effective sample size and R-hat against processes whose correlation is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from bayesbeam.sampling.diagnostics import (
    autocovariance,
    bulk_effective_sample_sizes,
    bulk_sizes_and_rhats,
    effective_sample_sizes,
    split_rhats,
)


def effective_sample_size(draws: np.ndarray) -> float:
    return float(effective_sample_sizes(draws[None])[0])


def split_rhat(draws: np.ndarray) -> float:
    return float(split_rhats(draws[None])[0])


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
    np.testing.assert_allclose(autocovariance(draws), np.mean(plain, axis=0), atol=1e-14)


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


@pytest.mark.parametrize("bad", [-np.inf, np.inf, np.nan])
def test_infinite_draws_have_no_diagnosis(bad: float, numpy_rng: np.random.Generator) -> None:
    draws = numpy_rng.standard_normal((3, 100))
    draws[0, 3] = bad
    assert math.isnan(effective_sample_size(draws))
    assert math.isnan(split_rhat(draws))


def rhat_with_ranks_of_scipy(draws: np.ndarray) -> float:
    """Equations 3, 4 and 14, with ranks and normal quantiles of scipy.stats."""
    half = draws.shape[1] // 2
    split = np.concatenate([draws[:, :half], draws[:, -half:]])
    found = []
    for values in (split, np.abs(split - np.median(split))):
        score = norm.ppf((rankdata(values).reshape(split.shape) - 0.375) / (split.size + 0.25))
        within = score.var(axis=1, ddof=1).mean()
        between = score.mean(axis=1).var(ddof=1)
        found.append(math.sqrt((within * (half - 1) / half + between) / within))
    return max(found)


@pytest.mark.parametrize("steps", [4, 5, 100, 257])
@pytest.mark.parametrize("digits", [0, 1, 15])
def test_rhat_is_that_of_ranks_with_equal_values_too(steps: int, digits: int, numpy_rng: np.random.Generator) -> None:
    """Chains that stay where they are repeat values: a few to nearly all are equal."""
    for spread in (0.0, 1.0):
        draws = np.round(numpy_rng.standard_normal((4, steps)) + spread * np.arange(4)[:, None], digits)
        # The same sums in another order.
        assert split_rhat(draws) == pytest.approx(rhat_with_ranks_of_scipy(draws), rel=1e-12)


def test_columns_do_not_depend_on_one_another_or_on_memory_layout(numpy_rng: np.random.Generator) -> None:
    draws = numpy_rng.standard_normal((5, 6, 101))
    draws[2] = 1.0
    draws[3, 1, 7] = np.nan
    for batch, one in ((effective_sample_sizes, effective_sample_size), (split_rhats, split_rhat)):
        alone = np.array([one(column) for column in draws])
        assert np.isnan(alone).tolist() == [False, False, True, True, False]
        for same in (draws, np.asfortranarray(draws), np.repeat(draws, 2, axis=2)[..., ::2]):
            np.testing.assert_array_equal(batch(same), alone)
        np.testing.assert_array_equal(batch(draws[::-1]), alone[::-1])


def test_chains_that_stand_still_apart_never_agree() -> None:
    assert split_rhat(np.repeat(np.arange(4.0)[:, None], 50, axis=1)) == math.inf


def test_bulk_effective_draws_are_those_of_the_ranks(numpy_rng: np.random.Generator) -> None:
    """Those of a normal process whatever the scale is bent to, and little moved by a rare far mode."""
    steps = numpy_rng.standard_normal((4, 2000))
    walk = np.empty_like(steps)
    walk[:, 0] = steps[:, 0]
    for i in range(1, steps.shape[1]):
        walk[:, i] = 0.8 * walk[:, i - 1] + 0.6 * steps[:, i]
    plain = effective_sample_size(walk)
    (bulk,) = bulk_effective_sample_sizes(walk[None])
    assert bulk == pytest.approx(plain, rel=0.05)
    assert bulk_effective_sample_sizes(np.exp(3.0 * walk)[None])[0] == bulk
    visited = walk.copy()
    visited[1, 500:516] = 1e4
    assert effective_sample_size(visited) < 0.6 * plain
    assert bulk_effective_sample_sizes(visited[None])[0] > 0.8 * plain
    # Chains that disagree are noticed all the same.
    assert bulk_effective_sample_sizes((walk + np.arange(4)[:, None])[None])[0] < 0.1 * plain


def test_bulk_effective_draws_of_what_cannot_be_diagnosed() -> None:
    columns = np.stack([np.ones((2, 10)), np.full((2, 10), np.inf)])
    assert np.isnan(bulk_effective_sample_sizes(columns)).all()


@pytest.mark.parametrize("steps", [4, 100, 101, 1200])
@pytest.mark.parametrize("digits", [1, 15])
def test_one_ranking_gives_what_two_give(steps: int, digits: int, numpy_rng: np.random.Generator) -> None:
    """To the last bit, in blocks of columns too, with equal values and with columns that have no diagnosis."""
    draws = np.round(numpy_rng.standard_normal((9, 4, steps)), digits)
    draws[3], draws[5, 0, 0] = 1.0, np.inf
    sizes, rhats = bulk_sizes_and_rhats(draws)
    np.testing.assert_array_equal(sizes, bulk_effective_sample_sizes(draws))
    np.testing.assert_array_equal(rhats, split_rhats(draws))
    assert np.flatnonzero(np.isnan(sizes)).tolist() == [3, 5]
    np.testing.assert_array_equal(sizes[4:5], bulk_effective_sample_sizes(draws[4:5]))
