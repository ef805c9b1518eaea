"""The smooth background: its smoothness prior is the one that is stated, and its free energy that of linear algebra."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from bayesbeam import noise, priors
from bayesbeam.models import registry, spline
from bayesbeam.sampling.engines.choose import choose
from bayesbeam.sampling.run import GroupName, replica_exchange
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.parts import Part
from bayesbeam.targets.sum import SumTarget, sum_target

SPLINE = registry.get("spline")
X = torch.linspace(-5.0, 5.0, 60, dtype=torch.float64)
SD, BEND = 0.1, 0.2


def curve(theta: np.ndarray) -> np.ndarray:
    """Curves (..., N) of free parameters (..., 2 + modes): level, slope, modes."""
    whole = np.concatenate(
        [theta[..., :2], np.full((*theta.shape[:-1], 1), BEND), theta[..., 2:], np.full((*theta.shape[:-1], 1), -5.0),
         np.full((*theta.shape[:-1], 1), 5.0)], -1,
    )  # fmt: skip
    found: np.ndarray = SPLINE.forward(X, torch.from_numpy(whole)).numpy()
    return found


def test_second_differences_of_the_coefficients_are_independent_and_normal() -> None:
    """Modes lead to orthonormal second differences, are orthogonal to straight lines, and go from smooth to rough."""
    modes = np.array(spline.MODE)
    differences = np.diff(modes, 2, axis=1)
    np.testing.assert_allclose(differences @ differences.T, np.eye(spline.MODES), atol=1e-12)
    straight = np.stack([np.ones(spline.COUNT), np.arange(spline.COUNT)])
    np.testing.assert_allclose(modes @ straight.T, 0.0, atol=1e-11)
    lengths = np.linalg.norm(modes, axis=1)
    assert np.all(np.diff(lengths) < 0.0)
    turns = (np.diff(np.sign(modes), axis=1) != 0).sum(1)
    np.testing.assert_array_equal(turns, np.arange(2, spline.MODES + 2))


def test_without_bend_it_is_a_straight_line_through_all_of_the_range() -> None:
    """Level in the middle of the range; and outside the range it stays what it is at its end."""
    theta = torch.tensor([0.7, 0.15, 0.0, *[1.0] * spline.MODES, -4.0, 5.0], dtype=torch.float64)
    x = torch.linspace(-4.0, 5.0, 41, dtype=torch.float64)
    torch.testing.assert_close(SPLINE.forward(x, theta), 0.7 + 0.15 * (x - 0.5), rtol=0, atol=1e-13)
    beyond = SPLINE.forward(torch.tensor([-9.0, 9.0], dtype=torch.float64), theta)
    torch.testing.assert_close(beyond, torch.tensor([0.7 - 0.675, 0.7 + 0.675], dtype=torch.float64))


def made(y: np.ndarray) -> SumTarget:
    def own(family: str, **values: float) -> list[list[priors.Prior]]:
        return [[priors.make_prior(family, **values)]]

    unit = own("normal", mean=0.0, sd=1.0)
    given = {"bend": own("fixed", value=BEND), "low": own("fixed", value=-5.0), "high": own("fixed", value=5.0),
             "slope": own("normal", mean=0.0, sd=0.3)}  # fmt: skip
    part = Part("smooth", SPLINE, 1, {n: given.get(n, unit) for n in SPLINE.parameter_names})
    ones = torch.ones(1, 1, len(X), dtype=torch.float64)
    x, data = X.reshape(1, 1, -1), torch.from_numpy(y).reshape(1, 1, -1)
    return sum_target(x, data, SD * ones, ones, [part], noise.get("normal"), {})


def exact_free_energy(y: np.ndarray, bend: float = BEND) -> float:
    """Of the linear model with normal priors: y is normal."""
    design = curve(np.eye(2 + spline.MODES)).T
    sds = np.array([1.0, 0.3, *[bend / BEND] * spline.MODES])
    covariance = (design * sds**2) @ design.T + SD**2 * np.eye(len(X))
    return -float(stats.multivariate_normal(np.zeros(len(X)), covariance).logpdf(y))


def test_free_energy_is_that_of_the_linear_model() -> None:
    """Four errors: once in 16000; a smoothness prior wrong by a factor of two is told apart. Seeds 1 to 3 ran."""
    seed = 1
    rng = np.random.default_rng(seed)
    y = curve(rng.standard_normal(2 + spline.MODES) * np.array([1.0, 0.3, *[1.0] * spline.MODES]))
    y = y + SD * rng.standard_normal(len(X))
    target = made(y)
    assert choose(target).engine == "cpu"
    (run,) = replica_exchange(
        target, [GroupName("m", ("m",))], Settings(target_standard_error=0.1, chains=8, seed=seed)
    )
    assert run.verdict.word == "reliable", run.verdict.reasons
    found, error = run.free_energy.value, run.free_energy.standard_error
    exact = exact_free_energy(y)
    assert abs(found - exact) < 4.0 * max(error, 0.01)
    assert any(abs(found - exact_free_energy(y, BEND * factor)) > 8.0 * max(error, 0.01) for factor in (0.5, 2.0))
