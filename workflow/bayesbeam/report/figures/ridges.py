"""Shared parameters of a group: a ridge a measurement, the integrated one below, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bayesbeam.report import style
from bayesbeam.report.density import density
from bayesbeam.report.figures.parameters import window
from bayesbeam.report.text import clean, pretty_unit

Array = NDArray[np.float64]
MAX_PANELS = 12
_COLUMNS = 3
_RIDGE = 0.2


@dataclass(frozen=True, eq=False)
class Shared:
    """One shared parameter: draws of every measurement alone, and of all together."""

    name: str
    unit: str
    separate: tuple[tuple[str, Array], ...]
    integrated: Array


def ridges_figure(shared: Sequence[Shared]) -> Figure | None:
    """One panel a shared parameter."""
    shown = list(shared)[:MAX_PANELS]
    if not shown:
        return None
    members = max(len(one.separate) for one in shown) + 1
    n_columns = min(_COLUMNS, len(shown))
    n_rows = -(-len(shown) // n_columns)
    each, top, bottom, between = 0.3 + _RIDGE * members, 0.26, 0.3, 0.5
    height = top + bottom + n_rows * each + (n_rows - 1) * between
    figure = style.new_figure(height)
    grid = figure.add_gridspec(
        n_rows, n_columns, left=0.13, right=0.985, top=1 - top / height, bottom=bottom / height,
        hspace=between / each, wspace=0.09,
    )  # fmt: skip
    for place, one in enumerate(shown):
        axes = figure.add_subplot(grid[place // n_columns, place % n_columns])
        _draw_ridges(axes, one, names=place % n_columns == 0)
    return figure


def _draw_ridges(axes: Axes, shared: Shared, names: bool) -> None:
    """Ridges from top to bottom, the integrated one last and dark."""
    rows = [*shared.separate, ("together", shared.integrated)]
    low = min(window(values)[0] for _, values in rows)
    high = max(window(values)[1] for _, values in rows)
    tallest = 0.0
    for place, (_, values) in enumerate(rows):
        level, last = len(rows) - 1 - place, place == len(rows) - 1
        colour = style.INK if last else style.component_colour(place)
        grid, heights = density(values, low, high, 220)
        scaled = 0.92 * heights / (heights.max() or 1.0)
        axes.fill_between(grid, level, level + scaled, color=colour, alpha=0.85 if last else 0.25, lw=0)
        axes.plot(grid, level + scaled, color=colour, lw=1)
        tallest = max(tallest, level + 1.0)
    axes.set_ylim(-0.06, tallest + 0.05)
    axes.set_yticks(range(len(rows)), [clean(name, 16) for name, _ in reversed(rows)] if names else [""] * len(rows))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for label in axes.get_yticklabels():
        label.set_verticalalignment("bottom")
    style.quiet_grid(axes, "x")
    style.limits(axes, x=(low, high))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    style.panel_head(axes, clean(shared.name, 60), pretty_unit(shared.unit), "x")
