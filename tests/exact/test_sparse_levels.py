"""All supports with an unknown noise level: the integral over the level, against quadrature and in closed form."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import logsumexp

from bayesbeam.errors import SamplingError
from bayesbeam.sparse import level_rule
from bayesbeam.sparse.draws import draw_coefficients, generator_of
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.levels import Levelled, at_level, draw_levels, free_energies, search_levels
from bayesbeam.sparse.problem import Regression, free_energy_of, regression
from bayesbeam.sparse.search import posterior
from bayesbeam.sparse.sizes import each_column

ENDS, MOST = (0.05, 5.0), 3
LOG_SIZE = each_column(6, MOST, 0.3)


def flat(log_level: float) -> float:
    """Log-uniform prior between the ends."""
    return -math.log(math.log(ENDS[1] / ENDS[0]))


def problem(points: int, noise: float = 0.4) -> Regression:
    generator = np.random.default_rng(points)
    design = generator.standard_normal((points, 7))
    y = design[:, [1, 4]] @ [0.5, -0.3] + noise * generator.standard_normal(points)
    return regression(design, y, np.linspace(0.8, 1.2, points), 0.7, 0.1, always=1)


def levelled(given: Regression, ends: tuple[float, float] = ENDS) -> Levelled:
    return search_levels(given, LOG_SIZE, partial(search_all, most=MOST), flat, ends)


@pytest.mark.parametrize("points", [12, 60, 3000])
def test_the_free_energy_is_the_integral_over_the_level(points: int) -> None:
    """1e-7 nats: the trapezoidal rule is that good where the integrand falls off before the ends."""
    given = problem(points)
    found = levelled(given)

    def integrand(log_level: float) -> float:
        at = posterior(search_all(at_level(given, math.exp(log_level)), MOST), LOG_SIZE).free_energy
        return math.exp(flat(log_level) - at + found.posterior.free_energy)

    inside = math.log(found.level[0]), math.log(found.level[-1])
    middle = math.log(found.level[found.best])
    value = quad(integrand, *inside, points=[middle], epsabs=1e-9, limit=200)[0]
    assert math.log(value) == pytest.approx(0.0, abs=1e-7)
    assert np.exp(found.log_weight).sum() == pytest.approx(1.0)
    assert found.posterior.size.sum() == pytest.approx(1.0)
    assert sum(one.probability for one in found.posterior.ranking) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("points", "ends"),
    [(30, (0.05, 0.4)), (200, (0.05, 0.4)), (30, (0.2, 0.3)), (200, (0.05, 0.2)), (200, (1, 5)), (3000, (0.05, 0.1))],
)
def test_a_prior_that_ends_where_the_data_want_more_is_integrated_to_its_end(
    points: int, ends: tuple[float, float]
) -> None:
    """The best support's own integral, in panels that narrow towards both ends; to 1e-7 nats.

    Equal steps gave free energies that were 0.05 nats too low for an end at the true level, 0.4, and 45 far from it.
    """
    given = problem(points)
    found = levelled(given, ends)
    best = found.posterior.ranking[0]
    assert sum(one.probability for one in found.posterior.ranking) == pytest.approx(1.0, abs=1e-7)
    low, high = math.log(ends[0]), math.log(ends[1])
    nearer = 0.5 ** np.arange(1, 30) * (high - low)
    edges = np.unique([low, high, *(low + nearer), *(high - nearer)])
    nodes, weights = np.polynomial.legendre.leggauss(20)
    total = 0.0
    for a, b in itertools.pairwise(edges):
        for node, weight in zip(0.5 * (a + b) + 0.5 * (b - a) * nodes, 0.5 * (b - a) * weights, strict=True):
            value = flat(node) - free_energy_of(at_level(given, math.exp(node)), best.support) + best.free_energy
            total += weight * math.exp(value)
    assert math.log(total) == pytest.approx(0.0, abs=1e-7)
    # Draws are of all the prior that matters, up to its end.
    level = draw_levels(given, np.tile([*best.support, *[-1] * (3 - len(best.support))], (4000, 1)), found, flat,
                        generator_of(6, "ends"))  # fmt: skip
    moment = sum(weight * value for weight, value in zip(np.exp(found.log_weight), found.level, strict=True))
    assert level.mean() == pytest.approx(moment, abs=4.5 * level.std() / math.sqrt(4000) + 1e-3 * level.std())


def test_each_support_has_its_own_integral() -> None:
    given = problem(40)
    found = levelled(given)
    for one in found.posterior.ranking[:5]:
        value = quad(
            lambda t, s=one.support, f=one.free_energy: math.exp(
                flat(t) - free_energy_of(at_level(given, math.exp(t)), s) + f
            ),
            math.log(found.level[0]), math.log(found.level[-1]), epsabs=1e-10, limit=200,
        )[0]  # fmt: skip
        assert math.log(value) == pytest.approx(0.0, abs=1e-7)
    # Probabilities of terms are sums over supports.
    for j in range(6):
        total = sum(one.probability for one in found.posterior.ranking if j in one.support)
        assert found.posterior.inclusion[j + 1] == pytest.approx(total, abs=1e-9)


def test_free_energies_at_levels_are_those_of_regressions_with_that_noise() -> None:
    given = problem(25)
    support, level = np.array([[-1, -1], [2, -1], [0, 5]]), np.array([0.1, 0.4, 2.0])
    found = free_energies(given, support, level)
    for i, row in enumerate(support):
        for g, one in enumerate(level):
            exact = free_energy_of(at_level(given, float(one)), [j for j in row if j >= 0])
            assert found[i, g] == pytest.approx(exact, rel=1e-10)


def test_a_narrow_prior_of_the_level_is_not_missed() -> None:
    """Normal in the logarithm, a hundredth wide, far from what the data want: then F is that at its centre, nearly."""
    given, centre = problem(30), math.log(0.8)

    def narrow(log_level: float) -> float:
        return float(stats.norm.logpdf(log_level, centre, 0.01))

    ends = math.exp(centre - 0.07), math.exp(centre + 0.07)
    found = search_levels(given, LOG_SIZE, partial(search_all, most=MOST), narrow, ends)
    near = [posterior(search_all(at_level(given, math.exp(centre + d)), MOST), LOG_SIZE).free_energy
            for d in np.linspace(-0.05, 0.05, 41)]  # fmt: skip
    weight = stats.norm.logpdf(np.linspace(-0.05, 0.05, 41), 0.0, 0.01) + math.log(0.0025)
    assert found.posterior.free_energy == pytest.approx(-float(logsumexp(weight - near)), abs=1e-5)


def test_draws_have_the_posterior_of_the_level_and_of_the_coefficients() -> None:
    """Kolmogorov-Smirnov of the level of one support, and of a coefficient against its mixture; false alarm 1e-4.

    A prior that rises with the sixth power of the level moves its draws by a standard deviation or so.
    """
    given, generator = problem(40), generator_of(5, "levels")

    def rising(log_level: float) -> float:
        return 6.0 * log_level

    found = levelled(given)
    support = np.tile([0, 3, -1], (20_000, 1))
    level = draw_levels(given, support, found, rising, generator)
    grid = np.exp(np.linspace(math.log(found.level[0]), math.log(found.level[-1]), 4001))
    value = 6.0 * np.log(grid) - free_energies(given, support[:1], grid)[0]
    density = np.exp(value - value.max())
    below = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(np.log(grid)))])
    assert stats.kstest(level, lambda v: np.interp(v, grid, below / below[-1])).pvalue > 1e-4
    drawn = draw_coefficients(given, support, generator, level)
    from bayesbeam.evidence.closed_form import known_noise

    chosen = [0, 1, 4]
    z = []
    for one, row in zip(level[:500], drawn[:500], strict=True):
        noise = given.noise * one
        exact = known_noise(given.design[:, chosen], given.y, noise, given.prior_mean[chosen], given.prior_sd[chosen])
        z.append(exact.posterior.triangle @ (row[chosen] - exact.posterior.mean))
    for column in np.array(z).T:
        assert stats.kstest(column, "norm").pvalue > 1e-4


def test_more_levels_than_can_be_looked_at_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_rule, "MOST_LEVELS", 30)
    with pytest.raises(SamplingError, match="more than 30 levels that matter"):
        levelled(problem(60))


def test_rounding_is_looked_at_where_a_level_matters() -> None:
    """Columns that are nearly one: at the lowest levels rounding would spoil F, which is no harm there."""
    generator = np.random.default_rng(1)
    design = generator.standard_normal((40, 5))
    design[:, 4] = design[:, 0] + 1e-4 * design[:, 4]
    y = design[:, 1] + 0.1 * generator.standard_normal(40)
    given, log_size = regression(design, y, 1.0, 1.0), each_column(5, 2, 0.3)
    lenient = partial(search_all, most=2, most_rounding=math.inf)
    found = search_levels(given, log_size, lenient, lambda t: -math.log(math.log(1e5)), (1e-5, 1.0))
    assert max(one.rounding for one in found.searches) < 1e-3
    assert search_all(at_level(given, 1e-5), 2, most_rounding=math.inf).rounding > 1e-3
