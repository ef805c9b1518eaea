"""Free-energy estimators on exact draws: unbiased, with errors that mean what they say, at any number of chains.

Many replications of exact tempered draws of a linear-Gaussian system. With C chains, z = (F - truth) / standard error
follows Student's t with C - 1 degrees of freedom as far as the estimates of single chains are normal.

Bounds: the mean of n z-scores is within 4.5 of its standard errors of 0, their coverage of the 95 % interval within 4.5
of its binomial standard errors of 0.95, the ratio of the actual to the stated spread of F within 15 %.
False alarm per number 7e-6; 9 numbers a seed: about 1e-4 on a new seed. Tried on seeds 1, 2, 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from scipy import stats

from bayesbeam.evidence.bar import bar
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.evidence.stepping_stone import stepping_stone_backward, stepping_stone_forward
from bayesbeam.testsystems.linear_gaussian import LinearGaussian, linear_gaussian

Estimator = Callable[[torch.Tensor, torch.Tensor], FreeEnergy]

REPLICATIONS, STEPS, CHAINS = 400, 60, 8
# Steps below a factor of 2 and a first rung far below the prior's weight: looking down the ladder, the weights of a
# longer step have no variance, and no estimate of it by any means is calibrated.
LADDER = torch.tensor([0.0, *(0.004 * 250.0 ** (k / 10) for k in range(10)), 1.0], dtype=torch.float64)
ESTIMATORS = {
    "bar": bar,
    "stepping stone forward": stepping_stone_forward,
    "stepping stone backward": stepping_stone_backward,
}
MOST_SIGMA = 4.5


@dataclass(frozen=True)
class Score:
    """How z-scores of many replications look."""

    mean_in_errors: float
    spread_over_stated: float
    coverage: float
    coverage_in_errors: float

    @property
    def passes(self) -> bool:
        unbiased = abs(self.mean_in_errors) < MOST_SIGMA
        return unbiased and abs(self.coverage_in_errors) < MOST_SIGMA and abs(self.spread_over_stated - 1.0) < 0.15


def system() -> LinearGaussian:
    return linear_gaussian(torch.Generator().manual_seed(3), points=12, positions=(), noise_sd=0.7)


def score(estimate: Estimator, seed: int, replications: int = REPLICATIONS) -> Score:
    exact = system()
    generator = torch.Generator().manual_seed(seed)
    draws = exact.log_likelihood_draws(LADDER, STEPS, CHAINS * replications, generator)
    found = [estimate(block, LADDER) for block in draws.split(CHAINS, dim=1)]
    gap = torch.tensor([f.value for f in found], dtype=torch.float64) - exact.free_energy()
    stated = torch.tensor([f.standard_error for f in found], dtype=torch.float64)
    limit = stats.t(found[0].degrees_of_freedom).ppf(0.975)
    coverage = float(((gap / stated).abs() < limit).double().mean())
    return Score(
        mean_in_errors=float(gap.mean() / gap.std()) * math.sqrt(replications),
        spread_over_stated=float(gap.std() / stated.square().mean().sqrt()),
        coverage=coverage,
        coverage_in_errors=(coverage - 0.95) / math.sqrt(0.95 * 0.05 / replications),
    )


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


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("mistake", [shifted_beta, upside_down, wrong_sign, error_in_quadrature])
def test_a_planted_mistake_is_caught(name: str, mistake: Callable[[Estimator], Estimator]) -> None:
    assert not score(mistake(ESTIMATORS[name]), seed=1, replications=100).passes


@pytest.mark.parametrize("name", ["stepping stone forward", "stepping stone backward"])
def test_averaging_free_energies_of_short_chains_is_caught(name: str) -> None:
    assert not score(mean_of_chains(ESTIMATORS[name]), seed=1, replications=60).passes


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
