"""Checks that a component is complete and that its formula does what a formula must; guards users' own files."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from bayesbeam.errors import ModelError
from bayesbeam.models.base import Component, Derived, Parameter
from bayesbeam.models.mathspace import TORCH

WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")
POINTS = 23


def check_component(component: Component) -> None:
    """Check the table of a component, and its formulas on random draws.

    Raises
    ------
    ModelError
        For the first thing that is missing or wrong; the message says which and how to mend it.
    """
    where = f"component {component.name}"
    if not component.parameters:
        raise ModelError.at(where, "no parameters", "at least one", "Declare them in `parameters`.")
    for parameter in component.parameters:
        _check_parameter(where, parameter)
    _check_names(where, component)
    for dtype in (torch.float64, torch.float32):
        _check_formula(where, component, dtype)
    _check_numbers(where, component)
    for quantity in component.derived:
        _check_derived(where, component, quantity)


def _check_parameter(where: str, parameter: Parameter) -> None:
    """One row of the parameter table."""
    place = f"{where}: parameter {parameter.name}"
    if not WORD.fullmatch(parameter.name):
        raise ModelError.at(place, f"the name {parameter.name!r}", "lower-case letters, digits and _", "Rename it.")
    for field in ("unit", "prior", "description"):
        if not getattr(parameter, field):
            remedy = f"Write it in the parameter table{' (1 for none)' if field == 'unit' else ''}."
            raise ModelError.at(place, f"no {field}", f"a {field}", remedy)
    (low, high), (first, last) = parameter.support, parameter.typical
    if not low < high:
        raise ModelError.at(place, f"support {parameter.support}", "a lower and a higher end", "Swap them.")
    if not low <= first < last <= high:
        remedy = "Give the range in which random draws are made."
        raise ModelError.at(place, f"typical range {parameter.typical}", f"a range inside {parameter.support}", remedy)


def _check_names(where: str, component: Component) -> None:
    """Names that occur twice, or that mean no parameter."""
    names = [*component.parameter_names, *(quantity.name for quantity in component.derived)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError.at(where, f"{', '.join(twice)} declared twice", "each name once", "Rename one of them.")
    referred = [component.order_by, component.amplitude, *component.widths, *component.locations]
    unknown = [name for name in referred if name is not None and name not in component.parameter_names]
    if unknown:
        expected = f"one of {', '.join(component.parameter_names)}"
        raise ModelError.at(
            f"{where}: order_by, amplitude, widths or locations", repr(unknown[0]), expected, "Correct the name."
        )
    if component.exchangeable and component.order_by is None:
        remedy = "Name the parameter that orders the labels."
        raise ModelError.at(where, "exchangeable without order_by", "an order_by", remedy)


def _check_formula(where: str, component: Component, dtype: torch.dtype) -> None:
    """Shape, dtype and finiteness of the formula on random draws."""
    x = torch.linspace(-5.0, 5.0, POINTS, dtype=dtype)
    theta = component.random(torch.Generator().manual_seed(1), 8).to(dtype)
    before = x.clone(), theta.clone()
    try:
        result = component.forward(x, theta)
    except Exception as error:
        raise _failed(f"{where}: formula", error) from error
    _check_result(f"{where}: formula", result, (8, POINTS), dtype)
    if not (torch.equal(x, before[0]) and torch.equal(theta, before[1])):
        remedy = "Compute new values instead of changing x or a parameter in place."
        raise ModelError.at(f"{where}: formula", "its arguments changed", "arguments left as they are", remedy)


def _check_numbers(where: str, component: Component) -> None:
    """The same formula at single points, on plain numbers: what other engines compile."""
    theta = component.random(torch.Generator().manual_seed(1), 8)
    x = torch.linspace(-5.0, 5.0, 8, dtype=torch.float64)
    expected = component.forward(x.unsqueeze(-1), theta).squeeze(-1)
    place = f"{where}: formula"
    for point, row, value in zip(x.tolist(), theta.tolist(), expected.tolist(), strict=True):
        try:
            number = component.formula(TORCH, point, *row)
        except Exception as error:
            raise _failed(place, error) from error
        # libm and the vectorised functions of torch differ by a few units in the last place of each term
        if not isinstance(number, float) or abs(number - value) > 1e-12 * (1.0 + abs(value)):
            remedy = "Use only m.<function>, arithmetic, and comparisons inside m.where."
            raise ModelError.at(place, f"{number} at one point and {value} on tensors", "the same", remedy)


def _check_derived(where: str, component: Component, quantity: Derived) -> None:
    """Name, unit and finite values of a derived quantity."""
    place = f"{where}: derived {quantity.name}"
    if not quantity.unit or not quantity.description:
        raise ModelError.at(place, "no unit or no description", "both", "Write them in its declaration.")
    theta = component.random(torch.Generator().manual_seed(1), 8)
    try:
        result = quantity.formula(TORCH, *theta.unbind(-1))
    except Exception as error:
        raise _failed(place, error) from error
    _check_result(place, result, (8,), torch.float64)


def _failed(place: str, error: Exception) -> ModelError:
    """Error for a formula that raised one."""
    remedy = "Use only m.<function>, arithmetic, and comparisons inside m.where."
    return ModelError.at(
        place, f"{type(error).__name__}: {error}", "a formula that runs on tensors and on plain numbers", remedy
    )


def _check_result(place: str, result: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Type, shape, dtype and finiteness of what a formula returned."""
    if not isinstance(result, Tensor):
        remedy = "Return an expression of x and the parameters."
        raise ModelError.at(place, f"a {type(result).__name__}", "a value for every x", remedy)
    if tuple(result.shape) != shape:
        remedy = "Keep it element-wise; a constant is written level + 0.0 * x."
        raise ModelError.at(place, f"shape {tuple(result.shape)}", f"shape {shape}", remedy)
    if result.dtype != dtype:
        raise ModelError.at(place, f"{result.dtype}", f"{dtype}", "Do not convert the values inside the formula.")
    if not bool(torch.isfinite(result).all()):
        remedy = "Mend the formula, or the typical range of its parameters."
        raise ModelError.at(place, "values that are not finite on random draws", "finite values", remedy)
