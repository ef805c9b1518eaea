"""Types of the section ``sparse`` of a candidate: a dictionary of terms of which few are in the model.

Decides keys and defaults, and which parts a dictionary stands for; each is checked as if it had been written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from bayesbeam.config.fields import PartName, PriorText, Real, Section, number, refuse, shown
from bayesbeam.config.numbered import numbered

MOST_TERMS = 1000
HIGHEST_POWER = 64
_RANGE = re.compile(r"\s*(\d{1,4})\s*\.\.\s*(\d{1,4})\s*")
_SIZES = re.compile(r"\s*(each|falling)\s*\(\s*([^()\s]+)\s*\)\s*")


def _whole_range(value: Any) -> Any:
    """Return the numbers of a range of whole numbers, or of a list of them."""
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        low, high = int(match.group(1)), int(match.group(2))
        if low > high:
            refuse(f"the range {low}..{high}, which is upside down", "the smaller number first")
        return tuple(range(low, high + 1))
    items = value if isinstance(value, list | tuple) else [value]
    if not items or not all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in items):
        refuse(shown(value), "a range of whole numbers, or a list of them", "Write e.g. 0..5, or [1, 3].")
    return tuple(items)


def _grid(value: Any) -> Any:
    """Return first place, last place and step."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        refuse(shown(value), "first place, last place and step in brackets", "Write e.g. [0, 10, 0.25].")
    first, last, step = (number(one) for one in value)
    if not (step > 0.0 and last >= first and (last - first) / step < MOST_TERMS):
        expected = f"a step above 0, from the lower place to the higher one, in {MOST_TERMS} places at most"
        refuse(shown(value), expected, "Write e.g. [0, 10, 0.25].")
    return (first, last, step)


def _sizes(value: Any) -> Any:
    """Return ``equal``, or a word and its number as text."""
    match = _SIZES.fullmatch(value) if isinstance(value, str) else None
    if value == "equal":
        return value
    if match is None:
        refuse(shown(value), "equal, each(probability) or falling(ratio)", "Write e.g. each(0.1).")
    size = number(match.group(2))
    if not 0.0 < size < (1.0 if match.group(1) == "each" else 1e6):
        refuse(f"the number {match.group(2)}", "a probability between 0 and 1, or a ratio above 0")
    return f"{match.group(1)}({size:g})"


def _names(value: Any) -> Any:
    """Return names of columns, ranges of numbered ones written out."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not items or not all(isinstance(one, str) for one in items):
        refuse(shown(value), "names of columns", "Write e.g. [width, c01..c60].")
    return tuple(name for one in items for name in numbered(one))


_NUMBERS = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_RANGE_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+\.\.\d+$"}, _NUMBERS]}
_NAMES_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
WholeRange = Annotated[tuple[int, ...], BeforeValidator(_whole_range), WithJsonSchema(_RANGE_SCHEMA)]
Grid3 = Annotated[tuple[float, float, float], BeforeValidator(_grid)]
Sizes = Annotated[str, BeforeValidator(_sizes)]
Names = Annotated[tuple[PartName, ...], BeforeValidator(_names), WithJsonSchema(_NAMES_SCHEMA)]


class Terms(Section):
    """Some terms of a dictionary, of one kind: columns, powers, fourier, or a component at many places."""

    columns: Names | None = Field(
        None,
        description="Further columns of the data file, by their names under read.columns of the treatment; c01..c60 "
        "stands for sixty of them.",
        examples=["[width, c01..c60]"],
    )
    powers: WholeRange | None = Field(None, description="Powers of x with these exponents.", examples=["0..6"])
    fourier: WholeRange | None = Field(
        None, description="Cosine and sine of these numbers of periods over `period`.", examples=["1..20"]
    )
    period: Annotated[Real, Field(gt=0)] | None = Field(
        None, description="Length in x of one period of the first of fourier.", examples=[10]
    )
    component: PartName | None = Field(
        None, description="A component of which there may be one at each of many places.", examples=["gaussian"]
    )
    grid: Grid3 | None = Field(
        None, description="Places: the first, the last, and the step between them.", examples=["[0, 10, 0.25]"]
    )
    places: tuple[Real, ...] | None = Field(None, min_length=1, description="Places, one by one, instead of grid.")
    place: str = Field("position", description="Parameter of the component that is the place.")
    coefficient: str = Field("amplitude", description="Parameter of the component that the prior is of.")
    fixed: dict[str, Real] = Field(
        default_factory=dict, description="The other parameters of the component.", examples=["{sd: 0.3}"]
    )
    name: PartName = Field(
        "",
        description="What names of terms begin with; the component's name, power, cos and sin where left out.",
        validate_default=False,
    )
    prior: PriorText | None = Field(
        None, description="Normal prior of a coefficient that is in; that of the section where left out."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Terms:
        """One kind of terms, with what belongs to it."""
        kinds = [word for word in ("columns", "powers", "fourier", "component") if getattr(self, word) is not None]
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none of columns, powers, fourier and component"
            refuse(found, "one of them", "Write another entry of the list for each.")
        if (self.fourier is not None) != (self.period is not None):
            refuse(
                "fourier without period, or period without fourier", "both", "Write e.g. {fourier: 1..20, period: 10}."
            )
        if self.fourier is not None and 0 in self.fourier:
            refuse("fourier with 0 periods, a constant", "1 or more", "Write {powers: 0} for a constant.")
        if self.component is not None and (self.grid is None) == (self.places is None):
            refuse("a component with grid and places, or neither", "one of the two", "Write e.g. grid: [0, 10, 0.25].")
        stray = [word for word in ("grid", "places", "place", "coefficient", "fixed") if word in self.model_fields_set]
        if self.component is None and stray:
            refuse(f"{' and '.join(stray)} without a component", "component: the one that is at these places")
        if self.place in self.fixed:
            refuse(f"{self.place} under fixed", "its values under grid or places alone", f"Remove fixed.{self.place}.")
        if max(self.powers or (0,)) > HIGHEST_POWER:
            refuse(f"the power {max(self.powers or ())}", f"{HIGHEST_POWER} at most")
        return self

    def written_out(self, default: str) -> list[dict[str, Any]]:
        """Parts that these terms stand for, as a campaign would write them; ``default`` is the prior."""
        prior = self.prior or default
        if self.columns is not None:
            return [
                {"component": "column", "name": f"{self.name}{word}", "column": word, "priors": {"coefficient": prior}}
                for word in self.columns
            ]
        if self.powers is not None:
            stem = self.name or "power"
            return [
                {"component": "power", "name": f"{stem}_{n}", "exponent": n, "priors": {"amplitude": prior}}
                for n in self.powers
            ]
        if self.fourier is not None:
            return [one for n in self.fourier for one in self._waves(n, prior)]
        stem, places = self.name or str(self.component), self.places or self._places()
        wide = len(str(len(places)))
        return [
            {
                "component": self.component,
                "name": f"{stem}_{i:0{wide}d}",
                "fixed": {**self.fixed, self.place: place},
                "priors": {self.coefficient: prior},
            }
            for i, place in enumerate(places, start=1)
        ]

    def _waves(self, periods: int, prior: str) -> Iterator[dict[str, Any]]:
        """Cosine and sine."""
        assert self.period is not None
        for word, phase in (("cos", 0.0), ("sin", -1.5707963267948966)):
            fixed = {"frequency": periods / self.period, "phase": phase}
            name = f"{self.name}{word}_{periods}"
            yield {"component": "wave", "name": name, "fixed": fixed, "priors": {"amplitude": prior}}

    def _places(self) -> list[float]:
        """Places of the grid; the last one is one of them where steps lead to it."""
        assert self.grid is not None
        first, last, step = self.grid
        return [first + step * i for i in range(int((last - first) / step + 1e-9) + 1)]


class Sparse(Section):
    """A dictionary of terms of which few are in the model; which ones is found out, see below."""

    dictionary: tuple[Terms, ...] = Field(
        min_length=1, description="The terms.", examples=["[{columns: [c01..c60]}, {powers: 1..3}]"]
    )
    most: int = Field(ge=1, le=64, description="Most terms of the dictionary that are in at once.", examples=[5])
    prior: PriorText = Field(
        description="Normal prior of the coefficient of a term that is in.", examples=['"normal(mean=0, sd=1)"']
    )
    sizes: Sizes = Field(
        "equal",
        description="Prior of the number of terms that are in: equal, each(p) where each term is in with probability "
        "p, or falling(r) where each number is r times as likely as the one before; sets of one size are alike.",
        examples=["each(0.05)"],
    )
    search: Literal["auto", "exhaustive", "exchange"] = Field(
        "auto",
        description="exhaustive looks at all sets; exchange samples them; auto looks at all where that takes minutes.",
    )

    @field_validator("dictionary", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        """One entry stands for a list of one."""
        return [value] if isinstance(value, dict) else value

    @field_validator("dictionary", mode="after")
    @classmethod
    def _not_too_many(cls, dictionary: tuple[Terms, ...]) -> tuple[Terms, ...]:
        """As many terms as columns of a design can be."""
        count = sum(len(terms.written_out("")) for terms in dictionary)
        if count > MOST_TERMS:
            refuse(f"{count} terms", f"{MOST_TERMS} at most", "Leave some out, or take a wider step.")
        return dictionary

    def written_out(self) -> list[list[dict[str, Any]]]:
        """Parts that each entry of the dictionary stands for."""
        return [terms.written_out(self.prior) for terms in self.dictionary]

    def log_sizes(self) -> tuple[str, float]:
        """The prior of the number of terms: its word, and its number, 0 where it has none."""
        match = _SIZES.fullmatch(self.sizes)
        return ("equal", 0.0) if match is None else (match.group(1), float(match.group(2)))
