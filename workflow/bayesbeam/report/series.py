"""Parameters along a series: one figure a numeric column of the sheet in which enough measurements differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayesbeam.report import style
from bayesbeam.report.gallery import Gallery, Shown
from bayesbeam.report.records import MeasurementResult, Results, Row
from bayesbeam.report.text import clean, known, pretty_unit

ENOUGH = 4
_PANELS, _COLUMNS, _FIGURES = 9, 3, 4


@dataclass(frozen=True)
class Point:
    """One parameter of one measurement of a series."""

    x: float
    mean: float
    interval: tuple[float, float]
    row: Row
    reliable: bool


def series_figures(results: Results, gallery: Gallery) -> list[Shown]:
    """Figures of all series: measurements with the same best candidate along a numeric column."""
    shown = []
    for number, (column, members) in enumerate(find_series(results.measurements)[:_FIGURES], 1):
        trends = _trends(column, members)
        figure = series_figure(column, trends) if trends else None
        one = gallery.add(f"series+{number}", figure, f"Parameters along {clean(column, 60)}")
        shown += [one] if one is not None else []
    return shown


def find_series(measurements: Sequence[MeasurementResult]) -> list[tuple[str, list[MeasurementResult]]]:
    """Columns of numbers, each with the measurements of one best candidate that differ in it."""
    found = []
    usable = [one for one in measurements if one.candidates and one.measurement is not None]
    names = dict.fromkeys(key for one in usable for key, value in _metadata(one).items() if isinstance(value, float))
    for name in names:
        having = [one for one in usable if isinstance(_metadata(one).get(name), float) and known(_value(one, name))]
        for tag in dict.fromkeys(one.best.tag for one in having):
            members = [one for one in having if one.best.tag == tag]
            if len({_value(one, name) for one in members}) >= ENOUGH:
                found.append((name, members))
    return found


def _metadata(result: MeasurementResult) -> dict[str, str | float]:
    """Columns of the sheet that are not ours."""
    return dict(result.measurement.metadata) if result.measurement is not None else {}


def _value(result: MeasurementResult, name: str) -> float:
    """Number of a column."""
    return float(_metadata(result)[name])


def _trends(column: str, members: Sequence[MeasurementResult]) -> list[list[Point]]:
    """Points of every parameter that all members have and that is free."""
    trends = []
    for row in members[0].best.parameters:
        points = []
        for one in members:
            match = [r for r in one.best.parameters if (r.name, r.index) == (row.name, row.index) and r.sd]
            points += [_point(_value(one, column), row, one.best.reliable) for row in match[:1]]
        if len(points) >= ENOUGH:
            trends.append(sorted(points, key=lambda point: point.x))
    return trends[:_PANELS]


def _point(x: float, row: Row, reliable: bool) -> Point:
    """Point of a row; an interval that is absent has no length."""
    mean = float("nan") if row.mean is None else row.mean
    low, high = (mean if one is None else one for one in (row.q025, row.q975))
    return Point(x, mean, (low, high), row, reliable)


def series_figure(column: str, trends: Sequence[Sequence[Point]]) -> Figure:
    """Small multiples: mean and 95% interval of every parameter against a column."""
    rows = -(-len(trends) // _COLUMNS)
    each, between, top, bottom = 1.05, 0.5, 0.24, 0.42
    height = top + bottom + rows * each + (rows - 1) * between
    figure = style.new_figure(height)
    grid = figure.add_gridspec(
        rows, _COLUMNS, left=0.08, right=0.985, top=1 - top / height, bottom=bottom / height, wspace=0.28,
        hspace=between / each,
    )  # fmt: skip
    for place, points in enumerate(trends):
        axes = figure.add_subplot(grid[place // _COLUMNS, place % _COLUMNS])
        _draw_trend(axes, points)
        if place + _COLUMNS >= len(trends):
            axes.set_xlabel(clean(column, 40))
    return figure


def _draw_trend(axes: Axes, points: Sequence[Point]) -> None:
    """One parameter along the series."""
    style.quiet_grid(axes)
    axes.plot([p.x for p in points], [p.mean for p in points], color=style.BAND68, lw=0.8, zorder=1)
    for point in points:
        colour = style.COMPONENTS[0] if point.reliable else style.BAD
        axes.plot([point.x, point.x], list(point.interval), color=colour, lw=1)
        face = colour if point.reliable else style.PAPER
        axes.plot(point.x, point.mean, marker="o", markersize=3.5, color=colour, markerfacecolor=face, zorder=3)
    axes.margins(x=0.08, y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    unit = pretty_unit(points[0].row.unit)
    style.panel_title(axes, clean(points[0].row.label, 24) + (f" ({unit})" if unit else ""))
