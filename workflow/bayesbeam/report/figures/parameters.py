"""Marginal densities of a candidate with the prior behind: a column a quantity, a row a peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bayesbeam.report import style
from bayesbeam.report.curves import Column, Draws
from bayesbeam.report.density import density
from bayesbeam.report.text import clean, plain, pretty_unit, raised

MAX_COLUMNS, MAX_ROWS = 6, 8
_ROW = 0.62
_TICK_LETTER, _TITLE_LETTER = 4.2, 4.4  # points


@dataclass(frozen=True)
class Panel:
    """One marginal: where it is drawn and of what."""

    row: int
    place: int
    draws_place: int
    column: Column


def parameters_figure(draws: Draws) -> Figure | None:
    """Densities of every free quantity, posterior coloured like its component, prior in grey behind."""
    panels, peaks, singles = _layout(draws)
    if not panels:
        return None
    n_rows, n_columns = peaks + singles, 1 + max(panel.place for panel in panels)
    top, bottom = 0.24, 0.4
    gap = 0.36 * n_rows - 0.36
    height = top + bottom + _ROW * n_rows + gap
    figure = style.new_figure(height)
    grid = figure.add_gridspec(
        n_rows, max(n_columns, 3), left=0.045, right=0.985, top=1 - top / height, bottom=bottom / height,
        hspace=0.36 / _ROW, wspace=0.14,
    )  # fmt: skip
    for panel in panels:
        axes = figure.add_subplot(grid[panel.row, panel.place])
        _draw_marginal(axes, panel, draws, 72 * style.WIDTH * 0.94 / max(n_columns, 3) / 1.1)
    return figure


def _layout(draws: Draws) -> tuple[list[Panel], int, int]:
    """Places of the panels, the number of rows for peaks, and the number of rows for quantities that occur once.

    Quantities that are fixed have no density and no panel.
    """
    free = [(place, one) for place, one in enumerate(draws.columns) if np.ptp(draws.flat(place)) > 0]
    first = sorted(free, key=lambda one: one[1].kind != "parameter")
    names = list(dict.fromkeys(one.name for _, one in first if one.index is not None))[:MAX_COLUMNS]
    numbers = sorted({one.index for _, one in free if one.index is not None})[:MAX_ROWS]
    panels, single = [], 0
    for place, one in free:
        if one.index is None:
            row, column = divmod(single, MAX_COLUMNS)
            panels.append(Panel(len(numbers) + row, column, place, one))
            single += 1
        elif one.name in names and one.index in numbers:
            panels.append(Panel(numbers.index(one.index), names.index(one.name), place, one))
    kept = [panel for panel in panels if panel.row < len(numbers) + 2]
    return kept, len(numbers), min(2, -(-single // MAX_COLUMNS))


def window(draws: np.ndarray) -> tuple[float, float]:
    """Range in which a marginal is drawn: its central 99.8% and a third more."""
    finite = draws[np.isfinite(draws)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = np.quantile(finite, [0.001, 0.999])
    pad = 0.3 * (high - low) or 0.1 * max(abs(float(low)), 1e-12)
    floor = 0.0 if finite.min() >= 0 else -np.inf
    return max(float(low - pad), floor), float(high + pad)


def _draw_marginal(axes: Axes, panel: Panel, draws: Draws, width: float) -> None:
    """One marginal, scaled to its own height; the prior to its own largest height anywhere; width in points."""
    values, prior = draws.flat(panel.draws_place), draws.prior[:, panel.draws_place]
    low, high = window(values)
    if prior.size > 1:
        _draw_prior(axes, prior, low, high)
    grid, height = density(values, low, high)
    colour = style.INK if panel.column.index is None else style.component_colour(panel.row)
    height = height / (height.max() or 1.0)
    axes.fill_between(grid, 0, height, color=colour, alpha=0.16, lw=0)
    axes.plot(grid, height, color=colour, lw=1.2)
    finite = values[np.isfinite(values)]
    inside = np.quantile(finite, [0.025, 0.975]) if finite.size else np.empty(0)
    axes.plot(inside, np.full(inside.size, -0.07), color=colour, lw=2.2, solid_capstyle="butt", clip_on=False)
    axes.set_ylim(-0.12, 1.1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    style.limits(axes, x=(low, high))
    axes.set_xticks(_inner_ticks(axes, low, high, width))
    _set_power(axes, max(abs(low), abs(high)))
    axes.tick_params(axis="x", pad=1.5)
    style.panel_title(axes, _title(panel.column, width, draws.columns))


def _set_power(axes: Axes, largest: float) -> None:
    """Power of ten of very large or small numbers inside the panel, where it touches no title of the next row."""
    power = int(np.floor(np.log10(largest))) if largest > 0 else 0
    if -4 < power < 6:
        return
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value / 10.0**power, 3)))
    words, corner = f"\u00d7{raised(power)}", (1.0, 0.98)
    axes.annotate(words, corner, xycoords="axes fraction", ha="right", va="top", fontsize=6, color=style.MUTED)


def _draw_prior(axes: Axes, prior: np.ndarray, low: float, high: float) -> None:
    """Prior in grey, relative to its own largest height."""
    first, last = np.quantile(prior[np.isfinite(prior)], [0.005, 0.995])
    if not last > first:
        return
    highest = density(prior, float(first), float(last), 400)[1].max()
    grid, heights = density(prior, low, high, 60)
    axes.fill_between(grid, 0, np.minimum(heights / (highest or 1.0), 1.1), color=style.PRIOR, lw=0, zorder=0)


def _inner_ticks(axes: Axes, low: float, high: float, width: float) -> list[float]:
    """Ticks away from the ends and not too many for their labels, so that neighbours do not touch."""
    ticks = [float(one) for one in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    inner = [one for one in ticks if 0.07 <= (one - low) / (high - low) <= 0.93]
    longest = max((len(one) for one in axes.xaxis.get_major_formatter().format_ticks(inner)), default=1)
    between = width * (inner[1] - inner[0]) / (high - low) if len(inner) > 1 else width
    stride = int(np.ceil(_TICK_LETTER * (longest + 1) / between))
    return inner[(len(inner) - 1) % stride // 2 :: stride]


def _title(column: Column, width: float, columns: Sequence[Column]) -> str:
    """Name of a panel: quantity and number of the peak, or its part where there is room, as for the unit."""
    part, _, short = column.name.rpartition(".")
    single = column.index is None or column.alone
    number = "" if single else f" {column.index}"
    owner = f"{part} " if single and part else ""
    room = int(width / _TITLE_LETTER)
    if len(owner) + len(short) > room and {one.name for one in columns if one.name.endswith(f".{short}")} == {
        column.name
    }:
        owner = ""
    name = clean(f"{owner}{short}{number}", room)
    unit = pretty_unit(column.unit)
    return f"{name} ({unit})" if unit and len(name) + len(unit) + 3 <= room else name
