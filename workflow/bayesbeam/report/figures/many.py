"""Figures of a large campaign: for how many measurements each model is selected, and how quantities are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bayesbeam.report import style
from bayesbeam.report.many import Selected
from bayesbeam.report.text import clean, pretty_unit

Array = NDArray[np.float64]
_MODELS, _COLUMNS = 12, 3
_MOST_BINS, _FEWEST_BINS, _ENDS = 40, 12, (0.002, 0.998)


@dataclass(frozen=True, eq=False)
class Spread:
    """Values of one quantity over all measurements, any number of them; ``limits`` where they are known beforehand."""

    label: str
    unit: str
    values: Array
    limits: tuple[float, float] | None = None


def selected_figure(models: Sequence[Selected]) -> Figure | None:
    """Bars of the number of measurements by their most probable model; None where there is one model only."""
    shown = models[:_MODELS]
    if len(shown) < 2:
        return None
    height = 0.95 + 0.24 * len(shown)
    figure = style.new_figure(height)
    axes = figure.add_axes((0.2, 0.42 / height, 0.56, (height - 0.62) / height))
    places = np.arange(len(shown))[::-1]
    clear = np.array([one.total - one.undecided - one.shaky for one in shown])
    undecided, shaky = np.array([one.undecided for one in shown]), np.array([one.shaky for one in shown])
    bars = (
        (clear, np.zeros(len(shown)), style.COMPONENTS[0], "decided"),
        (undecided, clear, style.BAND68, "undecided"),
        (shaky, clear + undecided, style.BAD, "decided, not reliable"),
    )
    for width, left, colour, label in bars:
        if width.any():
            axes.barh(places, width, left=left, height=0.66, color=colour, label=label)
    for place, one in zip(places, shown, strict=True):
        axes.annotate(str(one.total), (one.total, place), (4, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set_yticks(places, [clean(one.label, 30) for one in shown])
    axes.set_xlabel("measurements")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.margins(x=0.08)
    axes.set_xlim(left=0)
    style.quiet_grid(axes, "x")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def spreads_figure(spreads: Sequence[Spread]) -> Figure | None:
    """Histograms over all measurements, one a quantity; what lies beyond the ends is in the outermost bars."""
    if not spreads:
        return None
    rows = -(-len(spreads) // _COLUMNS)
    each, between, top, bottom = 1.0, 0.55, 0.26, 0.34
    height = top + bottom + rows * each + (rows - 1) * between
    figure = style.new_figure(height)
    grid = figure.add_gridspec(
        rows, _COLUMNS, left=0.065, right=0.985, top=1 - top / height, bottom=bottom / height, wspace=0.24,
        hspace=between / each,
    )  # fmt: skip
    for place, one in enumerate(spreads):
        _draw(figure.add_subplot(grid[place // _COLUMNS, place % _COLUMNS]), one)
    return figure


def _draw(axes: Axes, spread: Spread) -> None:
    """Histogram of one quantity, its median as a line."""
    style.quiet_grid(axes)
    low, high = spread.limits or (float(end) for end in np.quantile(spread.values, _ENDS))
    if not high > low:
        low, high = low - 0.5 * (abs(low) or 1.0), low + 0.5 * (abs(low) or 1.0)
    bins = min(max(round(2.0 * len(spread.values) ** 0.5), _FEWEST_BINS), _MOST_BINS)
    counts, edges = np.histogram(np.clip(spread.values, low, high), bins=bins, range=(low, high))
    axes.stairs(counts, edges, fill=True, color=style.COMPONENTS[0], lw=0)
    axes.axvline(float(np.median(spread.values)), color=style.INK, lw=0.8)
    axes.set_ylim(0, 1.08 * max(int(counts.max()), 1))
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    style.panel_head(axes, clean(spread.label, 60), pretty_unit(spread.unit), "x")
