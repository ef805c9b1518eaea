"""Exchanges: the decision by itself, the permutation it makes, and the count of trips."""

from __future__ import annotations

import math

import pytest
import torch

from bayesbeam.sampling.exchange import RoundTrips, swap_order, swap_probability

BETA = torch.tensor([[0.0, 0.25, 1.0]], dtype=torch.float64)
INF = math.inf


def probability(*log_likelihood: float) -> list[float]:
    value = torch.tensor(log_likelihood, dtype=torch.float64).reshape(1, 1, -1)
    found: list[float] = swap_probability(BETA, value)[0, 0].tolist()
    return found


def test_a_better_likelihood_always_rises_and_a_worse_one_sometimes() -> None:
    assert probability(-1.0, -3.0, -2.0) == [1.0, pytest.approx(math.exp(-0.75 * 1.0), rel=1e-15)]
    assert probability(-3.0, -1.0, -1.0) == [pytest.approx(math.exp(-0.25 * 2.0), rel=1e-15), 1.0]


def test_detailed_balance_of_a_pair() -> None:
    """pi(a, b) P(swap | a, b) = pi(b, a) P(swap | b, a), with pi = exp(beta_1 a + beta_2 b)."""
    for a, b in ((-1.0, -4.0), (-4.0, -1.0), (0.0, 0.0)):
        forward = math.exp(0.25 * a + 1.0 * b) * probability(0.0, a, b)[1]
        backward = math.exp(0.25 * b + 1.0 * a) * probability(0.0, b, a)[1]
        assert forward == pytest.approx(backward, rel=1e-14)


def test_an_impossible_state_never_rises_and_a_possible_one_always_takes_its_place() -> None:
    assert probability(-INF, -5.0, -1.0)[0] == 0.0
    assert probability(-5.0, -INF, -1.0) == [1.0, 0.0]
    assert probability(-INF, -INF, -INF) == [0.0, 0.0]
    assert not torch.isnan(torch.tensor(probability(-INF, -INF, -1.0))).any()


def order(probabilities: list[float], parity: int, uniform: float = 0.5) -> list[int]:
    p = torch.tensor(probabilities, dtype=torch.float64).reshape(1, 1, -1)
    found: list[int] = swap_order(p, torch.full_like(p, uniform), parity)[0, 0].tolist()
    return found


def test_even_and_odd_rounds_exchange_their_own_pairs_only() -> None:
    assert order([1.0, 1.0, 1.0, 1.0], 0) == [1, 0, 3, 2, 4]
    assert order([1.0, 1.0, 1.0, 1.0], 1) == [0, 2, 1, 4, 3]
    assert order([1.0, 0.2, 0.4, 0.6], 0) == [1, 0, 2, 3, 4]
    assert order([0.0, 0.0, 0.0, 0.0], 0, uniform=1e-12) == [0, 1, 2, 3, 4]


def test_the_caller_keeps_the_probabilities() -> None:
    p = torch.ones(1, 1, 3, dtype=torch.float64)
    before = p.clone()
    swap_order(p, torch.full_like(p, 0.5), 0)
    assert torch.equal(p, before)


def test_half_trips_of_a_hand_made_sequence() -> None:
    """Replica 0 goes up and down, 1 goes up, 2 goes down: four halves; standing at an end counts nothing."""
    trips = RoundTrips.begin(1, 1, 3, torch.device("cpu"))
    counted = []
    for rungs in ([0, 1, 2], [0, 1, 2], [1, 0, 2], [1, 2, 0], [2, 1, 0], [2, 0, 1], [0, 2, 1]):
        trips.update(torch.tensor(rungs).reshape(1, 1, 3))
        counted.append(int(trips.halves))
    # Up: replica 0 at the top in the fourth row. Down: replica 2 at the bottom in the fifth. Replica 1, last at the
    # bottom, is at the top in the sixth; replica 0 is back at the bottom in the seventh.
    assert counted == [0, 0, 0, 1, 2, 3, 4]


def test_trips_of_chosen_groups_go_on_by_themselves() -> None:
    trips = RoundTrips.begin(2, 1, 2, torch.device("cpu"))
    trips.update(torch.tensor([[[0, 1]], [[1, 0]]]))
    some = trips.select(torch.tensor([1]))
    some.update(torch.tensor([[[0, 1]]]))
    assert some.halves.tolist() == [[2]]
    assert trips.halves.tolist() == [[0], [0]]
