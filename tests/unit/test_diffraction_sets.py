"""Sets of columns: free energies against quadrature, all sets against brute force, walks against all sets."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate

from bayesbeam.diffraction.sets import (
    SHARE_SD,
    Columns,
    every_set,
    free_energy_of,
    log_prior_of_sets,
    search_sets,
    walked_sets,
)  # fmt: skip
from bayesbeam.errors import ModelError
from bayesbeam.evidence.normal_box import inside


def made_up(count: int = 8, seed: int = 1, most: int = 4, noise: float = 0.05) -> Columns:
    rng = np.random.default_rng(seed)
    design = np.abs(rng.normal(size=(30, count))) ** 3
    design /= design.sum(0)
    data = design[:, 1] * 0.5 + design[:, 4] * 0.2 + 0.01 * noise * rng.normal(size=30)
    scale = 1.0 / noise
    gram, moment = scale**2 * design.T @ design, scale**2 * design.T @ data
    return Columns(gram, moment, rng.uniform(0.0, 2.0, count), np.arange(count), log_prior_of_sets(count, most))


def density(columns: Columns, members: tuple[int, ...], heights: np.ndarray) -> float:
    chosen = list(members)
    gram, moment = columns.gram[np.ix_(chosen, chosen)], columns.moment[chosen]
    log = -0.5 * heights @ gram @ heights + moment @ heights - 0.5 * (heights @ heights) / SHARE_SD**2
    return math.exp(log + len(chosen) * math.log(2.0 / (SHARE_SD * math.sqrt(2.0 * math.pi))))


def expected(columns: Columns, members: tuple[int, ...], evidence: float) -> float:
    return float(columns.cost[list(members)].sum() - columns.log_prior[len(members)] - math.log(evidence))


def test_the_free_energy_of_one_column_is_an_integral_over_positive_heights() -> None:
    columns = made_up()
    for j in range(8):
        value = integrate.quad(lambda h, j=j: density(columns, (j,), np.array([h])), 0.0, 5.0, epsrel=1e-11, limit=200)
        assert free_energy_of(columns, (j,)) == pytest.approx(expected(columns, (j,), value[0]), abs=1e-8)


def test_the_free_energy_of_two_columns_is_nearly_the_integral() -> None:
    # Conditions one after the other: exact for one column, and of two the error is that of a normal approximation.
    columns = made_up()
    for members in itertools.combinations(range(5), 2):
        value = integrate.dblquad(lambda b, a, m=members: density(columns, m, np.array([a, b])), 0, 4, 0, 4,
                                  epsrel=1e-8)  # fmt: skip
        assert free_energy_of(columns, members) == pytest.approx(expected(columns, members, value[0]), abs=0.12)


def test_three_columns_agree_with_the_probability_of_the_orthant() -> None:
    columns = made_up(noise=0.02)
    for members in itertools.combinations(range(6), 3):
        chosen = list(members)
        whole = columns.gram[np.ix_(chosen, chosen)] + np.eye(3) / SHARE_SD**2
        covariance = np.linalg.inv(whole)
        mean = covariance @ columns.moment[chosen]
        if (mean / np.sqrt(np.diag(covariance))).min() < -4.0:
            continue  # further out SciPy has no digits
        log_box = inside(mean, covariance, np.zeros(3), np.full(3, np.inf)).log_probability
        value = columns.cost[chosen].sum() - columns.log_prior[3] - 0.5 * columns.moment[chosen] @ mean
        value += 0.5 * np.linalg.slogdet(whole)[1] + 3.0 * math.log(SHARE_SD / 2.0) - log_box
        assert free_energy_of(columns, members) == pytest.approx(value, abs=0.15)


def test_every_set_is_looked_at_once() -> None:
    columns = made_up(count=7, most=3)
    brute = {m: free_energy_of(columns, m) for n in range(4) for m in itertools.combinations(range(7), n)}
    found = every_set(columns)
    lowest = min(brute.values())
    weights = {m: math.exp(lowest - value) for m, value in brute.items()}
    total = sum(weights.values())
    assert found.members[0] == min(brute, key=lambda m: brute[m])
    for members, probability in zip(found.members, found.probability, strict=True):
        assert probability == pytest.approx(weights[members] / total, rel=1e-9)
    assert found.probability.sum() == pytest.approx(1.0)


def test_a_set_has_one_column_of_a_phase() -> None:
    columns = made_up(count=6, most=3)
    twins = Columns(columns.gram, columns.moment, columns.cost, np.array([0, 0, 1, 2, 2, 3]), columns.log_prior)
    for found in (every_set(twins), walked_sets(twins, 3, 400)):
        assert all(len({int(twins.owner[j]) for j in members}) == len(members) for members in found.members)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_walk_agrees_with_every_set(seed: int) -> None:
    columns = made_up(count=12, seed=seed, noise=0.1)
    exact, walked = every_set(columns), walked_sets(columns, seed, 1500)
    assert walked.members[0] == exact.members[0]
    # All sets of more than a thousandth are seen in 4800 draws; what is missed together has less than 0.02.
    difference = np.abs(walked.inclusion(columns.owner, 12) - exact.inclusion(columns.owner, 12))
    assert difference.max() < 0.02
    assert walked.error < 0.05


def test_walks_repeat_byte_for_byte_and_are_taken_when_sets_are_many() -> None:
    columns = made_up(count=40, most=6, noise=0.1)
    first, second = search_sets(columns, 5, 60), search_sets(columns, 5, 60)
    assert first.error > 0.0
    assert first.members == second.members
    assert first.free_energy.tobytes() == second.free_energy.tobytes()


def test_more_columns_than_bits_are_refused() -> None:
    with pytest.raises(ModelError, match="at most 62"):
        search_sets(made_up(count=63))
    with pytest.raises(ModelError, match="0 candidates"):
        log_prior_of_sets(0, 3)


def test_the_prior_of_all_sets_is_one() -> None:
    prior = log_prior_of_sets(9, 9)
    assert sum(math.comb(9, n) * math.exp(prior[n]) for n in range(10)) == pytest.approx(1.0)
