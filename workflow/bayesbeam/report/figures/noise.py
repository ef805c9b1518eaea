"""Free energy against the level of the noise, one curve a candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from bayesbeam.report import style
from bayesbeam.report.records import Candidate
from bayesbeam.report.text import clean, plain

_LINEAR = 10.0


def noise_figure(candidates: Sequence[Candidate], labels: Sequence[str], unit: str = "") -> Figure:
    """Free energy above the lowest of all against the level, and below it which candidate is chosen at each level.

    Marks are at the lowest point of each candidate, with the standard deviation to which the data know its level.

    Parameters
    ----------
    candidates : sequence of Candidate
        With a noise curve, all of the same stated level.
    labels : sequence of str
    unit : str
        Of y.
    """
    several = len(candidates) > 1
    height = 4.0 if several else 2.6
    figure = style.new_figure(height)
    bottom, top, right = 0.45 / height, 1 - 0.24 / height, 0.74
    share = 0.95 / height if several else 0.0
    low = bottom + (share + 0.14 / height) * several
    axes = figure.add_axes((0.09, low, right - 0.09, top - low))
    curves = [one.noise_curve or {} for one in candidates]
    _draw_curves(axes, curves, labels)
    last = axes
    if several:
        last = figure.add_axes((0.09, bottom, right - 0.09, share), sharex=axes)
        axes.tick_params(labelbottom=False)
        _draw_shares(last, curves)
    sigma = curves[0].get("sigma")
    words = "standard deviation of the noise" + (f" ({unit})" if unit else "")
    last.set_xlabel(words if sigma is not None else "standard deviation of the noise over the stated one")
    return figure


def _draw_curves(axes: Axes, curves: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> None:
    """Upper panel."""
    style.quiet_grid(axes)
    sigma = curves[0].get("sigma") or 1.0
    lowest, largest = min(float(curve["lowest"]) for curve in curves), 0.0
    for place, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        largest = max(largest, _draw(axes, place, curve, lowest, sigma, clean(label, 26)))
    axes.axvline(sigma, color=style.MUTED, lw=0.9, ls=(0, (4, 3)), label="stated level")
    axes.set_xscale("log")
    factors = [value for value in (1, 1.5, 2, 3, 5, 10, 20, 30) if value <= max(curves[0]["factor"]) * 1.001]
    axes.set_xticks([value * sigma for value in factors], [plain(value * sigma) for value in factors])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("F above the lowest (nats)")
    if largest > 4.0 * _LINEAR:
        _symmetric_log(axes, largest)
        style.panel_title(axes, "linear to 10, logarithmic beyond")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.02))


def _draw_shares(axes: Axes, curves: Sequence[Mapping[str, Any]]) -> None:
    """Lower panel: probability of each candidate if the level were that."""
    style.quiet_grid(axes)
    sigma = curves[0].get("sigma") or 1.0
    free = np.array([curve["free_energy"] for curve in curves])
    shares = np.exp(free.min(0) - free)
    shares /= shares.sum(0)
    for place, row in enumerate(shares):
        line = style.component_line(place)
        axes.plot(np.array(curves[0]["factor"]) * sigma, row, color=style.component_colour(place), ls=line)
    axes.axvline(sigma, color=style.MUTED, lw=0.9, ls=(0, (4, 3)))
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_ylabel("probability")


def _draw(axes: Axes, place: int, curve: Mapping[str, Any], lowest: float, unit: float, label: str) -> float:
    """One candidate; returns how far above the lowest of all it goes."""
    x = np.append(curve["factor"], curve["best"]) * unit
    y = np.append(curve["free_energy"], curve["lowest"]) - lowest
    error = np.append(curve["standard_error"], curve.get("lowest_error") or 0.0)
    order = np.argsort(x, kind="stable")
    colour = style.component_colour(place)
    axes.plot(x[order], y[order], color=colour, ls=style.component_line(place), label=label)
    style.bars(axes, x, y - error, y + error, colour, 0.8)
    best, sd = curve["best"] * unit, curve.get("best_sd")
    if sd:
        axes.errorbar(best, y[-1], xerr=sd * unit, color=colour, capsize=2, lw=1, marker="o", markersize=4, zorder=4)
    return float(y.max())


def _symmetric_log(axes: Axes, largest: float) -> None:
    """Scale that shows differences of one and of a thousand."""
    axes.set_yscale("symlog", linthresh=_LINEAR, linscale=1.1)
    axes.set_ylim(-1.5, 1.6 * largest)
    decades = [10.0**power for power in range(1, int(np.floor(np.log10(largest))) + 1)]
    axes.set_yticks([0.0, 5.0, *decades])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
