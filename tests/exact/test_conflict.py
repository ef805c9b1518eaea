"""Which measurement disagrees: tension against its distribution, gain of leaving one out against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from bayesbeam.integration.conflict import Moments, dissent, tension
from bayesbeam.integration.single import Single, single_posterior

PRIOR: Moments = (np.zeros(2), np.diag([1.0, 25.0]))


def posterior(estimates: np.ndarray, covariances: list[np.ndarray]) -> Moments:
    """Posterior of common parameters from normal estimates, with the prior."""
    precision, pull = np.linalg.inv(PRIOR[1]), np.zeros(2)
    for value, covariance in zip(estimates, covariances, strict=True):
        precision = precision + np.linalg.inv(covariance)
        pull = pull + np.linalg.solve(covariance, value)
    covariance = np.linalg.inv(precision)
    return covariance @ pull, covariance


SPREADS = [np.array([[0.5, 0.2], [0.2, 2.0]]), np.diag([0.3, 8.0]), np.array([[1.0, -0.5], [-0.5, 3.0]])]


def simulated(count: int, prior: Moments = PRIOR, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """P-values and tensions of the first measurement, of truths drawn from the prior."""
    generator = np.random.default_rng(8)
    p, z = [], []
    for _ in range(count):
        truth = generator.multivariate_normal(*PRIOR)
        estimates = np.array([generator.multivariate_normal(truth, one) for one in SPREADS])
        estimates[0, 0] += shift
        alone, rest = posterior(estimates[:1], SPREADS[:1]), posterior(estimates[1:], SPREADS[1:])
        found = tension(alone, rest, prior)
        p.append(found.p_value)
        z.append(found.z)
    return np.array(p), np.array(z)


def test_tension_has_its_distribution_under_one_truth() -> None:
    p, z = simulated(2000)
    assert kstest(p, "uniform").pvalue > 1e-3
    for column in z.T:
        assert kstest(column, "norm").pvalue > 1e-3


def test_a_prior_counted_twice_is_seen() -> None:
    """As if what a measurement says were its posterior, prior and all."""
    p, _ = simulated(2000, (np.zeros(2), 1e12 * np.eye(2)))
    assert kstest(p, "uniform").pvalue < 1e-6


def test_a_shift_is_found_in_the_parameter_that_has_it() -> None:
    _, z = simulated(500, shift=5.0)
    spread = math.sqrt(SPREADS[0][0, 0] + posterior(np.zeros((2, 2)), SPREADS[1:])[1][0, 0])
    assert z[:, 0].mean() == pytest.approx(5.0 / spread, abs=0.2)
    assert abs(z[:, 1].mean()) < 5.0 / spread / 2


def test_a_measurement_that_says_nothing_has_no_tension() -> None:
    rest = posterior(np.array([[3.0, 3.0]]), SPREADS[:1])
    found = tension(PRIOR, rest, PRIOR)
    assert (found.chi_square, found.p_value, found.freedom) == (0.0, 1.0, 0)
    assert np.all(found.z == 0.0)


def normals(estimates: np.ndarray, seed: int) -> list[Single]:
    generator = np.random.default_rng(seed)

    def log_normal(sd: float, x: np.ndarray) -> np.ndarray:
        return -0.5 * (x / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))

    priors = [lambda x: log_normal(1.0, x), lambda x: log_normal(5.0, x)]
    moments = [posterior(value[None], [spread]) for value, spread in zip(estimates, SPREADS, strict=False)]
    draws = [generator.multivariate_normal(*one, (8, 500)) for one in moments]
    return [single_posterior(f"m{k}", one, priors) for k, one in enumerate(draws)]


def log_evidence(estimates: np.ndarray, spreads: list[np.ndarray]) -> float:
    """Of normal estimates of one truth, with the prior."""
    n = len(spreads)
    covariance = np.kron(np.ones((n, n)), PRIOR[1])
    for k, one in enumerate(spreads):
        covariance[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] += one
    y = estimates.ravel()
    return -0.5 * float(y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2 * math.pi * covariance)[1])


def exact_gain(estimates: np.ndarray, k: int) -> float:
    """Of leaving out measurement ``k`` of three."""
    others = [j for j in range(3) if j != k]
    parts = log_evidence(estimates[others], [SPREADS[j] for j in others])
    return parts + log_evidence(estimates[[k]], SPREADS[k : k + 1]) - log_evidence(estimates, SPREADS)


def test_gains_scatter_as_their_errors_say() -> None:
    """A little less, since draws that both products use cancel; 0.64 of it if the common part counted in full."""
    estimates = np.array([[0.4, 1.0], [0.2, -1.0], [0.5, 0.5]])
    exact = np.array([exact_gain(estimates, k) for k in range(3)])
    found = [dissent(normals(estimates, 100 + seed), PRIOR) for seed in range(30)]
    off = np.array([[one.gain for one in each] for each in found]) - exact
    stated = np.array([[one.standard_error for one in each] for each in found])
    assert 0.7 < math.sqrt(np.square(off).mean() / np.square(stated).mean()) < 1.15


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_gain_of_leaving_one_out(shift: float) -> None:
    estimates = np.array([[0.4 + shift, 1.0], [0.2, -1.0], [0.5, 0.5]])
    for k, one in enumerate(dissent(normals(estimates, 4), PRIOR)):
        others = [j for j in range(3) if j != k]
        assert not one.doubt
        assert abs(one.gain - exact_gain(estimates, k)) < 4 * one.standard_error
        assert one.standard_error < 0.1
        alone, rest = (
            posterior(estimates[[k]], [SPREADS[k]]),
            posterior(estimates[others], [SPREADS[j] for j in others]),
        )
        assert one.tension.z == pytest.approx(tension(alone, rest, PRIOR).z, abs=0.15)


def test_of_two_each_disagrees_as_much() -> None:
    estimates = np.array([[0.4, 1.0], [0.9, -1.0]])
    first, second = dissent(normals(estimates, 5)[:2], PRIOR)
    assert first.gain == second.gain
    exact = sum(log_evidence(estimates[[k]], [SPREADS[k]]) for k in range(2)) - log_evidence(estimates, SPREADS[:2])
    assert abs(first.gain - exact) < 4 * first.standard_error
