"""The multistate estimate against its equation, solved without nodes; draws on nodes; the part of each chain."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bayesbeam import testsystems
from bayesbeam.errors import SamplingError
from bayesbeam.evidence import density
from bayesbeam.evidence.density import place_nodes
from bayesbeam.evidence.mbar import mbar, mbar_at, mbar_curve
from bayesbeam.evidence.sources import Source, ladder_source
from bayesbeam.testsystems.base import even_ladder, log_likelihood_draws

FloatArray = NDArray[np.float64]

SYSTEMS = ["eggbox", "harmonic_8", "pole", "truncated_corner", "poisson_gamma", "two_modes_10"]


def solution(beta: FloatArray, draws: FloatArray, weight: FloatArray) -> float:
    """Free energy by Newton steps on Shirts and Chodera's equation 11; draws (K, n), each with its weight."""
    count, x, w = weight.sum(1), draws.ravel(), weight.ravel()
    possible = np.isfinite(x)
    f = np.zeros(len(beta))
    for _ in range(1000):
        exponent = (f + np.log(count))[:, None] + beta[:, None] * np.where(possible, x, 0.0)
        exponent[1:, ~possible] = -np.inf
        share = np.exp(exponent - exponent.max(0))
        share /= share.sum(0)
        drawn = share * w
        hessian = np.diag(drawn.sum(1)) - drawn @ share.T
        step = np.linalg.solve(hessian[1:, 1:], (count - drawn.sum(1))[1:])
        f[1:] += min(1.0, 2.0 / np.abs(step).max()) * step
        if np.abs(step).max() < 1e-11:
            return float(f[-1])
    raise AssertionError


def exact_draws(name: str, steps: int = 40, chains: int = 6) -> tuple[FloatArray, FloatArray]:
    system = testsystems.get(name)
    beta = even_ladder(system, 0.06)
    draws = log_likelihood_draws(system, beta, steps, chains, torch.Generator().manual_seed(5))
    return draws.numpy(), beta.numpy()


def error_of_nodes(name: str) -> tuple[float, float, float]:
    """Largest departures of F and of F without each chain from the equation, and the standard error."""
    draws, beta = exact_draws(name)
    found = mbar([ladder_source(draws, beta)])

    def exact(kept: FloatArray) -> float:
        rows = kept.transpose(2, 1, 0).reshape(len(beta), -1)
        return solution(beta, rows, np.ones_like(rows))

    without = np.array([exact(np.delete(draws, c, axis=1)) for c in range(draws.shape[1])])
    error = found.free_energy().standard_error
    return abs(found.value - exact(draws)), float(np.abs(found.without - without).max()), error


@pytest.mark.parametrize("name", SYSTEMS)
def test_nodes_and_two_steps_are_the_equation(name: str) -> None:
    """1e-5 nats, as density.py promises, and below a thousandth of the standard error of 240 draws a rung."""
    value, without, error = error_of_nodes(name)
    assert value < 1e-5
    assert value < 1e-3 * error
    # Two Newton steps with the pooled second derivative, one chain in six left out: the cube of 1/6 of an error.
    assert without < error / 216


def test_nodes_that_are_too_far_apart_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density, "SPACING", 0.5)
    assert max(error_of_nodes(name)[0] for name in SYSTEMS) > 1e-5


def test_weights_of_populations_enter_as_in_the_equation(numpy_rng: np.random.Generator) -> None:
    """Two sources on ladders of their own, one with weights, of which one is zero."""
    draws, beta = exact_draws("linear_gaussian_2")
    chains, other = draws.shape[1], beta[[0, 2, 5, -1]]
    stages = draws[:30, :, [0, 2, 5, -1]].transpose(2, 1, 0) - 0.01
    weight = numpy_rng.uniform(0.2, 2.0, (4, chains))
    weight[2, 3] = 0.0
    sources = [ladder_source(draws, beta), Source(other, np.ascontiguousarray(stages), weight)]
    found = mbar(sources)

    def exact(left: int | None) -> float:
        kept = [c for c in range(chains) if c != left]
        rows, weights = [], []
        for k, b in enumerate(beta):
            row, one = [draws[:, kept, k].T.ravel()], [np.ones(len(kept) * len(draws))]
            for i in np.flatnonzero(other == b):
                scale = (len(kept) / chains) * weight[i].sum() / weight[i, kept].sum()
                row.append(stages[i, kept].ravel())
                one.append(np.repeat(scale * weight[i, kept], stages.shape[2]))
            rows.append(np.concatenate(row))
            weights.append(np.concatenate(one))
        longest = max(map(len, rows))
        padded = [np.pad(row, (0, longest - len(row))) for row in rows]
        return solution(beta, np.array(padded), np.array([np.pad(one, (0, longest - len(one))) for one in weights]))

    assert found.value == pytest.approx(exact(None), abs=1e-5)
    np.testing.assert_allclose(found.without, [exact(c) for c in range(chains)], atol=1e-4)


def test_nodes_keep_number_mean_and_square_of_the_draws_of_each_slot(numpy_rng: np.random.Generator) -> None:
    beta = np.array([0.0, 0.1, 1.0])
    rows = -numpy_rng.gamma(2.0, 3.0, (6, 500))
    slot = np.array([0, 1, 0, 2, 2, 2])
    nodes = place_nodes(beta, np.full(3, 1000.0), np.array([0.0, 0.5, 3.0]), rows[:, ::20].ravel(), rows.max())
    weight = nodes.deposit(rows, slot)
    kept = np.maximum(rows, nodes.value[0])
    for power in range(3):
        wanted = [(kept[slot == s] ** power).sum() for s in range(3)]
        np.testing.assert_allclose(weight @ nodes.value**power, wanted, rtol=1e-11)


def test_the_same_draws_in_another_layout_give_the_same_bits() -> None:
    draws, beta = exact_draws("rosenbrock")
    found = mbar([ladder_source(draws, beta)])
    for same in (np.asfortranarray(draws), torch.from_numpy(draws), np.repeat(draws, 2, axis=0)[::2]):
        again = mbar([ladder_source(same, torch.from_numpy(beta))])
        assert again.value == found.value
        assert again.without.tolist() == found.without.tolist()


def test_rungs_that_share_less_than_a_draw_give_no_number() -> None:
    draws, beta = exact_draws("linear_gaussian_2")
    draws[..., 4:] += 1e4
    found = mbar([ladder_source(draws, beta)])
    assert math.isnan(found.value)
    assert np.isnan(found.without).all()


def test_no_error_without_a_second_chain() -> None:
    draws, beta = exact_draws("pole", chains=1)
    with pytest.raises(SamplingError, match="chains: 1; expected at least 2"):
        mbar([ladder_source(draws, beta)])


@pytest.mark.parametrize("name", SYSTEMS)
def test_many_inverse_temperatures_at_once_are_those_one_by_one(name: str) -> None:
    draws, beta = exact_draws(name)
    source, at = ladder_source(draws, beta), np.concatenate([beta, np.linspace(0.03, 0.97, 40)])
    value, without = mbar_curve([source], at)
    single = mbar_at([source], at)
    np.testing.assert_allclose(value, [one.value for one in single], rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(without, [one.without for one in single], rtol=1e-12, atol=1e-11)


def test_a_curve_of_rungs_that_share_nothing_has_no_numbers() -> None:
    beta = np.array([0.0, 1.0])
    draws = np.stack([np.linspace(-9e4, -8e4, 40).reshape(10, 4), np.linspace(-3.0, -1.0, 40).reshape(10, 4)], axis=2)
    value, without = mbar_curve([ladder_source(draws, beta)], np.array([0.5, 1.0]))
    assert np.isnan(value).all()
    assert np.isnan(without).all()
    assert without.shape == (2, 4)
    draws[:, 0, 1] = -np.inf
    value, _ = mbar_curve([ladder_source(draws, beta)], np.array([0.5, 1.0]))
    assert np.isposinf(value).all()
