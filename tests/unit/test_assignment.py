"""Peaks are told apart by assignment where order by position mixes them, whatever order they are sampled in."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.targets.assignment import MIXED, _best, _features, _overlap, label
from bayesbeam.targets.exchangeable import ordered_parts, relabel
from bayesbeam.targets.sum import Part, SumTarget, sum_target

Array = NDArray[np.float64]
DRAWS = 1500


def target(count: int, members: int = 1, shared: frozenset[str] = frozenset()) -> SumTarget:
    """Gaussian peaks with walks in the logarithm of the width, and a constant."""
    given = {
        "amplitude": priors.make_prior("half_normal", sd=3.0),
        "position": priors.make_prior("uniform", low=0.0, high=3.0),
        "sd": priors.make_prior("log_uniform", low=0.01, high=1.0),
        "level": priors.make_prior("normal", mean=0.0, sd=1.0),
    }
    ones = torch.ones(1, members, 5, dtype=torch.float64)
    parts = []
    for name, component, number in (("peaks", "gaussian", count), ("flat", "constant", 1)):
        found = registry.get(component)
        parts.append(Part(name, found, number, {word: [[given[word]] * members] for word in found.parameter_names}))
    return sum_target(ones, ones, ones, ones, parts, noise.get("normal"), {}, shared)


def posterior(peaks: Array, spread: Array, seed: int) -> Array:
    """Draws (C, S, 1, P) about peaks (k, 3), each in the order of ``peaks``, with a level at the end."""
    rng = np.random.default_rng(seed)
    draws = peaks + spread * rng.standard_normal((4, DRAWS // 4, *peaks.shape))
    return np.concatenate([draws.reshape(*draws.shape[:2], 1, -1), rng.normal(size=(4, DRAWS // 4, 1, 1))], -1)


def shuffled(draws: Array, count: int, seed: int) -> Array:
    """Draws with the peaks of each in random order."""
    rng = np.random.default_rng(seed)
    peaks = draws[..., :-1].reshape(*draws.shape[:-1], count, 3)
    order = rng.permuted(np.broadcast_to(np.arange(count), peaks.shape[:-1]), axis=-1)
    moved = np.take_along_axis(peaks, order[..., None], -2)
    return np.concatenate([moved.reshape(*draws.shape[:-1], -1), draws[..., -1:]], -1)


CROSSING = np.array([[1.0, 1.499, 0.30], [1.0, 1.501, 0.06]])
CROSSING_SPREAD = np.array([[0.05, 0.02, 0.02], [0.05, 0.02, 0.004]])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_crossing_peaks_are_mixed_by_order_and_told_apart_by_assignment(seed: int) -> None:
    """Positions agree to a tenth of their spread, widths differ by ten spreads: not one draw may be mistaken."""
    given = posterior(CROSSING, CROSSING_SPREAD, seed)
    found, (labels,) = label(target(2), shuffled(given, 2, seed))
    assert (labels.by, labels.doubtful) == ("assignment", [])
    # Numbers follow the mean position, which may come out either way.
    turned = given[..., 1].mean() > given[..., 4].mean()
    expected = given[..., [3, 4, 5, 0, 1, 2, 6]] if turned else given
    np.testing.assert_array_equal(found, expected)
    ordered = relabel(target(2), given)
    wrong = (ordered[..., 2] != expected[..., 2]).mean()
    assert 0.4 < wrong < 0.6


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_answer_does_not_depend_on_the_order_in_which_peaks_were_sampled(count: int) -> None:
    rng = np.random.default_rng(count)
    peaks = np.column_stack([rng.uniform(1, 2, count), rng.uniform(1.4, 1.6, count), np.geomspace(0.03, 0.3, count)])
    given = posterior(peaks, np.array([0.05, 0.1, 0.004]), count)
    first, labels = label(target(count), given)
    for seed in (1, 2):
        again, same = label(target(count), shuffled(given, count, seed))
        np.testing.assert_array_equal(again, first)
        np.testing.assert_array_equal(same[0].overlap, labels[0].overlap)
    np.testing.assert_array_equal(label(target(count), first)[0], first)


def test_a_peak_that_may_be_anywhere_does_not_mix_the_others() -> None:
    rng = np.random.default_rng(5)
    peaks = np.array([[1.0, 1.2, 0.1], [1.5, 1.45, 0.08], [1.2, 1.7, 0.08], [0.1, 1.5, 0.1]])
    spread = np.array([[0.05, 0.01, 0.005]] * 3 + [[0.0, 0.0, 0.0]])
    given = posterior(peaks, spread, 5)
    given[..., 10] = rng.uniform(0.0, 3.0, given.shape[:-1])
    given[..., 9] = rng.gamma(1.0, 0.1, given.shape[:-1])
    found, (labels,) = label(target(4), shuffled(given, 4, 5))
    assert labels.by == "assignment"
    positions = found[..., [1, 4, 7, 10]].reshape(-1, 4)
    spreads = sorted(positions.std(0))
    np.testing.assert_allclose(spreads[:3], 0.01, rtol=0.1)  # of 1500 draws: a fiftieth, five times
    assert relabel(target(4), given)[..., [1, 4, 7, 10]].reshape(-1, 4).std(0).min() > 0.1


def test_a_pair_that_cannot_be_told_apart_does_not_keep_another_pair_mixed() -> None:
    peaks = np.concatenate([CROSSING, [[1.0, 2.5, 0.1], [1.0, 2.5, 0.1]]])
    spread = np.concatenate([CROSSING_SPREAD, [[0.05, 0.02, 0.01]] * 2])
    found, (labels,) = label(target(4), shuffled(posterior(peaks, spread, 9), 4, 9))
    assert labels.by == "assignment"
    assert [(first, second) for first, second, _ in labels.doubtful] == [(3, 4)]
    widths = sorted(found[..., [2, 5]].reshape(-1, 2).std(0))
    np.testing.assert_allclose(widths, [0.004, 0.02], rtol=0.1)  # of 1500 draws: a fiftieth, five times


def test_peaks_that_are_apart_stay_in_order_of_position_draw_by_draw() -> None:
    peaks = np.array([[1.0, 1.0, 0.1], [1.0, 2.0, 0.1], [1.0, 2.6, 0.1]])
    given = shuffled(posterior(peaks, np.array([0.1, 0.05, 0.01]), 6), 3, 6)
    found, (labels,) = label(target(3), given)
    assert (labels.by, labels.doubtful) == ("order", [])
    np.testing.assert_array_equal(found, relabel(target(3), given))


@pytest.mark.parametrize("separation", [0.0, 1.0, 2.0, 4.0, 5.0])
def test_peaks_closer_than_three_spreads_in_everything_cannot_be_told_apart(separation: float) -> None:
    peaks = np.array([[1.0, 1.5, 0.1], [1.0, 1.5 + 0.02 * separation, 0.1]])
    given = shuffled(posterior(peaks, np.array([0.05, 0.02, 0.005]), 7), 2, 7)
    _, (labels,) = label(target(2), given)
    assert labels.by == "order"
    pairs = [(first, second) for first, second, _ in labels.doubtful]
    assert pairs == ([(1, 2)] if separation < 3 else [])
    assert bool(labels.overlap[0, 1] >= MIXED) == (separation < 3)


def test_members_of_a_group_keep_one_numbering_and_shared_parameters_count_once() -> None:
    """The width tells the peaks apart in one member only; the other follows."""
    rng = np.random.default_rng(8)
    one = posterior(CROSSING, CROSSING_SPREAD, 8)
    two = one.copy()
    two[..., [0, 3]] = 1.0 + 0.05 * rng.standard_normal((*one.shape[:-1], 2))
    two[..., 2] = two[..., 5] = 0.1
    two[..., [2, 5]] += 0.01 * rng.standard_normal((*one.shape[:-1], 2))
    given = np.concatenate([one, two], axis=2)
    mixed = np.where(rng.random(given.shape[:2])[..., None, None] < 0.5, given, given[..., [3, 4, 5, 0, 1, 2, 6]])
    joint = target(2, 2, frozenset({"peaks.position"}))
    assert _features(joint, mixed.reshape(-1, 2, 7), next(ordered_parts(joint))).shape[1:] == (2, 5)
    found, (labels,) = label(joint, mixed)
    assert labels.by == "assignment"
    turned = given[..., 0, 1].mean() > given[..., 0, 4].mean()
    np.testing.assert_array_equal(found, given[..., [3, 4, 5, 0, 1, 2, 6]] if turned else given)


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_each_draw_gets_the_assignment_of_least_cost(count: int) -> None:
    costs = np.random.default_rng(count).normal(size=(40, count, count))
    orders = [list(order) for order in permutations(range(count))]
    least = [min(sum(row[o[a], a] for a in range(count)) for o in orders) for row in costs]
    found = [sum(row[o[a], a] for a in range(count)) for row, o in zip(costs, _best(costs), strict=True)]
    np.testing.assert_allclose(found, least, rtol=1e-12)


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
def test_the_overlap_of_two_normal_labels_is_twice_the_share_that_is_the_other_way_round(distance: float) -> None:
    """Both labels of spread 1: by how much the likeliest order is likelier is the product of distance and difference.

    The share is that of draws of both orders alike, by simulation of which order each draw came from.
    """
    rng = np.random.default_rng(11)
    first, second = rng.standard_normal(200_000), distance + rng.standard_normal(200_000)
    z = np.stack([first, second], 1)
    costs = 0.5 * (z[:, :, None] - np.array([0.0, distance])) ** 2
    # Given the two values alone, either order is a coin whose odds are the ratio of the densities.
    odds = np.exp(distance * (first - second))
    swapped = rng.random(first.size) < odds / (1.0 + odds)
    error = 2.0 * np.sqrt(swapped.mean() / first.size)
    assert _overlap(costs)[0, 1] == pytest.approx(2.0 * swapped.mean(), abs=5.0 * error)
    assert distance > 0 or _overlap(costs)[0, 1] == 1.0


def test_parts_with_nothing_to_tell_peaks_apart_are_left_alone() -> None:
    found = registry.get("gaussian")
    nested = {word: [[priors.make_prior("fixed", value=1.0)]] for word in found.parameter_names}
    ones = torch.ones(1, 1, 5, dtype=torch.float64)
    level = Part("flat", registry.get("constant"), 1, {"level": [[priors.make_prior("normal", mean=0.0, sd=1.0)]]})
    fixed = sum_target(ones, ones, ones, ones, [Part("p", found, 2, nested), level], noise.get("normal"), {})
    draws = np.ones((3, 10, 1, 7))
    same, labels = label(fixed, draws)
    assert labels == ()
    np.testing.assert_array_equal(same, draws)
