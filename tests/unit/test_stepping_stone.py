"""Stepping stones and the jackknife on numbers that can be done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bayesbeam.errors import SamplingError
from bayesbeam.evidence.estimate import Replicates, all_but_one, jackknife
from bayesbeam.evidence.pairs import weights
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
    values = np.array([1.0, 2.0, 4.0, 9.0])
    found = jackknife(float(values.mean()), (values.sum() - values) / 3)
    assert found.standard_error == pytest.approx(float(values.std(ddof=1)) / 2, rel=1e-14)


def test_jackknife_takes_off_a_bias_that_goes_as_one_over_the_number_of_chains() -> None:
    """Variance of a few numbers: dividing by n is biased by (n - 1)/n, Quenouille's correction divides by n - 1."""
    values = np.array([1.0, 2.0, 4.0, 9.0])
    without = np.array([np.delete(values, c).var() for c in range(4)])
    assert Replicates(float(values.var()), without).unbiased().value == pytest.approx(values.var(ddof=1), rel=1e-14)


def test_sums_over_all_but_one_subtract_nothing() -> None:
    values = np.array([[1.0, 1e300], [2.0**-70, 2.0], [3 * 2.0**-70, 4.0]])
    assert all_but_one(values).tolist() == [[2.0**-68, 6.0], [1.0, 1e300], [1.0, 1e300]]


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


def test_looking_down_counts_the_possible_part_of_the_first_rung() -> None:
    """Two of six prior draws are possible, all of them in two of four chains."""
    value = draws()
    value[1:, :2, 0] = -math.inf
    value[2:, 2:, 0] = -math.inf
    found = stepping_stone_backward(value, BETA)
    array = value.numpy()
    possible = np.isfinite(array[..., 0])
    assert possible.sum() == 6
    assert found.value == pytest.approx(by_hand(array, -1) - math.log(6 / 24), rel=1e-12)
    without = np.array(
        [by_hand(np.delete(array, c, 1), -1) - math.log(np.delete(possible, c, 1).mean()) for c in range(4)]
    )
    assert found.standard_error == pytest.approx(math.sqrt(3 / 4 * ((without - without.mean()) ** 2).sum()), rel=1e-10)


def test_nothing_but_impossible_draws_has_no_evidence() -> None:
    value = draws()
    value[..., 0] = -math.inf
    for estimate in (stepping_stone_forward, stepping_stone_backward):
        assert estimate(value, BETA).value == math.inf
        assert math.isnan(estimate(value, BETA).standard_error)


def test_log_means_of_weights_hundreds_of_nats_apart() -> None:
    weight = np.array([[0.0, -600.0], [-2000.0, -600.0]])[..., None]
    pooled, without = weights(weight, np.ones(1)).log_mean()
    assert pooled[0] == pytest.approx(-math.log(4), rel=1e-14)
    assert without[:, 0] == pytest.approx([-600.0, -math.log(2)], rel=1e-14)
