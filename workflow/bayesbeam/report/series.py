"""Figures of series: parameters with straight lines, and the chosen models, along numeric columns of the sheet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayesbeam.report import style
from bayesbeam.report.records import MeasurementResult
from bayesbeam.report.series_data import Point, line_of, value_of
from bayesbeam.report.text import clean, pretty_unit

_COLUMNS, _TAGS, _MANY = 3, 12, 40
# Points from which on they are drawn as one path, from which on that is an image, and pieces of a map of models.
_DENSE, _IMAGE, _PIECES = 200, 2000, 60


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
    if len(points) <= _MANY and len({p.x for p in points}) == len(points):
        axes.plot([p.x for p in points], [p.mean for p in points], color=style.BAND68, lw=0.8, zorder=1)
    size = 3.5 if len(points) <= _MANY else 1.8
    for reliable in (True, False):
        some = [point for point in points if point.reliable == reliable]
        colour = style.COMPONENTS[0] if reliable else style.BAD
        if len(points) > _DENSE:
            _draw_dense(axes, some, colour)
            continue
        axes.vlines(
            [p.x for p in some], [p.interval[0] for p in some], [p.interval[1] for p in some], color=colour,
            lw=1 if len(points) <= _MANY else 0.4,
        )  # fmt: skip
        axes.plot(
            [p.x for p in some], [p.mean for p in some], marker="o", ls="", markersize=size, color=colour,
            markerfacecolor=colour if reliable else style.PAPER, zorder=3,
        )  # fmt: skip
    fit = line_of(points)
    if fit is not None:
        ends = [points[0].x, points[-1].x]
        axes.plot(ends, [fit.at(x) for x in ends], color=style.COMPONENTS[0], lw=0.8, ls="--", zorder=2)
    axes.margins(x=0.08, y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    style.panel_head(axes, clean(points[0].row.label, 120), pretty_unit(points[0].row.unit))


def _draw_dense(axes: Axes, points: Sequence[Point], colour: str) -> None:
    """Intervals and means of very many points, as one path each."""
    if not points:
        return
    x, low, high = ([p.x for p in points], [p.interval[0] for p in points], [p.interval[1] for p in points])
    style.bars(axes, x, low, high, colour, 0.3, most=_IMAGE)
    style.dots(axes, x, [p.mean for p in points], 1.6, colour, most=_IMAGE)
    axes.update_datalim([(x[0], min(low)), (x[-1], max(high))])
    axes.autoscale_view()


def selection_figure(column: str, members: Sequence[MeasurementResult]) -> Figure | None:
    """Probability of every candidate along a column, as the area of a disc; None where there is one candidate only."""
    tags = list(dict.fromkeys(one.tag for member in members for one in member.candidates))[:_TAGS]
    if len(tags) < 2:
        return None
    figure = style.new_figure(0.75 + 0.24 * len(tags))
    axes = figure.add_axes(
        (0.22, 0.42 / (0.75 + 0.24 * len(tags)), 0.74, 0.24 * (len(tags) + 1) / (0.75 + 0.24 * len(tags)))
    )
    if len(members) > _DENSE:
        _draw_pieces(axes, column, members, tags)
    else:
        _draw_discs(axes, column, members, tags)
    axes.set_yticks(range(len(tags)), [clean(tag, 24) for tag in tags])
    axes.set_ylim(-0.6, len(tags) - 0.4)
    axes.margins(x=0.08)
    axes.set_xlabel(clean(column, 40))
    style.quiet_grid(axes)
    return figure


def _draw_discs(axes: Axes, column: str, members: Sequence[MeasurementResult], tags: Sequence[str]) -> None:
    """A disc a measurement and candidate."""
    for member in members:
        for one in member.candidates:
            if one.tag in tags and one.model_probability is not None:
                colour = style.COMPONENTS[0] if one.reliable else style.BAD
                size = 8.0 * max(one.model_probability, 0.0) ** 0.5
                axes.plot(
                    value_of(member, column), tags.index(one.tag), marker="o", markersize=size, color=colour,
                    markerfacecolor=colour if one.reliable else style.PAPER,
                )  # fmt: skip


def _draw_pieces(axes: Axes, column: str, members: Sequence[MeasurementResult], tags: Sequence[str]) -> None:
    """A disc a candidate and piece of the column with equally many measurements: its mean probability there."""
    x = np.array([value_of(member, column) for member in members])
    odds = np.zeros((len(members), len(tags)))
    for row, member in enumerate(members):
        for one in member.candidates:
            if one.tag in tags:
                odds[row, tags.index(one.tag)] = one.model_probability or 0.0
    for piece in np.array_split(np.arange(len(members)), _PIECES):
        sizes = (7.0 * np.sqrt(odds[piece].mean(axis=0))) ** 2
        axes.scatter(np.full(len(tags), x[piece].mean()), np.arange(len(tags)), sizes, color=style.COMPONENTS[0], lw=0)
