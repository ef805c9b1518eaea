"""Free energy against the noise level, from one ladder, against exact free energies with larger noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad

from bayesbeam.config.grammar import parse_prior
from bayesbeam.config.specs import CandidateSpec, NoiseSpec
from bayesbeam.errors import ModelError
from bayesbeam.evidence import noise_level
from bayesbeam.evidence.noise_level import NoiseCurve, _log_weight, _marginal, noise_curve
from bayesbeam.evidence.sources import ladder_source
from bayesbeam.io.store import Measurement
from bayesbeam.stages.level_prior import check_level, level_prior
from bayesbeam.stages.noise_levels import NOISE_FACTORS
from bayesbeam.testsystems.base import log_likelihood_draws
from bayesbeam.testsystems.linear_gaussian import LinearGaussian, linear_gaussian

FACTORS = np.exp(np.linspace(0.0, math.log(6.0), 61))
POINTS, TRUE, STATED = 60, 0.5, 0.2


def system_of(stated: float) -> LinearGaussian:
    """Data with noise of standard deviation 0.5, said to be another."""
    system = linear_gaussian(torch.Generator().manual_seed(3), points=POINTS, noise_sd=TRUE)
    return replace(system, sd=torch.full_like(system.sd, stated))


def curve_of(stated: float, seed: int = 5, chains: int = 10, factor: np.ndarray = FACTORS, **more: Any) -> NoiseCurve:
    system = system_of(stated)
    beta = torch.cat([torch.zeros(1), torch.logspace(-6, 0, 40)]).double()
    beta[-1] = 1.0
    draws = log_likelihood_draws(system, beta, 300, chains, torch.Generator().manual_seed(seed))
    normaliser = -float((system.sd * math.sqrt(2.0 * math.pi)).log().sum())
    return noise_curve([ladder_source(draws, beta)], normaliser, POINTS, factor, **more)


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


def exact_marginal(log_prior: Callable[[float], float]) -> float:
    """Free energy without the level, by adaptive quadrature of exact free energies over the logarithm of the factor."""
    system = system_of(STATED)
    lowest = float(exact(STATED).min())

    def integrand(u: float) -> float:
        return math.exp(lowest - replace(system, sd=system.sd * math.exp(u)).free_energy() + log_prior(u))

    value, _ = quad(integrand, 0.0, math.log(6.0), points=[math.log(TRUE / STATED)], epsabs=1e-9)
    return lowest - math.log(value)


def check_marginal(found: NoiseCurve) -> None:
    expected = exact_marginal(lambda u: -math.log(math.log(6.0)))
    assert abs(found.marginal - expected) < 4.0 * found.marginal_error
    assert 0.0 < found.marginal_error < 0.05
    assert abs(found.lowest - exact(STATED).min()) < 4.0 * found.lowest_error + 1e-3


def test_the_level_integrated_out_and_at_its_best() -> None:
    found = curve_of(STATED)
    check_marginal(found)
    # Laplace: -ln of the prior density times sqrt(2 pi) times the width of the posterior of ln sigma
    width = found.best_sd / found.best
    expected = found.lowest - math.log(math.sqrt(2.0 * math.pi) * width / math.log(6.0))
    assert found.marginal == pytest.approx(expected, abs=0.02)
    with pytest.raises(AssertionError):
        check_marginal(replace(found, marginal=found.marginal + 0.25))


def test_a_stated_prior_of_the_level_and_levels_that_are_far_apart() -> None:
    """Six levels, between which others are put; a normal prior of ln factor."""

    def log_prior(factor: np.ndarray) -> np.ndarray:
        return -0.5 * ((np.log(factor) - 0.5) / 0.1) ** 2 - math.log(0.1 * math.sqrt(2.0 * math.pi))

    few = curve_of(STATED, factor=FACTORS[::12], log_prior=log_prior)
    assert len(few.free_energy) == 6
    expected = exact_marginal(lambda u: float(log_prior(np.exp(np.array(u)))))
    assert abs(few.marginal - expected) < 4.0 * few.marginal_error
    many = curve_of(STATED)
    assert few.best == pytest.approx(many.best, rel=0.1 * many.best_sd / many.best)
    np.testing.assert_allclose(few.free_energy, many.free_energy[::12], rtol=0.0, atol=1e-9)


def test_a_curve_that_is_level_has_its_own_free_energy_without_the_level() -> None:
    """The prior of all levels together is 1, those at the ends included."""
    level = np.geomspace(1.0, 30.0, 12)
    assert _marginal(np.full(12, 7.5), _log_weight(level, None)) == pytest.approx(7.5, abs=1e-12)


PRIORS = {
    "uniform(0.3, 1.2)": stats.uniform(0.3, 0.9),
    "log_uniform(0.25, 2)": stats.loguniform(0.25, 2.0),
    "half_normal(1)": stats.halfnorm(0.0, 1.0),
    "gamma(4, 6)": stats.gamma(4.0, scale=1.0 / 6.0),
    "truncated_normal(0.5, 0.001, low=0)": stats.norm(0.5, 0.001),
    "truncated_normal(0.8, 0.01, low=0)": stats.norm(0.8, 0.01),  # the data lie far in its tail
}


def under(text: str, mistake: float = 0.0) -> tuple[NoiseCurve, float]:
    """Curve with a prior as a campaign states it, and what its integral should be, by adaptive quadrature.

    A mistake is the power of the level by which the density is wrong.
    """
    spec = CandidateSpec((), NoiseSpec("normal", "value", STATED, (), level=parse_prior(text)))
    prior = level_prior(spec, Measurement("a", np.arange(5.0), np.arange(5.0), noise_estimate=1.0))
    assert prior is not None
    curve = curve_of(
        STATED, factor=NOISE_FACTORS, at=prior.at, log_prior=lambda s: prior.log_density(s) + mistake * np.log(s)
    )
    law, system = PRIORS[text], system_of(STATED)
    low, high = (min(max(end, STATED), STATED * NOISE_FACTORS[-1]) for end in law.support())
    whole = law.cdf(high) - law.cdf(low)
    lowest = float(exact(STATED).min())

    def integrand(sigma: float) -> float:
        free = replace(system, sd=torch.full_like(system.sd, sigma)).free_energy()
        return math.exp(lowest - free + law.logpdf(sigma)) / whole

    places = [p for p in (TRUE, law.median(), law.ppf(1e-5), law.ppf(1.0 - 1e-5)) if low < p < high]
    value, _ = quad(integrand, low, high, points=sorted({*places}), epsabs=0.0, epsrel=1e-9, limit=500)
    return curve, lowest - math.log(value)


@pytest.mark.parametrize("text", PRIORS)
def test_a_prior_of_a_campaign_agrees_with_quadrature(text: str) -> None:
    """Hard ends, tails beyond the levels, and widths far below the distance of levels."""
    found, expected = under(text)
    assert abs(found.marginal - expected) < 4.0 * found.marginal_error
    assert found.marginal_error < 0.05


def test_a_density_of_the_level_where_that_of_its_logarithm_belongs_is_seen() -> None:
    found, expected = under("uniform(0.3, 1.2)", mistake=-1.0)
    assert abs(found.marginal - expected) > 10.0 * found.marginal_error


def test_a_log_uniform_prior_over_all_levels_is_the_default() -> None:
    high = STATED * NOISE_FACTORS[-1]
    spec = CandidateSpec(
        (), NoiseSpec("normal", "column", None, (), level=parse_prior(f"log_uniform(1, {high / STATED})"))
    )
    prior = level_prior(spec, Measurement("a", np.arange(5.0), np.arange(5.0), noise_estimate=1.0))
    assert prior is not None
    stated = curve_of(STATED, factor=NOISE_FACTORS, at=prior.at, log_prior=prior.log_density)
    assert stated.marginal == pytest.approx(curve_of(STATED, factor=NOISE_FACTORS).marginal, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uniform(noise / 4, noise / 2)", "uniform(low=0.025, high=0.05), of which 0 % lies between 0.2 and 6.3"),
        ("log_uniform(noise, y_max - 4)", "does not fit its data"),
        ("half_normal(noise)", "of which 4.6 % lies between 0.2 and 6.3"),
    ],
)
def test_a_prior_beside_the_levels_is_refused(text: str, words: str) -> None:
    spec = CandidateSpec((), NoiseSpec("normal", "value", STATED, (), level=parse_prior(text)))
    with pytest.raises(ModelError, match="measurement a: prior of the noise level: ") as caught:
        check_level(spec, [[Measurement("a", np.arange(5.0), np.arange(5.0), noise_estimate=0.1)]])
    assert words in str(caught.value)


def test_the_error_of_the_integral_is_that_of_many_runs() -> None:
    expected = exact_marginal(lambda u: -math.log(math.log(6.0)))
    found = [curve_of(STATED, seed, chains=6) for seed in range(40)]
    z = [(one.marginal - expected) / one.marginal_error for one in found]
    # as above
    assert 0.8 < np.std(z) < 1.8
    assert abs(np.mean(z)) < 0.6


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
