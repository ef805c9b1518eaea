"""What was weighed in against what a search of phases found: columns ``weighed.<phase or formula>`` of the sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayesbeam.crystals.formula import formula_of
from bayesbeam.report.phase_words import PRESENT, TRACE
from bayesbeam.report.records import MeasurementResult

WEIGHED = "weighed."
"""Beginning of the names of columns of the sheet that hold what was weighed in, in per cent of the mass."""
NAMED = "named"
"""Column of the sheet with names or formulas of the phases that are known to be there, spaces between them."""
_SAME = 1e-3
_95 = 1.959964
NAME, FORMULA, FAMILY = "name", "formula", "look-alike"


@dataclass(frozen=True)
class Weighed:
    """One phase that was weighed in: per cent of the mass, of all and of the phases that were found.

    ``phases`` are those of the answer that stand for it, ``by`` says why; without any it was not found, and ``mean``
    and ``interval`` are those of nothing.
    """

    measurement: str
    label: str
    weighed: float
    among: float
    phases: tuple[str, ...] = ()
    by: str = ""
    mean: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)

    @property
    def found(self) -> bool:
        """Whether a phase of the answer stands for it."""
        return bool(self.phases)

    @property
    def covered(self) -> bool:
        """Whether the interval holds what was weighed."""
        return self.interval[0] <= self.among <= self.interval[1]


def weighed_of(result: MeasurementResult, facts: Mapping[str, Any]) -> tuple[Weighed, ...]:
    """What was weighed into a sample, most first, each with what was found of it; empty where nothing is known."""
    known = weights_of(result)
    if not known:
        return ()
    there = [one for one in facts["phases"] if one["kind"] in (PRESENT, TRACE)]
    matched = {label: _match(label, there, facts) for label in known}
    total = sum(value for label, value in known.items() if matched[label][0])
    whole = {label: 100.0 * value / total if total > 0.0 and matched[label][0] else value
             for label, value in known.items()}  # fmt: skip
    rows = [_row(result.id, label, known[label], whole[label], *matched[label]) for label in known]
    return tuple(sorted(rows, key=lambda one: -one.weighed))


def weights_of(result: MeasurementResult) -> dict[str, float]:
    """Per cent of the mass by the labels of the sheet."""
    columns = result.measurement.metadata if result.measurement is not None else {}
    return {
        name.removeprefix(WEIGHED): float(value)
        for name, value in columns.items()
        if name.startswith(WEIGHED) and isinstance(value, float) and value > 0.0
    }


def extra_phases(result: MeasurementResult, facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Phases that are said to be there and were not weighed in; none where nothing is known."""
    rows = weighed_of(result, facts)
    named = {name for row in rows for name in row.phases}
    return [one for one in facts["phases"] if rows and one["kind"] == PRESENT and one["name"] not in named]


def named_words(result: MeasurementResult, facts: Mapping[str, Any]) -> str:
    """Whether the phases that the sheet names are found, and what else; empty where it names none."""
    text = result.measurement.metadata.get(NAMED) if result.measurement is not None else None
    labels = text.split() if isinstance(text, str) else []
    if not labels:
        return ""
    there = [one for one in facts["phases"] if one["kind"] in (PRESENT, TRACE)]
    matched = {label: [one["name"] for one in _match(label, there, facts)[0]] for label in labels}
    missed = [label for label, names in matched.items() if not names]
    known = {name for names in matched.values() for name in names}
    extras = [one["name"] for one in there if one["kind"] == PRESENT and one["name"] not in known]
    words = f"{len(labels) - len(missed)} of {len(labels)} named phases found"
    words += f" (not {', '.join(missed)})" if missed else ""
    return words + (f"; not named, but found: {', '.join(extras)}" if extras else "; no other")


def _match(
    label: str, there: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> tuple[list[Mapping[str, Any]], str]:  # fmt: skip
    """Phases that stand for a label: by name, or that of a copy, else by formula, else as a member of its family."""
    families = facts["families"]
    copies = facts["library"].get("copies") or ()
    kept = {label.lower(), *(one["kept"].lower() for one in copies if one["copy"].lower() == label.lower())}
    named = [one for one in there if one["name"].lower() in kept]
    if named:
        return named, NAME
    alike = [one for one in there if same_formula(label, str(one.get("formula", "")))]
    if alike:
        return alike, FORMULA
    family = next((each["members"] for each in families if label in each["members"]), ())
    return [one for one in there if one["name"] in family], FAMILY


def same_formula(first: str, second: str) -> bool:
    """Whether two formulas have the same elements in the same proportions, or are the same words."""
    if "".join(first.split()) == "".join(second.split()):
        return True
    one, other = (_shares(formula_of(text)) for text in (first, second))
    return bool(one) and one.keys() == other.keys() and all(abs(one[e] - other[e]) < _SAME for e in one)


def _shares(content: Mapping[str, float]) -> dict[str, float]:
    """Shares of the elements."""
    total = sum(content.values())
    return {element: number / total for element, number in content.items()}


def _row(
    measurement: str, label: str, weighed: float, among: float, matched: Sequence[Mapping[str, Any]], by: str
) -> Weighed:  # fmt: skip
    """One phase; several that stand for it are summed, their errors as independent ones."""
    fractions = [one["weight_fraction"] for one in matched if one.get("weight_fraction")]
    if not fractions:
        return Weighed(measurement, label, weighed, among)
    mean = 100.0 * sum(one["mean"] for one in fractions)
    if len(fractions) == 1:
        low, high = (100.0 * fractions[0][word] for word in ("q025", "q975"))
    else:
        sd = 100.0 * math.sqrt(sum(one["sd"] ** 2 for one in fractions))
        low, high = mean - _95 * sd, mean + _95 * sd
    names = tuple(one["name"] for one in matched)
    return Weighed(measurement, label, weighed, among, names, by, mean, (low, high))


def weighed_words(rows: Sequence[Weighed], extras: Sequence[str] = ()) -> str:
    """Found against weighed in a sentence; empty where nothing was weighed."""
    if not rows:
        return ""
    found = [one for one in rows if one.found]
    words = f"{len(found)} of {len(rows)} weighed phases found"
    missed = [one for one in rows if not one.found]
    if missed:
        words += f" (not {', '.join(one.label for one in missed)})"
    if found:
        worst = max(found, key=lambda one: abs(one.mean - one.among))
        where = f" of {worst.label}" if len(found) > 1 else ""
        words += f"; largest difference {abs(worst.mean - worst.among):.2g} wt %{where}"
        words += f"; {sum(one.covered for one in found)} of {len(found)} intervals (95 %) hold what was weighed"
    if extras:
        words += f"; not weighed in, but found: {', '.join(extras)}"
    return words
