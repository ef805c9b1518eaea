"""Bennett's acceptance ratio against an independent root finder, and where it meets other estimators."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.special import expit

from bayesbeam.evidence.bar import bar, neighbour_estimates
from bayesbeam.evidence.stepping_stone import stepping_stone_backward, stepping_stone_forward

BETA = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)


def draws(shape: tuple[int, ...] = (50, 5, 3), shift: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(shape, dtype=torch.float64, generator=generator) * 2.0 + shift


def root_of_bennett(log_likelihood: np.ndarray, beta: np.ndarray) -> float:
    """Bennett's equation (12), solved pair by pair by Brent's method; equal numbers of draws on both rungs."""
    total = 0.0
    for low in range(len(beta) - 1):
        gap = beta[low + 1] - beta[low]
        up, down = gap * log_likelihood[..., low], gap * log_likelihood[..., low + 1]
        total += brentq(lambda c, u=up, d=down: expit(u - c).sum() - expit(c - d).sum(), -100, 100, xtol=1e-14)
    return -total


@pytest.mark.parametrize("shift", [0.0, -40.0, 30.0])
def test_value_is_the_root_of_bennetts_equation(shift: float) -> None:
    value = draws(shift=shift)
    # Brent to 1e-14, Newton's last step is below the square of 1e-7.
    assert bar(value, BETA).value == pytest.approx(root_of_bennett(value.numpy(), BETA.numpy()), abs=1e-11)


def test_error_by_one_newton_step_is_close_to_the_exact_jackknife() -> None:
    """Leaving a chain out exactly: the Newton step is right to order 1/C, a few per cent at 20 chains."""
    value = draws((100, 20, 3))
    array = value.numpy()
    without = np.array([root_of_bennett(np.delete(array, c, axis=1), BETA.numpy()) for c in range(20)])
    exact = math.sqrt(19 / 20 * ((without - without.mean()) ** 2).sum())
    found = bar(value, BETA)
    assert found.standard_error == pytest.approx(exact, rel=0.05)
    assert found.degrees_of_freedom == 19


def test_rungs_without_distance_cost_nothing() -> None:
    """Splitting a ladder at a rung of identical draws with hardly any gap changes F by that gap only."""
    value = draws()
    tiny = torch.tensor([0.0, 1e-12, 1.0], dtype=torch.float64)
    near = bar(value, tiny).value
    alone = bar(value[..., 1:], torch.tensor([0.0, 1.0], dtype=torch.float64)).value
    assert near == pytest.approx(alone, abs=1e-10)


def test_impossible_draws_on_the_lowest_rung_are_no_nan() -> None:
    value = draws()
    value[::2, :, 0] = -math.inf
    found = bar(value, BETA)
    assert math.isfinite(found.value)
    assert math.isfinite(found.standard_error)
    both = draws()
    both[::2, :, 0] = -1e9
    assert found.value == pytest.approx(bar(both, BETA).value, abs=1e-11)


def test_between_close_rungs_it_agrees_with_the_stepping_stone() -> None:
    """With a gap of 1e-6 both are the mean log-likelihood, up to the square of the gap."""
    value = draws((200, 4, 2))
    value[..., 1] = value[..., 0]
    close = torch.tensor([0.0, 1e-6], dtype=torch.float64)
    assert bar(value, close).value == pytest.approx(stepping_stone_forward(value, close).value, abs=1e-11)


def test_rungs_that_share_nothing_have_no_error() -> None:
    """All chains agree on a number that no draw has a say in: the jackknife alone would call it exact."""
    value = draws()
    value[..., 2] += 1e4
    found = bar(value, BETA)
    assert math.isnan(found.standard_error)
    forward, backward = stepping_stone_forward(value, BETA).value, stepping_stone_backward(value, BETA).value
    assert min(forward, backward) < found.value < max(forward, backward)


def test_estimates_from_common_weights_are_those_of_each_function_to_the_bit() -> None:
    value = draws((40, 6, 3)).numpy()
    value[::3, :, 0] = -math.inf
    functions = (bar, stepping_stone_forward, stepping_stone_backward)
    found = neighbour_estimates(value, BETA)
    assert found == {function.__name__: function(value, BETA) for function in functions}
    # Nor do memory layout, the kind of array or a view of a larger one matter.
    wide = np.zeros((40, 6, 9))
    wide[..., 1:7:2] = value
    for same in (np.asfortranarray(value), torch.from_numpy(value), wide[..., 1:7:2]):
        assert neighbour_estimates(same, BETA.numpy()) == found
