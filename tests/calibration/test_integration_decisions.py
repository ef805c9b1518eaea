"""Decisions on simulated measurements: integrated as often as theory says, partial sharing found, intervals that cover.

Each test is shown to fail on a planted mistake. Short here; ten times as many pairs in the long tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest, chi2, ncx2

from bayesbeam.evidence.closed_form import known_noise_in_a_box
from bayesbeam.integration.normal_mixture import fit_mixture
from bayesbeam.integration.sharings import Sharings, compare_sharings
from bayesbeam.integration.single import Single
from bayesbeam.integration.two_stage import product

XI = 10.0
POINTS, NOISE = (10, 20), (0.5, 1.0)
FALSE_ALARM = 1e-4
LONG = pytest.param(2000, marks=[pytest.mark.nightly])
Change = Callable[[Single], Single]


def as_it_is(one: Single) -> Single:
    return one


def prior_of_half_the_range(one: Single) -> Single:
    """As if the prior counted once too little or too much: a constant that is off."""
    narrow = tuple(lambda x, f=f: f(x) + math.log(2.0) for f in one.log_prior)
    return Single(one.name, one.chains, narrow, one.density, one.without)


def spreads() -> tuple[np.ndarray, np.ndarray]:
    """Variances of slope and intercept in both measurements, of centred inputs of mean square 1."""
    found = np.array([[s * s / n] * 2 for s, n in zip(NOISE, POINTS, strict=True)])
    return found, found.sum(0)


def pair(generator: np.random.Generator, difference: np.ndarray) -> list[Single]:
    """Posteriors of slope and intercept of two straight lines whose truths differ."""
    singles = []
    for k, (n, sigma) in enumerate(zip(POINTS, NOISE, strict=True)):
        x = np.linspace(-1.0, 1.0, n)
        x *= 1.0 / math.sqrt(float((x * x).mean()))
        truth = np.array([0.7, -0.4]) + k * difference
        design = np.stack([x, np.ones(n)], 1)
        y = design @ truth + sigma * generator.standard_normal(n)
        found = known_noise_in_a_box(design, y, sigma, -XI, XI)
        draws = generator.multivariate_normal(found.mean, found.covariance, (8, 250))
        flat = [lambda v: np.full(len(v), -math.log(2.0 * XI))] * 2
        # One normal density, which it is, without the search for more: thousands of posteriors in seconds.
        singles.append(Single(f"m{k}", draws, tuple(flat), fit_mixture(draws.reshape(-1, 2), 1), ()))
    return singles


def decided(singles: list[Single], change: Change = as_it_is) -> Sharings:
    """Comparison of none, all, and each parameter by itself."""
    used = [change(one) for one in singles]
    patterns = {
        "slope": product([one.of([0]) for one in used], errors=False).uncertain,
        "intercept": product([one.of([1]) for one in used], errors=False).uncertain,
    }
    return compare_sharings(2, {(0, 1): product(used, errors=False).uncertain}, patterns, [])


def integrates(singles: list[Single], change: Change = as_it_is) -> bool:
    """Whether all is shared rather than nothing, as if no partial sharing had been asked for."""
    whole = product([change(one) for one in singles], errors=False)
    return compare_sharings(2, {(0, 1): whole.uncertain}, {}, []).best.kind == "all"


def threshold(parameters: int, variance: np.ndarray) -> float:
    """Squared distance, in units of its spread, below which sharing wins: c of the solvable model."""
    return 2.0 * parameters * math.log(2.0 * XI) - float(np.log(2.0 * math.pi * variance[:parameters]).sum())


def agrees(successes: int, among: int, probability: float) -> bool:
    return binomtest(successes, among, probability).pvalue > FALSE_ALARM


@pytest.mark.parametrize("number", [200, LONG])
@pytest.mark.parametrize("steps", [0.0, 2.0, 3.0, 5.0])
def test_straight_lines_are_integrated_as_often_as_theory_says(number: int, steps: float) -> None:
    """The non-central chi-square distribution at c; steps are in standard errors of a difference."""
    variance = spreads()[1]
    c = threshold(2, variance)
    difference = steps * np.sqrt(variance)
    expected = float(ncx2.cdf(c, 2, 2.0 * steps**2)) if steps else float(chi2.cdf(c, 2))
    generator = np.random.default_rng(int(10 * steps))
    pairs = [pair(generator, difference) for _ in range(number)]
    found = sum(integrates(one) for one in pairs)
    print(f"{steps} standard errors: integrated {found} of {number}, expected {expected:.4f}")
    assert agrees(found, number, expected)
    if steps == 2.0:
        wrong = sum(integrates(one, prior_of_half_the_range) for one in pairs)
        assert not agrees(wrong, number, expected)


@pytest.mark.parametrize("number", [200, LONG])
def test_one_of_two_equal_parameters_is_found(number: int) -> None:
    """Equal slopes, intercepts far apart: the slope alone is shared unless it, too, seems to differ."""
    variance = spreads()[1]
    generator = np.random.default_rng(5)
    apart = np.array([0.0, 8.0 * math.sqrt(variance[1])])
    found = [decided(pair(generator, apart)).best.name for _ in range(number)]
    expected = float(chi2.cdf(threshold(1, variance), 1))
    print(f"slope shared {found.count('slope')} of {number}, expected {expected:.4f}")
    assert agrees(found.count("slope"), number, expected)
    assert found.count("intercept") == 0
    both = [decided(pair(generator, np.zeros(2))).best.kind for _ in range(number // 2)]
    assert both.count("all") > 0.9 * len(both)


@pytest.mark.parametrize("number", [200, LONG])
def test_integrated_intervals_cover_and_are_narrower_as_expected(number: int) -> None:
    own, _ = spreads()
    generator = np.random.default_rng(6)
    inside, ratios = 0, []
    for _ in range(number):
        singles = pair(generator, np.zeros(2))
        draws = product(singles, errors=False).draw(10_000)
        low, high = np.quantile(draws[:, 0], (0.025, 0.975))
        inside += int(low < 0.7 < high)
        ratios.append(draws[:, 0].std() / singles[0].draws[:, 0].std())
    expected = math.sqrt(1.0 / (1.0 / own[0, 0] + 1.0 / own[1, 0]) / own[0, 0])
    print(f"covered {inside} of {number}; {np.mean(ratios):.4f} of the width, expected {expected:.4f}")
    assert agrees(inside, number, 0.95)
    assert np.mean(ratios) == pytest.approx(expected, rel=0.01)


def test_intervals_of_truths_that_differ_do_not_cover() -> None:
    """The same count on pairs that should not be integrated: the test of coverage sees it."""
    variance = spreads()[1]
    generator = np.random.default_rng(7)
    inside = 0
    for _ in range(100):
        draws = product(pair(generator, 3.0 * np.sqrt(variance)), errors=False).draw(10_000)
        low, high = np.quantile(draws[:, 0], (0.025, 0.975))
        inside += int(low < 0.7 < high)
    assert not agrees(inside, 100, 0.95)
