"""Formulas over parameters, as ties and derived quantities are written: ``0.75 * a.amplitude``, ``b.area / a.area``.

Decides what such text may hold and turns it into a function; which names exist is for ``ties`` to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bayesbeam.config.expression import Binary, Expression, GrammarError, Negative, Number, Word
from bayesbeam.config.grammar import MAX_LENGTH, Parser
from bayesbeam.config.places import Problems
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import Problem, nearest

if TYPE_CHECKING:
    from bayesbeam.models.mathspace import MathSpace, Value

FUNCTIONS = ("abs", "exp", "log", "sqrt")
_NAME = re.compile(r"([A-Za-z_]\w*)(?:\[(\d{1,2})\])?\.([A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True)
class Call(Word):
    """A function of an expression; ``name`` is that of the function."""

    inner: Expression

    def __str__(self) -> str:
        """Return the text."""
        return f"{self.name}({self.inner})"


@dataclass(frozen=True)
class FormulaSpec:
    """A formula as written; names are ``part.parameter``, ``part[2].parameter``, or columns where it may name them."""

    tree: Expression

    @property
    def names(self) -> tuple[str, ...]:
        """Names that occur in it, each once, in their order."""
        return tuple(dict.fromkeys(_names(self.tree)))

    def put(self, others: Mapping[str, FormulaSpec]) -> FormulaSpec:
        """Return the formula with other formulas in the place of names."""
        return FormulaSpec(_put(self.tree, {name: other.tree for name, other in others.items()}))

    def function(self, *order: str) -> Callable[..., Value]:
        """Return ``formula(m, *values)`` of the values of its names, or of those in an order, on a math namespace."""
        names, tree = order or self.names, self.tree

        def formula(m: MathSpace, *values: Value) -> Value:
            return _value(m, tree, dict(zip(names, values, strict=True)))

        return formula

    def __str__(self) -> str:
        """Return the canonical text, which parses back to an equal formula."""
        return str(self.tree)


def split_name(name: str) -> tuple[str, int | None, str]:
    """Part, number and parameter of a name in a formula."""
    match = _NAME.fullmatch(name)
    assert match is not None, name
    return match[1], int(match[2]) if match[2] else None, match[3]


def parse_formula(text: str, where: str = "formula", columns: bool = False) -> FormulaSpec:
    """Formula as written in a campaign, which may name columns of the sheet, where it may, as words without a point.

    Raises
    ------
    GrammarError
        If the text is no formula of parameters, numbers, ``+ - * /``, brackets and the known functions.
    """
    if len(text) > MAX_LENGTH:
        raise GrammarError(Problem(where, f"a formula of {len(text)} characters", f"at most {MAX_LENGTH}", ""))
    return FormulaSpec((_ColumnParser if columns else _FormulaParser)(text, where).whole())


def formula_or_note(text: str, problems: Problems, path: KeyPath, columns: bool = False) -> FormulaSpec | None:
    """Formula as written in a campaign, None where it is a mistake, which is noted."""
    try:
        return parse_formula(text, columns=columns)
    except GrammarError as error:
        problem = error.problem
        problems.add(path, problem.found, problem.expected, problem.remedy)
        return None


class _FormulaParser(Parser):
    """The expressions of priors, with names of parameters for data words, and functions."""

    words = r"[A-Za-z_]\w*(?:\[\d{1,2}\])?(?:\.[A-Za-z_]\w*)?"
    operand = "a number or part.parameter"
    example = "a formula such as 0.75 * first.amplitude"
    allowed = "Only numbers, part.parameter, + - * /, brackets and " + ", ".join(FUNCTIONS) + " may stand in a formula."

    def whole(self) -> Expression:
        """Return the expression that the text is, to its end."""
        tree = self._sum()
        rest = self._peek()
        if rest is not None:
            self._fail(f"{self.text[rest.position :][:30]!r} after the formula", "nothing after it")
        return tree

    def _word(self, text: str) -> Expression:
        if text in FUNCTIONS:
            self._take("sign", f"'(' after {text}", "(")
            inner = self._sum()
            self._take("sign", "')'", ")")
            return Call(text, inner)
        if _NAME.fullmatch(text) is None:
            remedy = nearest(text, FUNCTIONS) if self._is("(") else "Write part.parameter, e.g. first.position."
            self._fail(f"the word {text!r}", "part.parameter, a number or a function", remedy)
        return Word(text)


class _ColumnParser(_FormulaParser):
    """Formulas that may also name columns of the sheet."""

    operand = "a number, part.parameter or a column of the sheet"
    example = "a formula such as common.start + common.slope * temperature"

    def _word(self, text: str) -> Expression:
        if text not in FUNCTIONS and text.isidentifier() and not self._is("("):
            return Word(text)
        return super()._word(text)


def _names(tree: Expression) -> Iterator[str]:
    if isinstance(tree, Call):
        yield from _names(tree.inner)
    elif isinstance(tree, Word):
        yield tree.name
    elif isinstance(tree, Negative):
        yield from _names(tree.inner)
    elif isinstance(tree, Binary):
        yield from _names(tree.left)
        yield from _names(tree.right)


def _put(tree: Expression, others: Mapping[str, Expression]) -> Expression:
    if isinstance(tree, Call | Negative):
        return replace(tree, inner=_put(tree.inner, others))
    if isinstance(tree, Word):
        return others.get(tree.name, tree)
    if isinstance(tree, Binary):
        return replace(tree, left=_put(tree.left, others), right=_put(tree.right, others))
    return tree


def _value(m: MathSpace, tree: Expression, values: Mapping[str, Value]) -> Value:
    if isinstance(tree, Call):
        return getattr(m, tree.name)(_value(m, tree.inner, values))
    if isinstance(tree, Word):
        return values[tree.name]
    if isinstance(tree, Negative):
        return -_value(m, tree.inner, values)
    if isinstance(tree, Number):
        return tree.value
    left, right = _value(m, tree.left, values), _value(m, tree.right, values)
    return _SIGNS[tree.sign](left, right)


def _divided(left: Any, right: Any) -> Any:
    """Quotient; that of two plain numbers may have no value."""
    return math.nan if isinstance(right, float) and right == 0.0 else left / right


_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divided,
}
