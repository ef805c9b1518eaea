"""Sharings of measurements compared: divisions, their prior weights, errors in common, and the tree of mergers."""

from __future__ import annotations

import math
import tracemalloc
from itertools import combinations

import numpy as np
import pytest

from bayesbeam.integration.merge_tree import merge_tree
from bayesbeam.integration.partitions import Block, all_blocks, all_partitions, log_weight, partition_words
from bayesbeam.integration.sharings import DIVISION, Sharings, compare_sharings, doubtful
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


def compared(values: np.ndarray) -> Sharings:
    """All divisions of normal values, by exact gains of their blocks."""
    gains = {one: Uncertain(block_gain(values, one), {}) for one in all_blocks(len(values))}
    return compare_sharings(len(values), gains, {})


def test_numbers_of_divisions_are_those_of_bell() -> None:
    # OEIS A000110
    found = [list(all_partitions(k)) for k in range(1, 9)]
    assert [len(set(one)) for one in found] == [1, 2, 5, 15, 52, 203, 877, 4140]
    assert all(sorted(k for block in one for k in block) == list(range(5)) for one in found[4])
    # every set of two or more of five
    assert len(set(all_blocks(5))) == 2**5 - 6


def test_every_number_of_blocks_weighs_the_same() -> None:
    for blocks in range(1, 7):
        same = [math.exp(log_weight(6, blocks)) for one in all_partitions(6) if len(one) == blocks]
        assert math.fsum(same) == pytest.approx(1.0, rel=1e-12)
    assert log_weight(6, 1) == log_weight(6, 6) == 0.0


def test_gain_of_a_division_is_that_of_its_blocks() -> None:
    values = np.array([0.0, 0.05, 1.0, 1.1])
    found = compared(values)
    assert [one.kind for one in found.each[:2]] == ["none", "all"]
    assert len(found.each) == 15
    best = found.best
    assert (best.kind, best.partition) == (DIVISION, ((0, 1), (2, 3)))
    assert found.each[2] is best
    assert best.gain == pytest.approx(block_gain(values, (0, 1)) + block_gain(values, (2, 3)), rel=1e-12)
    assert found.each[0].gain == 0.0
    assert found.each[1].gain == pytest.approx(block_gain(values, (0, 1, 2, 3)), rel=1e-12)
    log_posterior = np.array([one.gain + log_weight(4, len(one.partition)) for one in found.each])
    wanted = np.exp(log_posterior) / np.exp(log_posterior).sum()
    assert [one.probability for one in found.each] == pytest.approx(wanted, rel=1e-12)
    pair = sum(p for p, one in zip(wanted, found.each, strict=True) if any({0, 3} <= set(b) for b in one.partition))
    assert found.together[0, 3] == found.together[3, 0] == pytest.approx(pair, rel=1e-12)
    assert found.together[0, 1] > 0.9 > 0.1 > found.together[0, 2]
    assert np.all(np.diag(found.together) == 1.0)
    assert np.all(found.together_error == 0.0)


def test_a_pattern_weighs_as_much_as_none_and_all() -> None:
    blocks = {(0, 1): Uncertain(1.0, {}), (0, 2): Uncertain(0.0, {}), (1, 2): Uncertain(0.0, {})}
    found = compare_sharings(3, {**blocks, (0, 1, 2): Uncertain(2.0, {})}, {"part": Uncertain(3.0, {})})
    weight = [1.0, math.exp(2.0), math.exp(3.0), math.exp(1.0) / 3, 1 / 3, 1 / 3]
    assert [one.probability for one in found.each] == pytest.approx([one / math.fsum(weight) for one in weight])
    assert found.best.name == "part"
    # all, and the pattern, share something in every pair
    assert found.together[0, 2] == pytest.approx((weight[1] + weight[2] + weight[4]) / math.fsum(weight))


def test_guesses_that_may_decide_are_named_the_most_probable_first() -> None:
    guess = {"doubt": "far off", "sources": {}}
    blocks = {
        (0, 1): Uncertain(-9.0, ceiling=8.0, **guess),  # type: ignore[arg-type]
        (0, 2): Uncertain(-9.0, ceiling=-5.0, **guess),  # type: ignore[arg-type]
        (1, 2): Uncertain(9.0, {}),
        (0, 1, 2): Uncertain(-3.0, ceiling=9.0, **guess),  # type: ignore[arg-type]
    }
    assert doubtful(3, blocks, {}) == [(0, 1, 2), (0, 1)]
    (dubious,) = [one for one in compare_sharings(3, blocks, {}).each if one.partition == ((0, 1), (2,))]
    assert (dubious.gain, dubious.ceiling, dubious.doubt) == (-9.0, 8.0, "far off")


def test_all_divisions_of_eight_need_little_memory() -> None:
    generator = np.random.default_rng(0)
    gains = {
        one: Uncertain(generator.normal(), {f"density of {k}": generator.normal(size=2) for k in one})
        for one in all_blocks(8)
    }
    tracemalloc.start()
    found = compare_sharings(8, gains, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.each) == 4140
    # measured: 0.07 GB, and 0.42 where all draws of all divisions are held at once
    assert peak < 0.15e9


def test_an_error_in_common_does_not_move_the_odds() -> None:
    common = {"same draws": np.array([0.6, 0.8])}
    together = compare([[0], [1]], [Uncertain(1.0, common), Uncertain(2.0, common)], np.zeros(2))
    apart = compare([[0], [1]], [Uncertain(1.0, {"a": np.ones(1)}), Uncertain(2.0, {"b": np.ones(1)})], np.zeros(2))
    assert together.standard_error == pytest.approx(apart.standard_error)
    assert together.probability_error == pytest.approx(0.0, abs=1e-12)
    p = 1 / (1 + math.exp(-1.0))
    assert apart.probability[1] == pytest.approx(p)
    # exact root mean square change of a logistic curve under a normal change of sd sqrt(2), by quadrature
    t, w = np.polynomial.hermite_e.hermegauss(60)
    exact = math.sqrt(float(w @ (1 / (1 + np.exp(-(1 + math.sqrt(2) * t))) - p) ** 2 / w.sum()))
    assert apart.probability_error[1] == pytest.approx(exact, rel=0.08)  # of 2000 draws


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
        best = tuple(sorted(compared(values).best.partition))
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
