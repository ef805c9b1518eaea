"""Tree of mergers: which measurements were joined in which order, and what each merger gained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from bayesbeam.report import style
from bayesbeam.report.text import clean, plain

_ROW = 0.17


def mergers_figure(names: Sequence[str], mergers: Sequence[Mapping[str, Any]]) -> Figure:
    """Measurements at the left, mergers to the right in their order; dark those that are kept, with their gains.

    Parameters
    ----------
    names : sequence of str
        Measurements.
    mergers : sequence of mapping
        Step, first and second block by names, gain in nats and whether it is kept.
    """
    order = _order(names, mergers)
    place = {name: float(k) for k, name in enumerate(order)}
    bottom, top = 0.47, 0.24
    height = bottom + top + _ROW * len(order)
    figure = style.new_figure(max(height, 1.4))
    left = 0.03 + 0.0095 * max(len(clean(name, 16)) for name in names)
    axes = figure.add_axes((left, bottom / max(height, 1.4), 0.985 - left, 1 - (bottom + top) / max(height, 1.4)))
    reached = {frozenset([name]): (0.0, place[name]) for name in names}
    for k, one in enumerate(mergers, start=1):
        first, second = frozenset(one["first"]), frozenset(one["second"])
        (x1, y1), (x2, y2) = reached[first], reached[second]
        kept = bool(one["kept"])
        colour, width = (style.INK, 1.1) if kept else (style.MUTED, 0.7)
        axes.plot([x1, k, k, x2], [y1, y1, y2, y2], color=colour, lw=width, ls="-" if kept else (0, (3, 2)))
        if len(mergers) <= 16 or not kept:
            axes.annotate(
                plain(float(one["gain"]), 2), (k, 0.5 * (y1 + y2)), (2, 0), textcoords="offset points",
                va="center", fontsize=6, color=colour,
            )  # fmt: skip
        reached[first | second] = (float(k), 0.5 * (y1 + y2))
    axes.set_yticks(range(len(order)), [clean(name, 16) for name in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlim(0, len(mergers) * 1.06 + 0.4)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("merger; solid: kept, numbers: gain in nats")
    style.panel_title(axes, "")
    return figure


def _order(names: Sequence[str], mergers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Measurements such that no two lines of the tree cross."""
    blocks: list[list[str]] = [[name] for name in names]
    for one in mergers:
        first = next(block for block in blocks if block[0] in one["first"])
        second = next(block for block in blocks if block[0] in one["second"])
        blocks.remove(second)
        first.extend(second)
    return [name for block in blocks for name in block]
