"""Series: measurements along a numeric column of the sheet, their parameters, straight lines, and chosen models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bayesbeam.report.line_fit import LineFit, fit_line
from bayesbeam.report.records import MeasurementResult, Row
from bayesbeam.report.text import known

ENOUGH = 4


@dataclass(frozen=True)
class Point:
    """One parameter of one measurement of a series."""

    x: float
    mean: float
    interval: tuple[float, float]
    row: Row
    reliable: bool


def find_series(measurements: Sequence[MeasurementResult]) -> list[tuple[str, list[MeasurementResult]]]:
    """Columns of numbers, each with the measurements of one best candidate that differ in it."""
    found = []
    usable = [one for one in measurements if one.candidates and one.measurement is not None]
    names = dict.fromkeys(key for one in usable for key, value in _metadata(one).items() if isinstance(value, float))
    for name in names:
        having = [one for one in usable if isinstance(_metadata(one).get(name), float) and known(value_of(one, name))]
        for tag in dict.fromkeys(one.best.tag for one in having):
            members = [one for one in having if one.best.tag == tag]
            if len({value_of(one, name) for one in members}) >= ENOUGH:
                found.append((name, members))
    return found


def _metadata(result: MeasurementResult) -> dict[str, str | float]:
    """Columns of the sheet that are not ours."""
    return dict(result.measurement.metadata) if result.measurement is not None else {}


def value_of(result: MeasurementResult, name: str) -> float:
    """Number of a column."""
    return float(_metadata(result)[name])


def trends_of(column: str, members: Sequence[MeasurementResult]) -> list[list[Point]]:
    """Points of every parameter that all members have and that is free."""
    trends = []
    for row in members[0].best.parameters:
        points = []
        for one in members:
            match = [r for r in one.best.parameters if (r.name, r.index) == (row.name, row.index) and r.sd]
            points += [_point(value_of(one, column), row, one.best.reliable) for row in match[:1]]
        if len(points) >= ENOUGH:
            trends.append(sorted(points, key=lambda point: point.x))
    return trends


def _point(x: float, row: Row, reliable: bool) -> Point:
    """Point of a row; an interval that is absent has no length."""
    mean = float("nan") if row.mean is None else row.mean
    low, high = (mean if one is None else one for one in (row.q025, row.q975))
    return Point(x, mean, (low, high), row, reliable)


def line_of(trend: Sequence[Point]) -> LineFit | None:
    """Weighted straight line through the reliable points of one parameter."""
    points = [point for point in trend if point.reliable]
    return fit_line([p.x for p in points], [p.mean for p in points], [p.row.sd or 0.0 for p in points])


def along(column: str, measurements: Sequence[MeasurementResult]) -> list[MeasurementResult]:
    """All analysed measurements that have a number in the column, in its order, whatever their best candidate."""
    having = [one for one in measurements if one.candidates and isinstance(_metadata(one).get(column), float)]
    return sorted((one for one in having if known(value_of(one, column))), key=lambda one: value_of(one, column))
