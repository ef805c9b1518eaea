"""What an operator is: a part of a candidate that is computed from the curves of other parts.

The curves it acts on are given as functions of the axis, so it may ask for them anywhere, beyond the data too: nothing
wraps around, and nothing is taken to be zero where it was not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesbeam.models.base import Component, Formula, Parameter
from bayesbeam.models.mathspace import TORCH, MathSpace, Value
from bayesbeam.models.trace import TRACE, Node, NotScalar, symbol

Curve = Callable[[Value], Value]
"""Signal at places on the axis."""


@dataclass(frozen=True)
class Unfit:
    """Where an operator cannot be computed on the data: ``test(m, span, *parameters)`` is true there.

    ``found`` may name ``{value}``, which ``value(m, *parameters)`` gives, and ``{span}``, the range of the data.
    """

    test: Formula
    value: Formula
    found: str
    expected: str
    remedy: str


@dataclass(frozen=True)
class Operator(Component):
    """A part computed from others; its formula is ``formula(m, x, curve, *parameters)`` with a :data:`Curve`.

    Attributes
    ----------
    adds : bool
        Whether it is added to the curves it acts on, as a background is, or stands in their place, as a response does.
    on : str
        What it acts on where a campaign does not say: ``peaks``, or ``places``: all that has a place on the axis.
    exact : callable or None
        ``exact(component)`` is the formula ``formula(m, x, values, parameters)`` of a response to this component in
        closed form, None where there is none.
    table : bool
        Whether it needs a table of numbers, from a file.
    scans : bool
        Whether it is made of running integrals of the curve as it is, which compiled loops have.
    """

    adds: bool = True
    on: str = "peaks"
    exact: Callable[[Component], Formula | None] | None = None
    unfit: tuple[Unfit, ...] = ()
    table: bool = False
    scans: bool = False


def operator(
    name: str, title: str, parameters: tuple[Parameter, ...], formula: Formula, references: tuple[str, ...],
    adds: bool, on: str, unfit: tuple[Unfit, ...], exact: Callable[[Component], Formula | None] | None = None,
    widths: tuple[str, ...] = (), table: bool = False,
    scans: bool = False,
) -> Operator:  # fmt: skip
    """Operator with all that is the same for each of them."""
    return Operator(
        name, title, parameters, formula, exchangeable=False, references=references, widths=widths,
        tensors_only=True, adds=adds, on=on, exact=exact, unfit=unfit, table=table,
        scans=scans,
    )  # fmt: skip


def whole(m: MathSpace, name: str) -> None:
    """Refuse any but tensors for what needs a curve as a whole."""
    if m is not TORCH:
        raise NotScalar(f"{name} needs the curve as a whole")


def running_integral(x: Tensor, curve: Curve, weight: Curve | None = None) -> Tensor:
    """Integral of a curve from the lowest place of an axis to each of its places, (..., N).

    Parameters
    ----------
    x : Tensor (..., N)
        Axis, rising or falling; places given twice, as in padding, add nothing.
    weight : callable or None
        Factor on the curve.

    Notes
    -----
    Simpson's rule in every interval of the axis, with the curve's own value in its middle: of a Gaussian peak the error
    is below 5e-4 of the area from a full width of 2 intervals on, 1e-5 from 5 on and 2e-6 from 10 on (measured).
    """
    middle = 0.5 * (x[..., 1:] + x[..., :-1])
    ends, centres = curve(x) + torch.zeros_like(x), curve(middle) + torch.zeros_like(middle)
    if weight is not None:
        ends, centres = ends * weight(x), centres * weight(middle)
    steps = (x[..., 1:] - x[..., :-1]) * (ends[..., 1:] + ends[..., :-1] + 4.0 * centres) / 6.0
    total = torch.cat([torch.zeros_like(ends[..., :1]), torch.cumsum(steps, dim=-1)], dim=-1)
    return total - torch.where(x[..., :1] <= x[..., -1:], torch.zeros_like(total[..., -1:]), total[..., -1:])


def passed(x: Value, side: Value, curve: Curve, weight: Curve | None = None) -> Value:
    """Integral of a curve from each place to the end of the data that electrons without losses lie towards, (..., N).

    That is the highest place where ``side`` is above 0, the lowest where it is below; see :func:`running_integral`.
    """
    if isinstance(x, Node):
        return _traced(x, side, curve)
    below = running_integral(x, curve, weight)
    full = torch.where(x[..., :1] <= x[..., -1:], below[..., -1:], below[..., :1])
    return torch.where(side < 0.0, below, full - below)


def _traced(x: Node, side: Value, curve: Curve) -> Node:
    """The same for compiled loops over a row of points, which make a running integral in a loop of its own."""
    if x != symbol("x", True):
        raise NotScalar.at("formula", "a running integral along another axis", "one along x", "Use plain tensors.")
    below = Node("scan", (_at_points(curve(x)), _at_points(curve(symbol("h", True)))), pointwise=True)
    rising, end = symbol("first_x") <= symbol("last_x"), Node("scan_end", (below,))
    below = below - TRACE.where(rising, 0.0, end)
    found: Node = TRACE.where(side < 0.0, below, TRACE.where(rising, end, -end) - below)
    return found


def _at_points(value: Value) -> Node:
    """Value as one that may differ from point to point."""
    if not isinstance(value, Node) or not value.pointwise:
        raise NotScalar.at("formula", "a running integral of a constant", "one of a curve", "Use plain tensors.")
    return value


def side_of_loss() -> Parameter:
    """On which side of the peaks the electrons are that have lost energy."""
    return Parameter(
        "side", "1", "fixed(value=1)", (-float("inf"), float("inf")),
        "above 0: rises towards lower x, as on an axis of kinetic energy; below 0: towards higher x, as on one of "
        "binding energy", (0.5, 1.5),
    )  # fmt: skip


__all__ = ["Curve", "Operator", "Unfit", "operator", "passed", "running_integral", "side_of_loss", "whole"]
