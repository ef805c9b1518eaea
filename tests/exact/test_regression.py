"""Regression with priors of every kind and the level integrated out, against quadrature that knows nothing of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bayesbeam.errors import ModelError
from bayesbeam.evidence import exact_posterior as module
from bayesbeam.evidence import regression as reduced
from bayesbeam.evidence.closed_form import conjugate_noise, known_noise
from bayesbeam.evidence.exact_posterior import ExactPosterior, NotSolved, exact_posterior
from bayesbeam.evidence.normal_box import log_difference
from bayesbeam.evidence.regression import Coefficients, regression

Array = NDArray[np.float64]
PROBLEMS = pytest.mark.parametrize("problems", [25, pytest.param(200, marks=pytest.mark.nightly)])
KINDS = ("normal", "flat", "half", "cut", "far")


def problem(rng: np.random.Generator, count: int) -> tuple[Array, Array, Array]:
    """Design, data and noise of a few points; columns depend on each other."""
    points = int(rng.integers(count + 3, 14))
    design = rng.standard_normal((points, count)) @ (np.eye(count) + 0.7 * rng.standard_normal((count, count)))
    sd = rng.uniform(0.3, 2.0, points)
    return design, design @ rng.standard_normal(count) + sd * rng.standard_normal(points), sd


def priors_of(rng: np.random.Generator, kinds: list[str], centre: Array, width: Array) -> Coefficients:
    """Priors whose ends lie about the least squares: far off, near, or beyond it."""
    rows = []
    for kind, c, w in zip(kinds, centre, width, strict=True):
        if kind == "normal":
            rows.append((rng.normal(), rng.uniform(0.5, 3.0), -math.inf, math.inf))
        elif kind == "flat":
            rows.append((0.0, math.inf, c - w * rng.uniform(0.5, 5.0), c + w * rng.uniform(0.5, 5.0)))
        elif kind == "far":
            rows.append((0.0, math.inf, c - 1e3 * w, c + 1e3 * w))
        elif kind == "half":
            low = c + w * rng.uniform(-3.0, 1.5)
            rows.append((low, rng.uniform(0.5, 3.0), low, math.inf))
        else:
            low = c + w * rng.uniform(-3.0, 2.0)
            rows.append((rng.normal(), rng.uniform(0.5, 3.0), low, low + w * rng.uniform(0.5, 5.0)))
    return Coefficients(*np.array(rows).T)


def log_prior_of(priors: Coefficients, theta: Array) -> Array:
    """Log density of the priors, by scipy, for theta (..., P)."""
    total = np.zeros(theta.shape[:-1])
    for j, (mean, sd, low, high) in enumerate(zip(priors.mean, priors.sd, priors.low, priors.high, strict=True)):
        flat = math.isinf(sd)
        one = (
            stats.uniform(low, high - low) if flat else stats.truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
        )
        total = total + one.logpdf(theta[..., j])
    return total


def gauss(low: float, high: float, panels: int, nodes: int = 16) -> tuple[Array, Array]:
    z, w = np.polynomial.legendre.leggauss(nodes)
    edges, half = np.linspace(low, high, panels + 1), 0.5 * (high - low) / panels
    return (0.5 * (edges[1:] + edges[:-1])[:, None] + half * z).ravel(), np.tile(half * w, panels)


def box(found: ExactPosterior, priors: Coefficients) -> tuple[Array, Array]:
    """Range of each coefficient on which there is any posterior; cut far out it falls as an exponential."""
    reach = 25.0 if found.cut else 10.0
    return (
        np.maximum(priors.low, found.mean - reach * found.sd),
        np.minimum(priors.high, found.mean + reach * found.sd),
    )


def check(found: ExactPosterior, log_density: Array, weights: Array, theta: Array, level: Array | None = None) -> None:
    """Free energy and moments of a density on nodes."""
    top = log_density.max()
    share = weights * np.exp(log_density - top)
    total = share.sum()
    share /= total
    mean = share @ theta
    off = theta - mean
    assert abs(found.free_energy + top + math.log(total)) < 1e-8
    np.testing.assert_allclose(found.mean, mean, atol=2e-8)
    np.testing.assert_allclose(found.covariance, (off * share[:, None]).T @ off, atol=1e-7)
    if level is not None:
        assert abs(found.level_moments[0] - share @ level) < 1e-7


@PROBLEMS
def test_two_coefficients_are_those_of_quadrature(problems: int) -> None:
    """All pairs of kinds of priors, the level known."""
    rng, seen = np.random.default_rng(11), set()
    for k in range(problems):
        design, y, sd = problem(rng, 2)
        kinds = [KINDS[k % 5], KINDS[(k // 5) % 5]]
        estimate, covariance = (
            np.linalg.lstsq(design / sd[:, None], y / sd)[0],
            np.linalg.inv((design / sd[:, None]).T @ (design / sd[:, None])),
        )
        if abs(covariance[0, 1]) > 0.98 * math.sqrt(covariance[0, 0] * covariance[1, 1]):
            continue  # a ridge too narrow for the nodes of this test
        priors = priors_of(rng, kinds, estimate, np.sqrt(np.diag(covariance)))
        level = float(rng.uniform(0.5, 2.0))
        found = exact_posterior(regression(design, y, sd, priors), level)
        seen.add(len(found.cut))
        low, high = box(found, priors)
        axes = [gauss(a, b, 60 if found.cut else 40) for a, b in zip(low, high, strict=True)]
        theta = np.stack(np.meshgrid(axes[0][0], axes[1][0], indexing="ij"), -1).reshape(-1, 2)
        weights = np.outer(axes[0][1], axes[1][1]).ravel()
        residual = (y - theta @ design.T) / (level * sd)
        log_density = (
            -0.5 * np.square(residual).sum(-1) - np.log(level * sd).sum() - 0.5 * len(y) * math.log(2 * math.pi)
        )
        check(found, log_density + log_prior_of(priors, theta), weights, theta)
    assert seen == {0, 1, 2}


LEVELS: dict[str, tuple[Callable[[Array], Array], tuple[float, float]]] = {
    "log_uniform": (stats.loguniform(0.05, 20.0).logpdf, (0.05, 20.0)),
    "narrow": (stats.uniform(0.8, 0.3).logpdf, (0.8, 1.1)),
    "gamma": (stats.gamma(2.0, scale=0.7).logpdf, (0.0, math.inf)),
    "half_normal": (stats.halfnorm(scale=2.0).logpdf, (0.0, math.inf)),
}


@PROBLEMS
def test_a_coefficient_and_the_level_are_those_of_quadrature(problems: int) -> None:
    rng = np.random.default_rng(12)
    for k in range(problems):
        design, y, sd = problem(rng, 1)
        scaled = design[:, 0] / sd
        centre = np.array([scaled @ (y / sd) / (scaled @ scaled)])
        priors = priors_of(rng, [KINDS[k % 5]], centre, np.array([1.0 / np.sqrt(scaled @ scaled)]))
        log_prior, ends = LEVELS[list(LEVELS)[k % 4]]
        found = exact_posterior(regression(design, y, sd, priors), None, log_prior, ends)
        u, w = gauss(math.log(max(ends[0], 1e-3)), math.log(min(ends[1], 1e3)), 60)
        precision = 1.0 / priors.sd[0] ** 2
        theta, level, weights = [], [], []
        for one, share in zip(np.exp(u), w, strict=True):
            told = scaled @ scaled / one**2
            middle = (told * centre[0] + precision * priors.mean[0]) / (told + precision)
            reach = 12.0 / math.sqrt(told + precision)
            low, high = max(priors.low[0], middle - reach), min(priors.high[0], middle + reach)
            if low >= high or priors.low[0] > middle or priors.high[0] < middle:
                # beyond an end it falls as an exponential, from that end
                near = priors.low[0] if priors.low[0] > middle else priors.high[0]
                off, sd_there = near - middle, reach / 12.0
                low, high = sorted((near, near + math.copysign(min(60.0 * sd_there**2 / abs(off), reach), off)))
                low, high = max(low, priors.low[0]), min(high, priors.high[0])
            at, own = gauss(low, high, 24)
            theta.append(at)
            level.append(np.full(len(at), one))
            weights.append(own * share * one)
        points, at_level = np.concatenate(theta)[:, None], np.concatenate(level)
        residual = (y - points @ design.T) / (at_level[:, None] * sd)
        log_density = -0.5 * np.square(residual).sum(-1) - np.log(sd).sum() - len(y) * np.log(at_level)
        log_density += log_prior_of(priors, points) + log_prior(at_level) - 0.5 * len(y) * math.log(2 * math.pi)
        check(found, log_density, np.concatenate(weights), points, at_level)


@pytest.mark.parametrize("middle", [0.0, 3.0, 60.0])
def test_ends_close_together_keep_their_digits(middle: float) -> None:
    """Against the next orders of the series, and continuous where the series takes over."""
    wanted = np.array([1e-15, 1e-9, 1e-6, 0.99e-3 / max(middle, 1.0), 1.01e-3 / max(middle, 1.0)])
    low, high = middle - wanted / 2, middle + wanted / 2
    low, high = low[high > low], high[high > low]  # of others the ends are one number
    found, width = log_difference(low, high), high - low
    series = 1 + (middle**2 - 1) * width**2 / 24 + (middle**4 - 6 * middle**2 + 3) * width**4 / 1920
    expected = stats.norm.logpdf(middle) + np.log(width) + np.log(series)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_several_coefficients_with_a_level_are_the_sum_over_levels() -> None:
    """Against a fine sum over levels of what is known at each, by determinants of the data's own covariance."""
    rng = np.random.default_rng(13)
    for _ in range(6):
        count = int(rng.integers(2, 6))
        design, y, sd = problem(rng, count)
        mean, width = rng.normal(size=count), rng.uniform(0.5, 2.0, count)
        priors = Coefficients(mean, width, np.full(count, -math.inf), np.full(count, math.inf))
        log_prior, ends = LEVELS["log_uniform"]
        found = exact_posterior(regression(design, y, sd, priors), None, log_prior, ends)
        u = np.linspace(math.log(ends[0]), math.log(ends[1]), 1201)
        value = np.array(
            [
                stats.multivariate_normal.logpdf(
                    y, design @ mean, np.diag((math.exp(one) * sd) ** 2) + (design * width**2) @ design.T
                )
                for one in u
            ]
        )
        ends_half = np.r_[0.5, np.ones(len(u) - 2), 0.5]
        whole = value + log_prior(np.exp(u)) + u + np.log(ends_half * (u[1] - u[0]))
        # the trapezoidal rule over a smooth peak, whose ends lie low
        assert abs(found.free_energy + np.logaddexp.reduce(whole)) < 1e-6


@pytest.mark.parametrize("small", [0.02, 0.05, 0.1])
def test_of_two_levels_that_fit_none_is_lost(small: float) -> None:
    """A mean that data tell as 1 and its prior as 0: little noise about the one, or much about the other."""
    points = 400
    y = 1.0 + small * np.random.default_rng(17).standard_normal(points)
    log_prior, ends = LEVELS["half_normal"]
    u = np.linspace(math.log(0.005), math.log(10.0), 8001)
    variance, squares, shares = np.exp(2.0 * u), float(np.square(y - y.mean()).sum()), []
    for factor in np.linspace(0.97, 1.03, 9):
        width = 1.0 / math.sqrt(2.0 * factor * points * math.log(math.hypot(1.0, small) / small))
        priors = Coefficients(np.zeros(1), np.full(1, width), np.full(1, -math.inf), np.full(1, math.inf))
        found = exact_posterior(regression(np.ones((points, 1)), y, np.ones(points), priors), None, log_prior, ends)
        # Sums of squares about the mean, and the mean by itself; the trapezoidal rule, forty steps to a mode's width.
        density = stats.norm.logpdf(y.mean(), 0.0, np.sqrt(variance / points + width**2)) + log_prior(np.exp(u)) + u
        density -= 0.5 * (squares / variance + (points - 1) * (math.log(2.0 * math.pi) + 2.0 * u) + math.log(points))
        assert abs(found.free_energy + np.logaddexp.reduce(density) + math.log(u[1] - u[0])) < 1e-7
        shares.append(float(found.weight[found.level < 2.0 * small].sum()))
    assert min(shares) < 0.01
    assert max(shares) > 0.99


def test_levels_that_the_nodes_do_not_tell_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_UNRESOLVED", 1e-14)
    design, y, sd = problem(np.random.default_rng(18), 2)
    priors = Coefficients(np.zeros(2), np.ones(2), np.full(2, -math.inf), np.full(2, math.inf))
    with pytest.raises(NotSolved, match="two levels of the noise that fit, far apart"):
        exact_posterior(regression(design, y, sd, priors), None, *LEVELS["gamma"])


def test_the_conjugate_prior_is_one_of_them() -> None:
    """Coefficients with priors so wide that they do not know the level, and an inverse gamma prior of its square."""
    rng = np.random.default_rng(14)
    design, y, sd = problem(rng, 2)
    far = Coefficients(np.zeros(2), np.full(2, math.inf), np.full(2, -1e7), np.full(2, 1e7))
    shape, scale = 2.5, 1.7

    def log_prior(level: Array) -> Array:
        found: Array = stats.invgamma.logpdf(level**2, shape, scale=scale) + np.log(2.0 * level)
        return found

    found = exact_posterior(regression(design, y, sd, far), None, log_prior)
    known = conjugate_noise(design, y, sd, 0.0, 1e9, shape, scale)
    np.testing.assert_allclose(found.mean, known.posterior.mean, rtol=1e-9)
    # that of the conjugate solution with a coefficient more of freedom for each that is flat and not scaled
    freedom = shape + 0.5 * (len(y) - 2)
    expected = known.posterior.sd * math.sqrt(known.scale / (freedom - 1.0))
    np.testing.assert_allclose(found.sd, expected, rtol=1e-7)


def uniforms(points: int, count: int) -> Callable[[int], Array]:
    return lambda k: np.random.default_rng([99, k]).uniform(size=(points, count + 2))


@pytest.mark.parametrize("kinds", [["normal", "far"], ["cut", "normal", "far"], ["half", "cut", "normal"]])
def test_draws_are_independent_and_of_the_posterior(kinds: list[str]) -> None:
    """Means and covariances within 4.5 standard errors (false alarms 1e-5 each), levels by a KS test."""
    rng = np.random.default_rng([15, len(kinds), kinds.count("cut")])
    design, y, sd = problem(rng, len(kinds))
    estimate = np.linalg.lstsq(design / sd[:, None], y / sd)[0]
    width = np.sqrt(np.diag(np.linalg.inv((design / sd[:, None]).T @ (design / sd[:, None]))))
    priors = priors_of(rng, kinds, estimate, width)
    log_prior, ends = LEVELS["log_uniform"]
    found = exact_posterior(regression(design, y, sd, priors), None, log_prior, ends)
    theta, level = found.draw(uniforms(40_000, len(kinds)))
    n = len(theta)
    assert ((theta >= priors.low) & (theta <= priors.high)).all()
    assert (np.abs(theta.mean(0) - found.mean) < 4.5 * theta.std(0) / math.sqrt(n)).all()
    off = theta - found.mean
    products = off[:, :, None] * off[:, None, :]
    assert (np.abs(products.mean(0) - found.covariance) < 4.5 * products.std(0) / math.sqrt(n)).all()
    shares = np.linspace(0.01, 0.99, 99)
    assert found.levels is not None
    below = (level[:, None] <= found.levels.quantile(shares)).mean(0)
    assert np.abs(below - shares).max() < 1.95 / math.sqrt(n)
    if not found.cut:
        quantiles = [found.quantile(0, share) for share in shares]
        assert np.abs((theta[:, :1] <= quantiles).mean(0) - shares).max() < 1.95 / math.sqrt(n)


def test_what_is_neglected_is_bounded() -> None:
    """Three coefficients cut at six of their standard deviations, by a bound; at two of them they are refused."""
    rng = np.random.default_rng(16)
    design, y, sd = problem(rng, 3)
    scaled = design / sd[:, None]
    estimate, width = np.linalg.lstsq(scaled, y / sd)[0], np.sqrt(np.diag(np.linalg.inv(scaled.T @ scaled)))
    ends = [
        Coefficients(np.zeros(3), np.full(3, math.inf), estimate - r * width, estimate + 9 * width) for r in (6.5, 2.0)
    ]
    far = Coefficients(np.zeros(3), np.full(3, math.inf), estimate - 30 * width, estimate + 30 * width)
    whole = exact_posterior(regression(design, y, sd, far), 1.0)
    near = exact_posterior(regression(design, y, sd, ends[0]), 1.0)
    longer = 3.0 * math.log(60.0 / 15.5)
    assert 1e-12 < near.bound <= 1e-9
    assert abs(near.free_energy + longer - whole.free_energy) < 1e-9
    with pytest.raises(NotSolved, match="the ends of the priors of a, b, c cut their posterior, and these depend"):
        exact_posterior(regression(design, y, sd, ends[1]), 1.0, names=("a", "b", "c"))


def test_a_singular_design_is_refused_where_flat_priors_do_not_hold_it() -> None:
    x = np.linspace(-1.0, 1.0, 9)
    design, y, sd = np.stack([np.ones(9), x, 2.0 * x - 1.0], 1), np.sin(3 * x), np.full(9, 0.1)
    flat = Coefficients(np.zeros(3), np.full(3, math.inf), np.full(3, -9.0), np.full(3, 9.0))
    with pytest.raises(ModelError, match="c, which is made up of a, b"):
        regression(design, y, sd, flat, ("a", "b", "c"))
    ends = np.array([90.0, 90.0, math.inf])
    held = Coefficients(np.zeros(3), np.array([math.inf, math.inf, 1.0]), -ends, ends)
    found = exact_posterior(regression(design, y, sd, held, ("a", "b", "c")), 1.0)
    assert abs(found.mean[2]) < 1e-9
    assert abs(found.sd[2] - 1.0) < 1e-6


def test_priors_that_data_do_not_reach_are_refused_or_solved() -> None:
    """Far off, narrow, and both: a flat prior of one coefficient that does not depend on the others is known alone."""
    x, y, sd = np.linspace(-1.0, 1.0, 9), np.sin(3.0 * np.linspace(-1.0, 1.0, 9)), np.full(9, 0.1)
    design = np.stack([np.ones(9), x], 1)

    def of(low: float, high: float) -> Coefficients:
        return Coefficients(
            np.zeros(2), np.array([math.inf, 2.0]), np.array([low, -math.inf]), np.array([high, math.inf])
        )

    log_prior, ends = LEVELS["narrow"]
    for level, prior in ((1.0, None), (None, log_prior)):
        with pytest.raises(NotSolved, match="priors that lie far from all that data allow"):
            exact_posterior(regression(design, y, sd, of(1e12, 2e12)), level, prior, ends)
    width = 1e-9
    found = exact_posterior(regression(design, y, sd, of(0.01, 0.01 + width)), 1.0)
    known = known_noise(design[:, 1:], y - 0.01, sd, 0.0, 2.0)
    # Within it the likelihood falls by 0.1 / 0.03 standard deviations times 1e-9 / 0.03 of one.
    assert abs(found.free_energy - known.free_energy) < 1e-6
    np.testing.assert_allclose(found.sd, [width / math.sqrt(12.0), known.posterior.sd[0]], rtol=1e-6)


def test_a_planted_factor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduced, "LOG_2PI", reduced.LOG_2PI + 1e-6)
    for test in (
        test_two_coefficients_are_those_of_quadrature,
        test_a_coefficient_and_the_level_are_those_of_quadrature,
    ):
        with pytest.raises(AssertionError):
            test(4)


def test_a_planted_width_of_the_level_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DROP", 3.0)
    with pytest.raises(AssertionError):
        test_a_coefficient_and_the_level_are_those_of_quadrature(4)
