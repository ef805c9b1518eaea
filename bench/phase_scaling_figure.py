"""Figure of seconds and accuracy of a search for phases against the number of candidates.

``python -m bench.phase_scaling_figure`` draws ``docs/images/phase_scaling.svg`` from ``phase_scaling.tsv``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import betaincinv

from bayesbeam.report import style
from bayesbeam.report.svg import svg_bytes
from bench.crew import ROOT
from bench.phase_scaling import grouped, kept, right
from bench.store import Record

IMAGE = ROOT / "docs" / "images" / "phase_scaling.svg"
TITLE = "Seconds and right sets of searches for phases, 50 to 1000 candidates"
ARMS = {"exact": "search", "variational": "variational"}
_APART = 0.035
"""Of the logarithm of the number of candidates, between marks of one number."""


def figure(rows: Sequence[Record]) -> Figure:
    """Left: CPU seconds; right: share of right sets, with 68 % intervals."""
    drawn = style.new_figure(2.9)
    left = drawn.add_axes((0.075, 0.16, 0.40, 0.74))
    other = drawn.add_axes((0.575, 0.16, 0.40, 0.74))
    groups = grouped(rows)
    for k, counted in enumerate(dict.fromkeys(found[0]["counted"] for found in groups)):
        some = [found for found in groups if found[0]["counted"] == counted]
        for j, (arm, words) in enumerate(ARMS.items()):
            named = f"{words}, {counted:g} s a point"
            place = np.array([found[0]["size"] for found in some]) * np.exp((2 * k + j - 1.5) * _APART)
            _seconds(left, place, some, arm, 2 * k + j, named)
            _shares(other, place, some, arm, 2 * k + j, named)
    for axes in (left, other):
        sizes = sorted({found[0]["size"] for found in groups})
        axes.set(xlabel="candidates", xscale="log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_xticks([], minor=True)
    left.set(ylabel="CPU seconds", ylim=(0.0, None))
    other.set(ylabel="share of right sets", ylim=(0.0, 1.05))
    left.legend(loc="upper left")
    return drawn


def _seconds(axes: Axes, place: np.ndarray, some: Sequence[Sequence[Record]], arm: str, k: int, named: str) -> None:
    """Medians with bars from the tenth to the ninth part; of the second arm with the patterns that it needs."""
    parts = ("search_cpu",) if arm == "exact" else ("columns_cpu", "variational_cpu")
    spent = [np.array([sum(one[part] for part in parts) for one in found]) for found in some]
    low, middle, high = (np.array([np.quantile(one, q) for one in spent]) for q in (0.1, 0.5, 0.9))
    colour = style.component_colour(k)
    axes.vlines(place, low, high, color=colour, lw=0.8)
    axes.plot(place, middle, "o-" if arm == "exact" else "s--", ms=3, color=colour, label=named)


def _shares(axes: Axes, place: np.ndarray, some: Sequence[Sequence[Record]], arm: str, k: int, named: str) -> None:
    """Shares with the 68 % interval that their number allows, by Jeffreys' prior; dashes: as probabilities say."""
    number = np.array([len(found) for found in some])
    good = np.array([right(found, arm) for found in some])
    low, high = (betaincinv(good + 0.5, number - good + 0.5, q) for q in (0.16, 0.84))
    colour = style.component_colour(k)
    axes.vlines(place, low, high, color=colour, lw=0.8)
    axes.plot(place, good / number, "o" if arm == "exact" else "s", ms=3, color=colour, label=named)
    if arm == "exact":
        stated = np.array([sum(one["stated"] for one in found) for found in some])
        axes.plot(place, stated / number, "_", ms=9, mew=1.2, color=colour)


def draw(path: Path = IMAGE) -> None:
    """Draw the figure of the table that is kept."""
    rows = kept()[1]
    with style.figure_style():
        data = svg_bytes(figure(rows), TITLE)
    path.write_bytes(data)


if __name__ == "__main__":
    draw()
