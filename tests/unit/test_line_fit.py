"""Straight line along a series: against another program, its errors by simulation, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bayesbeam.report.line_fit import fit_line

X = np.array([11.0, 29.0, 41.0, 51.0, 66.0, 89.0])
SD = np.array([0.002, 0.004, 0.001, 0.003, 0.002, 0.005])


def test_agrees_with_numpy_and_finds_what_scatters() -> None:
    y = 1.3 - 7e-4 * X + np.array([4.0, -3.0, 2.0, 0.0, -5.0, 3.0]) * SD
    fit = fit_line(X, y, SD)
    assert fit is not None
    slope, level = np.polyfit(X, y, 1, w=1 / SD)
    chi_squared = float(np.sum(((y - level - slope * X) / SD) ** 2))
    assert fit.stretch == pytest.approx(math.sqrt(chi_squared / 4), rel=1e-9)
    assert fit.stretch > 2
    whole = np.hypot(SD, fit.scatter)
    (slope, level), covariance = np.polyfit(X, y, 1, w=1 / whole, cov="unscaled")
    assert float(np.sum(((y - level - slope * X) / whole) ** 2)) == pytest.approx(4.0, rel=1e-9)
    assert fit.slope == pytest.approx(slope, rel=1e-9)
    assert fit.at(0.0) == pytest.approx(level, rel=1e-9)
    assert fit.standard_error == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-9)
    reach = stats.t.ppf(0.975, 4) * fit.standard_error
    assert fit.interval == pytest.approx((fit.slope - reach, fit.slope + reach), rel=1e-12)
    assert fit.moves == (fit.interval[0] * fit.interval[1] > 0)


@pytest.mark.parametrize("unit", [1e-160, 1e160])
def test_units_do_not_matter(unit: float) -> None:
    y = 1.3 - 7e-4 * X + np.array([4.0, -3.0, 2.0, 0.0, -5.0, 3.0]) * SD
    one, other = fit_line(X, y, SD), fit_line(X, unit * y, unit * SD)
    assert one is not None
    assert other is not None
    assert other.slope / unit == pytest.approx(one.slope, rel=1e-9)
    assert other.scatter / unit == pytest.approx(one.scatter, rel=1e-9)


def test_points_on_the_line_keep_their_errors() -> None:
    fit = fit_line(X, 2.0 + 3.0 * X, SD)
    assert fit is not None
    assert fit.slope == pytest.approx(3.0, rel=1e-12)
    assert (fit.scatter, fit.stretch) == (0.0, 1.0)
    assert fit.standard_error == pytest.approx(np.polyfit(X, X, 1, w=1 / SD, cov="unscaled")[1][0, 0] ** 0.5, rel=1e-9)


PLACES, ERRORS = np.linspace(0.0, 1.0, 20), np.geomspace(0.001, 0.01, 20)


def covered(rng: np.random.Generator, scatter: float, stretched: bool = False) -> float:
    """How many of 1000 intervals hold the slope, of points that scatter so much beyond their errors.

    ``stretched`` intervals take the errors for too small by one factor, whatever the reason of the scatter.
    """
    inside = 0
    for _ in range(1000):
        y = 0.5 * PLACES + np.hypot(ERRORS, scatter) * rng.standard_normal(PLACES.size)
        fit = fit_line(PLACES, y, ERRORS)
        assert fit is not None
        slope, error = fit.slope, fit.standard_error
        if stretched:
            (slope, _), covariance = np.polyfit(PLACES, y, 1, w=1 / ERRORS, cov="unscaled")
            error = math.sqrt(covariance[0, 0]) * fit.stretch
        inside += abs(slope - 0.5) <= stats.t.ppf(0.975, 18) * error
    return inside / 1000


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scatter", [0.0, 0.003, 0.01])
def test_intervals_cover(seed: int, scatter: float) -> None:
    """Coverage 0.95 or more; 0.925 is 3.6 standard deviations of 1000 fits below it."""
    assert covered(np.random.default_rng(seed), scatter) > 0.925


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_errors_taken_for_too_small_by_a_factor_would_not_cover(seed: int) -> None:
    """Weights then favour the points of small errors, which scatter like all others; 0.925 as above."""
    assert covered(np.random.default_rng(seed), 0.01, stretched=True) < 0.925


def test_what_cannot_be_fitted() -> None:
    assert fit_line([1.0, 2.0], [1.0, 2.0], [0.1, 0.1]) is None
    assert fit_line([1.0] * 4, [1.0, 2.0, 3.0, 4.0], [0.1] * 4) is None
    assert fit_line([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.1, 0.0, 0.1]) is None
    fit = fit_line([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, float("nan"), 4.0], [0.1] * 4)
    assert fit is not None
    assert fit.points == 3
