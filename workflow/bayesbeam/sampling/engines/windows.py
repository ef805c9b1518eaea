"""Where a curve ends: points at which it is nothing beside its height need not be computed.

Told from the formula's graph alone: an exponential of a polynomial of second degree in the axis, a Gaussian however it
is written, ends. Any other curve goes on for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bayesbeam.models.trace import Node

# Logarithm of the part of its height at which a curve ends: less than rounding makes of it.
DROP_SINGLE, DROP_DOUBLE = 18.0, 38.0

Coefficients = tuple[Node | None, Node | None, Node | None]


@dataclass(frozen=True)
class Window:
    """Middle of a curve, and the square of the distance at which it has fallen by a factor of e to the ``drop``."""

    middle: Node
    squared_reach: Node


def window_of(shape: Node, drop: float) -> Window | None:
    """Window of a shape, from its graph; None where it does not end.

    Notes
    -----
    ``exp(c0 + c1 x + c2 x^2)`` has its height at ``-c1 / (2 c2)`` and falls by ``-c2 d^2`` at a distance d from it.
    With a ``c2`` that is not below 0 the squared reach is negative or infinite: whoever uses it takes all points then.
    """
    if shape.op != "exp":
        return None
    _, first, second = _polynomial(shape.inputs[0]) or (None, None, None)
    if second is None:
        return None
    middle = Node("constant", value=0.0) if first is None else first / (second * -2.0)
    return Window(middle, Node("constant", value=-drop) / second)


def _polynomial(node: Node) -> Coefficients | None:
    """Coefficients of a graph as a polynomial in the axis, of which None are 0; None where it is no such thing."""
    if not node.pointwise:
        return node, None, None
    if node.op == "symbol":
        return None, Node("constant", value=1.0), None
    parts = [_polynomial(part) for part in node.inputs]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    if node.op == "neg":
        return _scaled(known[0], lambda value: -value)
    if node.op in ("add", "sub"):
        return _sum(known[0], known[1], node.op == "sub")
    if node.op == "div" and not node.inputs[1].pointwise:
        return _scaled(known[0], lambda value: value / node.inputs[1])
    return _product(known[0], known[1]) if node.op == "mul" else None


def _scaled(found: Coefficients, change: Callable[[Node], Node]) -> Coefficients:
    """Polynomial with every coefficient changed."""
    low, middle, high = (None if value is None else change(value) for value in found)
    return low, middle, high


def _sum(one: Coefficients, other: Coefficients, less: bool) -> Coefficients:
    """Sum or difference of two polynomials."""
    total: list[Node | None] = []
    for first, second in zip(one, other, strict=True):
        if second is None:
            total.append(first)
        elif first is None:
            total.append(-second if less else second)
        else:
            total.append(first - second if less else first + second)
    return total[0], total[1], total[2]


def _product(one: Coefficients, other: Coefficients) -> Coefficients | None:
    """Product of two polynomials; None beyond the second degree."""
    total: list[Node | None] = [None] * 5
    for i, first in enumerate(one):
        for j, second in enumerate(other):
            if first is not None and second is not None:
                term = first * second
                before = total[i + j]
                total[i + j] = term if before is None else before + term
    return None if total[3] is not None or total[4] is not None else (total[0], total[1], total[2])
