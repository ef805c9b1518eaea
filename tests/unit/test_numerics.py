"""The functions that formulas share, against SciPy."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from scipy.special import erfc, erfcx

from bayesbeam.models import numerics
from bayesbeam.models.mathspace import TORCH

SIZES = np.concatenate([[0.0], np.logspace(-9.0, 9.0, 4001), np.linspace(0.0, 30.0, 3001)])


def error_of_scaled_erfc(dtype: torch.dtype) -> float:
    """Largest error relative to the value."""
    found = numerics.scaled_erfc(TORCH, torch.from_numpy(SIZES).to(dtype)).double().numpy()
    return float(np.abs(found / erfcx(SIZES) - 1.0).max())


def test_the_scaled_error_function_is_right_to_2e_11_of_itself() -> None:
    assert error_of_scaled_erfc(torch.float64) <= 2e-11
    # rounding of some terms of order 1
    assert error_of_scaled_erfc(torch.float32) <= 16 * np.finfo(np.float32).eps


def test_a_coefficient_that_is_wrong_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled = (*numerics.SCALED_ERFC[:5], numerics.SCALED_ERFC[5] + 1e-9, *numerics.SCALED_ERFC[6:])
    monkeypatch.setattr(numerics, "SCALED_ERFC", spoiled)
    assert error_of_scaled_erfc(torch.float64) > 2e-11


def test_half_the_complementary_error_function_on_both_sides() -> None:
    v = np.concatenate([-SIZES[::-1], SIZES])
    v = v[np.abs(v) < 25.0]
    found = numerics.half_erfc(TORCH, torch.from_numpy(v)).numpy()
    np.testing.assert_allclose(found, 0.5 * erfc(v), rtol=2e-11, atol=0.0)


def error_of_half_step() -> float:
    """Largest error of the difference of ln Gamma over half a step, relative where it is large, against mpmath."""
    z = np.logspace(-8.0, 10.0, 61)
    with mpmath.workdps(40):
        exact = [float(mpmath.loggamma(mpmath.mpf(v) + mpmath.mpf("0.5")) - mpmath.loggamma(v)) for v in z]
    found = numerics.log_gamma_half_step(TORCH, torch.from_numpy(z)).numpy()
    return float(np.abs((found - exact) / np.maximum(1.0, np.abs(exact))).max())


def test_the_step_of_the_logarithm_of_gamma_is_right_to_1e_13(monkeypatch: pytest.MonkeyPatch) -> None:
    assert error_of_half_step() <= 1e-13
    series = numerics._HALF_STEP
    monkeypatch.setattr(numerics, "_HALF_STEP", (*series[:-1], series[-1] * 1.5))
    assert error_of_half_step() > 1e-13


def test_a_crossing_is_found() -> None:
    found = numerics.falls_below(TORCH, lambda x: 1.0 / (1.0 + x * x), 0.2, 0.0, 7.0)
    assert found == pytest.approx(2.0, rel=1e-15)
