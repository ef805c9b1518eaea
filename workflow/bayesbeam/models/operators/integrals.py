"""What operators are made of: integrals of a curve along the data, and sums over nodes at which it is asked for.

On tensors these are computed at once; traced, they are nodes of their own, which engines write as loops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from bayesbeam.models.mathspace import TORCH, MathSpace, Value
from bayesbeam.models.trace import TRACE, Node, NotScalar, symbol

Curve = Callable[[Value], Value]
"""Signal at places on the axis."""

NODE = "k"
"""Symbol of the number of a node, in the term of a sum over nodes."""


def ends(m: MathSpace, axis: Value) -> tuple[Value, Value]:
    """Lowest and highest place of an axis, rising or falling, (..., 1)."""
    if isinstance(axis, Node):
        first, last = symbol("first_x"), symbol("last_x")
        return m.minimum(first, last), m.maximum(first, last)
    return axis.amin(-1, keepdim=True), axis.amax(-1, keepdim=True)


def places(axis: Value) -> Value:
    """Number of places of an axis, (..., 1); one given twice in a row, as in padding, counts once."""
    if isinstance(axis, Node):
        return symbol("places")
    return 1.0 + (axis[..., 1:] != axis[..., :-1]).sum(-1, keepdim=True).to(axis.dtype)


def running_integral(x: Tensor, curve: Curve) -> Tensor:
    """Integral of a curve from the lowest place of an axis to each of its places, (..., N).

    Parameters
    ----------
    x : Tensor (..., N)
        Axis, rising or falling; places given twice, as in padding, add nothing.

    Notes
    -----
    Simpson's rule in every interval of the axis, with the curve's own value in its middle: of a Gaussian peak the error
    is below 5e-4 of the area from a full width of 2 intervals on, 1e-5 from 5 on and 2e-6 from 10 on (measured).
    """
    at, between = _sampled(x, curve)
    steps = (x[..., 1:] - x[..., :-1]) * (at[..., 1:] + at[..., :-1] + 4.0 * between[..., :-1]) / 6.0
    total = torch.cat([torch.zeros_like(at[..., :1]), torch.cumsum(steps, dim=-1)], dim=-1)
    return total - torch.where(x[..., :1] <= x[..., -1:], torch.zeros_like(total[..., -1:]), total[..., -1:])


def passed(x: Value, side: Value, curve: Curve) -> Value:
    """Integral of a curve from each place to the end of the data that electrons without losses lie towards, (..., N).

    That is the highest place where ``side`` is above 0, the lowest where it is below; see :func:`running_integral`.
    """
    if isinstance(x, Node):
        return _passed_traced(x, side, curve)
    below = running_integral(x, curve)
    full = torch.where(x[..., :1] <= x[..., -1:], below[..., -1:], below[..., :1])
    return torch.where(side < 0.0, below, full - below)


def _passed_traced(x: Node, side: Value, curve: Curve) -> Node:
    """The same for engines, which make a running integral in a loop of its own along a row of points."""
    below = Node("scan", _sampled_traced(x, curve), pointwise=True)
    rising, end = symbol("first_x") <= symbol("last_x"), Node("scan_end", (below,))
    below = below - TRACE.where(rising, 0.0, end)
    found: Node = TRACE.where(side < 0.0, below, TRACE.where(rising, end, -end) - below)
    return found


def integral(m: MathSpace, x: Value, curve: Curve, weight: Curve) -> Value:
    """Integral of a curve over the data, with a weight that may differ from place to place of the axis, (..., N).

    ``weight(u)`` is the weight of the curve's value at u, at all places of the axis x, rising or falling. It may have a
    bend at each of these, for the rule is Simpson's in every interval; see :func:`running_integral`.
    """
    at, between = _sampled_traced(x, curve) if isinstance(x, Node) else _sampled(x, curve)
    last = symbol("points") - 1.0 if isinstance(x, Node) else x.shape[-1] - 1

    def term(k: Value) -> Value:
        """What interval k adds by its middle, and by its first place with the interval before."""
        before, here, after = (_taken(x, place) for place in (m.maximum(k - 1, 0), k, m.minimum(k + 1, last)))
        middle, half = 0.5 * (here + after), m.abs(after - before) / 6.0
        return half * _taken(at, k) * weight(here) + m.abs(after - here) / 1.5 * _taken(between, k) * weight(middle)

    return summed(m, x, last + 1, term)


def _sampled(x: Tensor, curve: Curve) -> tuple[Tensor, Tensor]:
    """Curve at all places of an axis and in the middle to the next, the last place itself, both (..., N)."""
    middle = 0.5 * (x + torch.cat([x[..., 1:], x[..., -1:]], -1))
    return curve(x) + torch.zeros_like(x), curve(middle) + torch.zeros_like(middle)


def _sampled_traced(x: Node, curve: Curve) -> tuple[Node, Node]:
    """The same for engines: h is what they call a middle."""
    if x != symbol("x", True):
        raise NotScalar.at("formula", "an integral along another axis", "one along x", "Use plain tensors.")
    middle = symbol("h", True)
    return _at_points(curve(x), x), _at_points(curve(middle), middle)


def summed(m: MathSpace, x: Value, count: Value, term: Curve) -> Value:
    """Sum of ``term(k)``, a value at places x, over the nodes k = 0 to count - 1.

    No term may hold another sum at places that depend on k; values taken from a row may.
    """
    if m is TORCH:
        return sum((term(k) for k in range(count)), torch.zeros_like(x))
    counted = count if isinstance(count, Node) else Node("constant", value=float(count))
    return Node("sum", (counted, _at_points(term(symbol(NODE)), x)), pointwise=True)


def looked_up(table: Sequence[float], k: Value) -> Value:
    """Number k of a table; the same table must be used for every node of a sum."""
    if not isinstance(k, Node):
        return table[k]
    return Node("table", (k, *(Node("constant", value=value) for value in table)))


def _taken(row: Value, k: Value) -> Value:
    """Value of a row (..., N) at point k, (..., 1)."""
    return Node("taken", (row, k)) if isinstance(k, Node) else row[..., k, None]


def _at_points(value: Value, x: Value) -> Node:
    """Value as one that may differ from point to point."""
    if isinstance(value, Node) and value.pointwise:
        return value
    found: Node = value + 0.0 * x
    return found


__all__ = ["Curve", "ends", "integral", "looked_up", "passed", "places", "running_integral", "summed"]
