"""Coordinates without bounds: there and back, and the volume against numerical derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bayesbeam import noise, priors
from bayesbeam.models import registry
from bayesbeam.targets.coordinates import Coordinates
from bayesbeam.targets.sum import Part, SumTarget, sum_target

LAWS = {
    "amplitude": ("gamma", {"shape": 2.0, "rate": 1.0}),
    "position": ("normal", {"mean": 0.5, "sd": 2.0}),
    "sd": ("log_uniform", {"low": 0.2, "high": 2.0}),
}


def states(coordinates: Coordinates, groups: Any, x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """States with coordinates x (..., n, d), as in what is drawn from a density."""
    value, _ = coordinates.values(groups, x.swapaxes(-1, -2))
    return coordinates.placed(value, like)


def peak(members: int, shared: frozenset[str]) -> SumTarget:
    x = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64).expand(2, members, 5).contiguous()
    laws = {name: [[priors.make_prior(family, **v)] * members] * 2 for name, (family, v) in LAWS.items()}
    ones = torch.ones_like(x)
    part = Part("peak", registry.get("gaussian"), 1, laws)
    fixed = Part(
        "flat", registry.get("constant"), 1, {"level": [[priors.make_prior("fixed", value=0.3)] * members] * 2}
    )
    return sum_target(x, 0.0 * x, ones, ones, [part, fixed], noise.get("normal"), {}, shared)


@pytest.mark.parametrize(
    ("members", "shared", "dimensions"), [(1, frozenset(), 3), (3, frozenset({"peak.position", "peak.sd"}), 5)]
)
def test_there_and_back(members: int, shared: frozenset[str], dimensions: int) -> None:
    target = peak(members, shared)
    coordinates = target.coordinates
    assert coordinates.dimensions == dimensions
    x = np.random.default_rng(1).normal(size=(20, dimensions))
    like = np.full((members, 4), 0.3)
    theta = states(coordinates, 1, x, like)
    assert (theta[:, :, 3] == 0.3).all()
    for j in np.flatnonzero([slot.shared for slot in target.slots]):
        assert (theta[:, :, j] == theta[:, :1, j]).all()
    assert np.isfinite(target.log_prior(torch.from_numpy(theta).permute(1, 0, 2)[None, :, None]).numpy()).all()
    back, log_volume = coordinates.free(1, theta)
    np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(coordinates.values(1, x.T)[1], log_volume, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(log_volume, numerical(coordinates, x, like), rtol=1e-6)


def test_groups_side_by_side_are_what_each_is_alone() -> None:
    coordinates = peak(3, frozenset({"peak.position", "peak.sd"})).coordinates
    coordinates.low[1] -= 0.5
    rng = np.random.default_rng(2)
    x, like, groups = rng.normal(size=(2, 20, 5)), rng.random((2, 3, 4)), np.array([1, 0])
    theta = states(coordinates, groups, x, like)
    back, log_volume = coordinates.free(groups, theta)
    assert theta[0].tobytes() != states(coordinates, 0, x[0], like[0]).tobytes()
    for place, group in enumerate((1, 0)):
        assert theta[place].tobytes() == states(coordinates, group, x[place], like[place]).tobytes()
        alone = coordinates.free(group, theta[place])
        assert (back[place].tobytes(), log_volume[place].tobytes()) == (alone[0].tobytes(), alone[1].tobytes())


def numerical(coordinates: Coordinates, x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Logarithm of the product of derivatives, each coordinate by itself."""
    total, step = np.zeros(len(x)), 1e-5
    for k in range(coordinates.dimensions):
        shift = step * np.eye(coordinates.dimensions)[k]
        up, down = (states(coordinates, 1, x + sign * shift, like) for sign in (1.0, -1.0))
        rate = (up - down)[:, coordinates.member[k], coordinates.slot[k]] / (2 * step)
        total += np.log(rate)
    return total


def test_far_out_is_still_a_number() -> None:
    coordinates = peak(1, frozenset()).coordinates
    theta = states(coordinates, 0, np.array([[-800.0, 0.0, 800.0]]), np.zeros((1, 4)))
    x, log_volume = coordinates.free(0, theta)
    assert np.isfinite(x).all()
    assert np.isfinite(log_volume).all()
