"""All samples of a campaign at once: which phases, how much of each, and how that agrees with what was weighed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayesbeam.report.figures.fractions import Share, matrix_figure, weighed_figure
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.phase_words import PRESENT, TRACE, percent, weight
from bayesbeam.report.records import MeasurementResult, Results
from bayesbeam.report.text import NOTHING, between, listed, plain, probability
from bayesbeam.report.view import Cell, Table
from bayesbeam.report.weighed import Weighed, extra_phases, weighed_of

Facts = Mapping[str, Any]
_MOST_ROWS, _MOST_COLUMNS, _MOST_LISTED = 80, 26, 200
_LEAST = 0.01


@dataclass(frozen=True)
class Overview:
    """Samples and phases under one candidate of the campaign, ``name`` where it has several."""

    name: str
    matrix: Shown | None
    cut: str
    table: Table
    weighed: Shown | None
    sentence: str
    against: Table | None


def overviews(results: Results, gallery: Gallery) -> list[Overview]:
    """An overview for each candidate that searches phases in two samples or more."""
    names = dict.fromkeys(one.candidate for each in results.measurements for one in each.candidates if one.phases)
    found = [_overview(name, results, gallery, len(names) > 1) for name in names]
    return [one for one in found if one is not None]


def _overview(name: str, results: Results, gallery: Gallery, several: bool) -> Overview | None:
    """Overview of one candidate; None where it has one sample only."""
    members = [(each, one.phases) for each in results.measurements for one in each.candidates
               if one.candidate == name and one.phases is not None]  # fmt: skip
    if len(members) < 2:
        return None
    columns = present_anywhere([facts for _, facts in members])
    rows = [row for result, facts in members for row in weighed_of(result, facts)]
    shown = [member for member in members[:_MOST_ROWS]]
    tag = f"{name}+" if several else ""
    matrix = _matrix(shown, columns[:_MOST_COLUMNS]) if columns else None
    weighed = weighed_figure(rows) if any(one.found for one in rows) else None
    data = None
    return Overview(
        name if several else "",
        gallery.add(f"phases+{tag}matrix", matrix, "Weight fractions (wt %) of all samples", data=data),
        _cut(len(members) - len(shown), columns[_MOST_COLUMNS:]),
        _table(members[:_MOST_LISTED], columns),
        gallery.add(f"phases+{tag}weighed", weighed, "Found against weighed, with 95 % intervals"),
        _sentence(members, rows),
        _against(rows[:_MOST_LISTED]) if rows else None,
    )


def _cut(rows: int, columns: Sequence[str]) -> str:
    """What the map has no room for."""
    said = [f"{rows} samples"] if rows else []
    said += [f"{len(columns)} phases ({', '.join(columns[:6])}{' ...' if len(columns) > 6 else ''})"] if columns else []
    where = (
        "the table" if rows <= _MOST_LISTED - _MOST_ROWS else f"tables/phases.csv, the first {_MOST_LISTED} below too"
    )
    return f"The map has no room for {listed(said)}: they are in {where}." if said else ""


def _there(facts: Facts) -> list[Facts]:
    """Phases that are there, or may be as traces."""
    return [one for one in facts["phases"] if one["kind"] in (PRESENT, TRACE)]


def present_anywhere(answers: Sequence[Facts]) -> list[str]:
    """Phases of any sample, those of most samples first, then by how much of them there is."""
    total: dict[str, list[float]] = {}
    for facts in answers:
        for one in _there(facts):
            total.setdefault(one["name"], []).append(weight(one))
    return sorted(total, key=lambda name: (-len(total[name]), -sum(total[name]), name))


def _matrix(members: Sequence[tuple[MeasurementResult, Facts]], columns: Sequence[str]) -> Any:
    """Map of samples and phases."""
    cells = {}
    for row, (result, facts) in enumerate(members):
        weighed = weighed_of(result, facts)
        named = {name for one in weighed for name in one.phases}
        for one in _there(facts):
            if one["name"] in columns:
                is_there = one["kind"] == PRESENT
                truth = (one["name"] in named) if weighed and is_there else None
                cells[row, columns.index(one["name"])] = Share(100.0 * weight(one), one["probability"], is_there, truth)
        for column, name in enumerate(columns):
            missed = any(not one.found and name.lower() == one.label.lower() for one in weighed)
            if missed and (row, column) not in cells:
                cells[row, column] = Share(0.0, 0.0, False, True)
    return matrix_figure([(result.name, facts["unknown"]["open"]) for result, facts in members], columns, cells)


def _table(members: Sequence[tuple[MeasurementResult, Facts]], columns: Sequence[str]) -> Table:
    """Weight fractions with their probabilities, a row a sample."""
    rows = []
    for result, facts in members:
        there = {one["name"]: one for one in facts["phases"]}
        cells = [Cell(result.name, "name")]
        for name in columns:
            one = there.get(name)
            cells.append(Cell(_in_table(one) if one is not None and one["probability"] >= _LEAST else ""))
        unknown = facts["unknown"]
        cells.append(Cell(f"{len(unknown['lines'])} lines" if unknown["open"] else "", "words bad"))
        rows.append(tuple(cells))
    return Table(("sample", *columns, "of no candidate"), tuple(rows))


def _in_table(one: Facts) -> str:
    """Weight fraction and probability of a phase."""
    odds = f"({probability(one['probability'])})"
    return f"{percent(one['weight_fraction'])} {odds}" if one.get("weight_fraction") else odds


def _sentence(members: Sequence[tuple[MeasurementResult, Facts]], rows: Sequence[Weighed]) -> str:
    """How all samples agree with what was weighed in; empty where nothing was."""
    if not rows:
        return ""
    found = [one for one in rows if one.found]
    samples = len({one.measurement for one in rows})
    words = f"{len(found)} of {len(rows)} phases that were weighed into {samples} samples are found"
    if found:
        off = sorted(abs(one.mean - one.among) for one in found)
        covered = sum(one.covered for one in found)
        middle = off[len(off) // 2] if len(off) % 2 else 0.5 * (off[len(off) // 2 - 1] + off[len(off) // 2])
        words += f"; fractions are off by {plain(middle, 2)} wt % (median) and {plain(off[-1], 2)} wt % at most"
        words += f"; {covered} of {len(found)} intervals (95 %) hold what was weighed"
    extra = [one["name"] for result, facts in members for one in extra_phases(result, facts)]
    besides = "one phase is" if len(extra) == 1 else f"{len(extra)} phases are"
    words += f"; {besides} found that {'was' if len(extra) == 1 else 'were'} not weighed in" if extra else ""
    words += "" if extra else "; no phase is found besides"
    flagged = sum(1 for result, facts in members if facts["unknown"]["open"])
    holds = "holds" if flagged < 2 else "hold"
    return f"{words}; {flagged or 'none'} of {len(members)} samples {holds} something that is no candidate."


def _against(rows: Sequence[Weighed]) -> Table:
    """Every weighed phase with what was found of it."""
    heads = (
        "sample", "weighed in", "weighed (wt %)", "of the phases found", "found (wt %)", "95 % interval", "difference",
        "found as",
    )  # fmt: skip
    made = []
    for one in rows:
        spread = (one.interval[1] - one.interval[0]) / 3.92 if one.found else None
        apart = plain(one.mean - one.among, 2) if one.found else NOTHING
        cells = [Cell(one.measurement, "name"), Cell(one.label, "words"), Cell(plain(one.weighed, 4))]
        cells += [
            Cell(plain(one.among, 4) if one.found else NOTHING),
            Cell(plain(one.mean, 4) if one.found else NOTHING),
        ]
        cells.append(Cell(between(*one.interval, spread) if one.found else NOTHING))
        cells.append(Cell(apart, "number bad" if one.found and not one.covered else "number"))
        cells.append(Cell(", ".join(one.phases) or "not found", "words" if one.found else "words bad"))
        made.append(tuple(cells))
    return Table(heads, tuple(made))
