"""Series: measurements along a numeric column of the sheet, their parameters, straight lines, and chosen models.

Decides which measurements make a series: those that the campaign follows, or else those with one best candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bayesbeam.report.followed import place_of, rows_of
from bayesbeam.report.limit import without_studies
from bayesbeam.report.line_fit import LineFit, fit_line
from bayesbeam.report.records import Candidate, Followed, MeasurementResult, Results, Row
from bayesbeam.report.text import known
from bayesbeam.report.weighed import WEIGHED

ENOUGH = 4
# Probability of a phase from which its quantities are points of a series.
_THERE = 0.5


@dataclass(frozen=True)
class Point:
    """One quantity of one measurement of a series."""

    measurement: str
    x: float
    mean: float
    interval: tuple[float, float]
    row: Row
    reliable: bool


Trend = Sequence[Point]


@dataclass(frozen=True)
class Series:
    """Quantities of one model along one column, points in the order of the column; what has no point is ``missed``.

    ``study`` is that of the measurements, empty where they are those of the sheet.
    """

    column: str
    tag: str
    trends: tuple[Trend, ...]
    missed: tuple[str, ...] = ()
    study: str = ""


@lru_cache(maxsize=1)
def all_series(results: Results) -> Sequence[Series]:
    """Every series of a campaign: those it asks for, or all that there are."""
    if results.facts.series:
        return _asked(results)
    found = find_series(without_studies(results))
    return [Series(column, members[0].best.tag, tuple(trends_of(column, members))) for column, members in found]


def find_series(measurements: Sequence[MeasurementResult]) -> list[tuple[str, list[MeasurementResult]]]:
    """Columns of numbers, each with the measurements of one best candidate that differ in it."""
    found = []
    usable = [one for one in measurements if one.candidates and one.measurement is not None]
    for name in number_columns(usable):
        having = [one for one in usable if _has(one, name)]
        for tag in dict.fromkeys(one.best.tag for one in having):
            members = [one for one in having if one.best.tag == tag]
            if len({value_of(one, name) for one in members}) >= ENOUGH:
                found.append((name, members))
    return found


def number_columns(measurements: Sequence[MeasurementResult]) -> list[str]:
    """Columns of the sheet that hold numbers, those of weighed amounts left out."""
    pairs = [pair for one in measurements for pair in _metadata(one).items()]
    numbers = dict.fromkeys(key for key, value in pairs if isinstance(value, float))
    return [key for key in numbers if not key.startswith(WEIGHED)]


def _metadata(result: MeasurementResult) -> dict[str, str | float]:
    """Columns of the sheet that are not ours."""
    return dict(result.measurement.metadata) if result.measurement is not None else {}


def _has(result: MeasurementResult, name: str) -> bool:
    """Whether a measurement has a number in a column."""
    return isinstance(_metadata(result).get(name), float) and known(value_of(result, name))


def value_of(result: MeasurementResult, name: str) -> float:
    """Number of a column."""
    return float(_metadata(result)[name])


def trends_of(column: str, members: Sequence[MeasurementResult]) -> list[list[Point]]:
    """Points of every parameter that is free, and that enough members have."""
    firsts: dict[tuple[str, int | None], Row] = {}
    points: dict[tuple[str, int | None], dict[str, Point]] = {}
    for one in members:
        for row in one.best.parameters:
            firsts.setdefault(place_of(row), row)
            if row.sd and one.id not in points.setdefault(place_of(row), {}):
                points[place_of(row)][one.id] = _point(one, column, row, one.best)
    found = [list(points.get(place, {}).values()) for place in firsts]
    return [sorted(trend, key=lambda point: point.x) for trend in found if len(trend) >= ENOUGH]


def _asked(results: Results) -> list[Series]:
    """Series that the campaign asks for: what it wants along one column, of one model, together."""
    found: dict[tuple[str, str, str], dict[tuple[str, int | None], dict[str, Point]]] = {}
    missed: dict[tuple[str, str], list[str]] = {}
    for one in results.facts.series:
        seen = False
        for member in along(one.against, members_of(results, one.study)):
            model = _model(member, one)
            rows = rows_of(member, model, one.quantity) if model is not None else []
            for row in rows:
                assert model is not None
                trends = found.setdefault((one.against, model.tag, one.study), {})
                trends.setdefault(place_of(row), {})[member.id] = _point(member, one.against, row, model)
                seen = True
        if not seen:
            missed.setdefault((one.against, one.study), []).append(one.quantity)
    series = [
        Series(column, tag, tuple(tuple(trend.values()) for trend in trends.values()), study=study)
        for (column, tag, study), trends in found.items()
    ]
    return series + [Series(column, "", (), tuple(words), study) for (column, study), words in missed.items()]


def members_of(results: Results, study: str) -> Sequence[MeasurementResult]:
    """Measurements of a study; without one, those of the sheet: made ones are no further members of their series."""
    if not study:
        return without_studies(results)
    members = {member.id for one in results.facts.studies if one.name == study for member in one.members}
    return [one for one in results.measurements if one.id in members]


def _model(member: MeasurementResult, wanted: Followed) -> Candidate | None:
    """Model of a measurement that is followed, the most probable one of those allowed."""
    return next((one for one in member.ranked if wanted.allows(one)), None)


def _point(result: MeasurementResult, column: str, row: Row, model: Candidate) -> Point:
    """Point of a row, not reliable where its phase is rather not there; an interval that is absent has no length."""
    there = model.phases is None or row.inclusion is None or row.inclusion >= _THERE
    mean = float("nan") if row.mean is None else row.mean
    low, high = (mean if one is None else one for one in (row.q025, row.q975))
    return Point(result.id, value_of(result, column), mean, (low, high), row, model.reliable and there)


def line_of(trend: Trend) -> LineFit | None:
    """Weighted straight line through the reliable points of one parameter."""
    points = [point for point in trend if point.reliable]
    return fit_line([p.x for p in points], [p.mean for p in points], [p.row.sd or 0.0 for p in points])


def along(column: str, measurements: Sequence[MeasurementResult]) -> list[MeasurementResult]:
    """All analysed measurements that have a number in the column, in its order, whatever their best candidate."""
    having = [one for one in measurements if one.candidates and _has(one, column)]
    return sorted(having, key=lambda one: value_of(one, column))
