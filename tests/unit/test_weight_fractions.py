"""Weights from scales: the closed mean over a sphere, microabsorption undone, and intervals that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bayesbeam.diffraction.fractions import Doubt, Matter, brindley, matter_of, weight_draws, weights

MATTER = Matter(np.array([100.0, 50.0, 80.0]), np.array([9.0, 4.0, 16.0]), np.array([120.0, 1900.0, 270.0]))


def by_hand(depth: float) -> float:
    """Mean attenuation over a sphere of radius 1, by chords: of all its points, a share 3 l^2 / 8 lies on chords l."""
    length = np.linspace(0.0, 2.0, 20001)
    return float(np.trapezoid(0.375 * length**2 * np.exp(-depth * length), length))


@pytest.mark.parametrize("depth", [-1.5, -0.3, -0.019, 0.0, 0.0199, 0.0201, 0.4, 3.0])
def test_a_grain_lets_out_what_its_chords_let_out(depth: float) -> None:
    assert brindley(np.array(depth)) == pytest.approx(by_hand(depth), rel=1e-6)


def seen(weight: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Scales that phases of these weights show, by the forward sum."""
    volume = weight / MATTER.mass_volume * MATTER.squared_volume
    mean = float(volume @ MATTER.attenuation / volume.sum())
    depth = (MATTER.attenuation - mean) * radius * 1e-4
    return weight / MATTER.mass_volume * np.array([by_hand(one) for one in depth])


@pytest.mark.parametrize("radius", [0.0, 1.0, 5.0])
def test_microabsorption_is_undone(radius: float) -> None:
    weight = np.array([0.3, 0.5, 0.2])
    assert weights(seen(weight, radius), MATTER, radius) == pytest.approx(weight, abs=1e-6)


def test_without_it_the_strong_absorber_is_told_too_little() -> None:
    weight = np.array([0.3, 0.5, 0.2])
    assert weights(seen(weight, 3.0), MATTER)[1] < 0.45


def test_draws_spread_as_stated() -> None:
    normal = np.random.default_rng(3).standard_normal((2, 20000, 3))
    scales = np.tile(seen(np.array([0.3, 0.5, 0.2]), 0.0), (20000, 1))
    drawn = weight_draws(scales, MATTER, Doubt(structure=0.05, radius=0.0), normal)
    # To first order a fraction w moves by w (e_k - sum w e).
    expected = 0.05 * 0.5 * np.sqrt(0.5**2 + 0.3**2 + 0.2**2)
    assert drawn[:, 1].std() == pytest.approx(expected, rel=0.03)
    assert drawn.sum(1) == pytest.approx(1.0)
    shaded = weight_draws(scales, MATTER, Doubt(structure=0.0, radius=2.0), normal)
    assert shaded[:, 1].mean() > 0.5 + 0.02
    assert (weight_draws(scales, MATTER, Doubt(0.0, 0.0), normal) == weights(scales[:1], MATTER)).all()


def test_no_phase_has_no_weight() -> None:
    assert (weights(np.zeros(3), MATTER, 2.0) == 0.0).all()


def test_attenuation_is_that_of_the_cells_content() -> None:
    found = matter_of([101.96 * 254.8], [254.8], [{"Al": 12.0, "O": 18.0}], 1.5406)
    assert found.attenuation[0] == pytest.approx(125.0, rel=0.03)
    assert found.squared_volume[0] == pytest.approx(254.8**2)
