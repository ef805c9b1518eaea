"""Ladders: equal barriers after re-spacing, and refusals by index."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator

from bayesbeam.errors import LadderError
from bayesbeam.evidence.estimate import check_ladder
from bayesbeam.sampling.ladder import _interpolated, respace
from bayesbeam.sampling.tuning import rungs_needed


def geometric_ladder(replicas: int) -> torch.Tensor:
    """Ladder of the 2012 paper: 0, then 1.5^(l - replicas) for l = 2 .. replicas."""
    power = torch.arange(replicas, dtype=torch.float64) - (replicas - 1)
    return torch.where(power == 1 - replicas, 0.0, 1.5**power)


def barrier(beta: torch.Tensor) -> torch.Tensor:
    """A known cumulative barrier: 3 sqrt(beta)."""
    return 3.0 * torch.sqrt(beta)


@pytest.mark.parametrize("replicas", [7, 16, 30])
def test_respacing_equalises_a_known_barrier(replicas: int) -> None:
    beta = geometric_ladder(16)[None]
    rejection = torch.diff(barrier(beta))
    new = respace(beta, rejection, replicas)
    check_ladder(new)
    assert new.shape == (1, replicas)
    steps = torch.diff(barrier(new))[0]
    # The barrier is linear in the coordinate that is interpolated: exact to rounding (beta carries 1e-16, its root
    # near 0 is pinned).
    torch.testing.assert_close(steps, torch.full_like(steps, 3.0 / (replicas - 1)), rtol=1e-9, atol=1e-12)


def test_respacing_puts_rungs_where_the_barrier_is() -> None:
    """A first-order transition between 0.2 and 0.4: most new rungs go there, and the ladder stays one."""
    beta = torch.linspace(0.0, 1.0, 11, dtype=torch.float64)[None]
    rejection = torch.zeros(1, 10, dtype=torch.float64)
    rejection[0, 2:4] = 0.9
    new = respace(beta, rejection, 11)
    check_ladder(new)
    assert int(((new > 0.2) & (new < 0.4)).sum()) >= 8


def test_respacing_without_any_rejection_still_gives_a_ladder() -> None:
    beta = geometric_ladder(12).expand(2, -1)
    new = respace(beta, torch.zeros(2, 11, dtype=torch.float64), 9)
    check_ladder(new)


def test_number_of_rungs_follows_the_barrier_within_limits() -> None:
    assert [rungs_needed(barrier) for barrier in (0.0, 7.2, 19.0, 40.0)] == [6, 16, 37, 40]
    assert [rungs_needed(barrier, simple=True) for barrier in (0.0, 7.2, 19.0, 40.0)] == [6, 13, 29, 40]


@pytest.mark.parametrize(
    ("beta", "words"),
    [
        ([0.1, 0.5, 1.0], "from 0.1 to 1"),
        ([0.0, 0.5, 0.9], "from 0 to 0.9"),
        ([0.0, 0.5, 0.5, 1.0], "after index 1"),
        ([0.0, 0.2, 0.7, 0.6, 1.0], "after index 2"),
    ],
)
def test_a_bad_ladder_is_refused_by_its_first_bad_index(beta: list[float], words: str) -> None:
    with pytest.raises(LadderError, match=words):
        check_ladder(torch.tensor(beta, dtype=torch.float64))


def test_a_ladder_with_nan_is_refused() -> None:
    with pytest.raises(LadderError):
        check_ladder(torch.tensor([0.0, float("nan"), 1.0], dtype=torch.float64))


@pytest.mark.parametrize("points", [2, 3, 4, 20])
def test_interpolation_is_that_of_scipy(points: int, numpy_rng: np.random.Generator) -> None:
    x, y = (np.cumsum(numpy_rng.gamma(0.3, size=points)) for _ in range(2))
    y[points // 2 :] -= y[points // 2] - y[points // 2 - 1]
    at = np.linspace(x[0], x[-1], 50)
    np.testing.assert_allclose(_interpolated(x, y, at), PchipInterpolator(x, y)(at), rtol=1e-13, atol=1e-15)
