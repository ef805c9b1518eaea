"""Mixtures against scipy: densities, draws, and fits that find what draws come from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayesbeam.sampling import mixture, mixture_fit
from bayesbeam.sampling.mixture import FREEDOM, Mixture, side_by_side
from bayesbeam.sampling.mixture_fit import fit

RNG = np.random.default_rng
TWO = Mixture(
    np.array([0.3, 0.7]),
    np.array([[0.0, 0.0, 1.0], [8.0, -3.0, 0.0]]),
    np.array([[[1.0, 0, 0], [0.5, 2.0, 0], [0, 0, 0.3]], [[0.2, 0, 0], [0, 0.1, 0], [0.3, 0, 1.0]]]),
)


def drawn(one: Mixture, number: int, seed: int = 1) -> np.ndarray:
    rng = RNG(seed)
    normal = rng.normal(size=(number, one.mean.shape[1]))
    return one.draw(rng.random(number), normal.T, rng.chisquare(FREEDOM, number)).T


def test_density_is_that_of_scipy() -> None:
    x = drawn(TWO, 50)
    expected = sum(
        w * stats.multivariate_t(m, f @ f.T, FREEDOM).pdf(x)
        for w, m, f in zip(TWO.weight, TWO.mean, TWO.factor, strict=True)
    )
    np.testing.assert_allclose(TWO.log_density(x), np.log(expected), rtol=1e-10)


def test_long_and_short_calls_agree_with_each_other() -> None:
    """Products are made in slices of draws."""
    x = drawn(TWO, 5 * mixture.LONGEST_SUM // 2)
    np.testing.assert_allclose(TWO.log_density(x)[-7:], TWO.log_density(x[-7:]), rtol=1e-13)


def test_mixtures_side_by_side_are_what_each_is_alone() -> None:
    """To the byte, also where one has fewer components and a uniform number lies at the very end."""
    one = Mixture(TWO.weight[:1] / TWO.weight[0], TWO.mean[1:], TWO.factor[1:])
    rng = RNG(5)
    which, normal, chi_square = rng.random((3, 40)), rng.normal(size=(3, 3, 40)), rng.chisquare(FREEDOM, (3, 40))
    which[:, -1] = 1.0 - 2.0**-53
    mixtures = [TWO, one, TWO]
    together = side_by_side(mixtures)
    x = together.draw(which, normal, chi_square)
    log_density = together.log_density_of(x)
    for k, alone in enumerate(mixtures):
        assert alone.draw(which[k], normal[k], chi_square[k]).tobytes() == x[k].tobytes()
        assert alone.log_density_of(x[k]).tobytes() == log_density[k].tobytes()
    assert x[0].tobytes() != x[2].tobytes()


def test_draws_follow_the_density() -> None:
    """Each coordinate against the mixture of t distributions that it has; p > 1e-4 of three numbers."""
    x = drawn(TWO, 4000)
    for j in range(3):
        sd = np.sqrt(np.square(TWO.factor[:, j]).sum(1))
        laws = [stats.t(FREEDOM, m, s) for m, s in zip(TWO.mean[:, j], sd, strict=True)]

        def below(value: np.ndarray, laws: list = laws) -> np.ndarray:
            return sum(w * law.cdf(value) for w, law in zip(TWO.weight, laws, strict=True))

        assert stats.kstest(x[:, j], below).pvalue > 1e-4


def test_one_component_is_enough_for_one_mode() -> None:
    x = RNG(2).normal(size=(1000, 3)) @ np.diag([1.0, 5.0, 0.01]) + 3.0
    found = fit(x, np.ones(1000), stats.norm.logpdf((x - 3.0) / [1.0, 5.0, 0.01]).sum(1))
    assert len(found.weight) == 1
    np.testing.assert_allclose(found.mean[0], 3.0, atol=0.6)


def test_several_components_find_modes_far_apart() -> None:
    """The mean log density of new draws comes within 0.6 nats of that under the law they come from."""
    x, new = drawn(TWO, 1500), drawn(TWO, 1500, 2)
    found = fit(x, np.ones(len(x)), TWO.log_density(x))
    assert len(found.weight) > 2
    assert found.log_density(new).mean() > TWO.log_density(new).mean() - 0.6
    draws = mixture_fit._in_units(x, np.ones(len(x)), 1)
    one = draws.back(mixture_fit._expectation_maximisation(draws, draws.x[:, :1].T, 1.0, 10))
    assert one.log_density(new).mean() < TWO.log_density(new).mean() - 1.0


def test_draws_that_do_not_span_the_space_are_refused() -> None:
    x = np.zeros((100, 2))
    x[:, 0] = RNG(3).normal(size=100)
    with pytest.raises(np.linalg.LinAlgError):
        fit(x, np.ones(100), np.zeros(100))
