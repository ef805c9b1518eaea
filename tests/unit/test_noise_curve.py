"""Free energy against the noise level, from one ladder, against exact free energies with larger noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesbeam.evidence import noise_level
from bayesbeam.evidence.noise_level import NoiseCurve, noise_curve
from bayesbeam.evidence.sources import ladder_source
from bayesbeam.testsystems.base import log_likelihood_draws
from bayesbeam.testsystems.linear_gaussian import LinearGaussian, linear_gaussian

FACTORS = np.exp(np.linspace(0.0, math.log(6.0), 61))
POINTS, TRUE, STATED = 60, 0.5, 0.2


def system_of(stated: float) -> LinearGaussian:
    """Data with noise of standard deviation 0.5, said to be another."""
    system = linear_gaussian(torch.Generator().manual_seed(3), points=POINTS, noise_sd=TRUE)
    return replace(system, sd=torch.full_like(system.sd, stated))


def curve_of(stated: float, seed: int = 5, chains: int = 10) -> NoiseCurve:
    system = system_of(stated)
    beta = torch.cat([torch.zeros(1), torch.logspace(-6, 0, 40)]).double()
    beta[-1] = 1.0
    draws = log_likelihood_draws(system, beta, 300, chains, torch.Generator().manual_seed(seed))
    normaliser = -float((system.sd * math.sqrt(2.0 * math.pi)).log().sum())
    return noise_curve([ladder_source(draws, beta)], normaliser, POINTS, FACTORS)


def exact(stated: float) -> np.ndarray:
    system = system_of(stated)
    return np.array([replace(system, sd=system.sd * s).free_energy() for s in FACTORS])


def check(found: NoiseCurve) -> None:
    z = (found.free_energy - exact(STATED)) / found.standard_error
    # 61 levels of one run are not independent; 9 degrees of freedom
    assert np.abs(z).max() < 4.0
    assert found.standard_error.max() < 0.05


def test_free_energies_at_all_levels_are_exact_within_their_errors() -> None:
    found = curve_of(STATED)
    check(found)
    expected = exact(STATED)
    k = int(np.argmin(expected))
    assert abs(math.log(found.best / FACTORS[k])) < math.log(FACTORS[1])
    assert found.best * STATED == pytest.approx(TRUE, abs=3.0 * found.best_sd * STATED)
    # the level of N points is known to 1 / sqrt(2 N), a little more with two parameters
    assert found.best_sd / found.best == pytest.approx(1.0 / math.sqrt(2.0 * POINTS), rel=0.1)
    assert 0.0 < found.best_error < 0.05 * found.best_sd


def test_the_stated_error_is_that_of_many_runs() -> None:
    z = []
    for seed in range(40):
        found = curve_of(STATED, seed, chains=6)
        z.append(((found.free_energy - exact(STATED)) / found.standard_error)[::20])
    # t with 5 degrees of freedom has standard deviation 1.29; 40 runs know it to about a fifth
    assert 0.8 < np.std(z) < 1.8
    assert abs(np.mean(z)) < 0.6


def test_a_level_below_the_stated_one_is_at_the_end() -> None:
    found = curve_of(1.0)
    assert found.best == 1.0
    assert math.isnan(found.best_sd)
    assert math.isnan(found.best_error)


MISTAKES: dict[str, Callable[[float, int], tuple[float, int]]] = {
    "no normaliser": lambda normaliser, points: (0.0, points),
    "normaliser of the other sign": lambda normaliser, points: (-normaliser, points),
    "half of the points": lambda normaliser, points: (normaliser, points // 2),
    "no points": lambda normaliser, points: (normaliser, 0),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true = noise_level.noise_curve

    def wrong(sources: object, normaliser: float, points: int, factor: np.ndarray) -> NoiseCurve:
        return true(sources, *MISTAKES[name](normaliser, points), factor)

    monkeypatch.setitem(globals(), "noise_curve", wrong)
    with pytest.raises(AssertionError):
        check(curve_of(STATED))
