"""Where to measure next: the curve as far as it is known with the points to come, and what any point would tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesbeam.report import style
from bayesbeam.report.curves import Array, Fit, NextCurves
from bayesbeam.report.figures.fit import thinned


def next_figure(
    curves: NextCurves, fit: Fit, points: Sequence[float], x_label: str, y_label: str, decreasing: bool
) -> Figure:
    """Data and curve with two standard deviations, points to come numbered; below, information by point.

    Parameters
    ----------
    curves : NextCurves
        By possible point, over all candidates.
    fit : Fit
        Data.
    points : sequence of float
        To be measured, in their order.
    """
    figure = style.new_figure(3.6)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(3, 1.3), left=0.105, right=0.985, top=0.93, bottom=0.125, hspace=0.12
    )
    main = figure.add_subplot(grid[0])
    below = figure.add_subplot(grid[1], sharex=main)
    low, high = curves.mean - 2 * curves.spread, curves.mean + 2 * curves.spread
    few = thinned(curves.x, np.stack([low, high]))
    main.fill_between(curves.x[few], low[few], high[few], color=style.BAND68, lw=0, zorder=2)
    main.plot(curves.x, curves.mean, color=style.INK, lw=1.0, zorder=2.5)
    style.dots(main, fit.x, fit.y, size=3.6)
    below.plot(curves.x, curves.gain, color=style.INK, lw=1.0)
    for axes in (main, below):
        for x in dict.fromkeys(points):
            axes.axvline(x, color=style.component_colour(1), lw=0.9, ls=(0, (4, 2)), zorder=3)
    main.tick_params(labelbottom=False)
    main.set_ylabel(y_label)
    below.set_ylabel("information\n(nats)")
    below.set_xlabel(x_label)
    figure.align_ylabels([main, below])
    bottom, top = _both(low, high, fit.y)
    room = 0.06 * (top - bottom)
    style.limits(main, _both(curves.x, fit.x), (bottom - room, top + room))
    style.limits(below, y=(0.0, 1.15 * max(float(curves.gain.max()), 1e-12)))
    _draw_numbers(main, points)
    if decreasing:
        main.invert_xaxis()
    return figure


def _both(*values: Array) -> tuple[float, float]:
    """Range of several arrays together."""
    whole = np.concatenate(values)
    return float(whole.min()), float(whole.max())


def _draw_numbers(axes: Axes, points: Sequence[float]) -> None:
    """Numbers of the points above the panel; those of points too near to be told apart stand together."""
    reach = 0.02 * abs(float(np.ptp(axes.get_xlim())))
    groups: list[tuple[float, list[int]]] = []
    for number, x in sorted(enumerate(points, start=1), key=lambda pair: pair[1]):
        if groups and x - groups[-1][0] < reach:
            groups[-1][1].append(number)
        else:
            groups.append((x, [number]))
    for x, numbers in groups:
        axes.annotate(
            ", ".join(map(str, sorted(numbers))), (x, 1.0), (0, 2), xycoords=axes.get_xaxis_transform(),
            textcoords="offset points", ha="center", va="bottom", color=style.component_colour(1), fontsize=8,
        )  # fmt: skip
