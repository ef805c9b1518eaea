"""The answers of a finished run, in one line a measurement and one a group; what was refused and why.

Decides the words only. A choice is never printed without its uncertainty.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bayesbeam.evidence.model_posterior import probability_words
from bayesbeam.stages.rulebook import Rulebook

MOST_LINES = 20
WORTH_NAMING = 0.01


def answers(book: Rulebook, root: Path) -> list[str]:
    """Return one line a measurement and one a group, from the results in ``root``."""
    lines: list[str] = []
    for summary in _summaries(book, root):
        by_measurement: dict[str, list[dict[str, Any]]] = {}
        for record in summary["records"]:
            by_measurement.setdefault(record["measurement"], []).append(record)
        lines += [_measurement_line(name, records) for name, records in by_measurement.items()]
    for group in book.groups:
        result = _read(root / book.path("integration", f"{group}.json"))
        lines.append(f"{group} ({', '.join(result['measurements'])}): {result['decision']}")
    if len(lines) > MOST_LINES:
        return [*lines[:MOST_LINES], f"... and {len(lines) - MOST_LINES} more in the report"]
    return lines


def refused(book: Rulebook, root: Path) -> dict[str, str]:
    """Return the measurements that were refused, with the reason."""
    return {entry["measurement"]: entry["reason"] for summary in _summaries(book, root) for entry in summary["refused"]}


def _measurement_line(name: str, records: list[dict[str, Any]]) -> str:
    """Best candidate of a measurement with its probability, and the others worth naming."""
    best, *others = sorted(records, key=lambda record: -(record["model_probability"] or 0.0))
    named = [_choice(best), *(_choice(other) for other in others if _probability(other) >= WORTH_NAMING)]
    # Of a search for phases shapes are integrated by Laplace, under the noise of the best set.
    closed = ", by Laplace" if best.get("phases") else ", exact"
    error = f" +- {best['standard_error']:.2f}" if best["standard_error"] else closed
    free_energy = f"F = {best['free_energy']:.2f}{error}"
    doubt = f"; not reliable: {', '.join(best['reasons'])}" if best["verdict"] != "reliable" else ""
    return f"{name}: {', '.join(named)} ({best['tag']} has {free_energy}){doubt}"


def _choice(record: dict[str, Any]) -> str:
    """Return one candidate with its probability and the error of that."""
    chance = probability_words(_probability(record), record["probability_error"] or 0.0)
    return f"{record['tag']} with probability {chance}"


def _probability(record: dict[str, Any]) -> float:
    return float(record["model_probability"] or 0.0)


def _summaries(book: Rulebook, root: Path) -> list[dict[str, Any]]:
    """Return the summaries of all batches."""
    return [_read(root / book.path("free_energy", f"{batch}.json")) for batch in book.batches]


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
