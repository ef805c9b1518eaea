"""Robust noise level: right on simulated noise, blind to smooth peaks, right on uneven axes."""

from __future__ import annotations

import numpy as np
import pytest

from bayesbeam.io.noise_level import noise_level

N = 500
REPEATS = 200
X = np.linspace(0.0, 10.0, N)
UNEVEN = np.sort(np.random.default_rng(5).uniform(0.0, 10.0, N))


def peaks(x: np.ndarray) -> np.ndarray:
    return 1000.0 * sum(np.exp(-0.5 * ((x - c) / 0.3) ** 2) for c in (3.0, 4.0, 7.0)) + 50.0 * x


@pytest.mark.parametrize("axis", [X, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize(("height", "level"), [(0.0, 1.0), (1.0, 1.0), (0.0, 0.01)], ids=["flat", "peaks", "small"])
def test_level_within_ten_per_cent(axis: np.ndarray, height: float, level: float) -> None:
    """The mean is right to 2 % and nine of ten estimates are within 10 % (seen: sd 5 %, 95 of 100 within)."""
    rng = np.random.default_rng(11)
    curve = height * peaks(axis)
    estimates = np.array([noise_level(axis, curve + rng.normal(0.0, level, N)) for _ in range(REPEATS)]) / level
    assert abs(estimates.mean() - 1.0) < 0.02
    assert (np.abs(estimates - 1.0) < 0.1).mean() > 0.9


def test_a_smooth_peak_changes_little() -> None:
    """The same noise with and without peaks of a thousand times its size: within 5 %."""
    noise = np.random.default_rng(3).normal(size=N)
    assert noise_level(X, peaks(X) + noise) == pytest.approx(noise_level(X, noise), rel=0.05)


def test_outliers_change_little() -> None:
    noise = np.random.default_rng(4).normal(size=N)
    spoilt = noise.copy()
    spoilt[::50] += 1000.0
    assert noise_level(X, spoilt) == pytest.approx(noise_level(X, noise), rel=0.15)


def test_scaling_and_shift() -> None:
    y = peaks(X) + np.random.default_rng(6).normal(size=N)
    assert noise_level(X * 1e-6 + 7.0, 3.0 * y + X) == pytest.approx(3.0 * noise_level(X, y), rel=1e-6)


def test_no_noise_and_rare_counts() -> None:
    assert noise_level(X, np.full(N, 3.0)) == 0.0
    assert noise_level(X, X**2) == 0.0
    rare = np.zeros(N)
    rare[::20] = 1.0
    assert noise_level(X, rare) == pytest.approx(rare.std(), rel=0.1)
    assert noise_level(np.arange(4.0), np.array([0.0, 1.0, 0.0, 1.0])) > 0.0
