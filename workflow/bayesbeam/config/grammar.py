"""Parser of the prior grammar: ``family(argument=expression, ...)``, arguments positional or named.

A tokenizer and a recursive descent parser of our own, bounded in length and depth; nothing is ever evaluated as Python.
Decides which text is a prior; whether its numbers make a proper one is for the family to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from bayesbeam.config.expression import (
    DATA_WORDS,
    Binary,
    Expression,
    GrammarError,
    Negative,
    Number,
    PriorSpec,
    Word,
)
from bayesbeam.errors import Problem, nearest

MAX_LENGTH = 500
MAX_DEPTH = 20
EXAMPLE = "a prior such as uniform(low=x_min, high=x_max)"
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_INFINITE = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}
PROPER = "F is an integral over the prior, so it exists only where the prior has a finite mass"
_IMPROPER = ("flat", "improper", "jeffreys", "uninformative", "noninformative", "reference", "half_flat")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse_prior(text: str, where: str = "prior") -> PriorSpec:
    """Prior as written in a campaign.

    Parameters
    ----------
    text : str
        E.g. ``normal(mean=x_mid, sd=x_span / 4)`` or ``gamma(5, 0.04)``.
    where : str
        Key that holds the text, for the message.

    Raises
    ------
    GrammarError
        If the text is not a prior of a known family with its own arguments.
    """
    if len(text) > MAX_LENGTH:
        raise GrammarError(Problem(where, f"a prior of {len(text)} characters", f"at most {MAX_LENGTH}", ""))
    return Parser(text, where).prior()


class Parser:
    """Recursive descent over the tokens of one prior; or of another text, whose words another class knows."""

    words = r"[A-Za-z_]\w*"
    example = EXAMPLE
    operand = "a number or a data word"
    allowed = "Only numbers, data words, + - * / and brackets may stand in a prior."

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.tokens = self._tokens()
        self.next = 0
        self.depth = 0

    def prior(self) -> PriorSpec:
        """Return the prior that the text is, to its end."""
        name = self._take("word", "a family name")
        arguments = self._family(name.text)
        if self._peek() is None:
            call = f"{name.text}({', '.join(f'{argument}=...' for argument in arguments)})"
            self._fail(f"the family {name.text!r} without arguments", call)
        self._take("sign", "'(' after the family name", "(")
        given = self._arguments(name.text, tuple(arguments))
        self._take("sign", "',' or ')'", ")")
        rest = self._peek()
        if rest is not None:
            self._fail(f"{self.text[rest.position :][:30]!r} after the closing bracket", "nothing after it")
        missing = [argument for argument, default in arguments.items() if argument not in given and default is None]
        if missing:
            expected = f"{name.text}({', '.join(arguments)})"
            self._fail(f"{name.text} without {' and '.join(missing)}", expected)
        return PriorSpec(name.text, tuple((argument, given[argument]) for argument in arguments if argument in given))

    def _family(self, name: str) -> Mapping[str, float | None]:
        """Arguments of a family with their defaults, None where there is none."""
        from bayesbeam import priors

        if name in _IMPROPER:
            self._fail(
                f"the improper prior {name!r}",
                "a proper prior",
                f"{PROPER}; write a wide one with limits you would defend, "
                "e.g. uniform(low=x_min, high=x_max), log_uniform(low=0.01, high=100) or normal(mean=0, sd=10).",
            )
        if name not in priors.names():
            self._fail(f"the unknown prior family {name!r}", "a known family", nearest(name, priors.names()))
        family = priors.get(name)
        return {argument: family.defaults.get(argument) for argument in family.parameters}

    def _arguments(self, family: str, names: tuple[str, ...]) -> dict[str, Expression]:
        given: dict[str, Expression] = {}
        if self._is(")"):
            return given
        while True:
            name = self._argument_name(family, names, given)
            given[name] = self._sum()
            if not self._is(","):
                return given
            self.next += 1

    def _argument_name(self, family: str, names: tuple[str, ...], given: dict[str, Expression]) -> str:
        token, after = self._peek(), self._peek(1)
        if token is None or token.kind != "word" or after is None or after.text != "=":
            if len(given) >= len(names):
                self._fail(f"more than {len(names)} arguments", f"{family}({', '.join(names)})")
            if names[len(given)] in given:
                self._fail("an argument without a name after named ones", f"{names[len(given)]}=... or all by name")
            return names[len(given)]
        self.next += 2
        if token.text not in names:
            self._fail(
                f"the unknown argument {token.text!r}", f"{family}({', '.join(names)})", nearest(token.text, names)
            )
        if token.text in given:
            self._fail(f"the argument {token.text!r} twice", "every argument once")
        return token.text

    def _sum(self) -> Expression:
        return self._chain("+-", self._product)

    def _product(self) -> Expression:
        return self._chain("*/", self._signed)

    def _chain(self, signs: str, inner: object) -> Expression:
        assert callable(inner)
        left: Expression = inner()
        terms = 0
        while (token := self._peek()) is not None and token.kind == "sign" and token.text in signs:
            terms += 1
            if terms > MAX_DEPTH:
                self._fail(f"more than {MAX_DEPTH} terms in a row", "a short expression")
            self.next += 1
            left = Binary(token.text, left, inner())
        return left

    def _signed(self) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} brackets or signs inside one another", "a short expression")
        if self._is("+"):
            self.next += 1
            result = self._signed()
        elif self._is("-"):
            self.next += 1
            result = Negative(self._signed())
        else:
            result = self._atom()
        self.depth -= 1
        return result

    def _atom(self) -> Expression:
        if self._is("("):
            self.next += 1
            inner = self._sum()
            self._take("sign", "')'", ")")
            return inner
        token = self._peek()
        if token is None or token.kind == "sign":
            self._fail("the end" if token is None else repr(token.text), self.operand)
        self.next += 1
        if token.kind == "number":
            return Number(float(token.text))
        if token.text in _INFINITE:
            return Number(_INFINITE[token.text])
        return self._word(token.text)

    def _word(self, text: str) -> Expression:
        if text not in DATA_WORDS:
            self._fail(f"the unknown word {text!r}", "a number or a data word", nearest(text, tuple(DATA_WORDS)))
        return Word(text)

    def _tokens(self) -> list[_Token]:
        tokens, position, text = [], 0, self.text.rstrip()
        token = re.compile(rf"\s*(?:(?P<number>{_NUMBER})|(?P<word>{self.words})|(?P<sign>[-+*/(),=]))", re.ASCII)
        while position < len(text):
            match = token.match(text, position)
            if match is None:
                found = f"{text[position:].strip()[:20]!r} in {text[:60]!r}"
                self._fail(found, self.example, self._hint(text, position))
            assert match.lastgroup is not None
            tokens.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup)))
            position = match.end()
        return tokens

    def _hint(self, text: str, position: int) -> str:
        if "^" in text[position:]:
            return "There are no powers; write x * x."
        return self.allowed

    def _peek(self, ahead: int = 0) -> _Token | None:
        index = self.next + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def _is(self, sign: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == "sign" and token.text == sign

    def _take(self, kind: str, expected: str, text: str | None = None) -> _Token:
        token = self._peek()
        if token is None or token.kind != kind or (text is not None and token.text != text):
            found = f"{token.text!r} at character {token.position + 1}" if token else "the end of the text"
            self._fail(f"{found} in {self.text[:60]!r}", expected, f"Write {self.example}.")
        self.next += 1
        return token

    def _fail(self, found: str, expected: str, remedy: str = "") -> NoReturn:
        raise GrammarError(Problem(self.where, found, expected, remedy))
