"""Priors as written in a campaign: expressions over data words, and how they become numbers of one measurement.

Decides what an expression may hold. The parser is in ``grammar``, the families themselves live in ``priors``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bayesbeam.errors import ConfigError, Problem

if TYPE_CHECKING:
    from bayesbeam.priors import Prior

DATA_WORDS: dict[str, str] = {
    "x_min": "smallest x of the treated measurement",
    "x_max": "largest x",
    "x_span": "x_max - x_min",
    "x_mid": "(x_min + x_max) / 2",
    "x_step": "median distance of neighbouring points",
    "y_min": "smallest y of the treated measurement",
    "y_max": "largest y",
    "y_span": "y_max - y_min",
    "y_mid": "(y_min + y_max) / 2",
    "noise": "robust estimate of the noise of one point, from second differences",
    "n_points": "number of points",
    "exposure": "number in the column exposure of the sheet, or exposure of a simulated or thinned measurement",
}
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}


class GrammarError(ConfigError):
    """Text that is not a prior; carries the three parts so that a caller can say where it stands."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


@dataclass(frozen=True)
class Number:
    """A number as written."""

    value: float

    def evaluate(self, words: Mapping[str, float]) -> float:
        """Return the number."""
        return self.value

    def __str__(self) -> str:
        """Return the shortest text that reads back as the same number."""
        return _number_text(self.value)


@dataclass(frozen=True)
class Word:
    """A data word, filled in from one measurement."""

    name: str

    def evaluate(self, words: Mapping[str, float]) -> float:
        """Return the word's value in one measurement."""
        return float(words[self.name])

    def __str__(self) -> str:
        """Return the word."""
        return self.name


@dataclass(frozen=True)
class Negative:
    """Minus an expression."""

    inner: Expression

    def evaluate(self, words: Mapping[str, float]) -> float:
        """Return minus the inner value."""
        return -self.inner.evaluate(words)

    def __str__(self) -> str:
        """Return the text with the brackets that are needed."""
        return f"-({self.inner})" if isinstance(self.inner, Binary | Negative) else f"-{self.inner}"


@dataclass(frozen=True)
class Binary:
    """Two expressions joined by one of ``+ - * /``."""

    sign: str
    left: Expression
    right: Expression

    def evaluate(self, words: Mapping[str, float]) -> float:
        """Return the joined value; a division by zero gives nan, which every prior refuses."""
        left, right = self.left.evaluate(words), self.right.evaluate(words)
        if self.sign == "+":
            return left + right
        if self.sign == "-":
            return left - right
        if self.sign == "*":
            return left * right
        return left / right if right != 0.0 else math.nan

    def __str__(self) -> str:
        """Return the text with the brackets that are needed."""
        mine = _PRECEDENCE[self.sign]
        left = f"({self.left})" if _binds(self.left) < mine else str(self.left)
        right = f"({self.right})" if _binds(self.right) <= mine else str(self.right)
        return f"{left} {self.sign} {right}"


Expression = Number | Word | Negative | Binary


@dataclass(frozen=True)
class PriorSpec:
    """A prior as written: its family and one expression for each argument given, in the family's order."""

    family: str
    arguments: tuple[tuple[str, Expression], ...]

    @property
    def needs(self) -> frozenset[str]:
        """Data words that occur in it."""
        return frozenset(word for _, expression in self.arguments for word in _words(expression))

    @property
    def fixed(self) -> bool:
        """Whether the parameter keeps one value."""
        return self.family == "fixed"

    def values(self, words: Mapping[str, float]) -> dict[str, float]:
        """Return the arguments as numbers.

        Parameters
        ----------
        words : mapping of str to float
            Values of the data words in one measurement.

        Raises
        ------
        ConfigError
            If a word it needs is missing.
        """
        missing = sorted(self.needs - set(words))
        if missing:
            raise GrammarError(Problem(f"prior {self}", f"no value for {', '.join(missing)}", "every data word", ""))
        return {name: expression.evaluate(words) for name, expression in self.arguments}

    def resolve(self, words: Mapping[str, float]) -> Prior:
        """Return the prior of one measurement.

        Parameters
        ----------
        words : mapping of str to float
            Values of the data words in that measurement, see ``DATA_WORDS``.

        Raises
        ------
        ConfigError
            If a word is missing.
        ModelError
            If the numbers do not make a proper prior.
        """
        from bayesbeam.priors import make_prior

        return make_prior(self.family, **self.values(words))

    def __str__(self) -> str:
        """Return the canonical text, which parses back to an equal prior."""
        return f"{self.family}({', '.join(f'{name}={expression}' for name, expression in self.arguments)})"


def fixed(value: float) -> PriorSpec:
    """Return the prior that keeps a parameter at one value."""
    number = Number(abs(float(value)))
    return PriorSpec("fixed", (("value", Negative(number) if math.copysign(1.0, value) < 0 else number),))


def _number_text(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _binds(expression: Expression) -> int:
    if isinstance(expression, Binary):
        return _PRECEDENCE[expression.sign]
    return 1 if isinstance(expression, Negative) else 3


def _words(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Word):
        yield expression.name
    elif isinstance(expression, Negative):
        yield from _words(expression.inner)
    elif isinstance(expression, Binary):
        yield from _words(expression.left)
        yield from _words(expression.right)
