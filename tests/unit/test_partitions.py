"""Divisions of measurements: how many, their prior weights, errors in common, and the tree of mergers."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from bayesbeam.errors import ModelError
from bayesbeam.integration.merge_tree import merge_tree
from bayesbeam.integration.partitions import (
    Block,
    all_partitions,
    bell_number,
    divisions,
    log_weight,
    partition_words,
)
from bayesbeam.integration.uncertain import Uncertain, compare


def block_gain(values: np.ndarray, block: Block, sd: float = 0.1, prior_sd: float = 10.0) -> float:
    """Exact gain of one common mean of normal values with a normal prior."""

    def log_evidence(y: np.ndarray) -> float:
        covariance = sd**2 * np.eye(len(y)) + prior_sd**2
        return -0.5 * float(y @ np.linalg.solve(covariance, y)) - 0.5 * float(
            np.linalg.slogdet(2 * math.pi * covariance)[1]
        )

    y = values[list(block)]
    return log_evidence(y) - sum(log_evidence(one[None]) for one in y)


def test_numbers_of_divisions_are_those_of_bell() -> None:
    # OEIS A000110
    wanted = [1, 2, 5, 15, 52, 203, 877, 4140]
    assert [bell_number(k) for k in range(1, 9)] == wanted
    found = [list(all_partitions(k)) for k in range(1, 9)]
    assert [len(set(one)) for one in found] == wanted
    assert all(sorted(k for block in one for k in block) == list(range(5)) for one in found[4])


def test_every_number_of_blocks_weighs_the_same() -> None:
    every = divisions(6)
    for blocks in range(1, 7):
        same = [np.exp(w) for one, w in zip(every.partitions, every.log_weight, strict=True) if len(one) == blocks]
        assert math.fsum(same) == pytest.approx(1.0, rel=1e-12)
    assert log_weight(6, 1) == log_weight(6, 6) == 0.0


def test_gain_of_a_division_is_that_of_its_blocks() -> None:
    values = np.array([0.0, 0.05, 1.0, 1.1])
    every = divisions(4)
    gains = [Uncertain(block_gain(values, block), {}) for block in every.blocks]
    found = compare(every.has, gains, every.log_weight)
    best = int(np.argmax(found.probability))
    assert every.partitions[best] == ((0, 1), (2, 3))
    assert found.gain[best] == pytest.approx(block_gain(values, (0, 1)) + block_gain(values, (2, 3)), rel=1e-12)
    assert found.gain[-1] == 0.0
    log_posterior = found.gain + every.log_weight
    assert found.probability == pytest.approx(np.exp(log_posterior) / np.exp(log_posterior).sum(), rel=1e-12)
    together, error = found.of(every.together)
    assert together[0, 1] > 0.9 > 0.1 > together[0, 2]
    assert np.allclose(np.diag(together), 1.0)
    assert np.allclose(error, 0.0)


def test_an_error_in_common_does_not_move_the_odds() -> None:
    has = np.array([[1.0, 0.0], [0.0, 1.0]])
    common = {"same draws": np.array([0.6, 0.8])}
    together = compare(has, [Uncertain(1.0, common), Uncertain(2.0, common)], np.zeros(2))
    apart = compare(has, [Uncertain(1.0, {"a": np.ones(1)}), Uncertain(2.0, {"b": np.ones(1)})], np.zeros(2))
    assert together.standard_error == pytest.approx(apart.standard_error)
    assert together.probability_error == pytest.approx(0.0, abs=1e-12)
    p = 1 / (1 + math.exp(-1.0))
    assert apart.probability[1] == pytest.approx(p)
    # exact root mean square change of a logistic curve under a normal change of sd sqrt(2), by quadrature
    t, w = np.polynomial.hermite_e.hermegauss(60)
    exact = math.sqrt(float(w @ (1 / (1 + np.exp(-(1 + math.sqrt(2) * t))) - p) ** 2 / w.sum()))
    assert apart.probability_error[1] == pytest.approx(exact, rel=0.08)  # of 2000 draws


def test_too_many_divisions_are_refused() -> None:
    with pytest.raises(ModelError, match=r"678570 ways; expected 2 to 9. Merge them one by one"):
        divisions(11)


def test_words_of_a_division() -> None:
    assert partition_words(((0, 2), (1,)), ("a", "b", "c")) == "a+c | b"


def test_mergers_of_two_clusters_and_one_by_itself() -> None:
    generator = np.random.default_rng(3)
    truth = np.array([0.0] * 15 + [2.0] * 14 + [9.0])
    values = truth + 0.1 * generator.standard_normal(30)
    tree = merge_tree(30, lambda block: block_gain(values, block))
    assert tree.best == (tuple(range(15)), tuple(range(15, 29)), (29,))
    assert tree.kept == 27
    assert tree.mergers[-1].total == pytest.approx(block_gain(values, tuple(range(30))), rel=1e-9)
    assert tree.mergers[26].total == pytest.approx(
        block_gain(values, tuple(range(15))) + block_gain(values, tuple(range(15, 29))), rel=1e-9
    )


def test_halves_chosen_by_their_likeness_are_not_kept_apart() -> None:
    """Two halves of equal measurements, chosen among 2^29, look different; the prior of divisions knows."""
    kept = []
    for seed in range(20):
        values = 0.1 * np.random.default_rng(seed).standard_normal(30)
        tree = merge_tree(30, lambda block, values=values: block_gain(values, block))
        kept.append(len(tree.best))
    assert kept.count(1) >= 19
    assert np.mean([m.total for m in tree.mergers[-1:]]) > 0


def test_a_greedy_tree_finds_the_best_division_of_few() -> None:
    found = 0
    for seed in range(30):
        generator = np.random.default_rng(seed)
        values = np.round(generator.integers(0, 3, 5)) + 0.1 * generator.standard_normal(5)
        every = divisions(5)
        gains = [Uncertain(block_gain(values, block), {}) for block in every.blocks]
        best = every.partitions[int(np.argmax(compare(every.has, gains, every.log_weight).probability))]
        found += merge_tree(5, lambda block, values=values: block_gain(values, block)).best == best
    assert found >= 28


def test_each_block_is_asked_for_once() -> None:
    asked: list[Block] = []

    def gain(block: Block) -> float:
        asked.append(block)
        return 1.0

    merge_tree(6, gain)
    assert len(asked) == len(set(asked))
    assert set(combinations(range(6), 2)) <= set(asked)
