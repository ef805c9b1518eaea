"""Two edges of a cell along a series, and what each pattern says of their being split."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bayesbeam.report import style
from bayesbeam.report.text import clean, plain

Array = NDArray[np.float64]
_LINEAR = 5.0
"""Nats to either side of 0 that the axis of odds is even over."""


def edges_figure(
    column: str, x: Array, mean: Array, gap: Array, odds: Array, turn: tuple[float, float] | None
) -> Figure:
    """The longer and the shorter edge, with 95 % of their difference, and nats for split ones below; a turn is a band.

    Parameters
    ----------
    x : array (M,)
        In ascending order.
    mean : array (M, 2)
        Mean of both edges with its standard deviation, angstrom.
    gap : array (M, 3)
        Size of their difference, angstrom: median, and the ends of an interval.
    odds : array (M,)
        Nats for split edges.
    """
    figure = style.new_figure(3.4)
    above = figure.add_axes((0.1, 0.48, 0.87, 0.45))
    below = figure.add_axes((0.1, 0.13, 0.87, 0.25), sharex=above)
    for axes in (above, below):
        style.quiet_grid(axes)
        if turn is not None:
            axes.axvspan(*turn, color=style.BAND68, lw=0, alpha=0.5, zorder=0)
    for place, (sign, word) in enumerate(((1.0, "longer"), (-1.0, "shorter"))):
        colour, middle = style.COMPONENTS[place], mean[:, 0]
        above.vlines(x, middle + 0.5 * sign * gap[:, 1], middle + 0.5 * sign * gap[:, 2], color=colour, lw=1.2)
        value = middle + 0.5 * sign * gap[:, 0]
        above.plot(x, value, marker="os"[place], ls="", markersize=3.5, color=colour, label=word)
    above.legend(loc="best", frameon=False, ncols=2)
    above.tick_params(labelbottom=False)
    above.yaxis.set_major_locator(MaxNLocator(5))
    above.ticklabel_format(axis="y", useOffset=False)
    style.panel_head(above, "edges", "Å")
    below.axhline(0.0, color=style.INK, lw=0.6)
    below.set_yscale("symlog", linthresh=_LINEAR)
    below.plot(x, odds, marker="o", ls="", markersize=3.5, color=style.INK)
    low, high = min(float(odds.min()), -_LINEAR), max(float(odds.max()), _LINEAR)
    below.set_ylim(1.4 * low, 1.4 * high)
    ticks = [sign * size for size in (_LINEAR, 50.0, 500.0, 5000.0) for sign in (-1.0, 1.0)]
    inside = [0.0, *(one for one in ticks if 1.4 * low <= one <= 1.4 * high)]
    below.set_yticks(inside, [plain(one, 3) for one in inside])
    below.minorticks_off()
    style.panel_head(below, "for split edges", "nats")
    below.set_xlabel(clean(column, 40))
    above.margins(x=0.04)
    return figure
