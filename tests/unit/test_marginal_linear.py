"""Linear parameters integrated out: the marginal likelihood against closed forms, and draws restored afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from tests.marginal_cases import CASES, exact, made, out_of, states
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.models import registry
from bayesbeam.models.base import Component
from bayesbeam.models.linear_in import linear_parameters
from bayesbeam.rng import stream_key
from bayesbeam.targets import marginal_linear
from bayesbeam.targets.elimination import back_substituted, eliminated, log_diagonal
from bayesbeam.targets.marginal_linear import MarginalTarget
from bayesbeam.targets.marginalise import is_proportional, marginalised
from bayesbeam.targets.parts import Tie


def likelihood(target: MarginalTarget, theta: Tensor) -> Tensor:
    return target.log_likelihood(target.rows(theta), theta)


@pytest.mark.parametrize("case", CASES)
def test_marginal_likelihood_is_that_of_the_closed_form(case: str) -> None:
    target = out_of(CASES[case]())
    theta = states(target)
    found = likelihood(target, theta)
    for g, d, c, r in np.ndindex(*found.shape):
        assert float(found[g, d, c, r]) == pytest.approx(exact(target, theta[g, d, c, r], g, d), rel=1e-11)


def test_a_missing_determinant_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    target = out_of(CASES["peaks"]())
    theta = states(target)
    monkeypatch.setattr(marginal_linear, "log_diagonal", lambda factor: torch.zeros_like(factor[..., 0, 0]))
    found = likelihood(target, theta)[0, 0, 0, 0]
    assert float(found) != pytest.approx(exact(target, theta[0, 0, 0, 0], 0, 0), rel=1e-4)


def test_single_precision_rows_give_the_same_to_their_rounding() -> None:
    double, single = (
        out_of(made({"lines": ("gaussian", 3), "flat": ("constant", 1)}, dtype=dtype))
        for dtype in (torch.float64, torch.float32)
    )
    theta = states(double)
    # Residuals are rounded to 1e-7 of the curve; a sum of 37 squares of order 10 feels a few millionths.
    torch.testing.assert_close(likelihood(single, theta), likelihood(double, theta), rtol=0.0, atol=1e-4)


@pytest.mark.parametrize("case", ["estimated level", "members"])
def test_states_do_not_feel_their_batch(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = out_of(CASES[case]())
    theta = states(target, 3, 5)
    whole = likelihood(target, theta)
    alone = likelihood(target.select(torch.tensor([1])), theta[1:, :, :, 2:3].contiguous())
    assert torch.equal(whole[1:, :, :, 2:3], alone)
    assert torch.equal(whole[..., 3:4], likelihood(target, theta[:, :, :, 3:4]))
    monkeypatch.setattr(marginal_linear, "_NUMBERS", 1)
    assert torch.equal(whole, likelihood(target, theta))


def test_an_impossible_level_and_an_infinite_curve_have_no_likelihood() -> None:
    target = out_of(CASES["estimated level"]())
    theta = states(target)
    theta[0, 0, 0, 0, -1] = -1.0
    theta[0, 0, 0, 1, 0] = torch.nan
    found = likelihood(target, theta)[0, 0, 0]
    assert found[0] == -torch.inf
    assert torch.isnan(found[1])
    assert torch.isfinite(found[2])


def test_names_blocks_and_orders_are_those_that_are_left() -> None:
    target = out_of(made({"lines": ("gaussian", 2), "cubic": ("cubic", 1)}, "normal_scaled"))
    named = [(slot.name, slot.index) for slot in target.slots if not target.priors[target.slots.index(slot)].is_fixed]
    assert named == [(f"lines.{n}", k) for k in (1, 2) for n in ("position", "sd")] + [("noise.scale", None)]
    assert [[target.slots[j].name for j in block] for block in target.blocks] == [
        ["lines.position", "lines.sd"], ["lines.position", "lines.sd"], ["noise.scale"],
    ]  # fmt: skip
    lines = [one for one in target.instances if one.part == "lines"]
    assert [target.slots[one.order_slot or 0].name for one in lines] == ["lines.position"] * 2


# Draws restored


def keys(members: int = 1) -> Tensor:
    return torch.tensor([stream_key(9, "group", f"member {d}") for d in range(members)])


def surprise(target: MarginalTarget, draws: NDArray[np.float64], theta: Tensor) -> float:
    """Probability of scores as far from normal, by means, variances and correlations, given one state (P,) for all."""
    state = theta.expand(1, 1, 1, 1, -1)
    one = target.select(torch.tensor([0]))
    factor, ahead = eliminated(one.system(state).gram, one.system(state).onto)
    best, width = back_substituted(factor, ahead)[0, 0, 0, 0], one.sd[0, 0, 0, 0]
    units = (torch.from_numpy(draws[:, 0, :, list(target.linear)]) - one.mean[0, 0, 0, 0, :, None, None]) / width[
        :, None, None
    ]
    scores = torch.einsum("ji,jsc->isc", factor[0, 0, 0, 0], units - best[:, None, None]).reshape(len(width), -1)
    number = scores.shape[1]
    outer = scores @ scores.T / number
    size = len(width)
    squares = number * float(scores.mean(1).square().sum())
    squares += number * float(((outer.diagonal() - 1.0) ** 2 / 2.0).sum())
    squares += number * float(outer.tril(-1).square().sum())
    return float(stats.chi2(2 * size + size * (size - 1) // 2).sf(squares))


@pytest.mark.parametrize("case", ["peaks", "background", "peaks about means"])
def test_restored_draws_have_the_conditional_distribution(case: str) -> None:
    """False alarm 1e-4 a case; a draw without its covariance, or with that of each by itself, is seen."""
    target = out_of(CASES[case]())
    theta = states(target, 1, 1)[0, 0, 0, 0]
    # Peaks that lie upon each other, so that their heights are correlated.
    for j, slot in enumerate(target.slots):
        if slot.parameter in ("position", "sd"):
            theta[j] = 0.4 * (slot.index or 1) if slot.parameter == "position" else 0.8
    kept = np.tile(theta.numpy(), (2000, 1, 2, 1))
    draws = target.restored(kept, 0, keys())
    assert np.array_equal(draws[..., list(target.kept)], kept)
    assert surprise(target, draws, theta) > 1e-4
    columns = draws[..., list(target.linear)]
    for planted in (
        np.broadcast_to(columns.mean((0, 2), keepdims=True), columns.shape),
        columns.mean((0, 2), keepdims=True) + 1.1 * (columns - columns.mean((0, 2), keepdims=True)),
        np.random.default_rng(1).permuted(columns, axis=0),
    ):
        wrong = draws.copy()
        wrong[..., list(target.linear)] = planted
        assert surprise(target, wrong, theta) < 1e-10


def test_restored_draws_are_the_same_in_any_batch_and_in_any_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    target = out_of(CASES["members"]())
    theta = np.random.default_rng(2).uniform(0.3, 0.9, (7, 2, 3, len(target.slots)))
    whole = target.restored(theta, 1, keys(2))
    alone = target.select(torch.tensor([1]))
    assert np.array_equal(whole, alone.restored(theta, 0, keys(2)))
    monkeypatch.setattr(marginal_linear, "_NUMBERS", 1)
    assert np.array_equal(whole, target.restored(theta, 1, keys(2)))
    # Chains, members and draws have numbers of their own.
    linear = whole[..., list(target.linear)]
    assert len(np.unique(linear)) == linear.size


# What cannot be


def test_what_cannot_be_integrated_out_is_refused() -> None:
    peaks = {"lines": ("gaussian", 1)}
    tie = Tie((("first", "amplitude"),), lambda m, a: m.square(a))
    bent = made({"first": ("gaussian", 1), "second": ("gaussian", 1)}, ties={"second": {"amplitude": tie}})
    for target, gone, words in (
        (made(peaks, "normal_relative"), [0], "noise normal_relative; expected normal noise"),
        (made(peaks), [1], "lines.position: a prior uniform; expected a normal prior"),
        (made({"flat": ("constant", 1)}, members=2, shared=("flat.level",)), [0], "no free parameter of its own"),
        (bent, [0], "not linear in first.amplitude together"),
    ):
        with pytest.raises(ModelError, match=words):
            marginalised(target, gone)


@pytest.mark.parametrize("component", registry.all_components(), ids=lambda one: one.name)
def test_a_curve_is_proportional_where_the_formula_shows_it(component: Component) -> None:
    """To what it is linear in; not where one of these is left at a value."""
    names = linear_parameters(component)
    x, theta = torch.linspace(-5.0, 5.0, 41, dtype=torch.float64), component.random(torch.Generator().manual_seed(2))
    for gone in (names, names[:1], names[1:]):
        zero = theta.clone()
        zero[:, [component.index(name) for name in gone]] = 0.0
        assert is_proportional(component, gone) == (not bool(component.forward(x, zero).any()))


def test_elimination_solves_and_is_a_factor() -> None:
    rng = torch.Generator().manual_seed(1)
    root = torch.randn(3, 5, 5, generator=rng, dtype=torch.float64)
    matrix, vector = root @ root.mT, torch.randn(3, 5, generator=rng, dtype=torch.float64)
    factor, ahead = eliminated(matrix, vector)
    one = torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close(factor @ factor.mT, matrix + one)
    torch.testing.assert_close(back_substituted(factor, ahead), torch.linalg.solve(matrix + one, vector))
    torch.testing.assert_close(log_diagonal(factor), 0.5 * torch.linalg.slogdet(matrix + one)[1])
    # Two equal columns, a trillion times what the prior says: rounding makes no pivot less than one.
    large = torch.full((2, 2), 1e24, dtype=torch.float64)
    assert float(eliminated(large, torch.zeros(2).double())[0][1, 1]) >= 1.0
