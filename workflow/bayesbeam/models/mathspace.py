"""The math namespace that formulas are written on, and its torch version.

A formula sees only ``m.<function>``, arithmetic and comparisons inside ``m.where``; so the same source can be
run on tensors here and compiled for scalars by other engines. There is no power function: use ``m.square``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

Value = Any
"""A tensor, a float, or whatever scalar an engine compiles a formula for."""


class MathSpace(Protocol):
    """Functions a formula may use; every engine offers exactly these."""

    pi: float

    def exp(self, value: Value, /) -> Value:
        """Exponential."""

    def expm1(self, value: Value, /) -> Value:
        """Exponential minus one, exact near zero."""

    def log(self, value: Value, /) -> Value:
        """Natural logarithm."""

    def log1p(self, value: Value, /) -> Value:
        """Natural logarithm of one plus the value, exact near zero."""

    def sqrt(self, value: Value, /) -> Value:
        """Square root."""

    def square(self, value: Value, /) -> Value:
        """Square."""

    def abs(self, value: Value, /) -> Value:
        """Absolute value."""

    def sin(self, value: Value, /) -> Value:
        """Sine of an angle in radians."""

    def cos(self, value: Value, /) -> Value:
        """Cosine of an angle in radians."""

    def tanh(self, value: Value, /) -> Value:
        """Hyperbolic tangent."""

    def atan(self, value: Value, /) -> Value:
        """Inverse tangent in radians."""

    def erf(self, value: Value, /) -> Value:
        """Error function."""

    def where(self, condition: Value, yes: Value, no: Value, /) -> Value:
        """``yes`` where the condition holds, else ``no``; both are computed."""

    def maximum(self, first: Value, second: Value, /) -> Value:
        """Return the larger of two values."""

    def minimum(self, first: Value, second: Value, /) -> Value:
        """Return the smaller of two values."""


def _either(on_tensor: Callable[[Tensor], Tensor], on_float: Callable[[float], float]) -> Callable[[Value], Value]:
    """Function that serves tensors and the plain numbers of a formula's constants."""

    def function(value: Value, /) -> Value:
        return on_tensor(value) if isinstance(value, Tensor) else on_float(value)

    return function


def _exp(value: Value, /) -> Value:
    """Exponential that never underflows.

    Torch takes up to thirty times longer for results below the smallest normal number than for others, so the
    argument is held just above it: 1e-304 in double and 1e-38 in single precision stand for everything smaller.
    """
    if not isinstance(value, Tensor):
        return math.exp(value)
    return torch.exp(torch.clamp(value, min=-87.0 if value.dtype == torch.float32 else -700.0))


class TorchMath:
    """The functions of :class:`MathSpace` on torch tensors, any device and dtype."""

    pi = math.pi
    exp = staticmethod(_exp)
    expm1 = staticmethod(_either(torch.expm1, math.expm1))
    log = staticmethod(_either(torch.log, math.log))
    log1p = staticmethod(_either(torch.log1p, math.log1p))
    sqrt = staticmethod(_either(torch.sqrt, math.sqrt))
    abs = staticmethod(_either(torch.abs, abs))
    sin = staticmethod(_either(torch.sin, math.sin))
    cos = staticmethod(_either(torch.cos, math.cos))
    tanh = staticmethod(_either(torch.tanh, math.tanh))
    atan = staticmethod(_either(torch.atan, math.atan))
    erf = staticmethod(_either(torch.erf, math.erf))

    @staticmethod
    def square(value: Value, /) -> Value:
        """Square, as one product: exact to the last bit on every engine."""
        return value * value

    @staticmethod
    def where(condition: Value, yes: Value, no: Value, /) -> Value:
        """``yes`` where the condition holds, else ``no``."""
        if isinstance(condition, Tensor):
            return torch.where(condition, yes, no)
        return yes if condition else no

    @staticmethod
    def maximum(first: Value, second: Value, /) -> Value:
        """Return the larger of two values, either of which may be a plain number."""
        return _extreme(torch.maximum, max, first, second)

    @staticmethod
    def minimum(first: Value, second: Value, /) -> Value:
        """Return the smaller of two values, either of which may be a plain number."""
        return _extreme(torch.minimum, min, first, second)


def _extreme(on_tensor: Callable[..., Tensor], on_float: Callable[..., float], first: Value, second: Value) -> Value:
    """Maximum or minimum of tensors and plain numbers."""
    tensor = next((value for value in (first, second) if isinstance(value, Tensor)), None)
    if tensor is None:
        return on_float(first, second)
    pair = [torch.as_tensor(value, dtype=tensor.dtype, device=tensor.device) for value in (first, second)]
    return on_tensor(*pair)


TORCH: MathSpace = TorchMath()
