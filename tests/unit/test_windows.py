"""Curves that end are computed where they are: what is left out is below rounding, moves are those of all points."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bayesbeam import noise
from bayesbeam.models import registry
from bayesbeam.models.base import REAL, Component, Parameter
from bayesbeam.models.mathspace import TORCH, MathSpace, Value
from bayesbeam.models.trace import trace
from bayesbeam.sampling.engines.windows import DROP_DOUBLE, DROP_SINGLE, window_of

pytest.importorskip("numba")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.sampling.engines import fused, library, source
from both_engines import LADDER, assert_equal_runs, run_both, target_of, tuned_for


def expanded(m: MathSpace, x: Value, height: Value, position: Value, sd: Value) -> Value:
    """Gaussian with its square multiplied out, and its sign in front."""
    return height * m.exp(-(x * x - 2.0 * (x * position) + position * position) / (2.0 * m.square(sd)))


def scaled(m: MathSpace, x: Value, height: Value, position: Value, sd: Value) -> Value:
    """Gaussian of a scaled distance, on an exponential slope that moves its middle."""
    return height * m.exp(0.25 * x - m.square((position - x) * (0.7 / sd)))


def own(formula: Callable[..., Value]) -> Component:
    """Component of a formula of height, position and sd."""
    typical = {"height": (1.0, 4.0), "position": (-4.0, 4.0), "sd": (0.05, 0.4)}
    parameters = tuple(Parameter(n, "1", "normal(mean=0, sd=1)", REAL, n, ends) for n, ends in typical.items())
    return Component("own", "own", parameters, formula, False)


def narrow(name: str) -> Component:
    """Shipped peak, with widths that leave most of the axis out."""
    component = registry.get(name)
    width = (10.0, 400.0) if name == "gaussian_precision" else (0.05, 0.3)
    parameters = tuple(replace(p, typical=width) if p.name in component.widths else p for p in component.parameters)
    return replace(component, parameters=parameters)


ENDING = {
    "gaussian": narrow("gaussian"),
    "gaussian_precision": narrow("gaussian_precision"),
    "expanded": own(expanded),
    "scaled": own(scaled),
}


def ends_of(component: Component, theta: torch.Tensor, single: bool) -> tuple[float, float]:
    """Where the compiled loops let a curve begin and end."""
    module = library.compiled(source.component_source(component, noise.get("normal"), single))
    kind = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)
    given, ends = np.ascontiguousarray(theta.numpy()), np.zeros(2)
    kind(library.address(module, "span"))(given.ctypes.data, ends.ctypes.data)
    return float(ends[0]), float(ends[1])


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("component", ENDING.values(), ids=ENDING)
def test_a_curve_has_fallen_by_the_stated_factor_where_it_ends(component: Component, single: bool) -> None:
    drop = DROP_SINGLE if single else DROP_DOUBLE
    for theta in component.random(torch.Generator().manual_seed(1), 20):
        low, high = ends_of(component, theta, single)
        middle, reach = 0.5 * (low + high), 0.5 * (high - low)
        places = torch.tensor([middle, low, high, low - 0.1 * reach, high + 0.1 * reach], dtype=torch.float64)
        height, *edges = component.forward(places, theta).tolist()
        assert edges[:2] == pytest.approx([height * math.exp(-drop)] * 2, rel=1e-6)
        assert max(edges[2:]) < height * math.exp(-1.2 * drop)
    assert drop > -math.log(torch.finfo(torch.float32 if single else torch.float64).eps) + 1.0, "below rounding"


OTHERS: dict[str, Callable[..., Value]] = {
    "slope": lambda m, x, a, b, c: a * m.exp(b * x + c),
    "cubic": lambda m, x, a, b, c: a * m.exp(-x * x * x * b),
    "distance": lambda m, x, a, b, c: a * m.exp(-m.abs(x - b) / c),
    "quotient": lambda m, x, a, b, c: a * m.exp(-m.square(b / x)),
    "a sum of two": lambda m, x, a, b, c: m.exp(-m.square(x - a)) + m.exp(-m.square(x - b)),
    "plus one": lambda m, x, a, b, c: a * (m.exp(-m.square(x - b)) + 1.0),
}


@pytest.mark.parametrize("formula", OTHERS.values(), ids=OTHERS)
def test_other_curves_go_on_for_ever(formula: Callable[..., Value]) -> None:
    shape = source.size_and_shape(own(formula))[1]
    assert window_of(shape, DROP_SINGLE) is None


def test_a_lorentzian_goes_on_for_ever_and_has_no_span() -> None:
    for name in ("lorentzian", "pseudo_voigt", "linear", "constant"):
        assert "def span" not in source.component_source(registry.get(name), noise.get("normal"), True)


def growing(m: MathSpace, x: Value, height: Value, position: Value, sd: Value) -> Value:
    """Peak for a negative number in the place of the sd, growth to both sides for a positive one."""
    return height * m.exp(sd * m.square(x - position))


def test_a_curve_that_grows_is_computed_everywhere() -> None:
    window = window_of(trace(growing, ["x"], ["height", "position", "sd"]).inputs[1], DROP_SINGLE)
    assert window is not None
    component = own(growing)
    for sd in (0.1, 0.0):
        low, high = ends_of(component, torch.tensor([1.0, 0.5, sd], dtype=torch.float64), True)
        assert not low > -math.inf
        assert not high < math.inf
    assert float(growing(TORCH, torch.tensor(2.0), 1.0, 0.5, 0.1)) > 1.0
    both_signs = replace(component.parameters[2], typical=(-6.0, 0.2))
    assert_equal_runs(target_of([replace(component, parameters=(*component.parameters[:2], both_signs))]))


SPREAD = torch.linspace(-5.0, 5.0, 421, dtype=torch.float64)
AXES = {
    "rising": SPREAD,
    "falling": SPREAD.flip(0),
    "uneven": torch.sinh(SPREAD * 0.8) / 5.4,
    "in no order": SPREAD[torch.randperm(421, generator=torch.Generator().manual_seed(2))],
    "of one block": SPREAD[::20],
    "with equal places": SPREAD.round(decimals=1),
}


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
def test_narrow_peaks_move_as_in_the_eager_engine_on_any_axis(axis: torch.Tensor) -> None:
    assert_equal_runs(
        target_of([narrow("gaussian"), narrow("gaussian_precision"), registry.get("constant")], axis=axis)
    )


@pytest.mark.parametrize("model", noise.names())
@pytest.mark.parametrize("shared", [False, True])
def test_narrow_peaks_move_as_in_the_eager_engine_with_any_noise(model: str, shared: bool) -> None:
    parts = [narrow("gaussian"), registry.get("constant"), ENDING["expanded"]]
    assert_equal_runs(target_of(parts, model, axis=SPREAD, shared=shared))


def test_peaks_beyond_the_axis_move_as_in_the_eager_engine() -> None:
    component = ENDING["gaussian"]
    far = tuple(replace(p, typical=(-30.0, 30.0)) if p.name == "position" else p for p in component.parameters)
    assert_equal_runs(target_of([replace(component, parameters=far), registry.get("constant")], axis=SPREAD))


def test_after_an_infinite_sum_all_points_are_added_anew() -> None:
    """Rows that overflow in a window: the log-likelihood comes back with the peak."""
    component = ENDING["gaussian"]
    high = tuple(replace(p, typical=(1e153, 4e154)) if p.name == "amplitude" else p for p in component.parameters)
    target = target_of([replace(component, parameters=high), registry.get("constant")], axis=SPREAD)
    engine = fused.FusedEngine(target)
    theta = target.from_uniform(torch.full((4, 2, 1, 1, 1), 0.9, dtype=torch.float64))
    assert bool(torch.isneginf(engine.start(theta).log_likelihood).all())
    # At beta = 0 no decision hangs on numbers of which rounding leaves no digit.
    tuned = tuned_for(target, torch.zeros(len(LADDER), dtype=torch.float64))
    assert_equal_runs(target, tuned)
    (_, block), _ = run_both(target, tuned=tuned)
    assert 0.1 < float(torch.isneginf(block.log_likelihood).double().mean()) < 0.9


@pytest.mark.parametrize("planted", ["narrow", "blocks"])
def test_a_window_too_narrow_is_seen(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if planted == "narrow":
        monkeypatch.setattr(source, "DROP_DOUBLE", 2.0)
    else:
        original = fused._bounds
        monkeypatch.setattr(fused, "_bounds", lambda data: (original(data)[0] + 1.0, original(data)[1]))
    with pytest.raises(AssertionError):
        assert_equal_runs(target_of([narrow("gaussian")], axis=SPREAD))
