"""Stepping stones and the jackknife on numbers that can be done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bayesbeam.errors import SamplingError
from bayesbeam.evidence.estimate import jackknife, leave_one_out_logsumexp
from bayesbeam.evidence.stepping_stone import stepping_stone_backward, stepping_stone_forward

BETA = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)


def draws(seed: int = 1, shape: tuple[int, ...] = (6, 4, 3)) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_hand(log_likelihood: np.ndarray, direction: int) -> float:
    """Equation by equation, with no logarithms of sums."""
    total = 0.0
    for low, high in ((0, 1), (1, 2)):
        rung = low if direction > 0 else high
        total += direction * math.log(np.mean(np.exp(direction * 0.5 * log_likelihood[..., rung])))
    return -total


@pytest.mark.parametrize(
    ("estimate", "direction"), [(stepping_stone_forward, 1), (stepping_stone_backward, -1)], ids=["up", "down"]
)
def test_value_and_error_are_those_of_the_formula(estimate: type, direction: int) -> None:
    value = draws()
    found = estimate(value, BETA)
    array = value.numpy()
    without = np.array([by_hand(np.delete(array, c, axis=1), direction) for c in range(4)])
    # The same sums in another order: a few units in the last place of numbers of order 1.
    assert found.value == pytest.approx(by_hand(array, direction), rel=1e-12, abs=1e-13)
    error = math.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum())
    assert found.standard_error == pytest.approx(error, rel=1e-10)
    assert found.degrees_of_freedom == 3


def test_jackknife_of_a_mean_is_the_error_of_a_mean() -> None:
    """For a linear estimate the jackknife is the textbook formula, exactly."""
    values = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64)
    without = (values.sum() - values) / 3
    found = jackknife(values.mean(), without)
    assert found.standard_error == pytest.approx(float(values.std()) / 2, rel=1e-14)


def test_no_error_without_a_second_chain() -> None:
    with pytest.raises(SamplingError, match="chains: 1; expected at least 2"):
        stepping_stone_forward(draws(shape=(5, 1, 3)), BETA)


def test_impossible_draws_weigh_nothing() -> None:
    """At beta = 0 a prior draw may be impossible: it counts as a weight of zero, not as a nan."""
    value = draws()
    value[:3, :, 0] = -math.inf
    found = stepping_stone_forward(value, BETA)
    array = value.numpy()
    assert found.value == pytest.approx(by_hand(array, 1), rel=1e-12)
    assert math.isfinite(found.standard_error)


def test_nothing_but_impossible_draws_has_no_evidence() -> None:
    value = draws()
    value[..., 0] = -math.inf
    assert stepping_stone_forward(value, BETA).value == math.inf


def test_log_means_of_weights_a_thousand_nats_apart() -> None:
    weight = torch.tensor([[0.0, -1000.0], [-2000.0, -1000.0]], dtype=torch.float64)[..., None]
    pooled, without = leave_one_out_logsumexp(weight)
    assert float(pooled) == pytest.approx(-math.log(4), rel=1e-14)
    assert without[1].item() == pytest.approx(-math.log(2), rel=1e-14)
