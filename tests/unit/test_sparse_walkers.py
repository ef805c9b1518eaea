"""Walkers over supports: the same on both engines and with any threads, kept in order, and honest about bad runs."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import stats

from bayesbeam.errors import ModelError, SamplingError
from bayesbeam.evidence.closed_form import known_noise
from bayesbeam.evidence.combine import Estimates
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.rng import stream_key
from bayesbeam.sparse.averages import Averages, averages
from bayesbeam.sparse.chains import engine_for
from bayesbeam.sparse.exchange import Walk, walk_supports
from bayesbeam.sparse.problem import Regression, free_energy_of, reduced, regression, without_always
from bayesbeam.sparse.search import Ranked
from bayesbeam.sparse.sizes import equal_sizes, falling_sizes
from bayesbeam.sparse.trust import Travels, judge
from bayesbeam.sparse.walkers import Block, Walkers, first_walkers, steps_of

MOST = 4
BETA = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 5)])
KEY = stream_key(3, "walkers")


def problem(always: int = 0, shape: float = 0.0, columns: int = 9, noise: float = 0.6) -> Regression:
    generator = np.random.default_rng(2)
    design = generator.standard_normal((40, columns))
    design[:, 1] += design[:, 2]
    y = design[:, [0, 2]] @ [0.5, -0.4] + noise * generator.standard_normal(40)
    return regression(design, y, noise, 1.0, 0.2, always=always, shape=shape, scale=shape)


def advanced(given: Regression, compiled: bool, threads: int = 1) -> tuple[Walkers, list[Block]]:
    """Walkers after two blocks, one of an odd number of sweeps."""
    sums, log_size = without_always(reduced(given), given.always), falling_sizes(given.columns, MOST, 0.8)
    engine = engine_for(sums, steps_of(sums, log_size), KEY, 6, 5, threads, "cpu", compiled)
    walkers = first_walkers(KEY, given.columns, log_size, 5, len(BETA))
    engine.begin(walkers)
    return walkers, [engine.advance(walkers, BETA, 0, 31), engine.advance(walkers, BETA, 31, 40)]


@pytest.mark.parametrize(("always", "shape"), [(0, 0.0), (2, 2.0)])
def test_torch_and_compiled_loops_walk_the_same_way(always: int, shape: float) -> None:
    """Free energies to 1e-9, all else the same: no decision of these numbers hangs on the last digits."""
    given = problem(always, shape)
    (one, first), (other, second) = advanced(given, True), advanced(given, False)
    for name in ("support", "size", "replica", "last", "halves"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    np.testing.assert_allclose(one.value, other.value, rtol=1e-9)
    for mine, its in zip(first, second, strict=True):
        assert np.array_equal(mine.size, its.size)
        assert np.array_equal(mine.top, its.top)
        np.testing.assert_allclose(mine.value, its.value, rtol=1e-9)
        np.testing.assert_allclose(mine.exchange, its.exchange, rtol=1e-8)
        # Torch keeps one list for all chains.
        assert mine.best[:, 0].tolist().count(its.best[0, 0].tolist()) >= 1
        assert mine.cost.min() == pytest.approx(its.cost.min(), rel=1e-9)


def test_states_are_rising_columns_with_the_log_evidence_that_belongs_to_them() -> None:
    given = problem(1)
    walkers, blocks = advanced(given, True)
    for c in range(5):
        for r in range(len(BETA)):
            support = walkers.support[c, r]
            chosen = support[support < given.columns]
            assert len(chosen) == walkers.size[c, r]
            assert (np.diff(chosen) > 0).all()
            assert walkers.value[c, r] == pytest.approx(-free_energy_of(given, chosen.tolist()), rel=1e-9)
    assert sorted(walkers.replica[0].tolist()) == list(range(len(BETA)))
    assert blocks[0].size.min() == 0
    assert blocks[0].size.max() == MOST


def test_lists_of_the_best_hold_each_support_once_and_best_first() -> None:
    given = problem()
    _, (_, block) = advanced(given, True)
    log_prior = steps_of(reduced(given), falling_sizes(given.columns, MOST, 0.8)).log_prior
    for best, cost in zip(block.best, block.cost, strict=True):
        rows = [tuple(row.tolist()) for row in best]
        assert len(set(rows)) == len(rows)
        assert (np.diff(cost) >= 0.0).all()
        for row, value in zip(rows, cost, strict=True):
            chosen = [j for j in row if j >= 0]
            assert value == pytest.approx(free_energy_of(given, chosen) - log_prior[len(chosen)], rel=1e-9)


def test_first_states_are_draws_of_the_prior() -> None:
    """Chi-squared of sizes and of columns, false alarm 1e-4 each on another seed."""
    log_size = falling_sizes(9, MOST, 0.6)
    walkers = first_walkers(KEY, 9, log_size, 3000, 4)
    size = np.bincount(walkers.size.ravel(), minlength=MOST + 1)
    assert stats.chisquare(size, 12000 * np.exp(log_size)).pvalue > 1e-4
    single = walkers.support[walkers.size == 1][:, 0]
    assert stats.chisquare(np.bincount(single, minlength=9)).pvalue > 1e-4
    assert ((walkers.support < 9).sum(-1) == walkers.size).all()


def test_threads_and_a_second_run_change_no_bit() -> None:
    given, log_size = problem(), equal_sizes(9, MOST)
    asked = Walk(seed=4, max_sweeps=1000, chains=5)
    one, other = (walk_supports(given, log_size, replace(asked, threads=threads)) for threads in (1, 3))
    assert one.free_energy == other.free_energy
    assert np.array_equal(one.log_likelihood, other.log_likelihood)
    assert one.posterior.ranking == other.posterior.ranking
    for field in fields(Averages):
        assert np.array_equal(getattr(one.averages, field.name), getattr(other.averages, field.name))
    another = walk_supports(given, log_size, replace(asked, seed=5))
    assert another.free_energy != one.free_energy


def test_a_run_that_is_too_short_for_its_dictionary_is_not_reliable() -> None:
    """Eight columns of three hundred, almost without noise, and one proposal a sweep."""
    generator = np.random.default_rng(6)
    design = generator.standard_normal((150, 300))
    y = design[:, :8] @ np.linspace(0.5, 2.0, 8) + 0.01 * generator.standard_normal(150)
    found = walk_supports(regression(design, y, 0.01, 1.0), equal_sizes(300, 10), Walk(max_sweeps=1000, moves=1))
    assert not found.verdict.reliable


def test_averages_have_the_errors_of_independent_chains() -> None:
    """Column 3 by itself in a known share of each chain's draws, and nothing else: means and their spread by hand."""
    given = problem(always=1)
    share = np.array([0.2, 0.3, 0.3, 0.6])
    inside = np.arange(100)[:, None] < 100 * share
    top = np.full((100, 4, MOST), given.columns)
    top[..., 0] = np.where(inside, 3, given.columns)
    found = averages(given, reduced(given), top, inside.astype(np.int16))
    error = share.std(ddof=1) / 2.0
    np.testing.assert_allclose(found.inclusion[[0, 4]], [1.0, 0.35])
    np.testing.assert_allclose(found.inclusion_error[[0, 4]], [0.0, error], atol=1e-12)
    np.testing.assert_allclose(found.size, [0.65, 0.35, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(found.size_error[:2], [error, error])
    chosen = [0, 4]
    exact = known_noise(given.design[:, chosen], given.y, given.noise, given.prior_mean[chosen], given.prior_sd[chosen])
    coefficient = float(exact.posterior.mean[1])
    assert found.mean[4] == pytest.approx(0.35 * coefficient)
    assert found.mean_error[4] == pytest.approx(error * abs(coefficient))
    assert found.square[4] == pytest.approx(0.35 * (coefficient**2 + float(exact.posterior.sd[1]) ** 2))


def test_chains_that_disagree_on_one_column_are_seen() -> None:
    """Free energy and size are the same in all; only whether it is column 2 or column 5 differs from chain to chain."""
    generator = np.random.default_rng(3)
    value, size = generator.standard_normal((400, 4)), np.ones((400, 4), np.int16)
    top = np.full((400, 4, MOST), 9)
    top[..., 0] = np.where(generator.random((400, 4)) < 0.5, 2, 5)
    rate = np.array([0.5])
    assert np.nanmax(Travels.of(value, size, top, 9, rate, 9.0).rhat) < 1.02
    top[:, 0, 0] = 2
    assert np.nanmax(Travels.of(value, size, top, 9, rate, 9.0).rhat) > 1.1


def test_each_thing_wrong_with_a_run_is_a_reason_of_its_own() -> None:
    asked = Walk()
    good = FreeEnergy(10.0, 0.05, 9)
    estimates = Estimates(good, {"bar": good, "stepping_stone_forward": good, "stepping_stone_backward": good})
    zero = np.zeros(2)
    averages = Averages(zero, zero, zero, zero, zero, np.full(2, 0.001), zero)
    travels = Travels(np.array([0.5, 0.4]), 50.0, np.array([500.0, math.nan]), np.array([1.01, math.nan]))
    log_prior, seen = np.log([0.5, 0.5]), [Ranked((0,), 9.5, 0.5)]

    def reasons(estimates: Estimates = estimates, averages: Averages = averages, travels: Travels = travels,
                ranked: list[Ranked] = seen) -> tuple[str, ...]:  # fmt: skip
        return judge(estimates, averages, travels, ranked, log_prior, asked).reasons

    assert reasons() == ()
    wide = Estimates(FreeEnergy(10.0, 0.2, 9), estimates.estimators)
    apart = Estimates(good, {**estimates.estimators, "bar": FreeEnergy(11.0, 0.05, 9)})
    without = Estimates(good, {**estimates.estimators, "bar": FreeEnergy(10.0, math.nan, 9)})
    nothing = Estimates(FreeEnergy(math.inf, 0.1, 9), estimates.estimators)
    cases = [
        (reasons(wide), "standard error of F is 0.2 nats"),
        (reasons(apart), "bar differs from the quoted F by 1 nats"),
        (reasons(without), "bar cannot be compared"),
        (reasons(averages=replace(averages, inclusion_error=np.array([0.0, 0.02]))), "standard error of 0.02"),
        (reasons(travels=replace(travels, exchange_rate=np.array([0.5, 0.03]))), "rungs 2 and 3 is only 0.03"),
        (reasons(travels=replace(travels, round_trips=4.0)), "only 4 round trips"),
        (reasons(travels=replace(travels, rhat=np.array([1.0, 1.3]))), "chains disagree"),
        (reasons(travels=replace(travels, effective_draws=np.array([50.0, 200.0]))), "only 50 effective draws"),
        (reasons(ranked=[Ranked((0,), 8.0, 1.0)]), "1.3 nats more evidence"),
    ]
    for found, words in cases:
        assert len(found) == 1
        assert words in found[0]
    assert "not finite" in reasons(nothing)[0]


def test_what_cannot_be_asked_for_is_refused() -> None:
    given = problem()
    with pytest.raises(SamplingError, match="chains: 1"):
        walk_supports(given, equal_sizes(9, 2), Walk(chains=1))
    with pytest.raises(SamplingError, match="max_sweeps: 10"):
        walk_supports(given, equal_sizes(9, 2), Walk(max_sweeps=10))
    with pytest.raises(ModelError, match="prior of sizes"):
        walk_supports(given, np.log([0.3, 0.3, 0.3]), Walk())
