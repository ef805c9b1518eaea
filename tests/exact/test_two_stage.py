"""Posteriors multiplied: the gain of integration against closed forms, its error, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import gammaln, logsumexp
from scipy.stats import chi2

from bayesbeam.errors import SamplingError
from bayesbeam.integration.single import Single, single_posterior
from bayesbeam.integration.two_stage import product
from bayesbeam.testsystems.linear_gaussian import LEVEL, SLOPE, LinearGaussian, linear_gaussian

CHAINS, LENGTH = 8, 500
HEIGHT = "peak1.amplitude"


def normal(sd: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: -0.5 * (x / sd) ** 2 - math.log(sd * math.sqrt(2.0 * math.pi))


def group(
    seed: int, members: int, shared: tuple[str, ...], shift: float = 0.0, noise: float = 0.5
) -> tuple[LinearGaussian, list[LinearGaussian], list[np.ndarray]]:
    """Linear system of some measurements, the same each by itself, and exact draws of each."""
    generator = torch.Generator().manual_seed(seed)
    found = linear_gaussian(generator, members, 20, (0.3,), noise, frozenset(shared))
    y = found.y.clone()
    y[0] += shift
    joint = LinearGaussian(found.x, y, found.sd, (0.3,), shared=found.shared)
    alone = [LinearGaussian(found.x[:1], y[d : d + 1], found.sd[:1], (0.3,)) for d in range(members)]
    return joint, alone, [one.draws(1.0, (CHAINS, LENGTH), generator).numpy() for one in alone]


def singles_of(draws: list[np.ndarray], shared: tuple[str, ...]) -> list[Single]:
    keep = [(LEVEL, SLOPE, HEIGHT).index(name) for name in shared]
    return [single_posterior(f"m{d}", one[..., keep], [normal(2.0)] * len(keep)) for d, one in enumerate(draws)]


def gain_of(joint: LinearGaussian, alone: list[LinearGaussian]) -> float:
    return sum(one.free_energy() for one in alone) - joint.free_energy()


@pytest.fixture(scope="module")
def groups() -> list[tuple[float, list[Single]]]:
    """Exact gains, and posteriors of single measurements, of groups of several sizes."""
    found = []
    for seed in range(36):
        shared = [(LEVEL, SLOPE), (SLOPE,), (LEVEL, SLOPE, HEIGHT)][seed % 3]
        joint, alone, draws = group(100 + seed, [2, 3, 7][seed // 3 % 3], shared)
        found.append((gain_of(joint, alone), singles_of(draws, shared)))
    return found


def scores(groups: list[tuple[float, list[Single]]]) -> np.ndarray:
    """Departures of the gain from the truth in units of its error."""
    results = [(exact, product(singles)) for exact, singles in groups]
    # One of so many measurements may be some 3 standard deviations from the others, where it is refused.
    found = [(one.gain - exact) / one.standard_error for exact, one in results if not one.refusal]
    assert len(found) >= 34
    return np.array(found)


def test_gain_and_its_error_on_groups_of_linear_measurements(groups: list[tuple[float, list[Single]]]) -> None:
    found = scores(groups)
    # false alarm 2e-4 each: of so many normal scores, their mean and their sum of squares
    assert abs(found.mean()) * math.sqrt(len(found)) < 3.8
    assert chi2.ppf(1e-4, len(found)) < np.square(found).sum() < chi2.isf(1e-4, len(found))


def test_a_prior_that_is_a_little_wrong_is_seen(groups: list[tuple[float, list[Single]]]) -> None:
    def change(one: Single) -> Single:
        return Single(one.name, one.chains, (normal(2.2),) * len(one.log_prior), one.density, one.without)

    found = scores([(exact, [change(one) for one in singles]) for exact, singles in groups])
    assert np.square(found).sum() > chi2.isf(1e-4, len(found))


def test_draws_of_the_whole_have_the_moments_of_the_joint_posterior() -> None:
    shared = (LEVEL, SLOPE)
    joint, _, draws = group(5, 4, shared)
    singles = singles_of(draws, shared)
    mean, covariance = joint.posterior()
    result = product(singles)
    sd = covariance.diagonal().sqrt().numpy()
    found = result.draw(1000)
    # 4000 draws of each of 4 fix a mean to 1/sqrt(16000) of the spread of one, 2 of that of the whole
    assert np.abs((found.mean(0) - mean[:2].numpy()) / sd[:2]).max() < 5 * 2 / math.sqrt(16000)
    assert found.std(0) / sd[:2] == pytest.approx(1.0, abs=0.04)


def test_how_much_of_the_draws_is_left() -> None:
    """Equal standard normals: of draws weighted by n - 1 densities sqrt(2n - 1) / n are left, by integrals."""
    generator = np.random.default_rng(6)
    flat = [lambda x: np.zeros(len(x))]
    singles = [single_posterior(f"m{k}", generator.standard_normal((CHAINS, 2000, 1)), flat) for k in range(3)]
    result = product(singles)
    total = CHAINS * 2000
    # rel: 1.5 times the largest departure of six seeds, of the number of independent draws above all
    assert result.effective_draws == pytest.approx(total * math.sqrt(5) / 3, rel=0.08)
    # the product has the variance 1/3, so the mean log density is that at 1/sqrt(3)
    assert result.beyond == pytest.approx(total * math.erfc(math.sqrt(1 / 6)), rel=0.08)


def counted(counts: list[int], shape: float, rate: float, seed: int) -> tuple[list[Single], float]:
    """Counts of one unknown rate with a gamma prior, drawn in its logarithm; and the exact gain."""
    generator = np.random.default_rng(seed)

    def log_prior(x: np.ndarray) -> np.ndarray:
        return shape * math.log(rate) - gammaln(shape) + shape * x - rate * np.exp(x)

    draws = [np.log(generator.gamma(shape + n, 1 / (rate + 1), (CHAINS, 1000, 1))) for n in counts]
    singles = [single_posterior(f"n{k}", one, [log_prior]) for k, one in enumerate(draws)]

    def free(total: int, number: int) -> float:
        return -float(
            shape * math.log(rate) - gammaln(shape) + gammaln(shape + total)
            - (shape + total) * math.log(rate + number)
        )  # fmt: skip

    return singles, sum(free(n, 1) for n in counts) - free(sum(counts), len(counts))


@pytest.mark.parametrize("counts", [[3, 5], [1, 2, 4], [0, 1], [12, 9, 11, 10, 14]])
def test_skewed_posteriors(counts: list[int]) -> None:
    for seed in range(3):
        singles, exact = counted(counts, 1.5, 0.2, seed)
        result = product(singles)
        assert not result.refusal
        # a mixture of normals comes close to a skewed density, not to its last percent: within 0.05 nats a member
        assert abs(result.gain - exact) < 3 * result.standard_error + 0.02 * len(counts)
        assert result.standard_error < 0.3


def test_posteriors_of_two_modes() -> None:
    generator = np.random.default_rng(1)
    places = np.array([-3.0, 3.0])
    means = [places + 0.2 * k for k in range(3)]
    weights = [np.array([0.3, 0.7]), np.array([0.6, 0.4]), np.array([0.5, 0.5])]
    draws = [
        (m[(generator.random((CHAINS, 1000)) > w[0]).astype(int)] + 0.5 * generator.standard_normal((CHAINS, 1000)))
        for m, w in zip(means, weights, strict=True)
    ]
    flat = [lambda x: np.full(len(x), -math.log(20.0))]
    singles = [single_posterior(f"m{k}", one[..., None], flat) for k, one in enumerate(draws)]
    assert all(len(one.density.weight) == 2 for one in singles)
    x = np.linspace(-10, 10, 20001)
    kernel = [
        np.log(np.exp(-0.5 * ((x[:, None] - m) / 0.5) ** 2) @ w / (0.5 * math.sqrt(2 * math.pi)))
        for m, w in zip(means, weights, strict=True)
    ]
    exact = float(logsumexp(np.sum(kernel, axis=0)) + math.log(x[1] - x[0])) + 2 * math.log(20.0)
    result = product(singles)
    assert abs(result.gain - exact) < 4 * result.standard_error
    assert result.standard_error < 0.1


def test_a_product_far_from_the_draws_is_refused_and_bounded() -> None:
    shared = (LEVEL, SLOPE)
    joint, alone, draws = group(7, 3, shared, shift=1.5)
    singles = singles_of(draws, shared)
    result = product(singles)
    exact = gain_of(joint, alone)
    assert "density is a guess" in result.refusal
    assert exact < -10
    assert exact < result.ceiling
    assert abs(result.gain - exact) < 0.2 * abs(exact)


def test_few_draws_are_refused() -> None:
    with pytest.raises(SamplingError, match=r"measurement a: 64 draws of 2 shared parameters"):
        single_posterior("a", np.random.default_rng(0).standard_normal((8, 8, 2)), [normal(1.0)] * 2)
    with pytest.raises(SamplingError, match="do not span"):
        single_posterior("a", np.zeros((8, 100, 1)), [normal(1.0)])


def test_a_subset_of_shared_parameters_needs_no_new_fit() -> None:
    shared = (LEVEL, SLOPE)
    joint, alone, draws = group(9, 3, (SLOPE,))
    result = product([one.of([1]) for one in singles_of(draws, shared)])
    assert abs(result.gain - gain_of(joint, alone)) < 4 * result.standard_error
    assert result.standard_error < 0.2


def test_one_long_chain_will_do() -> None:
    joint, alone, draws = group(11, 2, (SLOPE,))
    singles = [single_posterior("m", one.reshape(1, -1, 3)[..., 1:2], [normal(2.0)]) for one in draws]
    assert len(singles[0].without) == 8
    result = product(singles)
    assert abs(result.gain - gain_of(joint, alone)) < 4 * result.standard_error
