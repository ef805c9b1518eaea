"""Every support of a dictionary: sums, counts and rankings against single regressions by orthogonal factors."""

from __future__ import annotations

import itertools
import math
from dataclasses import fields

import numpy as np
import pytest
from scipy.special import logsumexp

from bayesbeam.evidence.closed_form import conjugate_noise, known_noise
from bayesbeam.sparse import batched
from bayesbeam.sparse.exhaustive import search_all
from bayesbeam.sparse.problem import Regression, free_energy_of, reduced, regression, without_always
from bayesbeam.sparse.search import Search, posterior
from bayesbeam.sparse.sizes import each_column, equal_sizes, falling_sizes

MOST = 4


def problem(seed: int, always: int = 0, shape: float = 0.0, columns: int = 9) -> Regression:
    """Data of three of some correlated columns, with priors that are not centred and noise of different size."""
    generator = np.random.default_rng(seed)
    design = generator.standard_normal((30, columns)) + 0.5 * generator.standard_normal((30, 1))
    noise = generator.uniform(0.3, 0.8, 30)
    y = design[:, [0, 2, 5]] @ [1.0, -0.6, 0.3] + noise * generator.standard_normal(30)
    sd, mean = generator.uniform(0.4, 2.0, columns), generator.normal(0.0, 0.5, columns)
    return regression(design, y, noise, sd, mean, always=always, shape=shape, scale=1.5 * shape)


CASES = [(1, 0, 0.0), (2, 2, 0.0), (3, 0, 2.5), (4, 1, 2.5)]


def one_by_one(given: Regression, most: int) -> dict[tuple[int, ...], tuple[float, np.ndarray, np.ndarray]]:
    """Free energy, mean and mean square of all coefficients of every support."""
    found = {}
    for size in range(most + 1):
        for support in itertools.combinations(range(given.columns), size):
            chosen = [*range(given.always), *(given.always + j for j in support)]
            mean, square = np.zeros(len(given.names)), np.zeros(len(given.names))
            if chosen:
                arguments = (given.design[:, chosen], given.y, given.noise, given.prior_mean[chosen])
                arguments += (given.prior_sd[chosen],)
                if given.level_is_known:
                    solved = known_noise(*arguments)
                    centre, sd = solved.posterior.mean, solved.posterior.sd
                else:
                    averaged = conjugate_noise(*arguments, given.shape, given.scale)
                    centre, sd = averaged.posterior.mean, averaged.sd
                mean[chosen], square[chosen] = centre, centre**2 + sd**2
            found[support] = free_energy_of(given, support), mean, square
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("compiled", [True, False])
def test_all_that_a_search_sums_is_what_single_regressions_give(case: tuple[int, int, float], compiled: bool) -> None:
    """1e-9 relative: normal equations lose a few digits of double precision to orthogonal factors.

    Weights below 1e-20 of the largest are left out of sums, for rounding would lose them.
    """
    given = problem(*case)
    search = search_all(given, MOST, compiled=compiled, bins=50, ranked=7)
    single = one_by_one(given, MOST)
    for size in range(MOST + 1):
        of_size = {support: found for support, found in single.items() if len(support) == size}
        f = np.array([found[0] for found in of_size.values()])
        assert search.count[size] == len(f) == search.histogram[size].sum()
        assert search.log_sum[size] == pytest.approx(logsumexp(-f), rel=1e-9)
        weight = np.exp(-f - logsumexp(-f))
        member = np.array(
            [[j < given.always or j - given.always in s for j in range(len(given.names))] for s in of_size]
        )
        np.testing.assert_allclose(search.inclusion[size], weight @ member, rtol=1e-9, atol=1e-20)
        for part, place in ((search.mean, 1), (search.square, 2)):
            expected = weight @ np.array([found[place] for found in of_size.values()])
            np.testing.assert_allclose(part[size], expected, rtol=1e-9, atol=1e-12)
        # Edges are far from values by chance: to 1e-9 of a bin.
        assert np.array_equal(search.histogram[size], np.histogram(f, search.edges)[0])
        order = sorted(of_size, key=lambda support: of_size[support][0])[:7]
        assert [tuple(s[:size].tolist()) for s in search.best[size][: len(order)]] == order
        np.testing.assert_allclose(
            search.best_free_energy[size][: len(order)], [of_size[s][0] for s in order], rtol=1e-9
        )
        assert np.isinf(search.best_free_energy[size][len(order) :]).all()


@pytest.mark.parametrize(("always", "shape"), [(0, 0.0), (3, 0.0), (0, 1.5), (2, 1.5)])
def test_sums_give_the_free_energy_of_random_supports(always: int, shape: float) -> None:
    generator = np.random.default_rng(11)
    given = problem(12, always, shape, 25)
    sums = without_always(reduced(given), always)
    for _ in range(50):
        support = np.sort(generator.choice(given.columns, generator.integers(1, 12), replace=False))
        root = np.linalg.cholesky(sums.gram[np.ix_(support, support)])
        known = np.linalg.solve(root, sums.moment[support])
        left = sums.squares + sums.offset[support].sum() - known @ known
        value = sums.constant + np.log(np.diag(root)).sum() + sums.energy(left)
        assert value == pytest.approx(free_energy_of(given, support), rel=1e-9)


def same(one: Search, other: Search) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Search)
    )  # fmt: skip


def test_threads_change_no_bit() -> None:
    given = problem(5, 1, 2.0, 14)
    found = [search_all(given, 5, threads=threads, compiled=True) for threads in (1, 2, 3, 9)]
    assert all(same(found[0], other) for other in found[1:])


def test_batches_of_any_size_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1e-12 relative: sums of batches are added in another order."""
    given = problem(7, 1, 2.0, 12)
    whole = search_all(given, 4, compiled=False)
    monkeypatch.setattr(batched, "_AT_ONCE", {"cpu": 300})
    parts = search_all(given, 4, compiled=False)
    for field in fields(Search):
        if field.name != "parts":
            np.testing.assert_allclose(getattr(parts, field.name), getattr(whole, field.name), rtol=1e-12)
    assert len(parts.parts) > 20
    np.testing.assert_allclose(logsumexp(parts.parts, axis=0), whole.log_sum, rtol=1e-12)


def test_posterior_is_the_sum_over_supports_under_each_prior_of_sizes() -> None:
    given = problem(6, 1)
    columns = given.columns
    search = search_all(given, MOST)
    single = one_by_one(given, MOST)
    size = np.arange(MOST + 1)
    cut = np.array([math.comb(columns, k) * 0.2**k * 0.8 ** (columns - k) for k in size])
    priors = [
        (equal_sizes(columns, MOST), np.full(MOST + 1, 1.0 / (MOST + 1))),
        (each_column(columns, MOST, 0.2), cut / cut.sum()),
        (falling_sizes(columns, MOST, 0.5), 0.5**size / (0.5**size).sum()),
    ]
    for log_size, of_size in priors:
        found = posterior(search, log_size)
        joint = {s: math.log(of_size[len(s)] / math.comb(columns, len(s))) - f for s, (f, _, _) in single.items()}
        total = logsumexp(list(joint.values()))
        assert found.free_energy == pytest.approx(-total, rel=1e-10)
        p = {support: math.exp(value - total) for support, value in joint.items()}
        for k in size:
            assert found.size[k] == pytest.approx(sum(p[s] for s in p if len(s) == k), rel=1e-9)
        mean = sum(p[s] * single[s][1] for s in p)
        square = sum(p[s] * single[s][2] for s in p)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-9)
        np.testing.assert_allclose(found.sd, np.sqrt(square - mean**2), rtol=1e-8)
        assert found.inclusion[0] == pytest.approx(1.0, rel=1e-12)
        best = sorted(p, key=lambda s: -p[s])[:20]
        assert [one.support for one in found.ranking[:20]] == best
        assert [one.probability for one in found.ranking[:20]] == pytest.approx([p[s] for s in best], rel=1e-9)


def test_a_histogram_holds_every_support_between_its_edges() -> None:
    """Bounds of the free energy hold on problems of all kinds; what lies outside would be put into the last bin."""
    for seed in range(20):
        given = problem(seed, seed % 3, 1.5 * (seed % 2), 7)
        edges = search_all(given, given.columns, bins=3).edges
        values = [found[0] for found in one_by_one(given, given.columns).values()]
        assert edges[0] < min(values)
        assert max(values) < edges[-1]


def test_memory_of_weights_does_not_lose_a_late_winner() -> None:
    """The best support is the very last one looked at: sums must be rescaled hundreds of nats down."""
    generator = np.random.default_rng(3)
    design = generator.standard_normal((80, 8))
    y = design[:, 5:] @ [3.0, 3.0, 3.0] + 0.1 * generator.standard_normal(80)
    given = regression(design, y, 0.1, 2.0)
    for compiled in (True, False):
        search = search_all(given, 3, compiled=compiled)
        f = [free_energy_of(given, s) for s in itertools.combinations(range(8), 3)]
        assert search.log_sum[3] == pytest.approx(logsumexp(-np.array(f)), rel=1e-9)
        assert search.best[3, 0].tolist() == [5, 6, 7]
