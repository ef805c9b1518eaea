"""The answers of a finished run, in one line a measurement and one a group; of many, how many for each model.

Decides the words only. A choice is never printed without its uncertainty.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from bayesbeam.evidence.model_posterior import probability_words
from bayesbeam.io.results import read_result
from bayesbeam.stages.rulebook import Rulebook

MOST_LINES = 20
WORTH_NAMING, DECIDED = 0.01, 0.75
_MOST_MODELS = 8
# What is kept of a record: summaries of ten thousand measurements as a whole take gigabytes.
_KEPT = (
    "measurement", "tag", "model_probability", "probability_error", "free_energy", "standard_error", "verdict",
    "reasons",
)  # fmt: skip


def answers(book: Rulebook, root: Path, found: list[dict[str, Any]]) -> list[str]:
    """Return one line a measurement and one a group, from the results in ``root`` and the summaries of all batches."""
    by_measurement: dict[str, list[dict[str, Any]]] = {}
    for summary in found:
        for record in summary["records"]:
            by_measurement.setdefault(record["measurement"], []).append(record)
    groups = [_group_line(group, root / book.path("integration", f"{group}.json")) for group in book.groups]
    if len(by_measurement) > MOST_LINES:
        lines = [*_together(list(by_measurement.values())), *groups]
    else:
        lines = [*(_measurement_line(name, records) for name, records in by_measurement.items()), *groups]
    if len(lines) > MOST_LINES:
        return [*lines[:MOST_LINES], f"... and {len(lines) - MOST_LINES} more in the report"]
    return lines


def summaries(book: Rulebook, root: Path) -> list[dict[str, Any]]:
    """Return of the summaries of all batches what answers are made of: records, and what was refused."""
    found = []
    for batch in book.batches:
        content = _read(root / book.path("free_energy", f"{batch}.json"))
        records = [_short(record) for record in content["records"]]
        found.append({"records": records, "refused": content["refused"]})
    return found


def _short(record: dict[str, Any]) -> dict[str, Any]:
    """Record without what no answer needs."""
    return {**{key: record[key] for key in _KEPT}, "phases": bool(record.get("phases"))}


def _together(measurements: list[list[dict[str, Any]]]) -> list[str]:
    """Return how many measurements each model is the most probable for, how many are undecided or not reliable."""
    bests = [max(records, key=_probability) for records in measurements]
    undecided = sum(
        len(records) > 1 and _probability(best) < DECIDED for records, best in zip(measurements, bests, strict=True)
    )
    failed = sum(any(_counts(one, best) for one in records) for records, best in zip(measurements, bests, strict=True))
    models = Counter(best["tag"] for best in bests).most_common()
    named = [f"{tag} in {count}" for tag, count in models[:_MOST_MODELS]]
    named += [f"{len(models) - _MOST_MODELS} other models in the rest"] if len(models) > _MOST_MODELS else []
    lines = [f"{len(bests)} measurements; most probable is {', '.join(named)}"]
    lines += [f"undecided, no model with a probability of {DECIDED} or more: {undecided}"] if undecided else []
    return lines + ([f"not reliable: {failed}; the report says which and why"] if failed else [])


def _counts(record: dict[str, Any], best: dict[str, Any]) -> bool:
    """Whether a candidate is in the running and not reliable."""
    return record["verdict"] != "reliable" and (record is best or _probability(record) >= WORTH_NAMING)


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


def _group_line(group: str, path: Path) -> str:
    """Decision on a group."""
    result = _read(path)
    return f"{group} ({', '.join(result['measurements'])}): {result['decision']}"


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = read_result(path)
    return value
