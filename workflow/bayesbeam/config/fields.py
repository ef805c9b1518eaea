"""Building blocks of the campaign types: ids, columns, intervals, counts, automatic numbers.

Decides the form of single values and the words of their messages; knows no section of a campaign.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from bayesbeam.errors import nearest

MAX_COUNT = 64
ID_PATTERN = r"[A-Za-z0-9_.-]{1,64}"
ID_EXPECTED = "1 to 64 of the characters A-Z a-z 0-9 _ . - that do not start with '.' and hold no '..'"


class Section(BaseModel):
    """A section of a campaign: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)


def refuse(found: str, expected: str, remedy: str = "") -> NoReturn:
    """Raise the validation error that becomes a three-part message.

    Parameters
    ----------
    found, expected, remedy : str
        The parts; the place is added by whoever reports it.
    """
    parts = {"found": found, "expected": expected, "remedy": remedy}
    raise PydanticCustomError("bayesbeam", "{found}; expected {expected}. {remedy}", parts)


def id_problem(text: str) -> str:
    """Remedy for text that is no id, empty where it is one."""
    if re.fullmatch(ID_PATTERN, text) and not text.startswith(".") and ".." not in text:
        return ""
    suggestion = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9_.-]+", "_", text)).strip("._")[:64]
    return f"Ids become file names; write e.g. {suggestion}." if suggestion else "Ids become file names."


def _identifier(value: Any) -> Any:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        refuse(shown(value), ID_EXPECTED)
    remedy = id_problem(text)
    if remedy:
        refuse(f"the id {text[:80]!r}", ID_EXPECTED, remedy)
    return text


def _candidate_name(value: Any) -> Any:
    text = _identifier(value)
    if "-" in text:
        found, expected = f"the candidate name {text!r}", "a name without '-'"
        refuse(found, expected, f"The '-' separates name and count in results; write {text.replace('-', '_')}.")
    return text


def _part_name(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", value):
        refuse(
            f"the part name {shown(value)}", "letters, digits and _", "Shared parameters are written part.parameter."
        )
    for word, owner in (("noise", "The noise model has"), ("common", "The section common has")):
        if value == word:
            refuse(f"the part name {word!r}", "another name", f"{owner} this name already.")
    return value


def _column(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        refuse(shown(value), "a column number (the first is 0) or a column name")
    if isinstance(value, int) and value < 0:
        refuse(f"the column {value}", "0 or more", "Columns are counted from 0.")
    return value


def _part_of_file(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str) or value in ("", 0) or len(str(value)) > 500:
        refuse(shown(value), "a path, a name, or a number from 1", "Write e.g. /entry/data, sum or 2.")
    return str(value)


def _interval(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        refuse(shown(value), "two numbers in brackets", "Write e.g. [282, 294].")
    ends = [number(item) for item in value]
    if not all(math.isfinite(end) for end in ends) or ends[0] == ends[1]:
        refuse(shown(value), "two different finite numbers", "Write e.g. [282, 294].")
    return (min(ends), max(ends))


def number(value: Any) -> float:
    """Return a number, also from text such as ``1E-3``, or refuse with the decimal point as advice.

    Parameters
    ----------
    value : object
        What the file holds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        refuse(shown(value), "a number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        comma = isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+,\d+\s*", value)
        refuse(shown(value), "a number", "Write a decimal point, not a comma." if comma else "")


def _automatic(value: Any) -> Any:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    refuse(shown(value), "auto or a whole number of at least 1")


def shown(value: Any) -> str:
    """Short form of a value for a message."""
    if value is None:
        return "no value"
    text = repr(value)
    kind = {dict: "a section", list: "a list", bool: "the word"}.get(type(value), "")
    return f"{kind} {text[:60]}".strip() + ("..." if len(text) > 60 else "")


@dataclass(frozen=True, order=True)
class CountRange:
    """How many of an exchangeable part: every number from ``low`` to ``high``, each a candidate of its own."""

    low: int
    high: int

    def __str__(self) -> str:
        """Return the campaign's form, ``low..high``."""
        return f"{self.low}..{self.high}"


def _count(value: Any) -> Any:
    if isinstance(value, CountRange):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _checked_count(value, value)
    match = re.fullmatch(r"\s*(\d{1,6})\s*(?:\.\.\.?|-|to)\s*(\d{1,6})\s*", value) if isinstance(value, str) else None
    if match is None:
        refuse(f"the count {shown(value)}", "a whole number or a range", "Write e.g. 3 or 1..4.")
    low, high = int(match.group(1)), int(match.group(2))
    if low > high:
        refuse(f"the count {low}..{high}, which is upside down", "the smaller number first", f"Write {high}..{low}.")
    return _checked_count(low, high)


def _checked_count(low: int, high: int) -> int | CountRange:
    if high < 1:
        refuse(f"a count of {high}", "at least 1", "Remove this part, or write a range such as 0..3.")
    if high > MAX_COUNT:
        refuse(f"a count of {high}", f"at most {MAX_COUNT}")
    return low if low == high else CountRange(low, high)


def _start_value(value: Any) -> Any:
    """Return a finite number, or a tuple of them."""
    items = value if isinstance(value, list | tuple) else [value]
    numbers = tuple(number(item) for item in items)
    if not numbers or not all(math.isfinite(item) for item in numbers):
        refuse(shown(value), "a number, or a list with one for each of several", "Write e.g. [1.2, 1.5, 1.7].")
    return numbers if isinstance(value, list | tuple) else numbers[0]


def _amount(value: Any) -> Any:
    """Return a positive number as a float, text stripped and unchanged."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value.strip()
    result = number(value)
    if not (math.isfinite(result) and result > 0):
        refuse(shown(value), "a number above 0, a word or a prior")
    return result


def _exposure(value: Any) -> Any:
    """Return a positive number as a float, the name of a column stripped."""
    expected = "a number above 0, or the name of a column of the sheet"
    found = _number_or_text(value, expected)
    if isinstance(found, str) and "(" in found:
        refuse(shown(value), expected, "Exposures are known; what is uncertain is a prior of the rates.")
    if isinstance(found, float) and not (math.isfinite(found) and found > 0):
        refuse(shown(value), expected)
    return found


def _dark(value: Any) -> Any:
    """Return a number of at least 0 as a float, the name of a column or a prior stripped."""
    expected = "a number of at least 0, the name of a column of the sheet, or a prior"
    found = _number_or_text(value, expected)
    if isinstance(found, float) and not (math.isfinite(found) and found >= 0):
        refuse(shown(value), expected, "Counts that come without a signal add to it.")
    return found


def _number_or_text(value: Any, expected: str) -> float | str:
    """Return a number as a float, other text stripped."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not str(value).strip():
        refuse(shown(value), expected)
    try:
        return float(value)
    except ValueError:
        return str(value).strip()


def _prior_text(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        refuse(f"the number {value}", "a prior in words", f"To keep it at this value write it under fixed: {value}.")
    if not isinstance(value, str):
        refuse(shown(value), "a prior such as uniform(low=x_min, high=x_max)")
    return value


def _formula_text(value: Any) -> Any:
    """Return text as it is; a number is fixed, not tied."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        refuse(
            f"the number {value}", "a formula of other parameters", f"To keep it there write it under fixed: {value}."
        )
    if not isinstance(value, str):
        refuse(shown(value), "a formula such as 0.75 * first.amplitude")
    return value


def one_of(value: str, words: tuple[str, ...]) -> None:
    """Refuse a word that is not in a list, naming the nearest.

    Parameters
    ----------
    value : str
        The word found.
    words : tuple of str
        The valid ones.
    """
    if value not in words:
        refuse(repr(value), f"one of {', '.join(words)}", nearest(value, words))


_COUNT_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\d+\.\.\d+$"}]}
Identifier = Annotated[
    str, BeforeValidator(_identifier), WithJsonSchema({"type": "string", "pattern": f"^{ID_PATTERN}$"})
]
CandidateName = Annotated[
    str, BeforeValidator(_candidate_name), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_.]{1,64}$"})
]
PartName = Annotated[str, BeforeValidator(_part_name)]
Column = Annotated[int | str, BeforeValidator(_column)]
PartOfFile = Annotated[str, BeforeValidator(_part_of_file), WithJsonSchema({"type": ["string", "integer"]})]
Interval = Annotated[tuple[float, float], BeforeValidator(_interval)]
Real = Annotated[float, BeforeValidator(number)]
Automatic = Annotated[int | Literal["auto"], BeforeValidator(_automatic)]
Amount = Annotated[float | str, BeforeValidator(_amount)]
Exposure = Annotated[float | str, BeforeValidator(_exposure)]
Dark = Annotated[float | str, BeforeValidator(_dark)]
StartValue = Annotated[float | tuple[float, ...], BeforeValidator(_start_value)]
PriorText = Annotated[str, BeforeValidator(_prior_text)]
FormulaText = Annotated[str, BeforeValidator(_formula_text)]
Count = Annotated[
    int | CountRange, BeforeValidator(_count), PlainSerializer(str, return_type=str), WithJsonSchema(_COUNT_SCHEMA)
]

VALUE_WORDS: dict[Any, str] = {
    _identifier: "id",
    _candidate_name: "candidate name",
    _part_name: "letters, digits, _",
    _column: "column number or name",
    _part_of_file: "path, name or number",
    _interval: "[low, high]",
    number: "number",
    _automatic: "`auto` or whole number",
    _amount: "number, word or prior",
    _exposure: "number or column",
    _dark: "number, column or prior",
    _prior_text: "prior",
    _formula_text: "formula",
    _start_value: "number or list of numbers",
    _count: "`3` or `1..8`",
}
