"""Figures of a study: how often the true model is selected, and posterior sds, against exposure or noise level."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesbeam.report import style
from bayesbeam.report.limit import ENOUGH, Limit, Precision
from bayesbeam.report.text import clean, pretty_unit

_PANELS, _COLUMNS = 12, 3


def axis_words(limit: Limit) -> str:
    """Return what the levels are."""
    return "exposure" if limit.study.column == "exposure" else "noise level"


def selection_figure(limit: Limit) -> Figure:
    """Share of replicates that select the true model, with binomial 95% intervals, and its mean probability."""
    figure = style.new_figure(2.6)
    axes = figure.add_axes((0.09, 0.18, 0.6, 0.72))
    style.quiet_grid(axes)
    levels = [one for one in limit.levels if one.selected.among]
    x = np.array([one.value for one in levels])
    share = np.array([one.selected.value for one in levels])
    ends = np.array([one.selected.interval for one in levels]).reshape(-1, 2)
    colour = style.COMPONENTS[0]
    axes.axhline(ENOUGH, color=style.MUTED, lw=0.6, ls=(0, (4, 3)))
    style.bars(axes, x, ends[:, 0], ends[:, 1], colour, 1.2)
    axes.plot(x, share, marker="o", ms=4, color=colour, lw=0.8, label="selected, with 95 % interval")
    mean = [one.probability for one in levels]
    axes.plot(x, mean, marker="s", ms=3, color=style.COMPONENTS[1], lw=0.8, label="mean probability")
    _log_axis(axes, x)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(axis_words(limit))
    axes.set_ylabel("share of replicates")
    axes.legend(loc="center left", bbox_to_anchor=(1.03, 0.5))
    return figure


def precision_figure(limit: Limit) -> Figure | None:
    """Posterior sd of every parameter with its spread, and the line that falls with the root of the exposure."""
    trends: dict[str, list[tuple[float, Precision]]] = {}
    for level in limit.levels:
        for one in level.parameters:
            trends.setdefault(one.label, []).append((level.value, one))
    chosen = list(trends.values())[:_PANELS]
    if not chosen:
        return None
    rows = -(-len(chosen) // _COLUMNS)
    each, between, top, bottom = 1.15, 0.55, 0.26, 0.46
    height = top + bottom + rows * each + (rows - 1) * between
    figure = style.new_figure(height)
    grid = figure.add_gridspec(
        rows, _COLUMNS, left=0.09, right=0.985, top=1 - top / height, bottom=bottom / height, wspace=0.34,
        hspace=between / each,
    )  # fmt: skip
    for place, trend in enumerate(chosen):
        axes = figure.add_subplot(grid[place // _COLUMNS, place % _COLUMNS])
        _draw_trend(axes, trend, limit)
        if place + _COLUMNS >= len(chosen):
            axes.set_xlabel(axis_words(limit))
    return figure


def _draw_trend(axes: Axes, trend: list[tuple[float, Precision]], limit: Limit) -> None:
    """One parameter: relative sd where it grows with the exposure, sd else."""
    style.quiet_grid(axes)
    first = trend[0][1]
    grows = limit.study.column == "exposure" and first.name in limit.study.linear.get(limit.tag, ())
    x = np.array([level for level, _ in trend])
    scale = x if grows else np.ones_like(x)
    sd = np.array([[one.sd_low, one.sd_median, one.sd_high] for _, one in trend]) / scale[:, None]
    power = -0.5 if limit.study.column == "exposure" else 1.0
    anchor = len(x) - 1 if power < 0 else 0
    axes.plot(x, sd[anchor, 1] * (x / x[anchor]) ** power, color=style.MUTED, lw=0.8, ls=(0, (4, 3)))
    colour = style.COMPONENTS[0]
    style.bars(axes, x, sd[:, 0], sd[:, 2], colour, 1.2)
    axes.plot(x, sd[:, 1], marker="o", ms=3.5, color=colour, lw=0.8)
    axes.set_yscale("log")
    style.log_ticks(axes)
    _log_axis(axes, x)
    unit = pretty_unit(first.unit) + ("/exposure" if grows else "")
    style.panel_head(axes, clean(first.label, 60), unit)


def _log_axis(axes: Axes, x: np.ndarray) -> None:
    """Logarithmic axis with the levels themselves as its ticks."""
    axes.set_xscale("log")
    shown = x if len(x) <= 6 else x[:: -(-len(x) // 6)]
    axes.set_xticks(shown, [f"{one:g}" for one in shown])
    axes.set_xticks([], minor=True)
