"""A powder pattern with its phases: observed and calculated, lines of each phase, what is left, and unknown lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator, NullLocator
from numpy.typing import NDArray

from bayesbeam.report import style
from bayesbeam.report.curves import Pattern
from bayesbeam.report.figures.fit import thinned
from bayesbeam.report.text import clean, plain

Array = NDArray[np.float64]
_ROW, _MAIN, _BELOW, _FEW_ROWS = 0.125, 2.35, 0.72, 2
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 0.62, 1.42, 0.34, 0.42, 0.06
_MOST_NAMED, _LETTERS = 14, 23
_MOST_SD = 8.0
_PIECES = 900
# Places at which dots can be told apart, along the panel and up it: each covers more than one.
_CELLS = (550, 250)


def pattern_figure(
    pattern: Pattern, names: Sequence[str], unknown: Sequence[float], y_label: str = "counts", x_label: str = ""
) -> Figure:
    """Intensities on a square-root scale above, a row of ticks a phase, and what is left in units of the noise.

    Parameters
    ----------
    names : sequence of str
        Of the phases, in the order of ``pattern.parts``.
    unknown : sequence of float
        Places of lines that no phase explains, the clearest first.
    """
    rows = max(len(names), _FEW_ROWS) * _ROW
    height = _TOP + _MAIN + _GAP + rows + _GAP + _BELOW + _BOTTOM
    figure = style.new_figure(height)
    wide = (style.WIDTH - _LEFT - _RIGHT) / style.WIDTH

    def panel(bottom: float, tall: float, below: Axes | None = None) -> Axes:
        return figure.add_axes((_LEFT / style.WIDTH, bottom / height, wide, tall / height), sharex=below)

    main = panel(_BOTTOM + _BELOW + rows + 2 * _GAP, _MAIN)
    lines = panel(_BOTTOM + _BELOW + _GAP, rows, main)
    below = panel(_BOTTOM, _BELOW, main)
    _draw_curves(main, pattern)
    _draw_ticks(lines, pattern, names)
    _draw_left(below, pattern)
    _mark_unknown(main, below, unknown)
    _draw_legend(main, bool(len(unknown)))
    main.set_ylabel(y_label)
    below.set_xlabel(x_label or "2\u03b8 (degrees)")
    main.tick_params(labelbottom=False)
    style.limits(main, (float(pattern.x[0]), float(pattern.x[-1])))
    figure.align_ylabels([main, below])
    return figure


def _draw_curves(axes: Axes, pattern: Pattern) -> None:
    """Observed dots, background, parts on it, and the calculated curve; the axis goes with the root."""
    x, top = pattern.x, float(max(pattern.y.max(), pattern.model.max()))
    apart = _apart(x, _root(pattern.y))
    style.dots(axes, x[apart], pattern.y[apart], 1.8)
    base = thinned(x, pattern.background[None])
    for place, part in enumerate(pattern.parts):
        curve = pattern.background + part
        few = _thinned_root(x, curve, top)
        colour = style.component_colour(place)
        axes.fill_between(x[few], pattern.background[few], curve[few], color=colour, alpha=0.3, lw=0, zorder=2)
        axes.plot(x[few], curve[few], color=colour, lw=1.1, ls=style.component_line(place), zorder=4)
    few = _thinned_root(x, pattern.model, top)
    axes.plot(x[few], pattern.model[few], color=style.INK, lw=0.6, zorder=5)
    axes.plot(x[base], pattern.background[base], color=style.MUTED, lw=0.9, ls=(0, (5, 2)), zorder=6)
    low = float(max(min(np.quantile(pattern.y, 0.01), pattern.background.min()), 0.0))
    axes.set_yscale("function", functions=(_root, _square))
    axes.set_ylim(0.5 * low, 1.03 * top)
    axes.yaxis.set_major_locator(FixedLocator(_root_ticks(0.5 * low, 1.03 * top)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value, 2)))
    style.quiet_grid(axes)


def _apart(x: Array, y: Array) -> NDArray[np.intp]:
    """Places of points that do not fall on one another as they are drawn."""
    spans = [float(np.ptp(one)) or 1.0 for one in (x, y)]
    cells = [np.round((one - one.min()) / span * count) for one, span, count in zip((x, y), spans, _CELLS, strict=True)]
    return np.sort(np.unique(np.column_stack(cells), axis=0, return_index=True)[1])


def _extremes(values: Array) -> NDArray[np.intp]:
    """Places of the least and the greatest value in each of as many pieces as can be told apart; all of a few."""
    if len(values) <= 2 * _PIECES:
        return np.arange(len(values))
    pieces = np.array_split(np.arange(len(values)), _PIECES)
    ends = [(one[values[one].argmin()], one[values[one].argmax()]) for one in pieces]
    return np.unique(np.array(ends).ravel())


def _thinned_root(x: Array, curve: Array, top: float) -> NDArray[np.intp]:
    """Places that keep a curve as it is drawn, on the root's scale."""
    return thinned(x, np.vstack([_root(curve), np.full(len(x), _root(np.array([top]))[0]) * (x > x[0])]), 5e-4)


def _root(values: Array) -> Array:
    """Root that keeps the sign."""
    found: Array = np.sign(values) * np.sqrt(np.abs(values))
    return found


def _square(values: Array) -> Array:
    """Undo ``_root``."""
    found: Array = np.sign(values) * np.square(values)
    return found


def _root_ticks(low: float, high: float) -> list[float]:
    """Round numbers that stand apart on the root's scale, the largest first."""
    steps = [digit * 10.0**power for power in range(-3, 12) for digit in (1.0, 2.0, 5.0)]
    room = 0.11 * (np.sqrt(high) - np.sqrt(low))
    kept: list[float] = []
    for value in reversed([one for one in steps if low <= one <= high]):
        if all(abs(np.sqrt(value) - np.sqrt(other)) > room for other in kept):
            kept.append(value)
    return sorted(kept)


def _draw_ticks(axes: Axes, pattern: Pattern, names: Sequence[str]) -> None:
    """A row of ticks a phase, with its name at the right in its colour."""
    for place, name in enumerate(names):
        at = pattern.ticks[pattern.owner == place]
        low, high = np.full(len(at), place + 0.18), np.full(len(at), place + 0.82)
        style.bars(axes, at, low, high, style.component_colour(place), 0.7)
        words = f"{clean(name, _LETTERS)}"
        axes.annotate(words, (1.0, place + 0.5), (5, 0), xycoords=("axes fraction", "data"), va="center", fontsize=7,
                      textcoords="offset points", color=style.INK, annotation_clip=False)  # fmt: skip
        axes.plot([1.004], [place + 0.5], marker="s", ms=2.6, color=style.component_colour(place), clip_on=False,
                  transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_ylim(max(len(names), _FEW_ROWS), 0)
    axes.axis("off")


def _draw_left(axes: Axes, pattern: Pattern) -> None:
    """What is left, in standard deviations of the noise."""
    left = (pattern.y - pattern.model) / pattern.sd
    style.quiet_grid(axes)
    most = max(_MOST_SD if np.abs(left).max() > _MOST_SD else float(np.abs(left).max()), 3.0)
    axes.axhspan(-2, 2, color=style.BAND95, lw=0, zorder=0.5)
    few = _extremes(left)
    axes.plot(pattern.x[few], np.clip(left[few], -most, most), color=style.POINTS, lw=0.5, zorder=3)
    axes.set_ylim(-1.08 * most, 1.08 * most)
    axes.yaxis.set_major_locator(MultipleLocator(2 if most <= 4 else 4))
    axes.set_ylabel("left\n(sd)")


def _draw_legend(axes: Axes, unknown: bool) -> None:
    """What is drawn how, right of the panel."""
    handles = [
        Line2D([], [], ls="", marker="o", ms=2.2, color=style.POINTS, label="observed"),
        Line2D([], [], color=style.INK, lw=0.8, label="calculated"),
        Line2D([], [], color=style.MUTED, lw=0.9, ls=(0, (5, 2)), label="background"),
    ]
    if unknown:
        handles.append(Line2D([], [], ls="", marker="v", ms=3.6, color=style.BAD, label="of no candidate"))
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.02), handlelength=1.6, borderaxespad=0.3)


def _mark_unknown(main: Axes, below: Axes, unknown: Sequence[float]) -> None:
    """Marks above lines that no phase explains, the clearest with their places, none over another."""
    ends, said = main.get_xlim(), list[float]()
    for place, at in enumerate(unknown):
        for axes in (main, below):
            axes.axvline(at, color=style.BAD, lw=0.6, ls=(0, (1, 2)), zorder=1)
        main.plot(
            [at], [1.015], marker="v", ms=3.6, color=style.BAD, clip_on=False, transform=main.get_xaxis_transform()
        )
        if place < _MOST_NAMED and all(abs(at - other) > 0.022 * (ends[1] - ends[0]) for other in said):
            said.append(at)
            main.annotate(f"{at:.2f}", (at, 1.04), xycoords=("data", "axes fraction"), rotation=90, ha="center",
                          va="bottom", fontsize=6, color=style.BAD, annotation_clip=False)  # fmt: skip
