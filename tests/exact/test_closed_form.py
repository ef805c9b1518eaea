"""Linear regression in closed form: against quadrature, certified values and the formulas of the straight line."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from bayesbeam.errors import ModelError
from bayesbeam.evidence import closed_form, least_squares, normal_box
from bayesbeam.evidence.closed_form import (
    conjugate_noise,
    known_noise,
    known_noise_in_a_box,
    level_of_least_free_energy,
)

Array = NDArray[np.float64]
NIST = Path(__file__).resolve().parents[1] / "data" / "nist_linear"
PROBLEMS = pytest.mark.parametrize("problems", [25, pytest.param(200, marks=pytest.mark.nightly)])


def problem(rng: np.random.Generator, count: int = 2) -> tuple[Array, Array, Array]:
    """Design, data and noise of a few points; columns depend on each other."""
    points = int(rng.integers(3, 12))
    design = rng.standard_normal((points, count)) @ (np.eye(count) + 0.7 * rng.standard_normal((count, count)))
    sd = rng.uniform(0.3, 2.0, points)
    return design, design @ rng.standard_normal(count) + sd * rng.standard_normal(points), sd


def on_grid(low: Array, high: Array, panels: int = 12, nodes: int = 16) -> tuple[Array, Array]:
    """Places (M, 2) and weights (M,) of Gauss' rule on a rectangle."""
    z, w = np.polynomial.legendre.leggauss(nodes)
    axes = []
    for a, b in zip(low, high, strict=True):
        edges, half = np.linspace(a, b, panels + 1), 0.5 * (b - a) / panels
        axes.append(((0.5 * (edges[1:] + edges[:-1])[:, None] + half * z).ravel(), np.tile(half * w, panels)))
    first, second = np.meshgrid(axes[0][0], axes[1][0], indexing="ij")
    return np.stack([first.ravel(), second.ravel()], 1), np.outer(axes[0][1], axes[1][1]).ravel()


def integrated(log_density: Array, places: Array, weights: Array) -> tuple[float, Array, Array]:
    """Minus the log integral, mean and covariance."""
    top = log_density.max()
    share = weights * np.exp(log_density - top)
    total = share.sum()
    mean = share @ places / total
    off = places - mean
    return -(top + math.log(total)), mean, (off * (share / total)[:, None]).T @ off


def log_likelihood(design: Array, y: Array, sd: Array, theta: Array) -> Array:
    found: Array = stats.norm.logpdf(y, theta @ design.T, sd).sum(-1)
    return found


@PROBLEMS
def test_normal_priors_are_those_of_quadrature(problems: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(problems):
        design, y, sd = problem(rng)
        mean, width = rng.standard_normal(2), rng.uniform(0.5, 2.0, 2)
        found = known_noise(design, y, sd, mean, width)
        reach = 9.0 * found.posterior.sd
        places, weights = on_grid(found.posterior.mean - reach, found.posterior.mean + reach)
        density = log_likelihood(design, y, sd, places) + stats.norm.logpdf(places, mean, width).sum(-1)
        free_energy, centre, covariance = integrated(density, places, weights)
        assert abs(found.free_energy - free_energy) < 1e-8
        np.testing.assert_allclose(found.posterior.mean, centre, atol=1e-8)
        np.testing.assert_allclose(found.posterior.covariance, covariance, atol=1e-8)


@PROBLEMS
def test_flat_priors_are_those_of_quadrature(problems: int) -> None:
    """Boxes that cut much off, and some that the estimate lies outside of."""
    rng, outside = np.random.default_rng(2), 0
    for _ in range(problems):
        design, y, sd = problem(rng)
        estimate = least_squares.least_squares(design / sd[:, None], y / sd).normal
        low = estimate.mean + estimate.sd * rng.uniform(-4.0, 2.0, 2)
        high = low + estimate.sd * rng.uniform(0.5, 6.0, 2)
        outside += bool(((low > estimate.mean) | (high < estimate.mean)).any())
        found = known_noise_in_a_box(design, y, sd, low, high)
        related = abs(estimate.covariance[0, 1]) / estimate.sd.prod()
        places, weights = on_grid(low, high, 12 if related < 0.99 else 120)
        density = log_likelihood(design, y, sd, places) - np.log(high - low).sum()
        free_energy, centre, covariance = integrated(density, places, weights)
        assert abs(found.free_energy - free_energy) < 1e-8
        np.testing.assert_allclose(found.mean, centre, atol=1e-8)
        np.testing.assert_allclose(found.covariance, covariance, atol=1e-8)
    assert outside > problems // 10


@PROBLEMS
def test_conjugate_noise_is_that_of_quadrature(problems: int) -> None:
    """One coefficient and the level: a rectangle in the coefficient over the level, and in the level's logarithm."""
    rng = np.random.default_rng(3)
    for _ in range(problems // 4):
        design, y, sd = problem(rng, 1)
        mean, width, shape, scale = rng.standard_normal(), rng.uniform(0.5, 2.0), rng.uniform(1, 4), rng.uniform(1, 4)
        found = conjugate_noise(design, y, sd, mean, width, shape, scale)
        reach = 14.0 * found.posterior.sd[0]
        middle = found.posterior.mean[0]
        places, weights = on_grid(np.array([-reach, math.log(0.02)]), np.array([reach, math.log(400.0)]), 30)
        level = np.exp(places[:, 1])
        theta = middle + places[:, 0] * level
        density = stats.norm.logpdf(y, theta[:, None] * design[:, 0], level[:, None] * sd).sum(-1)
        density += stats.norm.logpdf(theta, mean, level * width)
        density += stats.invgamma.logpdf(level**2, shape, scale=scale) + math.log(2.0) + 2.0 * np.log(level)
        free_energy, centre, covariance = integrated(density + np.log(level), np.stack([theta, level**2], 1), weights)
        assert abs(found.free_energy - free_energy) < 1e-8
        assert abs(found.posterior.mean[0] - centre[0]) < 1e-8
        assert abs(found.sd[0] - math.sqrt(covariance[0, 0])) < 1e-6
        assert abs(found.scale / (found.shape - 1.0) - centre[1]) < 1e-7


def test_a_planted_factor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "LOG_2PI", closed_form.LOG_2PI + 1e-6)
    for test in (test_normal_priors_are_those_of_quadrature, test_flat_priors_are_those_of_quadrature,
                 test_conjugate_noise_is_that_of_quadrature):  # fmt: skip
        with pytest.raises(AssertionError):
            test(4)


def straight_line(
    x: Array, y: Array, sigma: float, ends: tuple[float, float]
) -> tuple[float, float]:  # fmt: skip
    """Free energies of ax + b and of ax, by the formulas of Katakami et al. for centred x."""

    def within(xi: float, mean: float, sd: float) -> float:
        return math.log(special.ndtr((xi - mean) / sd) - special.ndtr((-xi - mean) / sd))

    n, square = len(x), float(np.mean(x * x))
    a, b = float(np.mean(x * y)) / square, float(np.mean(y))
    least = 0.5 * (float(np.mean(y * y)) - float(np.mean(x * y)) ** 2 / square - b * b)
    s_a, s_b = sigma / math.sqrt(n * square), sigma / math.sqrt(n)
    common = 0.5 * n * math.log(2 * math.pi * sigma**2) + math.log(2 * ends[0])
    common -= 0.5 * math.log(2 * math.pi * s_a**2) + within(ends[0], a, s_a)
    offset = math.log(2 * ends[1]) - 0.5 * math.log(2 * math.pi * s_b**2) - within(ends[1], b, s_b)
    return common + n * least / sigma**2 + offset, common + n * (least + 0.5 * b * b) / sigma**2


def test_the_straight_line_is_that_of_the_solvable_model() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        n, sigma = int(rng.integers(4, 30)), float(rng.uniform(0.1, 2.0))
        x = np.linspace(-1.0, 1.0, n)
        y = rng.normal() * x + rng.normal() + sigma * rng.standard_normal(n)
        ends = float(rng.uniform(0.5, 5.0)), float(rng.uniform(0.5, 5.0))
        both = known_noise_in_a_box(np.stack([x, np.ones(n)], 1), y, sigma, [-e for e in ends], ends)
        slope = known_noise_in_a_box(x[:, None], y, sigma, -ends[0], ends[0])
        expected = straight_line(x, y, sigma, ends)
        np.testing.assert_allclose([both.free_energy, slope.free_energy], expected, rtol=0, atol=1e-8)


def nist(name: str) -> tuple[Array, Array, dict[str, list[float]]]:
    """Design, data and certified values of a set."""
    with (NIST / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = np.array([[float(value) for value in row] for row in list(csv.reader(file))[1:]])
    y, x = rows[:, 0], rows[:, 1]
    known = json.loads((NIST / "reference_values.json").read_text(encoding="utf-8"))[name]
    if name == "longley":
        return np.column_stack([np.ones(len(y)), rows[:, 1:]]), y, known
    if name == "noint1":
        return x[:, None], y, known
    return np.stack([x**k for k in range(len(known["beta"]))], 1), y, known


def digits(found: Array, certified: list[float], least: float = 1e-8) -> float:
    """Fewest digits that agree; a certified zero counts as met within ``least``."""
    exact = np.array(certified)
    error = np.abs(found - exact)
    relative = np.where(exact == 0.0, error > least, error / np.where(exact == 0.0, 1.0, np.abs(exact)))
    return float(-np.log10(np.maximum(relative, 1e-16)).max())


@pytest.mark.parametrize("name", ["norris", "noint1", "filip", "longley", "wampler1", "wampler3"])
def test_certified_values_are_met(name: str) -> None:
    design, y, known = nist(name)
    fit = least_squares.least_squares(design, y)
    sd = fit.normal.sd * math.sqrt(fit.squares / (len(y) - design.shape[1]))
    of_estimate, of_sd = digits(fit.normal.mean, known["beta"]), digits(sd, known["se"])
    print(f"{name}: {of_estimate:.1f} digits, of the standard deviations {of_sd:.1f}")
    assert of_estimate >= (7 if name == "filip" else 9)
    assert of_sd >= 6


def test_normal_equations_would_be_seen() -> None:
    for name, needed in (("filip", 7), ("longley", 9)):
        design, y, known = nist(name)
        assert digits(np.linalg.solve(design.T @ design, design.T @ y), known["beta"]) < needed


def test_three_coefficients_in_a_box() -> None:
    """Against four million draws: within four of their standard errors."""
    covariance = np.array([[1.0, 0.5, 0.2], [0.5, 1.5, -0.3], [0.2, -0.3, 0.8]])
    low, high, mean = np.array([-1.0, -0.5, -2.0]), np.array([1.5, 2.0, 0.4]), np.full(3, 0.1)
    found = normal_box.inside(mean, covariance, low, high)
    draws = np.random.default_rng(0).multivariate_normal(mean, covariance, 4_000_000)
    kept = draws[((draws > low) & (draws < high)).all(1)]
    share = len(kept) / len(draws)
    assert abs(math.exp(found.log_probability) - share) < 4.0 * math.sqrt(share * (1.0 - share) / len(draws))
    assert (np.abs(found.mean - kept.mean(0)) < 4.0 * kept.std(0) / math.sqrt(len(kept))).all()
    off = kept - kept.mean(0)
    error = np.sqrt((np.square(off[:, :, None] * off[:, None, :]).mean(0) - np.cov(kept.T) ** 2) / len(kept))
    assert (np.abs(found.covariance - np.cov(kept.T)) < 4.5 * error).all()


def test_three_coefficients_of_which_one_is_alone_are_two_and_one() -> None:
    """The recursions against the quadrature of two."""
    covariance = np.array([[1.0, 0.6, 0.0], [0.6, 2.0, 0.0], [0.0, 0.0, 0.5]])
    low, high = np.array([-0.5, -1.0, -0.2]), np.array([1.0, np.inf, 0.9])
    whole = normal_box.inside(np.zeros(3), covariance, low, high)
    pair = normal_box.inside(np.zeros(2), covariance[:2, :2], low[:2], high[:2])
    alone = normal_box.inside(np.zeros(1), covariance[2:, 2:], low[2:], high[2:])
    assert abs(whole.log_probability - pair.log_probability - alone.log_probability) < 1e-6
    np.testing.assert_allclose(whole.mean, [*pair.mean, *alone.mean], atol=1e-5)
    np.testing.assert_allclose(whole.covariance[:2, :2], pair.covariance, atol=1e-5)
    np.testing.assert_allclose(whole.covariance[2, 2], alone.covariance[0, 0], atol=1e-5)


def test_a_box_far_off_keeps_its_digits() -> None:
    """Twenty standard deviations out: against quadrature in logarithms; without it the probability would be none."""
    covariance = np.array([[1.0, 0.9], [0.9, 1.0]])
    low, high = np.array([20.0, 18.0]), np.array([21.0, 22.0])
    found = normal_box.inside(np.zeros(2), covariance, low, high)
    places, weights = on_grid(low, high, 40)
    density = stats.multivariate_normal.logpdf(places, np.zeros(2), covariance)
    free_energy, mean, spread = integrated(density, places, weights)
    assert abs(found.log_probability + free_energy) < 1e-8
    np.testing.assert_allclose(found.mean, mean, atol=1e-8)
    np.testing.assert_allclose(found.covariance, spread, atol=1e-8)


@pytest.mark.parametrize("correlation", [0.3, -0.9, 0.9999, 1.0 - 1e-6, 1.0 - 1e-12, 1.0])
@pytest.mark.parametrize("end", [-0.3, 0.5, 7.0, 39.0, 60.0, 2000.0])
def test_two_of_which_one_is_open_are_what_the_other_is_alone(correlation: float, end: float) -> None:
    """However much they depend on each other, and however far out the box is."""
    covariance = np.array([[1.0, correlation], [correlation, 1.0]])
    found = normal_box.inside(np.zeros(2), covariance, np.array([-np.inf, end]), np.array([np.inf, np.inf]))
    expected = float(special.log_ndtr(-end))
    assert abs(found.log_probability - expected) < 1e-12 * max(1.0, abs(expected))
    _, (centre,), (spread,) = normal_box.truncated(np.array([end]), np.array([np.inf]))
    np.testing.assert_allclose(found.mean, [correlation * centre, centre], rtol=1e-11)
    both, first = correlation * spread, 1.0 - correlation**2 + correlation**2 * spread
    # A correlation of 1 is taken to leave 1e-16 of a variance, which is seen beside the least of these, 2.5e-7.
    size = math.sqrt(first * spread)
    np.testing.assert_allclose(found.covariance[0], [first, both], rtol=1e-9, atol=1e-9 * size)
    np.testing.assert_allclose(found.covariance[1], [both, spread], rtol=1e-9, atol=1e-9 * size)


@pytest.mark.parametrize("correlation", [-0.99999, -0.5, 0.5, 0.99, 0.9999999])
def test_the_quadrant_of_two_has_its_arcsine(correlation: float) -> None:
    covariance = np.array([[1.0, correlation], [correlation, 1.0]])
    found = normal_box.inside(np.zeros(2), covariance, np.zeros(2), np.full(2, np.inf))
    assert abs(math.exp(found.log_probability) - 0.25 - math.asin(correlation) / (2.0 * math.pi)) < 1e-12


def test_moments_far_out_and_between_close_ends_are_those_of_series() -> None:
    """Without a difference of densities, of which no digit would be left."""
    far = np.array([40.0, 1e3, 1e5, 1e8])
    open_ = np.full(len(far), np.inf)
    for low, high, sign in ((far, open_, 1.0), (-open_, -far, -1.0), (far, far + 1e3, 1.0)):
        _, mean, variance = normal_box.truncated(low, high)
        # Next terms: 10 / far^5, 50 / far^6.
        np.testing.assert_allclose(sign * mean, far + 1.0 / far - 2.0 / far**3, rtol=1e-7 / 40.0)
        np.testing.assert_allclose(variance * far**2, 1.0 - 6.0 / far**2, rtol=2e-5)
    for middle in (0.0, -2.0, 30.0):
        half = np.array([1e-3, 1e-5, 1e-7]) / 2.0
        _, mean, variance = normal_box.truncated(middle - half, middle + half)
        # Of width w: -middle w^2 / 12 and w^2 / 12, the next orders being middle^2 w^2 / 20 of these or less.
        moved = middle * half**2 / 3.0
        assert (np.abs(mean - middle + moved) < 1e-4 * np.abs(moved) + 1e-15 * (1.0 + abs(middle))).all()
        np.testing.assert_allclose(variance, half**2 / 3.0, rtol=1e-4 if middle else 1e-6)


def test_the_level_of_least_free_energy_is_where_its_slope_is_none() -> None:
    rng = np.random.default_rng(7)
    design, y, _ = problem(rng)
    design, y = np.vstack([design] * 4), np.concatenate([y + 0.4 * rng.standard_normal(len(y)) for _ in range(4)])

    def free_energy(level: float) -> float:
        return known_noise(design, y, level, 0.0, 3.0).free_energy

    level, least = level_of_least_free_energy(free_energy, float(y.std()))
    assert free_energy(level * 1.001) > least < free_energy(level / 1.001)
    with pytest.raises(ModelError, match="an end of its range"):
        level_of_least_free_energy(lambda level: known_noise(design, 0.0 * y, level, 0.0, 3.0).free_energy, 1.0)


def test_what_cannot_be_solved_is_refused() -> None:
    x = np.linspace(-1.0, 1.0, 8)
    design = np.stack([np.ones(8), x, 1.0 - 2.0 * x], 1)
    with pytest.raises(ModelError, match=r"c, which is made up of a, b; .* Leave c out, or give it a prior"):
        known_noise_in_a_box(design, x, 1.0, -1.0, 1.0, ("a", "b", "c"))
    with pytest.raises(ModelError, match="column 2, which is zero"):
        least_squares.least_squares(np.stack([x, 0.0 * x], 1), x)
    with pytest.raises(ModelError, match="which is made up of"):
        least_squares.least_squares(np.stack([x[:2], x[2:4], x[4:6]], 1), x[:2])
    assert math.isfinite(known_noise(design, x, 1.0, 0.0, 1.0).free_energy)
    for bad in ({"sd": 0.0}, {"sd": [1.0]}, {"prior_sd": -1.0}, {"prior_mean": math.nan}, {"y": x[:5]}):
        given = {"design": design, "y": x, "sd": 1.0, "prior_mean": 0.0, "prior_sd": 1.0} | bad
        with pytest.raises(ModelError):
            known_noise(**given)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="the lower one first"):
        known_noise_in_a_box(design[:, :2], x, 1.0, 1.0, -1.0)
    with pytest.raises(ModelError, match=r"y at \[3\]"):
        known_noise(design, np.where(np.arange(8) == 3, np.nan, x), 1.0, 0.0, 1.0)


def test_predictions_and_draws_are_those_of_the_posterior() -> None:
    design, y, sd = problem(np.random.default_rng(9), 3)
    posterior = known_noise(design, y, sd, 0.0, 1.0).posterior
    draws = posterior.draw(200_000, np.random.default_rng(1))
    mean, width = posterior.predict(design)
    curves = draws @ design.T
    assert (np.abs(curves.mean(0) - mean) < 4.5 * width / math.sqrt(len(draws))).all()
    np.testing.assert_allclose(curves.std(0), width, rtol=0.01)
