"""Prior densities and quantiles against scipy.stats, and far tails against mpmath in 50 digits."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import special, stats

from bayesbeam import priors
from bayesbeam.errors import ModelError
from bayesbeam.priors import gamma
from bayesbeam.priors.truncated_normal import log_mass

ORACLES = {
    "uniform": ({"low": -1.0, "high": 3.0}, stats.uniform(-1.0, 4.0)),
    "log_uniform": ({"low": 0.02, "high": 5.0}, stats.loguniform(0.02, 5.0)),
    "normal": ({"mean": 1.5, "sd": 0.4472}, stats.norm(1.5, 0.4472)),
    "half_normal": ({"sd": 2.5}, stats.halfnorm(scale=2.5)),
    "gamma": ({"shape": 5.0, "rate": 0.04}, stats.gamma(5.0, scale=25.0)),
    "truncated_normal": ({"mean": 0.5, "sd": 2.0, "low": 0.0, "high": 2.0}, stats.truncnorm(-0.25, 0.75, 0.5, 2.0)),
    "beta": ({"a": 2.0, "b": 5.0, "low": -1.0, "high": 4.0}, stats.beta(2.0, 5.0, -1.0, 5.0)),
}


@pytest.mark.parametrize("name", [name for name in priors.names() if not priors.get(name).is_point])
def test_density_and_quantile_agree_with_scipy(name: str) -> None:
    arguments, oracle = ORACLES[name]
    prior = priors.make_prior(name, **arguments)
    u = np.array([1e-6, 0.01, 0.2, 0.5, 0.9, 0.999])
    x = oracle.ppf(u)
    # two implementations of the same special functions; near an end at 0 a rounding of mean + sd z is left, 3e-16
    np.testing.assert_allclose(prior.icdf(torch.tensor(u)).numpy(), x, rtol=1e-10, atol=1e-15)
    inside = x[1:]
    np.testing.assert_allclose(prior.log_prob(torch.tensor(inside)).numpy(), oracle.logpdf(inside), rtol=1e-11)


@pytest.mark.parametrize("shape", [0.05, 0.3, 0.7, 1.0, 5.0, 400.0, 1e4, 1e6])
def test_gamma_quantiles_by_a_table_are_those_of_scipy(shape: float, numpy_rng: np.random.Generator) -> None:
    """To a part in 1e12, between the nodes, at the ends of 32 random bits and beyond the table."""
    ends = [2.0**-33, 1.0 - 2.0**-33, 1e-40, 1.0 - 2.0**-53, 3e-11]
    u = np.concatenate([numpy_rng.random(4000), 10.0 ** -numpy_rng.uniform(0.3, 9.9, 1000), ends])
    found = priors.make_prior("gamma", shape=shape, rate=2.0).icdf(torch.from_numpy(u)).numpy()
    np.testing.assert_allclose(2.0 * found, special.gammaincinv(shape, u), rtol=1e-12, atol=1e-300)


def test_gamma_quantiles_of_many_shapes_are_those_of_each() -> None:
    """Bit for bit, for what is in a batch changes no draw."""
    shape = torch.tensor([5.0, 0.1, 7.5, 5.0], dtype=torch.float64)[:, None]
    u = torch.rand(4, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rate = torch.tensor(3.0, dtype=torch.float64)
    together = gamma.quantile(u, shape, rate)
    for row in range(4):
        assert torch.equal(together[row], gamma.quantile(u[row], shape[row], rate))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        *((30.0, 31.0), (-31.0, -30.0), (-8.0, 3.0), (9000.0, 9001.0), (5.0, 5.001), (2.0, 2.0 + 1e-9)),
        *((-0.003, 0.003), (0.0, 0.049), (0.0, 0.051), (1.3, 1.32), (1.3, 1.33), (100.0, 100.0004)),
        *((100.0, 100.0006), (-math.inf, -40.0), (-math.inf, math.inf)),
    ],
)
def test_truncated_normal_mass_is_exact_far_in_the_tails(a: float, b: float) -> None:
    with mpmath.workdps(50):
        left, right = mpmath.mpf(a), mpmath.mpf(b)
        if left + right > 0:
            left, right = -right, -left
        exact = mpmath.log((mpmath.erfc(-right / mpmath.sqrt(2)) - mpmath.erfc(-left / mpmath.sqrt(2))) / 2)
    mass = log_mass(torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64))
    # 1e-12 of the midpoint rule; above it the rounding of the logarithm itself, 2e-16, over 0.05 of the difference
    assert abs(float(mass) - float(exact)) < 2e-12 + 5e-15 * abs(float(exact))


def test_truncated_normal_starting_states_are_spread_over_a_far_tail() -> None:
    prior = priors.make_prior("truncated_normal", mean=0, sd=1, low=30)
    x = prior.icdf(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64))
    oracle = stats.truncnorm(30.0, np.inf).ppf([0.25, 0.5, 0.75])
    np.testing.assert_allclose(x.numpy() - 30.0, oracle - 30.0, rtol=1e-9)


def test_prior_of_nagata_2012_is_written_in_its_canonical_form() -> None:
    assert str(priors.make_prior("normal", mean=1.5, sd=0.4472)) == "normal(mean=1.5, sd=0.4472)"
    assert str(priors.make_prior("gamma", shape=5, rate=5)) == "gamma(shape=5, rate=5)"
    assert str(priors.make_prior("beta", a=2, b=3)) == "beta(a=2, b=3)"
    assert str(priors.make_prior("truncated_normal", mean=0, sd=1, low=0)) == "truncated_normal(mean=0, sd=1, low=0)"


def test_draws_depend_on_the_generator_alone() -> None:
    prior = priors.make_prior("log_uniform", low=0.1, high=10)
    first, second = (prior.sample((500, 3), torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (500, 3)
    assert prior.log_coordinate
    # uniform in log10 on (-1, 1): standard error of the mean 0.577/sqrt(1500); 4.5 of them, one seed in 150,000
    assert abs(float(torch.log10(first).mean())) < 4.5 * 0.5774 / math.sqrt(1500)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("normall", {}, r"unknown family 'normall'; expected a known prior family. Did you mean normal\?"),
        ("normal", {"mean": 0.0, "sd": -0.3}, r"prior normal\(mean=0, sd=-0.3\): sd: sd = -0.3; expected > 0"),
        ("normal", {"mean": 0.0}, r"sd: nothing; expected a number"),
        ("normal", {"mean": 0.0, "scale": 1.0}, r"sd: nothing"),
        ("normal", {"mean": 0.0, "sd": 1.0, "scale": 1.0}, r"scale: an argument; expected mean or sd"),
        ("uniform", {"low": 2.0, "high": 1.0}, r"high = 1 with low = 2; expected > 2"),
        ("uniform", {"low": -1e308, "high": 1e308}, r"expected a finite range"),
        ("log_uniform", {"low": 0.0, "high": 1.0}, r"low = 0; expected > 0"),
        ("log_uniform", {"low": 1e-300, "high": 1e300}, r"a ratio high/low below 1e308"),
        ("gamma", {"shape": 0.0, "rate": 1.0}, r"shape = 0; expected > 0"),
        ("beta", {"a": 1.0, "b": 1.0, "low": 1.0, "high": 0.0}, r"expected > 1"),
        ("truncated_normal", {"mean": 0.0, "sd": 1e-9, "low": 1.0}, r"expected ends within 10000 sd of the mean"),
        ("normal", {"mean": "0", "sd": 1.0}, r"mean = '0'; expected a number"),
        ("normal", {"mean": True, "sd": 1.0}, r"mean = True; expected a number"),
    ],
)
def test_mistakes_are_named(name: str, values: dict[str, float], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        priors.make_prior(name, **values)
