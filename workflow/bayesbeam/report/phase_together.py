"""Phases that several scans of one sample were searched for together: on the page, and as a table of all numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bayesbeam.report.phase_words import LIKELY, NOTABLE
from bayesbeam.report.records import GroupResult, GroupRow, Results, Row
from bayesbeam.report.table_columns import Rows
from bayesbeam.report.text import NOTHING, plus_minus, probability
from bayesbeam.report.view import Cell, Table

_SPREAD = ("mean", "sd", "q025", "median", "q975")
_CELL = ("a", "b", "c", "alpha", "beta", "gamma")


def together_table(result: GroupResult, results: Results) -> Table | None:
    """Phases that were sought in all scans of a group together, and how much of each; None for other groups."""
    row = result.best_row
    if row is None or not row.phases:
        return None
    whole = {one.name: one for one in row.parameters}
    each = [_alone(row, results, scan) for scan in result.measurements]
    kept = [one for one in row.phases if _weight(one["name"]) in whole or one["probability"] > NOTABLE]
    lines = []
    for one in kept:
        told = (Cell(_mass(rows.get(_weight(one["name"])))) for rows in (whole, *each))
        lines.append((Cell(str(one["name"]), "name"), Cell(probability(one["probability"])), *told))
    marked = frozenset(place for place, one in enumerate(kept) if one["probability"] > LIKELY)
    return Table(("phase", "probability", "wt % together", *result.measurements), tuple(lines), marked)


def together_rows(results: Results) -> Rows:
    """Every phase of every group: as of one sample, without a measurement, then in each scan by itself."""
    for result in results.groups:
        for row in (one for one in result.rows if one.phases):
            scans = {"": {one.name: one for one in row.parameters}}
            scans |= {scan: _alone(row, results, scan) for scan in result.measurements}
            for phase in row.phases:
                for scan, found in scans.items():
                    odds = phase["present"].get(scan) if scan else phase["probability"]
                    yield (
                        result.id, row.tag, phase["name"], phase["formula"], scan or None, odds,
                        *_told(found.get(f"{phase['name']}.share")), *_told(found.get(_weight(phase["name"]))),
                        _cell(found, phase["name"]),
                    )  # fmt: skip


def _weight(phase: object) -> str:
    """Name of the parameter that is the weight fraction of a phase."""
    return f"{phase}.weight_fraction"


def _alone(row: GroupRow, results: Results, scan: str) -> dict[str, Row]:
    """Parameters of a scan by itself, by name."""
    member, tag = results.measurement(scan), row.tags.get(scan, row.tag)
    candidates = member.candidates if member is not None else ()
    return {each.name: each for one in candidates if one.tag == tag for each in one.parameters}


def _told(row: Row | None) -> Iterator[float | None]:
    """Mean, spread and quantiles; nothing where there is no such parameter."""
    return (getattr(row, word, None) for word in _SPREAD)


def _cell(found: Mapping[str, Row], phase: str) -> str:
    """Edges and angles of a phase with their standard deviations."""
    rows = ((word, found.get(f"{phase}.{word}")) for word in _CELL)
    return " ".join(f"{word}={one.mean:.7g}({one.sd:.2g})" for word, one in rows if one is not None
                    and one.mean is not None and one.sd is not None)  # fmt: skip


def _mass(row: Row | None) -> str:
    """Weight fraction as per cent."""
    if row is None or row.mean is None or row.sd is None:
        return NOTHING
    return plus_minus(100.0 * row.mean, 100.0 * row.sd)
