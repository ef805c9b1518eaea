"""The sampler from end to end against systems whose free energy and posterior are known.

Three independent runs of each system, in one batch under three names (which is as good as three seeds). Bounds: 3.5
standard errors of a single run would be a false alarm of 7e-3 by Student's t with 9 degrees of freedom (10 chains), so
single runs are held to the quantile of 1e-4 (6.6 standard errors), and the mean of three runs to 3.5 standard errors
(27 degrees of freedom: 1.6e-3). Posterior means and standard deviations are held to 5 of their errors. False alarm of
the file on a new seed: about 2 %, nearly all of it from the six means.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.sampling.engines import eager
from bayesbeam.sampling.exchange import swap_probability
from bayesbeam.sampling.record import Run
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.exchangeable import relabel
from bayesbeam.targets.sum import Part, SumTarget, sum_target
from bayesbeam.testsystems.linear_gaussian import LEVEL, LinearGaussian, linear_gaussian, linear_target
from bayesbeam.testsystems.one_peak import nagata_target, one_peak
from bayesbeam.testsystems.two_peaks import two_peaks, two_peaks_target

SETTINGS = Settings(seed=20, target_standard_error=0.15, max_sweeps=260)
COPIES = 3


def names(members: int = 1, copies: int = COPIES) -> list[GroupName]:
    return [GroupName(f"run {k}", tuple(f"member {d}" for d in range(members))) for k in range(copies)]


def check_free_energy(runs: list[Run], truth: float) -> None:
    for run in runs:
        for estimate in (run.free_energy, run.estimators["stepping_stone_forward"]):
            z = (estimate.value - truth) / estimate.standard_error
            assert abs(z) < stats.t(estimate.degrees_of_freedom).ppf(1 - 0.5e-4)
    error = math.sqrt(sum(run.free_energy.standard_error**2 for run in runs)) / len(runs)
    assert abs(np.mean([run.free_energy.value for run in runs]) - truth) < 3.5 * error


def check_moments(draws: np.ndarray, effective: float, mean: float, sd: float) -> None:
    """Mean and standard deviation within 5 of their own errors, for this many effective draws of a normal posterior."""
    assert abs(draws.mean() - mean) < 5 * sd / math.sqrt(effective)
    assert abs(draws.std() - sd) < 5 * sd / math.sqrt(effective)


def check_linear(exact: LinearGaussian, runs: list[Run], target: SumTarget) -> None:
    """Free energy, and mean and standard deviation of every coefficient over all runs."""
    check_free_energy(runs, exact.free_energy())
    mean, covariance = exact.posterior()
    for q, (member, slot) in enumerate(exact.places):
        draws = np.concatenate([run.theta[:, member, :, slot].ravel() for run in runs])
        at = member * len(target.moving) + target.moving.index(slot)
        effective = sum(run.effective_draws[at] for run in runs)
        check_moments(draws, effective, float(mean[q]), float(covariance[q, q].sqrt()))


def test_linear_system_of_one_measurement() -> None:
    exact = linear_gaussian(torch.Generator().manual_seed(1))
    target = linear_target([exact] * COPIES)
    check_linear(exact, replica_exchange(target, names(), SETTINGS), target)


def test_linear_system_of_two_measurements_that_share_parameters() -> None:
    shared = frozenset({LEVEL, "peak1.amplitude"})
    exact = linear_gaussian(torch.Generator().manual_seed(2), members=2, points=12, shared=shared)
    target = linear_target([exact] * COPIES)
    runs = replica_exchange(target, names(2), SETTINGS)
    check_linear(exact, runs, target)
    for run in runs:
        for slot in (0, 3):
            assert np.array_equal(run.theta[:, 0, :, slot], run.theta[:, 1, :, slot])
        assert not np.array_equal(run.theta[:, 0, :, 1], run.theta[:, 1, :, 1])


def test_group_that_shares_nothing_has_the_sum_of_its_members_free_energies() -> None:
    together = linear_gaussian(torch.Generator().manual_seed(3), members=2, points=8, positions=())
    alone = [LinearGaussian(together.x[d : d + 1], together.y[d : d + 1], together.sd[d : d + 1]) for d in range(2)]
    # Closed forms first: products of independent integrals, to rounding.
    assert together.free_energy() == pytest.approx(sum(system.free_energy() for system in alone), rel=1e-12)
    runs = replica_exchange(linear_target([together] * COPIES), names(2), SETTINGS)
    check_free_energy(runs, together.free_energy())


def test_group_of_one_is_the_measurement_by_itself_whatever_it_shares() -> None:
    """A group of one member has nobody to share with: same numbers to the last bit where nothing is shared."""
    exact = linear_gaussian(torch.Generator().manual_seed(4), points=8, positions=())
    short = Settings(seed=1, max_sweeps=40, chains=4)
    first = replica_exchange(linear_target([exact]), names(copies=1), short)[0]
    again = replica_exchange(linear_target([exact]), names(copies=1), short)[0]
    assert np.array_equal(first.theta, again.theta)
    tied = LinearGaussian(exact.x, exact.y, exact.sd, shared=frozenset({LEVEL}))
    assert tied.free_energy() == pytest.approx(exact.free_energy(), rel=1e-13)
    check_free_energy(replica_exchange(linear_target([tied] * COPIES), names(), SETTINGS), exact.free_energy())


def noise_target(y: torch.Tensor, copies: int) -> SumTarget:
    """Constant level and estimated noise of each of two members, level shared."""
    data = y.expand(copies, *y.shape).clone()
    level = [[priors.make_prior("normal", mean=0.0, sd=2.0)] * 2] * copies
    scale = [[priors.make_prior("log_uniform", low=0.2, high=5.0)] * 2] * copies
    part = Part("flat", registry.get("constant"), 1, {"level": level})
    ones = torch.ones_like(data)
    model = noise.get("normal_scaled")
    return sum_target(ones, data, ones, ones, [part], model, {"scale": scale}, frozenset({"flat.level"}))


def noise_quadrature(y: torch.Tensor) -> tuple[float, list[tuple[float, float]]]:
    """Free energy, and mean and sd of level and of each member's scale, by the midpoint rule on 1200 x 1200 points."""
    level = torch.linspace(-4.0, 4.0, 1201, dtype=torch.float64)
    u = (torch.arange(1200, dtype=torch.float64) + 0.5) / 1200
    scale = 0.2 * 25.0**u
    chi_square = (y[:, None] - level[:, None]).square().sum(-1)
    n = y.shape[-1]
    likelihood = -0.5 * chi_square[..., None] / scale**2 - n * torch.log(scale * math.sqrt(2.0 * math.pi))
    by_member = torch.logsumexp(likelihood, -1) - math.log(1200)
    prior = stats.norm(0.0, 2.0).logpdf(level.numpy())
    density = by_member.sum(0) + torch.from_numpy(prior) + math.log(float(level[1] - level[0]))
    weight = torch.softmax(density, 0)
    mean = float(weight @ level)
    moments = [(mean, math.sqrt(float(weight @ (level - mean) ** 2)))]
    for d in range(2):
        given = torch.softmax(likelihood[d], -1)
        first, second = float(weight @ (given @ scale)), float(weight @ (given @ scale**2))
        moments.append((first, math.sqrt(second - first**2)))
    return -float(torch.logsumexp(density, 0)), moments


def test_shared_level_and_a_noise_of_its_own_for_each_member() -> None:
    generator = torch.Generator().manual_seed(5)
    y = torch.randn(2, 15, dtype=torch.float64, generator=generator) * torch.tensor([[0.5], [1.5]]) + 0.8
    truth, moments = noise_quadrature(y)
    runs = replica_exchange(noise_target(y, COPIES), names(2), SETTINGS)
    check_free_energy(runs, truth)
    effective = sum(run.effective_draws[[0, 1, 3]] for run in runs)
    for k, (member, slot) in enumerate(((0, 0), (0, 1), (1, 1))):
        draws = np.concatenate([run.theta[:, member, :, slot].ravel() for run in runs])
        check_moments(draws, float(effective[k]), *moments[k])


def test_two_exchangeable_peaks_are_counted_once_over_the_whole_prior() -> None:
    """A sampler that saw one of the two mirror modes only would be off by ln 2."""
    truth, mean, sd = two_peaks()
    target = two_peaks_target(COPIES)
    runs = replica_exchange(target, names(), SETTINGS)
    check_free_energy(runs, truth)
    assert max(run.free_energy.standard_error for run in runs) < math.log(2.0) / 4
    for k, slot in enumerate((1, 4)):
        draws = np.concatenate([relabel(target, r.theta.transpose(0, 2, 1, 3))[:, :, 0, slot].ravel() for r in runs])
        effective = sum(run.effective_draws[k] for run in runs)
        check_moments(draws, effective, float(mean[k]), float(sd[k]))


def test_one_peak_on_the_data_of_2012() -> None:
    truth = one_peak()
    # The number of an independent quadrature, given with four decimals.
    assert truth.free_energy_excess == pytest.approx(367.2867, abs=1e-4)
    settings = Settings(seed=20, target_standard_error=0.25, max_sweeps=160)
    runs = replica_exchange(nagata_target(1, COPIES), names(), settings)
    check_free_energy(runs, truth.free_energy)
    for slot in range(3):
        draws = np.concatenate([run.theta[:, 0, :, slot].ravel() for run in runs])
        effective = sum(run.effective_draws[slot] for run in runs)
        check_moments(draws, effective, float(truth.mean[slot]), float(truth.sd[slot]))


@pytest.mark.parametrize("mistake", ["sign", "always"])
def test_a_planted_mistake_in_the_exchange_is_seen_in_the_free_energy(
    mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case that this file must detect: better likelihoods sent down, or every exchange accepted."""

    def wrong(beta: torch.Tensor, log_likelihood: torch.Tensor) -> torch.Tensor:
        right = swap_probability(beta, -log_likelihood)
        return right if mistake == "sign" else torch.ones_like(right)

    monkeypatch.setattr(eager, "swap_probability", wrong)
    exact = linear_gaussian(torch.Generator().manual_seed(1))
    runs = replica_exchange(linear_target([exact] * COPIES), names(), replace(SETTINGS, replicas=8, engine="eager"))
    with pytest.raises(AssertionError):
        check_free_energy(runs, exact.free_energy())


@pytest.mark.nightly
def test_errors_of_whole_runs_are_calibrated() -> None:
    """Forty runs: their z-scores have mean 0 and spread 1, stopping at a stated error included.

    Mean within 4.5 / sqrt(40) and, against a t law of 9 degrees of freedom (spread 1.13), spread between 0.8 and 1.6:
    outside with probability below 1e-3 when errors are right.
    """
    exact = linear_gaussian(torch.Generator().manual_seed(6))
    runs = replica_exchange(linear_target([exact] * 40), names(copies=40), SETTINGS)
    z = np.array([(r.free_energy.value - exact.free_energy()) / r.free_energy.standard_error for r in runs])
    assert abs(z.mean()) < 4.5 / math.sqrt(40)
    assert 0.8 < z.std(ddof=1) < 1.6


@pytest.mark.nightly
def test_posteriors_of_simulated_experiments_have_uniform_ranks() -> None:
    """Ranks of the true parameters among posterior draws, 60 experiments drawn from the prior; p > 1e-4 for each."""
    generator = torch.Generator().manual_seed(8)
    empty = linear_gaussian(generator, points=10)
    truth = empty.draws(0.0, (60,), generator)
    y = truth @ empty.design.T + 0.5 * torch.randn(60, 10, dtype=torch.float64, generator=generator)
    systems = [LinearGaussian(empty.x, row[None], empty.sd, empty.positions) for row in y]
    runs = replica_exchange(linear_target(systems), names(copies=60), SETTINGS)
    for q, (_, slot) in enumerate(empty.places):
        ranks = [float((run.theta[:, 0, :, slot] < float(truth[k, q])).mean()) for k, run in enumerate(runs)]
        assert stats.kstest(ranks, "uniform").pvalue > 1e-4
