"""The table of all measurements of a large campaign: what a row says, as text and as numbers to sort by.

Decides the columns; the script of the page (``many.js``) sorts, searches and turns pages.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bayesbeam.report.many import Judged, main_rows, model_labels, place_of
from bayesbeam.report.records import Candidate, Row
from bayesbeam.report.series_data import number_columns, value_of
from bayesbeam.report.text import NOTHING, clean, known, nats, plain, plus_minus, pretty_unit, probability
from bayesbeam.report.wording import GONE, KINDS

PAGE = 50
_SHEET, _WHY = 3, 160
# What would end a script element, or its text, early.
_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True)
class AllColumn:
    """One column: a head, the texts, and numbers to sort by where it is one of numbers (nan: none)."""

    head: str
    kind: str
    texts: tuple[str, ...]
    keys: tuple[float, ...] = ()


@dataclass(frozen=True)
class AllTable:
    """All measurements, a row each; ``links`` are places in the page of those that are shown."""

    columns: tuple[AllColumn, ...]
    links: tuple[str, ...]
    verdicts: tuple[str, ...]
    models: tuple[str, ...]

    @property
    def first(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Rows of the first page: a link, and text with kind of every cell."""
        rows = range(min(PAGE, len(self.links)))
        return [(self.links[k], [(one.texts[k], self.kind_of(one, k)) for one in self.columns]) for k in rows]

    def kind_of(self, column: AllColumn, row: int) -> str:
        """Class of a cell."""
        return f"verdict {KINDS[self.verdicts[row]]}" if column.kind == "verdict" else column.kind

    @property
    def data(self) -> Markup:
        """Everything as JSON that can stand in a script element."""
        columns: list[dict[str, Any]] = [
            {"head": one.head, "kind": one.kind, "texts": one.texts, "keys": [_short(key) for key in one.keys]}
            for one in self.columns
        ]
        kinds = [KINDS[one] for one in self.verdicts]
        content = {"columns": columns, "links": self.links, "kinds": kinds, "models": self.models, "page": PAGE}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return Markup(text.translate(_ESCAPED))


def all_table(everything: Sequence[Judged], links: dict[str, str]) -> AllTable:
    """Table of all measurements.

    Parameters
    ----------
    everything : sequence of Judged
        All measurements.
    links : dict
        Places in the page by id, of those that are shown one by one.
    """
    labels = model_labels(everything)
    results = [one.result for one in everything]
    bests = [one.best if one.candidates else None for one in results]
    columns = [AllColumn("measurement", "name", tuple(one.id for one in results))]
    if any(one.name != one.id for one in results):
        columns.append(AllColumn("title", "words", tuple(clean(one.name, 60) for one in results)))
    if any(one.about for one in results):
        columns.append(AllColumn("about", "words", tuple(one.about for one in results)))
    columns += _sheet_columns(everything)
    models = tuple(labels[one.tag] if one is not None else "" for one in bests)
    columns += [
        AllColumn("verdict", "verdict", tuple(one.verdict for one in everything)),
        AllColumn("best model", "name", models),
        _numbers("probability", bests, lambda one: (probability(one.model_probability, one.probability_error),
                                                    one.model_probability)),
        _next_column(everything, labels),
        _numbers("F (nats)", bests, lambda one: (nats(one.free_energy, one.standard_error), one.free_energy)),
        *(_parameter(place, bests) for place in main_rows(everything)),
        AllColumn("why", "words", tuple(clean("; ".join(one.reasons), _WHY) for one in everything)),
    ]  # fmt: skip
    verdicts = tuple(one.verdict for one in everything)
    return AllTable(tuple(columns), tuple(links.get(one.id, "") for one in results), verdicts, models)


def _sheet_columns(everything: Sequence[Judged]) -> list[AllColumn]:
    """The first columns of numbers of the sheet that differ between measurements."""
    found = [_sheet_column(everything, name) for name in number_columns([one.result for one in everything])]
    return [one for one in found if len({key for key in one.keys if not math.isnan(key)}) > 1][:_SHEET]


def _sheet_column(everything: Sequence[Judged], name: str) -> AllColumn:
    """One column of numbers of the sheet."""
    keys = []
    for one in everything:
        data = one.result.measurement
        has = data is not None and isinstance(data.metadata.get(name), float)
        keys.append(value_of(one.result, name) if has else math.nan)
    return AllColumn(clean(name, 40), "number", tuple(plain(key, 6) for key in keys), tuple(keys))


def _numbers(
    head: str, bests: Sequence[Candidate | None], cell: Callable[[Candidate], tuple[str, float | None]]
) -> AllColumn:
    """Column of numbers of the best candidates."""
    cells = [(NOTHING, None) if one is None else cell(one) for one in bests]
    return AllColumn(head, "number", tuple(text for text, _ in cells), tuple(_number(key) for _, key in cells))


def _next_column(everything: Sequence[Judged], labels: dict[str, str]) -> AllColumn:
    """Second most probable model."""
    texts = []
    for one in everything:
        second = one.result.ranked[1] if len(one.result.candidates) > 1 else None
        words = "" if second is None else f"{labels[second.tag]} ({probability(second.model_probability)})"
        texts.append(words)
    return AllColumn("next", "text", tuple(texts))


def _parameter(place: tuple[str, str], bests: Sequence[Candidate | None]) -> AllColumn:
    """One quantity of the best candidates that have it."""
    rows = [None if one is None else row_at(one, place) for one in bests]
    unit = pretty_unit(place[1])
    texts = tuple("" if row is None else plus_minus(row.mean, row.sd) for row in rows)
    head = f"{place[0]} ({unit})" if unit else place[0]
    return AllColumn(clean(head, 60), "number", texts, tuple(_number(row.mean if row else None) for row in rows))


def row_at(one: Candidate, place: tuple[str, str]) -> Row | None:
    """Free quantity of a candidate with this label and unit."""
    return next((row for row in one.parameters if place_of(row) == place and row.sd and known(row.mean)), None)


def _number(value: float | None) -> float:
    """Number to sort by."""
    return math.nan if value is None or not known(value) else float(value)


def _short(value: float) -> float | None:
    """Number with the digits that sorting needs."""
    return None if math.isnan(value) else float(f"{value:.9g}")


def refused_rows(everything: Sequence[Judged], most: int) -> list[tuple[str, str]]:
    """Id and reason of refused measurements, the first ones."""
    gone = [one for one in everything if one.verdict == GONE]
    return [(one.result.id, "; ".join(one.reasons)) for one in gone[:most]]
