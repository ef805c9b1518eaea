"""Which terms of a dictionary are in, and how many sets of terms there are at each free energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayesbeam.report import style
from bayesbeam.report.curves import Array, States
from bayesbeam.report.text import clean

# Terms that get their name: those likelier than this, as many as have room.
NAMED, MOST_NAMES = 0.2, 14


def terms_figure(terms: Sequence[Mapping[str, Any]]) -> Figure:
    """Probability that each term is in, above its coefficient averaged over all sets with one standard deviation."""
    figure = style.new_figure(3.0)
    grid = figure.add_gridspec(2, 1, height_ratios=(1.2, 1), left=0.085, right=0.985, top=0.9, bottom=0.14, hspace=0.14)
    above = figure.add_subplot(grid[0])
    below = figure.add_subplot(grid[1], sharex=above)
    place = np.arange(1.0, len(terms) + 1.0)
    inclusion, error, mean, sd = (
        np.array([float(one[word]) for one in terms]) for word in ("inclusion", "inclusion_error", "mean", "sd")
    )
    style.quiet_grid(above)
    likely = inclusion >= NAMED
    width = max(0.6, min(6.0, 300.0 / len(terms)))
    for colour, chosen in ((style.POINTS, ~likely), (style.COMPONENTS[0], likely)):
        style.bars(above, place[chosen], np.zeros(int(chosen.sum())), inclusion[chosen], colour, width)
    style.bars(above, place, np.maximum(inclusion - error, 0.0), np.minimum(inclusion + error, 1.0), style.INK, 0.8)
    _name(above, place, inclusion, terms)
    style.limits(above, (0.2, len(terms) + 0.8), (0.0, 1.0))
    above.set_ylabel("probability")
    above.tick_params(labelbottom=False)
    style.quiet_grid(below)
    style.bars(below, place, mean - sd, mean + sd, style.COMPONENTS[0], max(0.8, 0.35 * width))
    style.dots(below, place, mean, max(2.0, 0.7 * width), style.INK)
    room = 0.08 * float(np.ptp(np.concatenate([mean - sd, mean + sd]))) or 1.0
    style.limits(below, y=(float((mean - sd).min()) - room, float((mean + sd).max()) + room))
    below.axhline(0.0, color=style.MUTED, lw=0.6)
    below.set_ylabel("coefficient")
    below.set_xlabel("term of the dictionary")
    below.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    figure.align_ylabels([above, below])
    return figure


def _name(axes: Axes, place: Array, inclusion: Array, terms: Sequence[Mapping[str, Any]]) -> None:
    """Names of the likelier terms above their bars, none of them over another."""
    free = 0.0
    chosen = [k for k in np.argsort(-inclusion, kind="stable")[:MOST_NAMES] if inclusion[k] >= NAMED]
    for k in sorted(chosen):
        words = clean(terms[k]["term"], 12)
        # Letters in units of the axis: about as many as fit side by side.
        half = 0.5 * len(words) * len(terms) / 105.0
        if place[k] - half >= free:
            axes.annotate(words, (place[k], 1.02), ha="center", va="bottom", fontsize=7, annotation_clip=False)
            free = place[k] + half


def states_figure(states: States, best: float) -> Figure:
    """Numbers of sets of each size, a nat, against the free energy above the best; all counted, or with errors."""
    figure = style.new_figure(2.6)
    axes = figure.add_subplot(figure.add_gridspec(1, 1, left=0.085, right=0.9, top=0.95, bottom=0.17)[0])
    width = float(np.diff(states.edges).mean())
    centre = 0.5 * (states.edges[:-1] + states.edges[1:]) - best
    sizes = [k for k in range(len(states.counts)) if states.counts[k].sum() > 0]
    style.quiet_grid(axes)
    least = np.inf
    for k in sizes:
        density, error = states.counts[k] / width, states.errors[k] / width
        least = min(least, float(density[density > 0].min()))
        # Lines break where there is no set at all.
        density = np.where(density > 0, density, np.nan)
        colour, line = style.component_colour(k), style.component_line(k)
        axes.plot(centre, density, color=colour, ls=line, lw=1.0, label=str(k), marker=".", markersize=2.5)
        if error.any():
            low = np.maximum(density - error, 0.02 * density)
            axes.fill_between(centre, low, density + error, color=colour, alpha=0.18, lw=0)
    axes.set_yscale("log")
    axes.set_ylim(0.5 * max(least, 1e-300))
    style.power_ticks(axes, "y")
    axes.axvline(0.0, color=style.MUTED, lw=0.6)
    axes.set_xlabel("free energy of a set above that of the best one (nats)")
    axes.set_ylabel("sets a nat")
    axes.legend(title="terms", loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=2 if len(sizes) > 12 else 1)
    return figure
