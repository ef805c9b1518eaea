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


def upwards(log_likelihood: np.ndarray) -> list[float]:
    """Free energy of each step looking up, equation by equation, with no logarithms of sums."""
    return [-math.log(np.mean(np.exp(0.5 * log_likelihood[..., rung]))) for rung in (0, 1)]


def floor_of(chain: int, values: np.ndarray) -> float:
    """Lower quartile of the possible draws (S, C) of the chains of other parity."""
    others = values[:, 1 - chain % 2 :: 2]
    possible = np.sort(others[np.isfinite(others)])
    return float(possible[len(possible) // 4]) if len(possible) else -math.inf


def downwards(log_likelihood: np.ndarray, left_out: int | None = None) -> list[float]:
    """Free energy of each step looking down to the floors that all chains give, without one chain."""
    found = []
    chains = [c for c in range(log_likelihood.shape[1]) if c != left_out]
    for rung in (0, 1):
        weight = part = 0.0
        for c in chains:
            floor = floor_of(c, log_likelihood[..., rung])
            upper, lower = log_likelihood[:, c, rung + 1], log_likelihood[:, c, rung]
            weight += np.exp(-0.5 * upper[upper >= floor]).sum()
            part += (np.isfinite(lower) & (lower >= floor)).sum()
        found.append(math.log(weight / part))
    return found


def jackknife_variance(without: np.ndarray) -> np.ndarray:
    """Of replicates (C, ...)."""
    return (len(without) - 1) / len(without) * ((without - without.mean(0)) ** 2).sum(0)


def estimate_downwards(log_likelihood: np.ndarray) -> tuple[float, float]:
    """Value and error: each logarithm of a mean is low by half its variance."""
    without = np.array([downwards(log_likelihood, c) for c in range(log_likelihood.shape[1])])
    value = sum(downwards(log_likelihood)) + 0.5 * jackknife_variance(without).sum()
    return float(value), math.sqrt(jackknife_variance(without.sum(1)))


def test_value_and_error_looking_up_are_those_of_the_formula() -> None:
    value = draws()
    found = stepping_stone_forward(value, BETA)
    array = value.numpy()
    without = np.array([sum(upwards(np.delete(array, c, axis=1))) for c in range(4)])
    # The same sums in another order: a few units in the last place of numbers of order 1.
    assert found.value == pytest.approx(sum(upwards(array)), rel=1e-12, abs=1e-13)
    assert found.standard_error == pytest.approx(math.sqrt(jackknife_variance(without)), rel=1e-10)
    assert found.degrees_of_freedom == 3


@pytest.mark.parametrize("impossible", [0, 1, 5])
def test_value_and_error_looking_down_are_those_of_the_formula(impossible: int) -> None:
    """Also with one, and five, of six prior draws of half of the chains impossible."""
    value = draws(shape=(6, 5, 3))
    value[:impossible, 1:3, 0] = -math.inf
    found = stepping_stone_backward(value, BETA)
    right, error = estimate_downwards(value.numpy())
    # As above.
    assert found.value == pytest.approx(right, rel=1e-12, abs=1e-13)
    assert found.standard_error == pytest.approx(error, rel=1e-10)
    assert found.degrees_of_freedom == 4


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
    assert found.value == pytest.approx(sum(upwards(array)), rel=1e-12)
    assert math.isfinite(found.standard_error)


def test_looking_down_counts_the_possible_part_of_the_first_rung() -> None:
    """Draws that come in sixes: F rises by ln 3 where two of each six are impossible on the first rung."""
    value = torch.repeat_interleave(draws(shape=(40, 4, 3)), 6, dim=0)
    whole = stepping_stone_backward(value, BETA)
    value[torch.arange(240) % 6 < 4, :, 0] = -math.inf
    found = stepping_stone_backward(value, BETA)
    # The floor is the same draw, for a quarter of 80 possible values of two chains is a quarter of 480.
    assert found.value == pytest.approx(whole.value + math.log(3), rel=1e-12)
    assert found.standard_error == pytest.approx(whole.standard_error, rel=1e-10)


def test_draws_far_below_the_floor_change_nothing() -> None:
    value = draws(shape=(200, 4, 3))
    before = stepping_stone_backward(value, BETA)
    far = value.clone()
    far[..., 2][value[..., 2] < value[..., 1].min()] = -1e6
    assert (far != value).any()
    assert stepping_stone_backward(far, BETA) == before


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
