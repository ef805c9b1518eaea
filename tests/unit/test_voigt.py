"""The Voigt peak is the convolution, at every ratio of its widths, in the far tails and in single precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.special import erfcx, voigt_profile

from bayesbeam.models import registry, voigt

RATIOS = np.logspace(-4.0, 4.0, 49)
# In units of the wider half width: the top, the flanks and the far tails.
PLACES = np.concatenate([[0.0], np.logspace(-3.0, 5.0, 1601)])
VOIGT = registry.get("voigt")


def worst(dtype: torch.dtype) -> float:
    """Largest difference from SciPy's profile over its height, at all ratios of the widths and all places."""
    found = []
    for ratio in RATIOS:
        gaussian, lorentzian = min(1.0, 1.0 / ratio), min(1.0, ratio)
        sigma, gamma = gaussian / math.sqrt(8.0 * math.log(2.0)), 0.5 * lorentzian
        expected = voigt_profile(PLACES, sigma, gamma) / voigt_profile(0.0, sigma, gamma)
        theta = torch.tensor([1.0, 0.0, gaussian, lorentzian], dtype=dtype)
        curve = VOIGT.forward(torch.from_numpy(PLACES).to(dtype), theta)
        found.append(np.abs(curve.double().numpy() - expected).max())
    return float(np.max(found))


def test_it_is_the_convolution_to_1e_7_of_its_height() -> None:
    assert worst(torch.float64) <= 1e-7


def test_it_is_the_convolution_in_single_precision() -> None:
    """A recurrence of 16 terms at numbers of modulus 1 keeps 4e-6: 32 units of rounding."""
    assert worst(torch.float32) <= 4e-6


def test_a_series_of_fewer_terms_or_another_scale_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for terms, scale in ((14, voigt.SCALE), (16, 3.3636)):
        monkeypatch.setattr(voigt, "TERMS", terms)
        monkeypatch.setattr(voigt, "SCALE", scale)
        monkeypatch.setattr(voigt, "SERIES", voigt._series())
        assert worst(torch.float64) > 1e-7


@pytest.mark.parametrize("ratio", [1e-4, 0.03, 0.5, 1.0, 4.0, 100.0, 1e4])
def test_area_and_full_width_are_those_of_the_convolution(ratio: float) -> None:
    gaussian, lorentzian = min(1.0, 1.0 / ratio), min(1.0, ratio)
    sigma, gamma = gaussian / math.sqrt(8.0 * math.log(2.0)), 0.5 * lorentzian
    theta = torch.tensor([2.0, 3.0, gaussian, lorentzian], dtype=torch.float64)
    area, width = VOIGT.derive(theta).tolist()
    height = erfcx(gamma / (math.sqrt(2.0) * sigma)) / (sigma * math.sqrt(2.0 * math.pi))
    assert area == pytest.approx(2.0 / height, rel=1e-7)
    half = brentq(lambda x: voigt_profile(x, sigma, gamma) - 0.5 * height, 0.1, 1.0, xtol=1e-14)
    # an error of 5e-8 of the height, over the slope there, is below 1e-7 of the width
    assert width == pytest.approx(2.0 * half, rel=1e-7)
    ends = torch.tensor([3.0 - 0.5 * width, 3.0 + 0.5 * width], dtype=torch.float64)
    assert VOIGT.forward(ends, theta).tolist() == pytest.approx([1.0, 1.0], rel=1e-12)
