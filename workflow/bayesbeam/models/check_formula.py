"""Faults of a component's formulas, found by running them on random draws.

Decides what a formula must do: keep shape, dtype and its arguments, be finite, and be written on its namespace, so that
engines can compile it; or, where the file says ``tensors_only = True``, at least run on tensors, point by point.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from bayesbeam.models.base import Component
from bayesbeam.models.check_table import Fault
from bayesbeam.models.fault import DECLARE, PLAIN, Found, called, check_result, raised, stop
from bayesbeam.models.mathspace import TORCH
from bayesbeam.models.trace import Node, NotScalar, trace

POINTS, ROWS = 23, 8
_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "and": operator.and_, "or": operator.or_, "not": operator.invert,
}  # fmt: skip


def formula_faults(component: Component) -> Iterator[Fault]:
    """First fault of the formula, if it has one; the table of the component must be well."""
    try:
        _check_arguments(component)
        for dtype in (torch.float64, torch.float32):
            _check_tensors(component, dtype)
        if component.tensors_only:
            _check_points(component)
        else:
            _check_scalar_form(component)
        _check_words(component)
        _check_references(component)
    except Found as found:
        yield found.fault


def derived_faults(component: Component) -> Iterator[Fault]:
    """First fault of every derived quantity."""
    theta = component.random(_generator(), ROWS)
    for quantity in component.derived:
        place = f"derived {quantity.name}"
        try:
            result = called(place, quantity.formula, TORCH, *theta.unbind(-1))
            check_result(place, quantity.formula, result, (ROWS,), torch.float64)
        except Found as found:
            yield found.fault


def _check_arguments(component: Component) -> None:
    """Names of the arguments, where they are the parameters' own, stand in the parameters' order."""
    try:
        arguments = tuple(inspect.signature(component.formula).parameters)[2:]
    except (TypeError, ValueError):
        return
    names = component.parameter_names
    if arguments != names and sorted(arguments) == sorted(names):
        expected = f"the order of the parameters: {', '.join(names)}"
        found = f"arguments in the order {', '.join(arguments)}"
        raise stop("formula", component.formula, found, expected, "Put either into the order of the other.")


def _check_tensors(component: Component, dtype: torch.dtype) -> None:
    """Shape, dtype, finiteness and untouched arguments, on random draws and where a place meets a point."""
    x = torch.linspace(-5.0, 5.0, POINTS, dtype=dtype)
    theta = component.random(_generator(), ROWS).to(dtype)
    before = x.clone(), theta.clone()
    result = _curve(component, x, theta)
    check_result("formula", component.formula, result, (ROWS, POINTS), dtype)
    if not (torch.equal(x, before[0]) and torch.equal(theta, before[1])):
        remedy = "Compute new values instead of changing x or a parameter in place."
        raise stop("formula", component.formula, "its arguments changed", "arguments left as they are", remedy)
    if not torch.equal(_curve(component, x, theta), result):
        found = "other values at a second call with the same arguments"
        raise stop("formula", component.formula, found, "the same values", "Take out what is random or remembered.")
    for name in _places(component):
        value = _curve(component, theta[:, component.index(name), None], theta)
        if not bool(torch.isfinite(value).all()):
            remedy = "Mend it there, e.g. m.where(m.abs(t) > 1e-6, m.sin(t) / t, 1.0)."
            found = f"values that are not finite where x equals {name}"
            raise stop("formula", component.formula, found, "finite values", remedy)


def _check_scalar_form(component: Component) -> None:
    """Written on the namespace alone, so that engines can compile it, and meaning the same there."""
    try:
        graph = trace(component.formula, ("x",), component.parameter_names)
    except NotScalar as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise raised("formula", component.formula, cause, f"{PLAIN} {DECLARE}") from error
    x, theta = _pairs(component)
    values = _evaluated(graph, x, theta, component)
    expected = _curve(component, x, theta)
    far = (values - expected).abs() > 1e-12 * (1.0 + expected.abs())
    if bool((far | values.isnan()).any()):
        found = "other values when it is compiled than on tensors"
        remedy = f"Write comparisons with < or >, not == or !=, and none outside m.where. {DECLARE}"
        raise stop("formula", component.formula, found, "the same values", remedy)


def _check_points(component: Component) -> None:
    """What a formula that is not compiled must still do: every point and row by itself, on any shape, without numpy."""
    x = torch.linspace(-5.0, 5.0, POINTS, dtype=torch.float64)
    theta = component.random(_generator(), ROWS)
    whole = _curve(component, x, theta)
    remedy = "Compute each value from its own x and parameters alone."
    for what, found, same in (
        ("points", _curve(component, x[3:17:2], theta), whole[:, 3:17:2]),
        ("rows", _curve(component, x, theta[1:6]), whole[1:6]),
        ("axes", _batched(component, x, theta), whole.reshape(1, 2, 2, 2, POINTS)),
    ):
        # A reduction over another number of terms differs by more; vector and scalar functions by a few units.
        if found.shape != same.shape or not torch.allclose(found, same, rtol=1e-11, atol=1e-13):
            words = f"values that change with the other {what}"
            raise stop("formula", component.formula, words, "element-wise values", remedy)
    columns = [column.clone().requires_grad_() for column in theta.unsqueeze(-2).unbind(-1)]
    called("formula", component.formula, TORCH, x.clone().requires_grad_(), *columns)


def _check_words(component: Component) -> None:
    """Places on the axis move with it, and the curve is proportional to its amplitude."""
    x, theta = torch.linspace(-5.0, 5.0, POINTS, dtype=torch.float64), component.random(_generator(), ROWS)
    curve = _curve(component, x, theta)
    if component.locations:
        shift = torch.tensor([64.0 * (name in component.locations) for name in component.parameter_names]).double()
        moved = _curve(component, x + 64.0, theta + shift)
        # 64 is a power of two, so that the shift costs six bits of x at most
        if not torch.allclose(moved, curve, rtol=1e-9, atol=1e-10):
            found = f"a curve that changes when x and {', '.join(component.locations)} are shifted together"
            remedy = "Name all parameters that are places on the axis in `locations`, or leave it out."
            raise Found(Fault("locations", found, "one that does not", remedy))
    if component.amplitude is not None:
        taller = theta.clone()
        taller[:, component.index(component.amplitude)] *= 2.0
        if not torch.allclose(_curve(component, x, taller), 2.0 * curve, rtol=1e-12, atol=1e-300):
            found = f"a curve that does not double with {component.amplitude}"
            remedy = "Name the parameter it is proportional to, or leave `amplitude` out."
            raise Found(Fault("amplitude", found, "one proportional to it", remedy))


def _check_references(component: Component) -> None:
    """Values that the file states for its formula are met."""
    for index, reference in enumerate(component.reference_values):
        theta = torch.tensor(reference.theta, dtype=torch.float64)
        value = _curve(component, torch.tensor([reference.x], dtype=torch.float64), theta).item()
        if not abs(value - reference.value) <= reference.rtol * abs(reference.value):
            found = f"{value!r} at x = {reference.x:g} with {reference.theta}"
            expected = f"{reference.value!r} ({reference.source})"
            raise Found(Fault(f"reference_values[{index}]", found, expected, "Mend the formula or the value."))


def _pairs(component: Component) -> tuple[Tensor, Tensor]:
    """Points (n, 1) and parameters (n, P): random ones, and those where a place meets a point."""
    theta = component.random(_generator(), ROWS)
    x = torch.linspace(-5.0, 5.0, ROWS, dtype=torch.float64)
    columns = [x, *(theta[:, component.index(name)] for name in _places(component))]
    return torch.cat(columns).unsqueeze(-1), theta.repeat(len(columns), 1)


def _places(component: Component) -> tuple[str, ...]:
    """Parameters that are compared with x."""
    return tuple(p.name for p in component.parameters if p.unit == "x" and p.name not in component.widths)


def _evaluated(graph: Node, x: Tensor, theta: Tensor, component: Component) -> Tensor:
    """Values (n, 1) of a traced formula, operation by operation."""
    symbols = {("x", True): x} | {
        (name, False): column for name, column in zip(component.parameter_names, theta[:, None].unbind(-1), strict=True)
    }
    done: dict[int, Any] = {}

    def value(node: Node) -> Any:
        if id(node) not in done:
            if node.op == "symbol":
                done[id(node)] = symbols[node.name, node.pointwise]
            elif node.op == "constant":
                done[id(node)] = torch.tensor(node.value, dtype=torch.float64)
            else:
                operation = _OPERATORS.get(node.op) or getattr(TORCH, node.op)
                done[id(node)] = operation(*[value(one) for one in node.inputs])
        return done[id(node)]

    result: Tensor = value(graph)
    return result.to(torch.float64).expand_as(x)


def _batched(component: Component, x: Tensor, theta: Tensor) -> Tensor:
    """Curve with the axes that the sampler uses: groups, members, chains, replicas, points."""
    columns = theta.reshape(1, 2, 2, 2, 1, -1).unbind(-1)
    result: Tensor = called("formula", component.formula, TORCH, x.expand(1, 2, 1, 1, POINTS), *columns)
    check_result("formula", component.formula, result, (1, 2, 2, 2, POINTS), torch.float64)
    return result


def _curve(component: Component, x: Tensor, theta: Tensor) -> Tensor:
    """Curve of a component, with a fault where the formula fails."""
    columns = theta.unsqueeze(-2).unbind(-1)
    result: Tensor = called("formula", component.formula, TORCH, x, *columns)
    return result


def _generator() -> torch.Generator:
    """Source of the draws on which formulas are tried, the same every time."""
    return torch.Generator().manual_seed(1)
