"""Figure of a question: probability that the true model is the better one, against the number of points."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bayesbeam.report import style
from bayesbeam.report.told import Told


def told_figure(told: Told) -> Figure:
    """Lines of the theory and marks of simulated measurements, a colour for each level."""
    question = told.question
    figure = style.new_figure(2.8)
    axes = figure.add_axes((0.09, 0.17, 0.64, 0.76))
    style.quiet_grid(axes)
    axes.axhline(question.wish, color=style.MUTED, lw=0.6, ls=(0, (4, 3)))
    for place, level in enumerate(question.levels):
        colour, dash = style.component_colour(place), style.component_line(place)
        if question.theory is not None:
            axes.plot(question.theory.points, question.theory.curves[place], color=colour, ls=dash)
        cells = [one for one in told.at(level) if one.selected.among]
        ends = np.array([one.selected.interval for one in cells]).reshape(-1, 2)
        points = np.array([one.points for one in cells]) * 1.03**place  # beside each other where they overlap
        style.bars(axes, points, ends[:, 0], ends[:, 1], colour, 1.2)
        share = [one.selected.value for one in cells]
        joined = "none" if question.theory is not None else dash
        axes.plot(
            points, share, marker="o", ms=4, color=colour, ls=joined, lw=0.8, label=f"{told.levels_are} {level:g}"
        )
    axes.set_xscale("log")
    shown = question.points if question.theory is None else (*question.points, *question.theory.points)
    style.limits(axes, (0.8 * min(shown), 1.25 * max(shown)))
    low, high = axes.get_xlim()
    ticks = [step * 10**power for power in range(7) for step in (1, 2, 5) if low <= step * 10**power <= high]
    axes.set_xticks(ticks, [str(one) for one in ticks])
    axes.set_xticks([], minor=True)
    axes.set(ylim=(-0.03, 1.03), xlabel="number of points", ylabel="probability")
    axes.legend(loc="center left", bbox_to_anchor=(1.03, 0.5))
    return figure
