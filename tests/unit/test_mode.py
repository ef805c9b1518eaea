"""Modes of posteriors against exact answers: least squares, counts, ends of priors, several measurements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.targets import mode as of_mode
from bayesbeam.targets.mode import find_mode
from bayesbeam.targets.parts import Part
from bayesbeam.targets.sum import SumTarget, sum_target

X = np.linspace(-1.0, 2.0, 40)
SD = 0.3
LINE = Component(
    "line",
    "line",
    tuple(Parameter(name, "1", "", REAL, name) for name in ("level", "slope")),
    lambda m, x, level, slope: level + slope * x,
    False,
)


def prior(family: str, members: int = 1, **arguments: float) -> list[list[priors.Prior]]:
    return [[priors.make_prior(family, **arguments)] * members]


def target_of(
    y: np.ndarray, component: Component = LINE, model: str = "normal", wide: float = 100.0, low: float = -100.0,
    shared: frozenset[str] = frozenset(), noise_priors: dict[str, list[list[priors.Prior]]] | None = None,
) -> SumTarget:  # fmt: skip
    y = np.atleast_2d(y)
    members = len(y)
    columns = torch.tensor(y)[None]
    x, ones = torch.tensor(X).expand(1, members, -1).contiguous(), torch.ones_like(columns)
    own = {p.name: prior("uniform", members, low=low, high=wide) for p in component.parameters}
    part = Part("line", component, 1, own)
    return sum_target(x, columns, SD * ones, ones, [part], noise.get(model), noise_priors or {}, shared)


def draws_near(centre: np.ndarray, scale: float, members: int = 1) -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.asarray(centre + scale * rng.standard_normal((200, 1, len(centre)))).repeat(members, 1)


def data(members: int = 1) -> np.ndarray:
    return 1.0 + 0.5 * X + SD * np.random.default_rng(5).standard_normal((members, len(X)))


def least_squares(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    design = np.stack([np.ones_like(X), X], 1)
    covariance = SD**2 * np.linalg.inv(design.T @ design)
    return np.linalg.lstsq(design, y, rcond=None)[0], np.sqrt(np.diag(covariance))


def test_a_line_is_that_of_least_squares() -> None:
    y = data()[0]
    found = find_mode(target_of(y), draws_near(np.array([1.2, 0.3]), 0.1))
    expected, sd = least_squares(y)
    assert found.converged
    np.testing.assert_allclose(found.theta[0], expected, rtol=1e-12)
    np.testing.assert_allclose(found.laplace_sd[0], sd, rtol=1e-10)
    np.testing.assert_allclose(found.information_sd[0], sd, rtol=1e-10)
    target = target_of(y)
    theta = torch.tensor(expected)[None, None, None, None]
    whole = target.log_likelihood(target.rows(theta).sum(0), theta).item() + target.log_prior(theta).item()
    assert found.log_posterior == pytest.approx(whole, rel=1e-12)


def test_shared_parameters_are_those_of_all_data() -> None:
    y = data(2)
    found = find_mode(target_of(y, shared=frozenset({"line.level", "line.slope"})), draws_near(np.ones(2), 0.1, 2))
    first, sd = least_squares(y[0])
    expected = 0.5 * (first + least_squares(y[1])[0])
    np.testing.assert_allclose(found.theta, [expected, expected], rtol=1e-11)
    np.testing.assert_allclose(found.laplace_sd, [sd / np.sqrt(2.0)] * 2, rtol=1e-9)


def test_an_unknown_level_of_noise_has_its_own_mode() -> None:
    y = data()[0]
    given = {"scale": prior("uniform", low=0.1, high=10.0)}
    found = find_mode(
        target_of(y, model="normal_scaled", noise_priors=given), draws_near(np.array([1.0, 0.5, 1.0]), 0.1)
    )
    expected, sd = least_squares(y)
    scale = np.sqrt(np.mean((y - expected[0] - expected[1] * X) ** 2)) / SD
    np.testing.assert_allclose(found.theta[0], [*expected, scale], rtol=1e-10)
    np.testing.assert_allclose(found.information_sd[0, :2], scale * sd, rtol=1e-9)
    assert found.laplace_sd[0, 2] == pytest.approx(scale / np.sqrt(2.0 * len(X)), rel=1e-9)
    assert np.isnan(found.information_sd[0, 2])


def test_counts_of_a_constant_rate() -> None:
    y = np.random.default_rng(3).poisson(20.0, len(X)).astype(float)
    flat = registry.get("constant")
    target = target_of(y, flat, "poisson", low=0.0)
    found = find_mode(target, draws_near(np.array([21.0]), 0.5))
    assert found.theta[0, 0] == pytest.approx(y.mean(), rel=1e-12)
    assert found.laplace_sd[0, 0] == pytest.approx(np.sqrt(y.mean() / len(X)), rel=1e-9)
    assert found.information_sd[0, 0] == pytest.approx(np.sqrt(y.mean() / len(X)), rel=1e-9)


def test_a_rate_of_counts_of_a_known_exposure() -> None:
    """Its own base stands for the exposure: one count is a rate of 0.3."""
    y = np.random.default_rng(3).poisson(20.0, len(X)).astype(float)
    target = target_of(y, registry.get("constant"), "poisson_exposure", low=0.0)
    found = find_mode(target, draws_near(np.array([6.3]), 0.15))
    assert found.theta[0, 0] == pytest.approx(SD * y.mean(), rel=1e-12)
    assert found.laplace_sd[0, 0] == pytest.approx(SD * np.sqrt(y.mean() / len(X)), rel=1e-9)
    assert found.information_sd[0, 0] == pytest.approx(SD * np.sqrt(y.mean() / len(X)), rel=1e-9)


def test_a_density_that_rises_to_the_end_of_a_prior_has_no_mode() -> None:
    found = find_mode(target_of(data()[0], wide=0.7), draws_near(np.array([0.5, 0.5]), 0.05))
    assert not found.converged


def test_strongly_correlated_parameters_are_found_to_all_digits() -> None:
    # x far from 0: level and slope are correlated to 1 - 1e-9
    far = replace(LINE, formula=lambda m, x, level, slope: level + slope * (x + 3e4))
    y = data()[0]
    rng = np.random.default_rng(1)
    slope = 0.5 + 0.05 * rng.standard_normal(300)
    level = 1.0 - 3e4 * slope + 0.05 * rng.standard_normal(300)
    target = target_of(y, far, low=-1e6, wide=1e6)
    found = find_mode(target, np.stack([level, slope], 1)[:, None])
    (flat, rise), _ = least_squares(y)
    np.testing.assert_allclose(found.theta[0], [flat - 3e4 * rise, rise], rtol=1e-8)


def test_a_wrong_curvature_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    true = of_mode._Posterior.hessian
    monkeypatch.setattr(of_mode._Posterior, "hessian", lambda self, u: 1.1 * true(self, u))
    with pytest.raises(AssertionError):
        test_a_line_is_that_of_least_squares()
