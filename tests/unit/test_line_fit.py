"""Straight line along a series: against another program, its errors by simulation, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bayesbeam.report.line_fit import fit_line

X = np.array([11.0, 29.0, 41.0, 51.0, 66.0, 89.0])
SD = np.array([0.002, 0.004, 0.001, 0.003, 0.002, 0.005])


def test_agrees_with_numpy_and_stretches_what_scatters() -> None:
    y = 1.3 - 7e-4 * X + np.array([4.0, -3.0, 2.0, 0.0, -5.0, 3.0]) * SD
    fit = fit_line(X, y, SD)
    assert fit is not None
    (slope, level), covariance = np.polyfit(X, y, 1, w=1 / SD, cov="unscaled")
    assert fit.slope == pytest.approx(slope, rel=1e-9)
    assert fit.at(0.0) == pytest.approx(level, rel=1e-9)
    chi_squared = float(np.sum(((y - level - slope * X) / SD) ** 2))
    assert fit.stretch == pytest.approx(math.sqrt(chi_squared / 4), rel=1e-9)
    assert fit.stretch > 2
    assert fit.standard_error == pytest.approx(math.sqrt(covariance[0, 0]) * fit.stretch, rel=1e-9)
    reach = stats.t.ppf(0.975, 4) * fit.standard_error
    assert fit.interval == pytest.approx((fit.slope - reach, fit.slope + reach), rel=1e-12)


def test_points_on_the_line_keep_their_errors() -> None:
    fit = fit_line(X, 2.0 + 3.0 * X, SD)
    assert fit is not None
    assert fit.slope == pytest.approx(3.0, rel=1e-12)
    assert fit.stretch == 1.0
    assert fit.standard_error == pytest.approx(np.polyfit(X, X, 1, w=1 / SD, cov="unscaled")[1][0, 0] ** 0.5, rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("stated", "least"), [(1.0, 0.94), (0.25, 0.92)])
def test_intervals_cover(seed: int, stated: float, least: float) -> None:
    """Coverage of 2000 fits, 0.95 or more; 0.94 is two, 0.92 six standard deviations of it away."""
    rng = np.random.default_rng(seed)
    inside = 0
    for _ in range(2000):
        fit = fit_line(X, 0.5 * X + SD * rng.standard_normal(X.size), SD * stated)
        assert fit is not None
        inside += fit.interval[0] <= 0.5 <= fit.interval[1]
    assert inside / 2000 > least


def test_errors_too_small_would_not_cover_without_the_stretch() -> None:
    rng = np.random.default_rng(1)
    fits = [fit_line(X, 0.5 * X + SD * rng.standard_normal(X.size), SD / 4) for _ in range(2000)]
    reach = [stats.t.ppf(0.975, 4) * fit.standard_error / fit.stretch for fit in fits if fit is not None]
    inside = [abs(fit.slope - 0.5) <= one for fit, one in zip(fits, reach, strict=True) if fit is not None]
    assert np.mean(inside) < 0.7


def test_what_cannot_be_fitted() -> None:
    assert fit_line([1.0, 2.0], [1.0, 2.0], [0.1, 0.1]) is None
    assert fit_line([1.0] * 4, [1.0, 2.0, 3.0, 4.0], [0.1] * 4) is None
    assert fit_line([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.1, 0.0, 0.1]) is None
    fit = fit_line([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, float("nan"), 4.0], [0.1] * 4)
    assert fit is not None
    assert fit.points == 3
