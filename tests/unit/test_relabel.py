"""Relabelling puts exchangeable instances in order, one order for all members, and touches nothing else."""

from __future__ import annotations

import numpy as np
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.targets.exchangeable import out_of_order, relabel
from bayesbeam.targets.sum import Part, SumTarget, sum_target


def target(members: int = 1) -> SumTarget:
    """Three Gaussian peaks, a constant, two Lorentzian peaks."""
    prior = priors.make_prior("normal", mean=0.0, sd=1.0)
    nested = [[prior] * members]
    ones = torch.ones(1, members, 5, dtype=torch.float64)
    parts = []
    for name, component, count in (("peaks", "gaussian", 3), ("flat", "constant", 1), ("lines", "lorentzian", 2)):
        found = registry.get(component)
        parts.append(Part(name, found, count, dict.fromkeys(found.parameter_names, nested)))
    return sum_target(ones, ones, ones, ones, parts, noise.get("normal"), {})


def test_instances_of_each_part_are_sorted_by_position_as_whole_blocks() -> None:
    draw = np.array([[[1.0, 30.0, 0.1, 2.0, 10.0, 0.2, 3.0, 20.0, 0.3, 99.0, 4.0, 8.0, 0.4, 5.0, -8.0, 0.5]]])
    found = relabel(target(), draw)[0, 0]
    assert found.tolist() == [2.0, 10.0, 0.2, 3.0, 20.0, 0.3, 1.0, 30.0, 0.1, 99.0, 5.0, -8.0, 0.5, 4.0, 8.0, 0.4]


def test_any_labels_give_the_same_answer_and_relabelling_twice_is_relabelling_once() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(50, 4, 1, 16))
    once = relabel(target(), draws)
    swapped = draws.copy()
    swapped[..., 0:3], swapped[..., 6:9] = draws[..., 6:9], draws[..., 0:3]
    assert np.array_equal(relabel(target(), swapped), once)
    assert np.array_equal(relabel(target(), once), once)
    assert np.all(np.diff(once[..., [1, 4, 7]], axis=-1) >= 0)
    assert np.array_equal(np.sort(once, axis=-1), np.sort(draws, axis=-1))


def test_members_keep_one_order_that_of_the_mean_position() -> None:
    """In member 0 alone the peaks would be ordered 1 2, in member 1 alone 2 1; the mean decides for both."""
    draws = np.zeros((2, 16))
    draws[:, 1], draws[:, 4], draws[:, 7] = (1.0, 5.0), (2.0, 3.0), (9.0, 9.0)
    draws[:, 0], draws[:, 3], draws[:, 6] = 10.0, 20.0, 30.0
    found = relabel(target(2), draws)
    assert found[:, [0, 3, 6]].tolist() == [[20.0, 10.0, 30.0], [20.0, 10.0, 30.0]]
    assert found[:, [1, 4, 7]].tolist() == [[2.0, 1.0, 9.0], [3.0, 5.0, 9.0]]


def test_the_draws_given_are_not_changed() -> None:
    draws = np.random.default_rng(1).normal(size=(5, 1, 16))
    before = draws.copy()
    relabel(target(), draws)
    assert np.array_equal(draws, before)


def test_states_that_relabelling_would_change_are_out_of_order() -> None:
    rng = np.random.default_rng(2)
    for members in (1, 3):
        draws = rng.normal(size=(60, members, 16))
        draws[:20] = relabel(target(members), draws[:20])
        draws[:5, :, 4] = draws[:5, :, 1]
        changed = (relabel(target(members), draws) != draws).any((-2, -1))
        assert out_of_order(target(members), draws).tolist() == changed.tolist()
        assert changed[20:].any()
        assert not changed[:20].any()
