"""Free-energy estimators on exact draws: unbiased, with errors that mean what they say, at any number of chains.

With C chains, z = (F - truth) / standard error follows Student's t with C - 1 degrees of freedom as far as the
estimates of single chains are normal.

Every test system once: |z| below the two-sided quantile of 1e-4 of that law (4.5 for 32 chains). False alarm on a new
seed: 80 numbers, 0.8 %. Tried on seeds 1 to 5.

Many replications of one linear-Gaussian system: the mean of n z-scores is within 4.5 of its standard errors of 0, their
coverage of the 95 % interval within 4.5 of its binomial standard errors of 0.95, the ratio of the actual to the stated
spread of F within 15 %. False alarm per number 7e-6; 12 numbers a seed: about 1e-4 on a new seed. Tried on three
seeds. So for looking down long steps.

A new estimator joins by a line in ``ESTIMATORS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

# A plain helper of the tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam import testsystems
from bayesbeam.evidence import stepping_stone
from bayesbeam.evidence.bar import bar
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.evidence.mbar import mbar
from bayesbeam.evidence.sources import ladder_source
from bayesbeam.evidence.stepping_stone import stepping_stone_backward, stepping_stone_forward
from bayesbeam.testsystems.base import even_ladder, log_likelihood_draws
from bayesbeam.testsystems.linear_gaussian import LinearGaussian, linear_gaussian
from estimator_scores import Score
from estimator_scores import score as score_of

FloatArray = NDArray[np.float64]
Estimator = Callable[[torch.Tensor, torch.Tensor], FreeEnergy]


def multistate(log_likelihood: torch.Tensor, beta: torch.Tensor) -> FreeEnergy:
    """The quoted estimate where there are no stages of tempered SMC."""
    return mbar([ladder_source(log_likelihood, beta)]).unbiased().free_energy()


REPLICATIONS, STEPS, CHAINS = 400, 60, 8
# Steps below a factor of 2 and a first rung far below the prior's weight.
LADDER = torch.tensor([0.0, *(0.004 * 250.0 ** (k / 10) for k in range(10)), 1.0], dtype=torch.float64)
ESTIMATORS = {
    "bar": bar,
    "stepping stone forward": stepping_stone_forward,
    "stepping stone backward": stepping_stone_backward,
    "multistate": multistate,
}
SHORT_STEP = 0.012


def system() -> LinearGaussian:
    return linear_gaussian(torch.Generator().manual_seed(3), points=12, positions=(), noise_sd=0.7)


def score(estimate: Estimator, seed: int, replications: int = REPLICATIONS) -> Score:
    exact = system()
    generator = torch.Generator().manual_seed(seed)
    draws = exact.log_likelihood_draws(LADDER, STEPS, CHAINS * replications, generator)
    return score_of([estimate(block, LADDER) for block in draws.split(CHAINS, dim=1)], exact.free_energy())


@cache
def exact_draws(name: str, seed: int, steps: int, chains: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-likelihoods (S, C, R) of exact draws of a test system, and its ladder."""
    exact = testsystems.get(name)
    ladder = even_ladder(exact, SHORT_STEP)
    return log_likelihood_draws(exact, ladder, steps, chains, torch.Generator().manual_seed(seed)), ladder


def z_score(estimate: Estimator, name: str, seed: int, steps: int = 25, chains: int = 32) -> tuple[float, float]:
    """Score of one estimate from exact draws of a test system, and the largest that may be."""
    found = estimate(*exact_draws(name, seed, steps, chains))
    z = abs(found.value - testsystems.get(name).free_energy()) / found.standard_error
    return z, float(stats.t(found.degrees_of_freedom).ppf(1 - 0.5e-4))


@pytest.mark.parametrize("name", testsystems.names())
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_free_energy_of_every_test_system(estimator: str, name: str) -> None:
    z, most = z_score(ESTIMATORS[estimator], name, seed=1)
    assert z < most


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("name", testsystems.names())
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_free_energy_of_every_test_system_on_more_seeds(estimator: str, name: str, seed: int) -> None:
    z, most = z_score(ESTIMATORS[estimator], name, seed, steps=100)
    assert z < most


@pytest.mark.parametrize("name", ESTIMATORS)
def test_free_energy_and_its_error_are_calibrated(name: str) -> None:
    assert score(ESTIMATORS[name], seed=1).passes


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("name", ESTIMATORS)
def test_free_energy_and_its_error_are_calibrated_on_more_seeds(name: str, seed: int) -> None:
    assert score(ESTIMATORS[name], seed, replications=2000).passes


def shifted_beta(estimate: Estimator) -> Estimator:
    """Every rung taken for one that is 2 % hotter, but for the ends."""
    wrong = LADDER.clone()
    wrong[1:-1] *= 0.98
    return lambda log_likelihood, beta: estimate(log_likelihood, wrong)


def upside_down(estimate: Estimator) -> Estimator:
    """The ladder walked in the wrong direction."""
    return lambda log_likelihood, beta: estimate(log_likelihood.flip(-1), beta)


def wrong_sign(estimate: Estimator) -> Estimator:
    """Log evidence given for free energy."""

    def wrong(log_likelihood: torch.Tensor, beta: torch.Tensor) -> FreeEnergy:
        found = estimate(log_likelihood, beta)
        return FreeEnergy(-found.value, found.standard_error, found.degrees_of_freedom)

    return wrong


def mean_of_chains(estimate: Estimator) -> Estimator:
    """Mean of F of short chains instead of F of pooled draws: the bias of the logarithm stays, however many chains."""

    def wrong(log_likelihood: torch.Tensor, beta: torch.Tensor) -> FreeEnergy:
        steps, chains, rungs = log_likelihood.shape
        pieces = log_likelihood.reshape(steps // 10, 10, chains, rungs).transpose(1, 2).reshape(-1, 10, rungs)
        values = [estimate(piece[:, None].expand(-1, 2, -1), beta).value for piece in pieces]
        found = estimate(log_likelihood, beta)
        return FreeEnergy(sum(values) / len(values), found.standard_error, found.degrees_of_freedom)

    return wrong


def error_in_quadrature(estimate: Estimator) -> Estimator:
    """Standard error as if all draws were one chain each of a quarter of the length: half as large."""

    def wrong(log_likelihood: torch.Tensor, beta: torch.Tensor) -> FreeEnergy:
        found = estimate(log_likelihood, beta)
        return FreeEnergy(found.value, 0.5 * found.standard_error, found.degrees_of_freedom)

    return wrong


# The multistate estimate does not ask which of equally many draws came from which rung.
MISTAKES = [
    (name, mistake)
    for mistake in (shifted_beta, upside_down, wrong_sign, error_in_quadrature)
    for name in ESTIMATORS
    if (name, mistake) != ("multistate", upside_down)
]


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_planted_mistake_is_caught(name: str, mistake: Callable[[Estimator], Estimator]) -> None:
    assert not score(mistake(ESTIMATORS[name]), seed=1, replications=100).passes


def off_by_a_tenth(estimate: Estimator) -> Estimator:
    """A tenth of a nat added."""

    def wrong(log_likelihood: torch.Tensor, beta: torch.Tensor) -> FreeEnergy:
        found = estimate(log_likelihood, beta)
        return FreeEnergy(found.value + 0.1, found.standard_error, found.degrees_of_freedom)

    return wrong


@pytest.mark.parametrize("name", ["pole", "poisson_gamma", "spike_and_slab_1e-4"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_tenth_of_a_nat_is_caught_on_single_systems(estimator: str, name: str) -> None:
    z, most = z_score(off_by_a_tenth(ESTIMATORS[estimator]), name, seed=1, steps=500)
    assert z > most


def test_averaging_free_energies_of_short_chains_is_caught() -> None:
    assert not score(mean_of_chains(stepping_stone_forward), seed=1, replications=60).passes


# Steps of a factor of 4 to 5: looking down without floors, the weights of each have no variance.
COARSE = torch.tensor([0.0, 0.01, 0.05, 0.2, 1.0], dtype=torch.float64)


def test_looking_down_long_steps_is_calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "LADDER", COARSE)
    assert score(stepping_stone_backward, seed=1).passes


def no_floors(log_likelihood: FloatArray) -> FloatArray:
    """As if every draw of the rung above could be relied on."""
    return np.full(log_likelihood.shape[1:], -np.inf)


def floors_of_own_draws(log_likelihood: FloatArray) -> FloatArray:
    """Floors that are among the draws they divide."""
    return np.tile(np.sort(log_likelihood.reshape(-1, log_likelihood.shape[-1]), axis=0)[[120]], (CHAINS, 1))


@pytest.mark.parametrize(("wrong", "ladder"), [(no_floors, COARSE), (floors_of_own_draws, LADDER)])
def test_wrong_floors_are_caught(
    wrong: Callable[[FloatArray], FloatArray], ladder: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "LADDER", ladder)
    monkeypatch.setattr(stepping_stone, "floors", wrong)
    assert not score(stepping_stone_backward, seed=1).passes


def test_estimators_agree_where_nothing_is_random() -> None:
    """One common value of the log-likelihood: F is minus that value, without error."""
    constant = torch.full((5, 3, 12), -4.25, dtype=torch.float64)
    for estimate in ESTIMATORS.values():
        found = estimate(constant, LADDER)
        # Sums of logarithms of 5 equal numbers: rounding of a few units in the last place; bisection of an interval of
        # 2 nats by 60 halvings ends at rounding too.
        assert found.value == pytest.approx(4.25, rel=1e-13)
        assert found.standard_error < 1e-12
        assert found.degrees_of_freedom == 2


def test_a_large_constant_in_the_likelihood_only_shifts_the_free_energy() -> None:
    exact = system()
    draws = exact.log_likelihood_draws(LADDER, 50, 4, torch.Generator().manual_seed(1))
    for estimate in ESTIMATORS.values():
        near, far = estimate(draws, LADDER), estimate(draws - 1e6, LADDER)
        # Doubles of size 1e6 carry 1e-10.
        assert far.value == pytest.approx(near.value + 1e6, abs=1e-7)
        assert far.standard_error == pytest.approx(near.standard_error, rel=1e-6)
