"""Moves and exchanges of walkers over supports leave the posterior as it is; wrong proposal ratios are found."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from bayesbeam.rng import stream_key
from bayesbeam.sparse.chains import engine_for
from bayesbeam.sparse.problem import Reduced, free_energy_of, reduced, regression
from bayesbeam.sparse.sizes import each_column
from bayesbeam.sparse.walkers import Steps, Walkers, steps_of

COLUMNS, MOST, CHAINS = 7, 4, 40_000
BETA = np.array([0.0, 0.3, 1.0])
FALSE_ALARM = 1e-4
LOG_SIZE = each_column(COLUMNS, MOST, 0.35)


def correlated() -> tuple[Reduced, dict[tuple[int, ...], float]]:
    """Columns of which some are alike, and the exact log weight of every support less its prior."""
    generator = np.random.default_rng(5)
    design = generator.standard_normal((25, COLUMNS))
    design[:, 1] += 2.0 * design[:, 0]
    design[:, 4] += 1.5 * design[:, 5]
    y = design[:, [1, 4]] @ [0.3, 0.25] + generator.standard_normal(25)
    given = regression(design, y, 1.0, 0.7)
    every = [s for k in range(MOST + 1) for s in itertools.combinations(range(COLUMNS), k)]
    return reduced(given), {support: -free_energy_of(given, support) for support in every}


SUMS, EVIDENCE = correlated()
SUPPORTS = list(EVIDENCE)


def target(beta: float) -> np.ndarray:
    """Exact probability of every support at an inverse temperature."""
    log = np.array([LOG_SIZE[len(s)] - math.log(math.comb(COLUMNS, len(s))) + beta * EVIDENCE[s] for s in SUPPORTS])
    weight = np.exp(log - log.max())
    return weight / weight.sum()


def exact_walkers(seed: int) -> Walkers:
    """Independent states, each drawn from the posterior of its rung."""
    generator = np.random.default_rng(seed)
    table = np.array([[*s, *[COLUMNS] * (MOST - len(s))] for s in SUPPORTS])
    drawn = np.stack([generator.choice(len(SUPPORTS), CHAINS, p=target(beta)) for beta in BETA], axis=1)
    size = np.array([len(s) for s in SUPPORTS])[drawn]
    zeros = np.zeros((CHAINS, len(BETA)), dtype=np.int64)
    replica = np.tile(np.arange(len(BETA)), (CHAINS, 1))
    return Walkers(table[drawn], size, np.zeros(zeros.shape), replica, zeros, np.zeros(CHAINS, dtype=np.int64))


def p_values(steps: Steps, seed: int) -> list[float]:
    """Chi-squared p-value of the states of each rung after three sweeps from independent draws of its posterior."""
    walkers = exact_walkers(seed)
    engine = engine_for(SUMS, steps, stream_key(seed, "moves"), 5, 10, 2, "cpu", True)
    engine.begin(walkers)
    engine.advance(walkers, BETA, 0, 3)
    number = {s: i for i, s in enumerate(SUPPORTS)}
    found = []
    for r, beta in enumerate(BETA):
        states = [number[tuple(row[row < COLUMNS].tolist())] for row in walkers.support[:, r]]
        seen, expected = np.bincount(states, minlength=len(SUPPORTS)), CHAINS * target(beta)
        rare = expected < 10.0
        counts = [np.append(part[~rare], part[rare].sum()) if rare.any() else part for part in (seen, expected)]
        found.append(float(stats.chisquare(*counts).pvalue))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_moves_and_exchanges_leave_the_posterior_as_it_is(seed: int) -> None:
    assert min(p_values(steps_of(SUMS, LOG_SIZE), seed)) > FALSE_ALARM / len(BETA)


def test_a_proposal_ratio_without_the_number_of_columns_is_found() -> None:
    """Each of the two numbers left out by itself."""
    right = steps_of(SUMS, LOG_SIZE)
    size = np.arange(MOST)
    for wrong in (right.change - np.log(COLUMNS - size), right.change + np.log(size + 1.0)):
        assert min(p_values(right._replace(change=wrong), 1)) < 1e-12


def test_a_likeness_that_is_not_mutual_is_found() -> None:
    """Columns propose others by other weights than those that the ratio of a row's totals makes up for."""
    right = steps_of(SUMS, LOG_SIZE)
    weight = np.diff(right.likeness, axis=1, prepend=0.0)
    skewed = np.cumsum(weight * np.linspace(0.2, 2.0, COLUMNS), axis=1)
    assert min(p_values(right._replace(likeness=skewed), 1)) < 1e-12


def test_a_wrong_prior_of_sizes_is_found() -> None:
    wrong = steps_of(SUMS, each_column(COLUMNS, MOST, 0.3))
    assert min(p_values(wrong, 1)) < 1e-12
