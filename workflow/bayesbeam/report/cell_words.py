"""Edges of the cell with statistical and systematic parts apart: sentences of the page, rows of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesbeam.report.records import Results
from bayesbeam.report.table_columns import Rows
from bayesbeam.report.text import clean, fixed, listed, plain

Facts = Mapping[str, Any]
_DIGITS = 6
PARTS = ("zero and displacement", "description of lines", "wavelength")


def cell_words(facts: Facts) -> tuple[str, ...]:
    """What is told of the cell of the one phase of a pattern; nothing where it was not asked for."""
    told = facts.get("cell_report")
    if not told:
        return ()
    if not told["edges"]:
        return (f"Of its cell nothing is told: {clean(told['reason'], 300)}.",)
    said = []
    for edge in told["edges"]:
        parts = listed([f"{name} {_small(edge['parts'][name])}" for name in PARTS if edge["parts"].get(name)])
        said.append(
            f"{edge['edge']} = {fixed(edge['value'], _DIGITS)} \u00c5, with a standard deviation of "
            f"{_small(edge['statistical'])} by counting and errors of form, and a systematic one of "
            f"{_small(edge['systematic'])} ({parts})"
        )
    best, *others = told["described"]
    words = f"Cell of {clean(told['phase'], 60)} by the geometry of the instrument: {'; '.join(said)}."
    away = listed([f"{clean(one['name'], 40)} ({plain(one['above'], 3)} nats)" for one in others])
    return (words, f"Lines are described best with {clean(best['name'], 40)}{f'; worse are {away}' if away else ''}.")


def cell_report_rows(results: Results) -> Rows:
    """A row an edge."""
    for result in results.measurements:
        for one in result.candidates:
            told: Facts = (one.phases or {}).get("cell_report") or {"edges": ()}
            for edge in told["edges"]:
                parts = (edge["parts"].get(name) for name in PARTS)
                yield (
                    one.measurement, one.candidate, told["phase"], edge["edge"], edge["value"], edge["statistical"],
                    edge["systematic"], *parts, told["described"][0]["name"],
                )  # fmt: skip


def _small(value: float) -> str:
    """A standard deviation, in parts of a hundred thousandth of an angstrom."""
    return f"{fixed(1e5 * value, 1)}\u00d710\u207b\u2075"
