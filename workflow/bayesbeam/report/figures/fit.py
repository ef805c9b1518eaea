"""Data with a candidate's prediction and components, residuals below, and how far residuals remember."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bayesbeam.report import style
from bayesbeam.report.curves import Fit
from bayesbeam.report.residuals import autocorrelation
from bayesbeam.report.text import clean, with_unit

Array = NDArray[np.float64]
# Up to so many points each is seen by itself, and the first and the last would be cut in half at the ends of an axis.
_FEW = 100


def fit_figure(fit: Fit, x_label: str, y_label: str, decreasing: bool) -> Figure:
    """Data and fit above, standardised residuals below, their autocorrelation at the right.

    Parameters
    ----------
    fit : Fit
        Data and curves of one candidate.
    x_label, y_label : str
        Quantity and unit of the axes, see ``axis_labels``.
    decreasing : bool
        Whether the axis runs from right to left, as the field draws it.
    """
    figure = style.new_figure(4.1)
    grid = figure.add_gridspec(
        2, 2, width_ratios=(4.3, 1), height_ratios=(3, 1), left=0.105, right=0.985, top=0.97, bottom=0.105,
        wspace=0.2, hspace=0.1,
    )  # fmt: skip
    main = figure.add_subplot(grid[0, 0])
    below = figure.add_subplot(grid[1, 0], sharex=main)
    names = _draw_fit(main, fit)
    _draw_residuals(below, fit)
    _draw_autocorrelation(figure.add_subplot(grid[1, 1]), fit.residuals)
    _draw_legend(figure.add_subplot(grid[0, 1]), names)
    main.tick_params(labelbottom=False)
    main.set_ylabel(y_label)
    below.set_xlabel(x_label)
    below.set_ylabel("residual\n(sd)")
    figure.align_ylabels([main, below])
    style.limits(main, _ends(fit.x))
    if decreasing:
        main.invert_xaxis()
    return figure


def axis_labels(x_quantity: str, x_unit: str, y_quantity: str, y_unit: str) -> tuple[str, str]:
    """Labels of the two axes."""
    return with_unit(x_quantity, x_unit), with_unit(y_quantity, y_unit)


def _ends(x: Array) -> tuple[float, float]:
    """Ends of the axis: those of the data; where points are few and stand apart, a little beyond them."""
    low, high = float(x.min()), float(x.max())
    room = 0.02 * (high - low) if x.size <= _FEW else 0.0
    return low - room, high + room


def is_background(curve: Array) -> bool:
    """Whether a component is drawn as the floor of the others: it has no maximum inside the range."""
    inner = curve[1:-1]
    span = float(np.ptp(curve)) if curve.size else 0.0
    if inner.size == 0 or span <= 1e-12 * max(float(np.abs(curve).max()), 1e-300):
        return True
    ends = curve[0], curve[-1]
    return bool(inner.max() <= max(ends) + 1e-6 * span and inner.min() >= min(ends) - 1e-6 * span)


def _draw_fit(axes: Axes, fit: Fit) -> list[tuple[str, int | None]]:
    """Bands, components and points; returns the names for the legend, None for a background."""
    low95, low68, high68, high95 = fit.predictive
    few = thinned(fit.x, fit.predictive)
    axes.fill_between(fit.x[few], low95[few], high95[few], color=style.BAND95, lw=0, zorder=1)
    axes.fill_between(fit.x[few], low68[few], high68[few], color=style.BAND68, lw=0, zorder=1)
    names = _draw_components(axes, fit)
    style.bars(axes, fit.x, fit.y - fit.sd, fit.y + fit.sd, width=0.4)
    style.dots(axes, fit.x, fit.y)
    axes.plot(fit.x, fit.prediction[2], color=style.INK, lw=1.2, zorder=5)
    drawn = [fit.y - fit.sd, fit.y + fit.sd, low95, high95]
    bottom, top = min(float(np.nanmin(one)) for one in drawn), max(float(np.nanmax(one)) for one in drawn)
    room = 0.06 * (top - bottom)
    style.limits(axes, y=(bottom - room, top + 1.8 * room))
    return names


def _draw_components(axes: Axes, fit: Fit) -> list[tuple[str, int | None]]:
    """Components on top of their background, each with its number at the top."""
    flat = [is_background(one[1]) for one in fit.components]
    floor = np.zeros(fit.x.size)
    for one, low in zip(fit.components, flat, strict=True):
        floor = floor + one[1] if low else floor
    names: list[tuple[str, int | None]] = []
    labels = fit.labels or tuple(f"component {place + 1}" for place in range(len(flat)))
    # One alone, whose name has no number, needs none to be found.
    numbered = flat.count(False) > 1 or any(one.endswith(" 1") for one in labels)
    place = 0
    for label, curve, low in zip(labels, fit.components, flat, strict=False):
        if low:
            names.append((label, None))
            continue
        _draw_component(axes, fit.x, curve, floor, place)
        if numbered:
            _draw_number(axes, fit, curve[1] + floor, curve[1], place)
        names.append((label, place))
        place += 1
    if floor.any():
        axes.plot(fit.x, floor, color=style.MUTED, lw=0.9, ls=(0, (5, 2)), zorder=2.5)
    return names


def _draw_component(axes: Axes, x: Array, curve: Array, floor: Array, place: int) -> None:
    """One component: fill to its floor, 95% band, median and number."""
    colour = style.component_colour(place)
    few = thinned(x, np.vstack([curve + floor, floor[None]]))
    x, floor, (low, median, high) = x[few], floor[few], (curve + floor)[:, few]
    axes.fill_between(x, floor, median, color=colour, alpha=0.13, lw=0, zorder=2)
    axes.fill_between(x, low, high, color=colour, alpha=0.3, lw=0, zorder=2.5)
    axes.plot(x, median, color=colour, lw=1.2, ls=style.component_line(place), zorder=4)


def _draw_number(axes: Axes, fit: Fit, top: Array, curve: Array, place: int) -> None:
    """Number of a component: above all points where it is the greater part of the signal, else at its own top."""
    peak = int(np.argmax(np.abs(curve)))
    envelope = float(fit.predictive[3, peak])
    main = abs(curve[peak]) > 0.5 * abs(fit.prediction[2, peak] - top[peak] + curve[peak])
    axes.annotate(
        str(place + 1), (fit.x[peak], max(envelope, top[peak]) if main else top[peak]), (0, 3),
        textcoords="offset points", ha="center", va="bottom", color=style.component_colour(place), fontsize=8,
        zorder=6, clip_on=True,
    )  # fmt: skip


def thinned(x: Array, curves: Array, tolerance: float = 1e-3) -> NDArray[np.intp]:
    """Places of the points that keep all curves within a thousandth of their span by straight lines between them.

    Source: Douglas and Peucker, Cartographica 10, 112 (1973), with the vertical distance.
    """
    span = float(np.nanmax(curves) - np.nanmin(curves)) if curves.size else 0.0
    keep = np.zeros(x.size, dtype=bool)
    keep[[0, -1]] = True
    stack = [(0, x.size - 1)]
    while stack and span > 0:
        first, last = stack.pop()
        if last - first < 2:
            continue
        share = (x[first : last + 1] - x[first]) / (x[last] - x[first])
        straight = curves[:, first, None] + share * (curves[:, last] - curves[:, first])[:, None]
        off = np.abs(curves[:, first : last + 1] - straight).max(axis=0)
        middle = int(np.argmax(off))
        if off[middle] > tolerance * span:
            keep[first + middle] = True
            stack += [(first, first + middle), (first + middle, last)]
    return np.flatnonzero(keep)


def _draw_residuals(axes: Axes, fit: Fit) -> None:
    """Standardised residuals with the guide at two standard deviations."""
    axes.axhspan(-2, 2, color=style.BAND95, lw=0, zorder=0)
    axes.axhline(0, color=style.MUTED, lw=0.6, zorder=1)
    reach = max(3.5, min(1.1 * float(np.nanmax(np.abs(fit.residuals), initial=0)), 12.0))
    style.dots(axes, fit.x, np.clip(fit.residuals, -reach, reach), size=2.2)
    axes.set_ylim(-reach, reach)
    axes.set_yticks([-2, 0, 2])


def _draw_autocorrelation(axes: Axes, residuals: Array) -> None:
    """Autocorrelation of the residuals with the range that chance allows."""
    lags, values = autocorrelation(residuals)
    guide = 2 / np.sqrt(max(residuals.size, 1))
    axes.axhspan(-guide, guide, color=style.BAND95, lw=0, zorder=0)
    axes.axhline(0, color=style.MUTED, lw=0.6)
    if lags.size:
        style.bars(axes, lags, np.zeros(lags.size), values, style.INK, 1.2)
        style.limits(axes, x=(0.0, float(lags[-1]) + 1))
    axes.set_ylim(min(-0.35, 1.1 * float(values.min(initial=0))), max(0.5, 1.1 * float(values.max(initial=0))))
    axes.set_xlabel("lag (points)")
    style.panel_title(axes, "autocorrelation")


def _draw_legend(axes: Axes, names: list[tuple[str, int | None]]) -> None:
    """Legend beside the data, so that it hides none."""
    axes.set_axis_off()
    marks: list[tuple[Patch | Line2D, str]] = [
        (_dot(), "data, 1 sd"),
        (Line2D([], [], color=style.INK, lw=1.2), "median fit"),
        (Patch(color=style.BAND68), "68 % predictive"),
        (Patch(color=style.BAND95), "95 % predictive"),
    ]
    alone = sum(place is not None for _, place in names) == 1
    for name, place in names[:9]:
        marks.append((_component_mark(place), name if alone else _numbered(name, place)))
    if len(names) > 9:
        marks.append((Patch(color="none"), f"and {len(names) - 9} more"))
    axes.legend(
        [mark for mark, _ in marks], [clean(words, 22) for _, words in marks], loc="upper left",
        bbox_to_anchor=(-0.28, 1.03), handlelength=1.5, labelspacing=0.45, borderpad=0, handletextpad=0.6,
    )  # fmt: skip


def _numbered(name: str, place: int | None) -> str:
    """Name in the legend with the number drawn at the peak, unless it says so itself."""
    if place is None or name.rstrip("]").endswith(str(place + 1)):
        return name
    return f"{place + 1}  {name}"


def _dot() -> Line2D:
    """Legend mark of the data."""
    return Line2D([], [], color=style.POINTS, marker="o", markersize=2.6, lw=0.5)


def _component_mark(place: int | None) -> Line2D:
    """Legend mark of a component or a background."""
    if place is None:
        return Line2D([], [], color=style.MUTED, lw=0.9, ls=(0, (5, 2)))
    return Line2D([], [], color=style.component_colour(place), lw=1.6, ls=style.component_line(place))
