"""How a failing formula becomes a fault: where in its file it failed, and what that means in a user's words."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bayesbeam.errors import nearest
from bayesbeam.models.check_table import Fault
from bayesbeam.models.mathspace import TORCH, MathSpace
from bayesbeam.models.trace import TRACE, Node, NotScalar

FUNCTIONS = tuple(sorted(name for name in vars(MathSpace) if not name.startswith("_")))
PLAIN = "Use only arithmetic, m.<function> (m.exp, not np.exp, math.exp or torch.exp) and m.where for branches."
DECLARE = "Or declare tensors_only = True in the file: it then runs as it is on plain torch, which is slower."


class Found(Exception):
    """Carries a fault to whoever looks for the first one."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.found)


def called(place: str, formula: Callable[..., Any], *arguments: Any) -> Any:
    """Result of a formula, with a fault where it raises; its warnings are not for the user of a campaign."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return formula(*arguments)
    except Exception as error:
        raise raised(place, formula, error, PLAIN) from error


def check_result(
    place: str, formula: Callable[..., Any], result: object, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    """Type, shape, dtype and finiteness of what a formula returned."""
    if not isinstance(result, Tensor):
        remedy = "Return an expression of x and the parameters."
        raise stop(place, formula, f"a {type(result).__name__}", "a value for every x", remedy)
    if tuple(result.shape) != shape:
        remedy = "Keep it element-wise; a constant is written level + 0.0 * x."
        raise stop(place, formula, f"shape {tuple(result.shape)}", f"shape {shape}", remedy)
    if result.dtype != dtype:
        remedy = "Do not convert the values inside the formula."
        raise stop(place, formula, str(result.dtype), str(dtype), remedy)
    if not bool(torch.isfinite(result).all()):
        remedy = "Mend the formula, or the typical range of its parameters."
        raise stop(place, formula, "values that are not finite on random draws", "finite values", remedy)


def stop(place: str, formula: Callable[..., Any], found: str, expected: str, remedy: str) -> Found:
    """Fault at the first line of a formula."""
    code = getattr(formula, "__code__", None)
    return Found(Fault(place, found, expected, remedy, code.co_firstlineno if code is not None else None))


def raised(place: str, formula: Callable[..., Any], error: Exception, remedy: str) -> Found:
    """Fault for a formula that raised, at the line of its file where it did."""
    found, advice = _words(error)
    expected = "a formula that runs on tensors" if remedy is PLAIN else "a formula of its namespace alone"
    code = getattr(formula, "__code__", None)
    line = code.co_firstlineno if code is not None else None
    trail = error.__traceback__
    while trail is not None:
        if code is not None and trail.tb_frame.f_code.co_filename == code.co_filename:
            line = trail.tb_lineno
        trail = trail.tb_next
    return Found(Fault(place, found, expected, advice or remedy, line))


def _words(error: Exception) -> tuple[str, str]:
    """What a formula did to raise an error, in words, and special advice where there is some."""
    text = str(error)
    if isinstance(error, AttributeError) and (error.obj is TORCH or error.obj is TRACE):
        return f"m.{error.name}, which is no function of the namespace", nearest(str(error.name), FUNCTIONS)
    if isinstance(error, AttributeError) and isinstance(error.obj, Node):
        return f"the tensor method .{error.name}", ""
    if isinstance(error, NotScalar):
        return text.removeprefix("formula: ").split("; expected")[0], ""
    if "Boolean value of Tensor" in text:
        return "a branch on a value (if, and, or, max)", ""
    if "for ** or pow()" in text:
        advice = "Write m.square(value) or a product; for other powers m.exp(b * m.log(a)), where a > 0."
        return "a power (**)", f"{advice} {DECLARE}"
    if "not support ufuncs" in text or "Can't call numpy()" in text:
        return "a numpy function on a value", ""
    if "must be Tensor, not Node" in text:
        return "a torch function on a value", ""
    if "converted to Python scalar" in text or "must be real number, not Node" in text:
        return "a function of single numbers, such as math.exp, on a value", ""
    return f"{type(error).__name__}: {text.replace('Node', 'symbol')[:200]}", ""
