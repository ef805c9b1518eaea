"""Free energies of the candidates and the model posterior, with the errors of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, SymmetricalLogLocator

from bayesbeam.report import style
from bayesbeam.report.records import Candidate
from bayesbeam.report.text import clean, plain, probability

_LINEAR = 10.0
_ROW = 0.23
_LETTERS = 34  # of a label, before it is cut


def models_figure(
    candidates: Sequence[Candidate], labels: Sequence[str], best: Candidate, what: str = "candidate"
) -> Figure:
    """Free energy above the best one at the left, model posterior at the right, a row a candidate."""
    bottom, top = 0.47, 0.28
    height = max(1.35, bottom + top + _ROW * len(candidates))
    figure = style.new_figure(height)
    left_edge = 0.035 + 0.0098 * max(len(clean(label, _LETTERS)) for label in labels)
    grid = figure.add_gridspec(
        1, 2, width_ratios=(1.35, 1), left=left_edge, right=0.97, top=1 - top / height, bottom=bottom / height,
        wspace=0.08,
    )  # fmt: skip
    left = figure.add_subplot(grid[0, 0])
    right = figure.add_subplot(grid[0, 1], sharey=left)
    rows = np.arange(len(candidates))
    _draw_free_energy(left, rows, candidates, best)
    _draw_probability(right, rows, candidates, what)
    left.set_yticks(rows, [clean(label, _LETTERS) for label in labels])
    left.set_ylim(len(candidates) - 0.5, -0.5)
    for label, one in zip(left.get_yticklabels(), candidates, strict=True):
        label.set_color(style.INK if one is best else style.MUTED)
    right.tick_params(labelleft=False, left=False)
    left.tick_params(left=False)
    return figure


def above_best(candidates: Sequence[Candidate], best: Candidate) -> list[float]:
    """Free energies above the one of the best candidate, nan where there is none."""
    values = [_number(one.free_energy) for one in candidates]
    return [value - _number(best.free_energy) for value in values]


def _number(value: float | None) -> float:
    """Value, nan where there is none."""
    return float("nan") if value is None else float(value)


def _draw_free_energy(axes: Axes, rows: np.ndarray, candidates: Sequence[Candidate], best: Candidate) -> None:
    """Free energies with error bars; open marks where the verdict is not reliable."""
    values = above_best(candidates, best)
    errors = [_number(one.standard_error) for one in candidates]
    largest = max((abs(one) for one in values if np.isfinite(one)), default=0.0)
    wide = largest > 4 * _LINEAR
    style.quiet_grid(axes, "x")
    for row, value, error, one in zip(rows, values, errors, candidates, strict=True):
        colour = style.INK if one.reliable else style.BAD
        axes.errorbar(
            value, row, xerr=error if np.isfinite(error) else None, color=colour, capsize=2, lw=1, marker="o",
            markersize=4.5, markerfacecolor=colour if one.reliable else style.PAPER, zorder=3,
        )  # fmt: skip
    axes.axvline(0, color=style.MUTED, lw=0.6)
    axes.margins(x=0.08)
    if wide:
        _symmetric_log(axes, largest)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("ΔF above the best (nats): smaller is better")
    style.panel_title(axes, "linear to 10, logarithmic beyond" if wide else "")


def _symmetric_log(axes: Axes, largest: float) -> None:
    """Scale that shows differences of one and of a thousand."""
    axes.set_xscale("symlog", linthresh=_LINEAR, linscale=1.1)
    axes.set_xlim(-2.5, 2.2 * largest)
    decades = [10.0**power for power in range(1, int(np.floor(np.log10(largest))) + 1)]
    between = [step * decade for decade in decades for step in (2, 5) if step * decade <= largest]
    axes.set_xticks([0.0, 5.0, *sorted(decades + (between if len(decades) == 1 else []))])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axes.xaxis.set_minor_locator(SymmetricalLogLocator(linthresh=_LINEAR, base=10, subs=[2, 5]))
    if len(decades) > 4:
        axes.xaxis.set_minor_locator(NullLocator())


def _draw_probability(axes: Axes, rows: np.ndarray, candidates: Sequence[Candidate], what: str) -> None:
    """Model posterior as bars, with the error that the errors of F put on it."""
    for row, one in zip(rows, candidates, strict=True):
        value, error = _number(one.model_probability), _number(one.probability_error)
        if not np.isfinite(value):
            continue
        low, high = max(0.0, value - error), min(1.0, value + error)
        axes.barh(row, value, height=0.62, color=style.COMPONENTS[0], alpha=0.85 if one.reliable else 0.35, zorder=2)
        if np.isfinite(error):
            axes.plot([low, high], [row, row], color=style.INK, lw=1, zorder=3)
            axes.plot([low, low], [row - 0.12, row + 0.12], color=style.INK, lw=1, zorder=3)
            axes.plot([high, high], [row - 0.12, row + 0.12], color=style.INK, lw=1, zorder=3)
        reach = high if np.isfinite(high) else value
        axes.annotate(
            probability(value, error), (reach, row), (4, 0), textcoords="offset points", va="center", fontsize=7,
            zorder=4,
        )  # fmt: skip
    axes.set_xlim(0, 1.32)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.spines["bottom"].set_bounds(0, 1)
    axes.set_xlabel(f"probability of the {what}")
