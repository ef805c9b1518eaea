"""Weight fractions of all samples: a map of samples and phases, and what was found against what was weighed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bayesbeam.report import style
from bayesbeam.report.text import NOTHING, clean, plain
from bayesbeam.report.weighed import Weighed

_LETTER, _CELL, _ROW, _HEAD_LETTERS, _ROW_LETTERS = 0.062, 0.42, 0.2, 26, 30
_SURE = 0.95
# Per cent of the mass below which the axis is even, and above which it goes with the logarithm.
_EVEN = 1.0


@dataclass(frozen=True)
class Share:
    """One phase of one sample: per cent of the mass, how probable, and whether it is said to be there."""

    percent: float
    probability: float
    present: bool
    weighed: bool | None = None


def matrix_figure(
    rows: Sequence[tuple[str, bool]], columns: Sequence[str], cells: Mapping[tuple[int, int], Share]
) -> Figure:
    """Samples down, phases across, darker for more of it.

    Parameters
    ----------
    rows : sequence of (name, open)
        Samples, and whether something in them is none of the candidates.
    columns : sequence of str
        Phases.
    cells : mapping
        By row and column.
    """
    left = 0.15 + _LETTER * max(len(clean(name, _ROW_LETTERS)) for name, _ in rows)
    top = 0.3 + _LETTER * 0.8 * max(len(clean(name, _HEAD_LETTERS)) for name in columns)
    across = len(columns) + 1
    cell = min(_CELL, max((style.WIDTH - left - 0.2) / across, 0.24))
    height = top + _ROW * len(rows) + 0.12
    figure = style.new_figure(height)
    wide = cell * across / style.WIDTH
    axes = figure.add_axes((left / style.WIDTH, 0.1 / height, wide, _ROW * len(rows) / height))
    for (row, column), share in cells.items():
        _draw_cell(axes, row, column, share)
    for row, (_, is_open) in enumerate(rows):
        if is_open:
            axes.plot([len(columns) + 0.5], [row + 0.5], marker="v", ms=5, color=style.BAD)
    for column in range(across + 1):
        axes.axvline(column, color=style.GRID, lw=0.6, zorder=0)
    for row in range(len(rows) + 1):
        axes.axhline(row, color=style.GRID, lw=0.6, zorder=0)
    axes.set_xlim(0, across)
    axes.set_ylim(len(rows), 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, [clean(name, _ROW_LETTERS) for name, _ in rows])
    heads = [*(clean(name, _HEAD_LETTERS) for name in columns), "none of these"]
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(across) + 0.5, heads, rotation=60, ha="left", rotation_mode="anchor")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _draw_cell(axes: Axes, row: int, column: int, share: Share) -> None:
    """One cell: its amount by the depth of the colour, and in numbers; framed where the weighing says otherwise."""
    if share.present or share.percent > 0.0:
        depth = 0.12 + 0.5 * np.sqrt(min(max(share.percent, 0.0), 100.0) / 100.0)
        depth = depth if share.present else 0.08
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=style.COMPONENTS[0], alpha=depth, lw=0, zorder=1))
        words = plain(share.percent, 2 if share.percent < 99.5 else 3)
        doubtful = not share.present or share.probability < _SURE
        _write(axes, row, column, f"{words}?" if doubtful else words, style.INK)
    wrong = share.weighed is not None and share.weighed != share.present
    if wrong:
        axes.add_patch(
            Rectangle((column + 0.04, row + 0.06), 0.92, 0.88, fill=False, edgecolor=style.BAD, lw=1.1, zorder=4)
        )
        if not share.present and share.percent <= 0.0:
            _write(axes, row, column, NOTHING, style.BAD)


def _write(axes: Axes, row: int, column: int, words: str, colour: str) -> None:
    """Words in the middle of a cell."""
    axes.annotate(words, (column + 0.5, row + 0.5), ha="center", va="center", fontsize=6.5, color=colour, zorder=5)


def weighed_figure(rows: Sequence[Weighed]) -> Figure:
    """Found against weighed at the left, their difference with its 95 % interval at the right, a colour a phase."""
    figure = style.new_figure(3.0)
    grid = figure.add_gridspec(
        1, 2, left=0.075, right=0.985, top=0.88, bottom=0.145, wspace=0.22, width_ratios=(1, 1.35)
    )
    left, right = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    labels = list(dict.fromkeys(one.label for one in rows))
    for place, label in enumerate(labels):
        _draw_phase(left, right, [one for one in rows if one.label == label], place)
    for axes in (left, right):
        style.quiet_grid(axes)
        axes.set_xlabel("weighed (wt %)")
    ends = 0.0, 130.0
    left.plot(ends, ends, color=style.MUTED, lw=0.6, zorder=1)
    right.axhline(0, color=style.MUTED, lw=0.6, zorder=1)
    for axes, which in ((left, "xy"), (right, "x")):
        for one in which:
            percent_ticks(axes, one)
    left.set_ylabel("found (wt %)")
    right.set_ylabel("found less weighed (wt %)")
    keys = left.get_legend_handles_labels()
    figure.legend(*keys, loc="upper left", bbox_to_anchor=(0.07, 1.0), ncols=6, columnspacing=1.2, handletextpad=0.3)
    return figure


def _draw_phase(left: Axes, right: Axes, rows: Sequence[Weighed], place: int) -> None:
    """Points of one phase; what was not found lies open at 0."""
    colour, marker = style.component_colour(place), "osD^v"[place // len(style.COMPONENTS) % 5]
    found, missed = [one for one in rows if one.found], [one for one in rows if not one.found]
    x, y = np.array([one.among for one in found]), np.array([one.mean for one in found])
    low, high = (np.array([one.interval[k] for one in found]) for k in (0, 1))
    left.vlines(x, low, high, color=colour, lw=0.9)
    left.plot(x, y, ls="", marker=marker, ms=3.6, color=colour, label=clean(rows[0].label, 24))
    right.vlines(x, low - x, high - x, color=colour, lw=0.9)
    right.plot(x, y - x, ls="", marker=marker, ms=3.6, color=colour)
    gone = [one.weighed for one in missed]
    left.plot(
        gone, np.zeros(len(gone)), ls="", marker=marker, ms=4.2, color=colour, markerfacecolor="none", clip_on=False
    )


def percent_ticks(axes: Axes, which: str) -> None:
    """An axis of per cents, even to 1 and logarithmic beyond, from 0."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("symlog", linthresh=_EVEN, linscale=0.4)
    axis.set_major_locator(FixedLocator([0, 1, 2, 5, 10, 20, 50, 100]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value, 3)))
    (axes.set_xlim if which == "x" else axes.set_ylim)(0, 130)
