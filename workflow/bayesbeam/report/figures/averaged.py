"""The curve whatever the candidate: all candidates together, each with its probability."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bayesbeam.report import style
from bayesbeam.report.curves import AveragedCurve, Fit
from bayesbeam.report.figures.fit import thinned


def averaged_figure(curve: AveragedCurve, fit: Fit, x_label: str, y_label: str, decreasing: bool) -> Figure:
    """Averaged curve with two standard deviations, over the data; below, how uncertain it is and from what.

    Parameters
    ----------
    curve : AveragedCurve
        Over all candidates.
    fit : Fit
        Data, and the curves of the best candidate.
    """
    figure = style.new_figure(3.4)
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1), left=0.105, right=0.985, top=0.97, bottom=0.13, hspace=0.1)
    main = figure.add_subplot(grid[0])
    below = figure.add_subplot(grid[1], sharex=main)
    x, mean, sd = curve.x, curve.mean, curve.sd
    few = thinned(x, np.stack([mean - 2 * sd, mean + 2 * sd]))
    main.fill_between(x[few], (mean - 2 * sd)[few], (mean + 2 * sd)[few], color=style.BAND68, lw=0, zorder=2)
    style.dots(main, fit.x, fit.y)
    main.plot(x, mean, color=style.INK, lw=1.2, zorder=5)
    below.plot(x, sd, color=style.INK, lw=1.0, label="sd over the candidates")
    best = 0.5 * (fit.prediction[3] - fit.prediction[1])
    below.plot(x, best, color=style.component_colour(0), lw=1.0, ls=(0, (5, 2)), label="of the best alone")
    below.plot(x, curve.error, color=style.component_colour(1), lw=1.0, ls=(0, (1, 1)), label="error from those of F")
    below.legend(loc="upper right", ncols=3, fontsize=7)
    main.tick_params(labelbottom=False)
    main.set_ylabel(y_label)
    below.set_ylabel("sd")
    below.set_xlabel(x_label)
    figure.align_ylabels([main, below])
    drawn = np.concatenate([fit.y, mean - 2 * sd, mean + 2 * sd])
    room = 0.06 * float(np.ptp(drawn))
    style.limits(main, (float(x.min()), float(x.max())), (float(drawn.min()) - room, float(drawn.max()) + room))
    style.limits(below, y=(0.0, 1.45 * float(max(sd.max(), best.max(), 1e-300))))
    if decreasing:
        main.invert_xaxis()
    return figure
