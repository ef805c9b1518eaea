"""Tables of averages: over the candidates of a measurement, over the counts of a group; none where one is certain."""

from __future__ import annotations

from collections.abc import Sequence

from bayesbeam.report.records import Averaged, GroupResult, MeasurementResult
from bayesbeam.report.text import plain, plus_minus, pretty_unit
from bayesbeam.report.view import CERTAIN, Cell, Table, interval

_HEADS = ("error of the mean from those of F", "95 %", "unit")


def is_open(result: MeasurementResult) -> bool:
    """Whether more than one candidate is in the running."""
    return len(result.candidates) > 1 and (result.best.model_probability or 0.0) <= CERTAIN


def averaged_table(result: MeasurementResult) -> Table | None:
    """Quantities that every candidate has, averaged over candidates by their probability; None where one is certain."""
    if not is_open(result):
        return None
    rows = tuple((Cell(row.name, "name"), *_numbers(row)) for row in _moving(result.averaged))
    return Table(("quantity", "mean \u00b1 sd over the candidates", *_HEADS), rows) if rows else None


def group_averaged_table(result: GroupResult) -> Table | None:
    """Quantities that every count of a group has, common ones first; None where one count is certain."""
    if max((row.model_probability or 0.0 for row in result.rows), default=1.0) > CERTAIN:
        return None
    found = sorted(_moving(result.averaged), key=lambda row: row.measurement is not None)
    rows = tuple((Cell(row.name, "name"), Cell(row.measurement or "all", "unit"), *_numbers(row)) for row in found)
    return Table(("quantity", "of", "mean \u00b1 sd over the counts", *_HEADS), rows) if rows else None


def _moving(averaged: Sequence[Averaged]) -> list[Averaged]:
    """Quantities that are not known beforehand."""
    return [row for row in averaged if row.sd]


def _numbers(row: Averaged) -> tuple[Cell, ...]:
    """Mean, error, interval and unit of one quantity."""
    return (
        Cell(plus_minus(row.mean, row.sd)),
        Cell(plain(row.error, 2)),
        Cell(interval(row.q025, row.q975, row.sd)),
        Cell(pretty_unit(row.unit), "words"),
    )
