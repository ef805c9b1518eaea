"""Laws along series: rows of the table, and what the page shows of them.

Laws were compared by a stage of their own; numbers are only written down here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bayesbeam.report.records import Results
from bayesbeam.report.series_data import Series
from bayesbeam.report.table_columns import Rows
from bayesbeam.report.text import clean, fixed, nats, plus_minus, pretty_unit, probability, probability_words
from bayesbeam.report.view import Cell, Table

Law = Mapping[str, Any]
_SHOWN, _LEAST, _SURE = 3, 0.01, 0.95
_SCATTER = "noise.scale"
_WORDS = {
    "constant": "stays constant", "linear": "follows a straight line", "exponential": "relaxes exponentially",
    "two exponentials": "relaxes with two exponentials", "stretched": "relaxes as a stretched exponential",
    "avrami": "follows Avrami's law", "sigmoid": "follows a sigmoid",
}  # fmt: skip


def law_rows(results: Results) -> Rows:
    """Every law of every quantity, a row a parameter; a law without parameters has one row."""
    for one in results.laws:
        head = one["column"], one["tag"], one["parameter"], one["index"], one["unit"]
        for law in one["laws"]:
            told = law["name"], law["free_energy"], law["standard_error"], law["probability"], one["points"]
            for name, (mean, sd) in law["parameters"].items() or (("", (None, None)),):
                yield (*head, *told, _short(name), mean, sd, one["study"] or None)


def laws_of(results: Results, series: Series) -> list[Law]:
    """What is known of the laws of the quantities of a series."""
    wanted = series.column, series.tag, series.study
    return [one for one in results.laws if (one["column"], one["tag"], one["study"]) == wanted]


def law_sentences(laws: Sequence[Law]) -> tuple[str, ...]:
    """Which law each quantity follows, and with what parameters; or why that is not said."""
    return tuple(_sentence(one) for one in laws)


def _sentence(one: Law) -> str:
    """One quantity."""
    label = _label(one)
    if not one["laws"]:
        return f"{label}: no law is compared ({clean(one['reason'], 200)})."
    best, *others = one["laws"]
    words = f"{label} {_WORDS[best['name']]}, probability {probability_words(best['probability'])}"
    if best["probability"] < _SURE and others:
        words += f"; next: {others[0]['name']}, {probability_words(others[0]['probability'])}"
    told = _parameters(best)
    return f"{words}{f' ({told})' if told else ''}."


def law_table(laws: Sequence[Law]) -> Table | None:
    """The most probable laws of each quantity; the best of each in bold."""
    heads = ("quantity", "law", "probability", "ΔF (nats)", "parameters", "points")
    rows: list[tuple[Cell, ...]] = []
    marked: list[int] = []
    for one in laws:
        for place, law in enumerate(one["laws"]):
            if place >= _SHOWN and law["probability"] < _LEAST:
                continue
            marked += [len(rows)] if place == 0 else []
            above, error = law["free_energy"] - one["laws"][0]["free_energy"], law["standard_error"]
            rows.append(
                (Cell(_label(one), "name"), Cell(law["name"], "words"), Cell(probability(law["probability"])),
                 Cell(nats(above, error) if place else "0"), Cell(_parameters(law), "words"),
                 Cell(str(one["points"])))
            )  # fmt: skip
    return Table(heads, tuple(rows), frozenset(marked)) if rows else None


def _label(one: Law) -> str:
    """Quantity with its number and unit."""
    unit = pretty_unit(one["unit"])
    number = f" {one['index']}" if one["index"] is not None else ""
    return clean(f"{one['parameter']}{number}{f' ({unit})' if unit else ''}", 120)


def _parameters(law: Law) -> str:
    """Parameters of a law in words."""
    said = []
    for name, (mean, sd) in law["parameters"].items():
        word = _short(name)
        if name == _SCATTER:
            said.append(f"scatter {fixed(mean, 1)} of the errors")
        elif sd > 0:
            said.append(f"{word.replace('_', ' ')} {plus_minus(mean, sd)}")
    return ", ".join(said)


def _short(name: str) -> str:
    """Name of a parameter without what it is part of."""
    return "scatter" if name == _SCATTER else name.removeprefix("law.")
