"""Turns a formula into a graph of scalar operations, which engines compile; nothing of the formula's text is run twice.

A formula is called once with symbols in place of numbers. What depends on the axis is told from what does not, so that
the latter is computed once a row. A formula that looks at a value (``if x > 0``) or leaves its namespace cannot be
traced; it still runs on tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bayesbeam.errors import ModelError
from bayesbeam.models.mathspace import TORCH, MathSpace, Value

UNARY = ("exp", "expm1", "log", "log1p", "sqrt", "abs", "sin", "cos", "tanh", "atan", "erf", "neg", "not")
BINARY = ("add", "sub", "mul", "div", "maximum", "minimum", "lt", "le", "gt", "ge", "and", "or")


class NotScalar(ModelError):
    """The formula cannot be written as scalar operations."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operation, a symbol (``op == "symbol"``) or a constant; there is one object of each, so equal is identical.

    ``pointwise`` says whether the value differs from point to point of a row. Without that identity a recurrence, whose
    every step takes the last two, would cost time exponential in its length to compare.
    """

    op: str
    inputs: tuple[Node, ...] = ()
    name: str = ""
    value: float = 0.0
    pointwise: bool = False

    __array_ufunc__ = None

    def __new__(
        cls, op: str, inputs: tuple[Node, ...] = (), name: str = "", value: float = 0.0, pointwise: bool = False
    ) -> Node:
        """Return the node that is there already, or a new one."""
        key = (op, inputs, name, repr(value), pointwise)
        known = _NODES.get(key)
        if known is None:
            known = _NODES[key] = super().__new__(cls)
        return known

    def __add__(self, other: Value) -> Node:
        return _binary("add", self, other)

    def __radd__(self, other: Value) -> Node:
        return _binary("add", other, self)

    def __sub__(self, other: Value) -> Node:
        return _binary("sub", self, other)

    def __rsub__(self, other: Value) -> Node:
        return _binary("sub", other, self)

    def __mul__(self, other: Value) -> Node:
        return _binary("mul", self, other)

    def __rmul__(self, other: Value) -> Node:
        return _binary("mul", other, self)

    def __truediv__(self, other: Value) -> Node:
        return _binary("div", self, other)

    def __rtruediv__(self, other: Value) -> Node:
        return _binary("div", other, self)

    def __neg__(self) -> Node:
        return _unary("neg", self)

    def __lt__(self, other: Value) -> Node:
        return _binary("lt", self, other)

    def __le__(self, other: Value) -> Node:
        return _binary("le", self, other)

    def __gt__(self, other: Value) -> Node:
        return _binary("gt", self, other)

    def __ge__(self, other: Value) -> Node:
        return _binary("ge", self, other)

    def __and__(self, other: Value) -> Node:
        return _binary("and", self, other)

    def __or__(self, other: Value) -> Node:
        return _binary("or", self, other)

    def __invert__(self) -> Node:
        return _unary("not", self)

    def __bool__(self) -> bool:
        """Refuse: a formula may not branch on a value."""
        raise NotScalar.at("formula", "a branch on a value (if, and, or, max)", "m.where", "Write it with m.where.")


_NODES: WeakValueDictionary[tuple[object, ...], Node] = WeakValueDictionary()


def symbol(name: str, pointwise: bool = False) -> Node:
    """Quantity whose value is known only when the compiled formula runs."""
    return Node("symbol", name=name, pointwise=pointwise)


def _node(value: Value) -> Node:
    """Operand as a node."""
    if isinstance(value, Node):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Node("constant", value=float(value))
    remedy = "Use only m.<function>, arithmetic and plain numbers."
    raise NotScalar.at("formula", f"a {type(value).__name__} among its values", "numbers", remedy)


def _unary(op: str, value: Value) -> Node:
    node = _node(value)
    return Node(op, (node,), pointwise=node.pointwise)


def _binary(op: str, first: Value, second: Value) -> Node:
    a, b = _node(first), _node(second)
    return Node(op, (a, b), pointwise=a.pointwise or b.pointwise)


def _function(name: str, on_float: Callable[[float], float]) -> Callable[[Value], Value]:
    """Function of the namespace, computed at once for a plain number."""

    def function(value: Value, /) -> Value:
        return _unary(name, value) if isinstance(value, Node) else on_float(value)

    return function


class TraceMath:
    """The functions of :class:`MathSpace` on nodes."""

    pi = math.pi
    exp = staticmethod(_function("exp", math.exp))
    expm1 = staticmethod(_function("expm1", math.expm1))
    log = staticmethod(_function("log", math.log))
    log1p = staticmethod(_function("log1p", math.log1p))
    sqrt = staticmethod(_function("sqrt", math.sqrt))
    abs = staticmethod(_function("abs", abs))
    sin = staticmethod(_function("sin", math.sin))
    cos = staticmethod(_function("cos", math.cos))
    tanh = staticmethod(_function("tanh", math.tanh))
    atan = staticmethod(_function("atan", math.atan))
    erf = staticmethod(_function("erf", math.erf))

    @staticmethod
    def square(value: Value, /) -> Value:
        """Square."""
        return value * value

    @staticmethod
    def where(condition: Value, yes: Value, no: Value, /) -> Value:
        """``yes`` where the condition holds, else ``no``."""
        if not isinstance(condition, Node):
            return yes if condition else no
        inputs = (condition, _node(yes), _node(no))
        return Node("where", inputs, pointwise=any(node.pointwise for node in inputs))

    @staticmethod
    def maximum(first: Value, second: Value, /) -> Value:
        """Return the larger of two values."""
        if isinstance(first, Node) or isinstance(second, Node):
            return _binary("maximum", first, second)
        return TORCH.maximum(first, second)

    @staticmethod
    def minimum(first: Value, second: Value, /) -> Value:
        """Return the smaller of two values."""
        if isinstance(first, Node) or isinstance(second, Node):
            return _binary("minimum", first, second)
        return TORCH.minimum(first, second)


TRACE: MathSpace = TraceMath()


def trace(formula: Callable[..., Value], pointwise: Sequence[str], uniform: Sequence[str]) -> Node:
    """Graph of ``formula(m, *pointwise, *uniform)``.

    Parameters
    ----------
    formula : callable
    pointwise, uniform : sequence of str
        Names of the arguments that differ from point to point, then of those that do not.

    Raises
    ------
    NotScalar
        If the formula cannot be written as scalar operations; the message says why.
    """
    arguments = [symbol(name, True) for name in pointwise] + [symbol(name) for name in uniform]
    try:
        return _node(formula(TRACE, *arguments))
    except NotScalar:
        raise
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        remedy = "Use only m.<function>, arithmetic, and comparisons inside m.where."
        raise NotScalar.at("formula", found, "scalar operations", remedy) from error
