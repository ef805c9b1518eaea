"""Patterns of a series: one above the other as a waterfall, and as a map with the weight fractions beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bayesbeam.report import style
from bayesbeam.report.figures.fit import thinned
from bayesbeam.report.figures.fractions import percent_ticks
from bayesbeam.report.text import clean, plain

Array = NDArray[np.float64]
_MOST_CURVES, _BINS, _LINES, _LETTERS = 24, 1000, 400, 24
_OVERLAP, _ACROSS = 2.2, 4
# A colour of pixels that stands out on light and on dark pages, which cannot exchange it.
_SEEN = "#2d92d1"
# Per cent of the mass that is hard to see on an even axis.
_MINOR = 8.0


@dataclass(frozen=True, eq=False)
class Frame:
    """One pattern of a series at ``at`` of its column: 2 theta (degrees) and what is above the background."""

    name: str
    at: float
    x: Array
    net: Array


@dataclass(frozen=True, eq=False)
class Trace:
    """One phase along a series (F,): per cent of the mass with its 95 % interval, nan where it is not there."""

    name: str
    at: Array
    mean: Array
    low: Array
    high: Array
    sure: NDArray[np.bool_]


def waterfall_figure(frames: Sequence[Frame], column: str) -> Figure:
    """Patterns one above the other in the order of the column, roots of intensities on one scale."""
    step = max(-(-len(frames) // _MOST_CURVES), 1)
    chosen = list(frames[::step])
    height = 1.2 + 0.15 * len(chosen)
    figure = style.new_figure(height)
    bottom = 0.42 / height
    axes = figure.add_axes((0.03, bottom, 0.83, 1.0 - bottom - 0.08 / height))
    ends = min(float(one.x[0]) for one in frames), max(float(one.x[-1]) for one in frames)
    x = ends[0] + (ends[1] - ends[0]) * (np.arange(_BINS) + 0.5) / _BINS
    rows = [_binned(one, *ends) for one in chosen]
    top = max(float(np.nanmax(row)) for row in rows) or 1.0
    for place, (one, row) in enumerate(zip(chosen, rows, strict=True)):
        there = ~np.isnan(row)
        curve = place + _OVERLAP * row[there] / top
        below = 10.0 - place / len(chosen)
        few = thinned(x[there], curve[None], 2e-2)
        axes.fill_between(x[there][few], place, curve[few], color=style.PAPER, alpha=0.7, lw=0, zorder=below)
        axes.plot(x[there], curve, color=style.COMPONENTS[0], lw=0.6, zorder=below)
        _beside(axes, place, plain(one.at, 5), 6.5)
    _beside(axes, len(chosen), clean(column, _LETTERS), 7)
    style.limits(axes, ends)
    axes.set_ylim(-0.3, len(chosen) - 1 + 1.05 * _OVERLAP)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("2\u03b8 (degrees)")
    return figure


def _beside(axes: Axes, place: float, words: str, size: float) -> None:
    """Words right of the panel at a height."""
    axes.annotate(words, (1.0, place), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                  va="center", fontsize=size, annotation_clip=False)  # fmt: skip


def map_figure(frames: Sequence[Frame], traces: Sequence[Trace], column: str) -> Figure:
    """Intensities by angle and column, with the weight fractions of all phases beside them on the same axis."""
    above, height = 0.1 + 0.17 * -(-len(traces) // _ACROSS), 3.5
    figure = style.new_figure(height + above)
    grid = figure.add_gridspec(
        1, 2, left=0.085, right=0.985, top=height / (height + above), bottom=0.46 / (height + above), wspace=0.06,
        width_ratios=(1.6, 1),
    )  # fmt: skip
    left = figure.add_subplot(grid[0])
    right = figure.add_subplot(grid[1], sharey=left)
    _draw_map(left, frames)
    for place, trace in enumerate(traces):
        _draw_trace(right, trace, place)
    style.quiet_grid(right, "x")
    right.tick_params(labelleft=False)
    right.set_xlim(-2, 102)
    if any(np.nanmax(one.mean, initial=0.0) < _MINOR for one in traces):
        percent_ticks(right, "x")
    right.set_xlabel("weight fraction (%)")
    left.set_xlabel("2\u03b8 (degrees)")
    left.set_ylabel(clean(column, 40))
    left.yaxis.set_major_locator(MaxNLocator(6))
    handles = [
        Line2D([], [], color=style.component_colour(k), ls=style.component_line(k), marker="o", ms=3,
               label=clean(one.name, _LETTERS)) for k, one in enumerate(traces)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="upper right", bbox_to_anchor=(0.99, 1.0), ncols=_ACROSS, columnspacing=1.2)
    return figure


def _draw_map(axes: Axes, frames: Sequence[Frame]) -> None:
    """Roots of intensities as the depth of one colour; each pattern reaches half way to its neighbours."""
    low, high = min(float(one.x[0]) for one in frames), max(float(one.x[-1]) for one in frames)
    at = np.array([one.at for one in frames])
    half = 0.5 * np.diff(at)
    edges = np.concatenate([[at[0] - half[0]], at[:-1] + half, [at[-1] + half[-1]]])
    rows = np.stack([_binned(one, low, high) for one in frames])
    # Half of all bins hold noise alone: what they show is taken off.
    rows = np.maximum(rows - np.nanmedian(rows, axis=1, keepdims=True), 0.0)
    whole = float(np.nanmax(rows)) or 1.0
    centre = edges[0] + (edges[-1] - edges[0]) * (np.arange(_LINES) + 0.5) / _LINES
    image = rows[np.clip(np.searchsorted(edges, centre) - 1, 0, len(frames) - 1)] / whole
    colour = np.empty((*image.shape, 4))
    colour[...] = to_rgba(_SEEN)
    colour[..., 3] = np.nan_to_num(image)
    axes.imshow(colour, extent=(low, high, edges[0], edges[-1]), origin="lower", aspect="auto", interpolation="nearest")
    axes.set_ylim(edges[0], edges[-1])


def _binned(frame: Frame, low: float, high: float) -> Array:
    """Root of the greatest intensity in each bin of angles, nan where there is none."""
    found = np.full(_BINS, np.nan)
    place = np.clip(((frame.x - low) / (high - low) * _BINS).astype(int), 0, _BINS - 1)
    np.fmax.at(found, place, np.sqrt(np.maximum(frame.net, 0.0)))
    # Bins between two points of a coarse pattern take what the points say.
    empty = np.isnan(found) & (np.arange(_BINS) >= place[0]) & (np.arange(_BINS) <= place[-1])
    known = np.flatnonzero(~np.isnan(found))
    found[empty] = np.interp(np.flatnonzero(empty), known, found[known])
    return found


def _draw_trace(axes: Axes, trace: Trace, place: int) -> None:
    """Weight fraction of one phase along the column; open marks where it is not sure."""
    colour = style.component_colour(place)
    axes.plot(trace.mean, trace.at, color=colour, lw=0.9, ls=style.component_line(place), zorder=2)
    axes.hlines(trace.at, trace.low, trace.high, color=colour, lw=0.9, zorder=2)
    for sure in (True, False):
        some = trace.sure == sure
        axes.plot(trace.mean[some], trace.at[some], ls="", marker="o", ms=3, color=colour,
                  markerfacecolor=colour if sure else style.PAPER, zorder=3)  # fmt: skip
