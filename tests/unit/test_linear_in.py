"""Which parameters curves are linear in, against what the curves themselves do."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from tests.operator_cases import CASES, made, parts_of
from torch import Tensor

from bayesbeam.models import linear_in, registry
from bayesbeam.models.base import Component
from bayesbeam.models.linear_in import columns, is_linear, linear_parameters

X = torch.linspace(-5.0, 5.0, 41, dtype=torch.float64)
COMPONENTS = pytest.mark.parametrize("component", registry.all_components(), ids=lambda one: one.name)


def draws(component: Component, count: int = 12) -> Tensor:
    return component.random(torch.Generator().manual_seed(3), count)


def bends(component: Component, names: tuple[str, ...]) -> bool:
    """Whether the curve at the middle of two states that differ in these parameters alone is not the mean of theirs."""
    one, other = draws(component, 24).chunk(2)
    second = one.clone()
    for name in names:
        second[:, component.index(name)] = other[:, component.index(name)]
    ends = [component.forward(X, theta) for theta in (one, second)]
    middle = component.forward(X, 0.5 * (one + second))
    size = torch.stack([end.abs() for end in (*ends, middle)]).amax((0, 2), keepdim=True)[0]
    return bool(((middle - 0.5 * (ends[0] + ends[1])).abs() > 1e-12 * (1.0 + size)).any())


@COMPONENTS
def test_parameters_are_linear_where_the_curve_is(component: Component) -> None:
    free = [p.name for p in component.parameters if not p.prior.startswith("fixed")]
    for names in [*((name,) for name in free), *combinations(free, 2)]:
        assert is_linear(component, names) is not bends(component, names), names


@COMPONENTS
def test_a_curve_is_its_rest_and_its_columns(component: Component) -> None:
    names = linear_parameters(component)
    assert component.amplitude is None or component.amplitude in names
    for theta in draws(component):
        values = dict(zip(component.parameter_names, theta.tolist(), strict=True))
        rest, found = columns(component, X, {n: v for n, v in values.items() if n not in names}, names)
        curve = rest + found @ torch.tensor([values[name] for name in names], dtype=torch.float64)
        expected = component.forward(X, theta)
        torch.testing.assert_close(curve, expected, rtol=1e-13, atol=1e-13 * float(expected.abs().max()))


def test_of_two_that_multiply_each_other_the_first_asked_for_is_taken() -> None:
    pair = registry.get("doublet", of="gaussian")
    assert linear_parameters(pair) == ("amplitude",)
    assert linear_parameters(pair, ("ratio", "amplitude")) == ("ratio",)
    modes = tuple(f"mode_{k}" for k in range(1, 7))
    assert linear_parameters(registry.get("spline"), (*modes, "level", "slope")) == (*modes, "level", "slope")


def test_a_large_rest_costs_no_digits() -> None:
    """Of an edge whose level is given, a billion times as high as its step."""
    edge = registry.get("fermi_edge")
    theta = dict(zip(edge.parameter_names, (0.0, 1.25, 0.3, 0.8, 0.0, 1e9, 1.0), strict=True))
    plain = columns(edge, X, theta | {"level": 0.0}, ("height",))[1]
    torch.testing.assert_close(columns(edge, X, theta, ("height",))[1], plain, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("case", CASES)
def test_what_is_computed_from_peaks_is_linear_in_their_amplitudes(case: str) -> None:
    component = made(parts_of(case)).terms[0].component
    name = linear_parameters(component)[0]
    assert name.startswith("amplitude_")
    theta = torch.full((len(component.parameters),), 0.7, dtype=torch.float64)
    values = dict(zip(component.parameter_names, theta.tolist(), strict=True))
    rest, found = columns(component, X, values, (name,))
    torch.testing.assert_close(rest + 0.7 * found[:, 0], component.forward(X, theta), rtol=1e-12, atol=1e-12)


def test_a_formula_for_tensors_only_is_linear_in_its_amplitude_alone() -> None:
    peak = replace(registry.get("gaussian"), tensors_only=True)
    assert linear_parameters(peak) == ("amplitude",)
    assert not is_linear(peak, ("position",))
    assert linear_parameters(replace(registry.get("linear"), tensors_only=True)) == ()


@pytest.mark.parametrize("broken", ["mul", "exp"])
def test_a_broken_rule_is_seen(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = linear_in._degree_of
    monkeypatch.setattr(linear_in, "_degree_of", lambda n, i: max(i) if n.op == broken else right(n, i))
    component = registry.get("doublet", of="gaussian") if broken == "mul" else registry.get("exponential")
    with pytest.raises(AssertionError):
        test_parameters_are_linear_where_the_curve_is(component)
