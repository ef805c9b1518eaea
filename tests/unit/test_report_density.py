"""Densities and tables of moments against what is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from bayesbeam.report.density import density
from bayesbeam.report.figures.fit import is_background, thinned
from bayesbeam.report.residuals import alike, autocorrelation


def test_density_of_normal_draws() -> None:
    """Kernel estimate of 4e5 normal draws: its own bias h^2/2 f'' is at most 0.0023 of 0.399, noise about 0.002."""
    draws = np.random.default_rng(3).standard_normal(400_000)
    grid, values = density(draws, -4.0, 4.0)
    truth = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)
    assert np.abs(values - truth).max() < 0.008


def test_density_keeps_a_hard_edge() -> None:
    """An exponential keeps its height at zero (without reflection it would be half of it)."""
    draws = np.random.default_rng(4).exponential(size=400_000)
    grid, values = density(draws, -1.0, 5.0, 601)
    assert values[grid < -0.01].max() == 0
    assert values[np.searchsorted(grid, 0.02)] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("draws", [np.full(100, 2.5), np.empty(0), np.array([1.0]), np.full(9, np.nan)])
def test_density_of_nothing_is_flat(draws: np.ndarray) -> None:
    assert np.all(density(draws, 0.0, 5.0)[1] == 0)


def test_autocorrelation_finds_a_wave_and_no_noise() -> None:
    """White noise of 4000 points: |r| < 5/sqrt(4000) at all 24 lags, false alarm 1.4e-5; a sine is found."""
    noise = np.random.default_rng(5).standard_normal(4000)
    assert np.abs(autocorrelation(noise)[1]).max() < 5 / np.sqrt(4000)
    assert autocorrelation(np.sin(np.arange(4000) / 20))[1][0] > 0.99
    assert autocorrelation(np.zeros(50))[1].size == 0
    assert alike(noise) is None
    assert alike(np.convolve(noise, np.ones(4))) == pytest.approx(0.75, abs=0.05)
    assert alike(np.empty(0)) is None


def test_thinned_curves_stay_within_a_thousandth() -> None:
    x = np.linspace(0, 3, 2001)
    curves = np.stack([np.exp(-0.5 * ((x - 1.5) / 0.05) ** 2), 0.2 * x])
    keep = thinned(x, curves)
    assert keep.size < 200
    for curve in curves:
        assert np.abs(np.interp(x, x[keep], curve[keep]) - curve).max() <= 1e-3 * 1.0000001


def test_background_is_what_has_no_maximum_inside() -> None:
    x = np.linspace(-1, 1, 101)
    assert is_background(np.full(101, 3.0))
    assert is_background(np.zeros(101))
    assert is_background(1 + 0.3 * x)
    assert not is_background(np.exp(-(x**2)))
