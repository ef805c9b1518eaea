"""What the solvable model says before there are data, and what the analysis of simulated data found.

Called by ``make figures CAMPAIGN=mesoscopic`` as ``figures.py <results of the campaign> <folder for the figures>``.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import maps
import numpy as np
import setting
from matplotlib.axes import Axes
from scipy import stats

from bayesbeam.config.load import load_campaign
from bayesbeam.evidence.mesoscopic import Noise
from bayesbeam.evidence.mesoscopic_lines import Box, Line, Summary, summary_of_data
from bayesbeam.evidence.mesoscopic_selection import places, selection_difference, simulate
from bayesbeam.report import style
from bayesbeam.report.curves import read_draws
from bayesbeam.report.loading import load_results
from bayesbeam.report.paper import PaperFigure, PaperValue, write_paper
from bayesbeam.report.records import MeasurementResult
from bayesbeam.stages.report import facts_of

HERE = Path(__file__).resolve().parent
POINTS, LEVELS, NUMBERS = (10, 50, 100), (0.5, 1.0, 2.0), (10, 40, 160)
COUNT, SEED, SHOWN = 100_000, 5, 500
WIDE = Box(setting.HALF, setting.HALF, wide=True)
CIRCLES = (("-", math.sqrt(2.0 * math.log(20.0))), ("--", math.sqrt(-2.0 * math.log(0.32))))


def main(results: Path, out: Path) -> None:
    """Draw all figures of the results in ``results`` into ``out``."""
    found = load_results(facts_of(load_campaign(HERE)), results).measurements
    by_points = {n: [one for one in found if one.id.startswith(f"n{n}_")] for n in POINTS}
    if not all(one.candidates for members in by_points.values() for one in members):
        sys.exit(f"{results}: not every measurement was analysed; run `make run CAMPAIGN=mesoscopic` first.")
    values: list[PaperValue] = []
    with style.figure_style():
        figures = [
            posterior_figure(by_points, values),
            differences_figure(values),
            campaign_figure(by_points, values),
            maps.selection_figure(values),
            maps.criteria_figure(values),
            maps.false_alarm_figure(values),
            maps.integration_figure(values),
        ]
        about = (
            "Straight lines with and without b, y = a x + b, after Katakami, Kashiwamura, Nagata, Mizumaki and Okada, "
            "arXiv 2406.02869: what the free energy will choose at a finite number of points is known before there are "
            "data. Parameters of the source's own figures are not known to us; all of these are our own."
        )
        page = write_paper(out, "Selection and integration at finite N: the solvable model", about, figures, values)
    print(f"Figures: {page}")


def posterior_figure(by_points: dict[int, list[MeasurementResult]], values: list[PaperValue]) -> PaperFigure:
    """Draws of the workflow for the first data set of each N, on the ellipses of the closed form."""
    figure = style.new_figure(2.75)
    grid = figure.add_gridspec(1, len(POINTS), left=0.075, right=0.985, top=0.9, bottom=0.16, wspace=0.1)
    for place, points in enumerate(POINTS):
        axes = figure.add_subplot(grid[0, place])
        result = by_points[points][0]
        data = _summary(result)
        assert result.arrays is not None
        line = next(one for one in result.candidates if one.candidate == "line")
        draws = read_draws(result.arrays, f"{line.measurement}/{line.tag}")
        slope, level = (draws.flat(_place(draws.find(f"line.{word}", None))) for word in ("slope", "level"))
        keep = np.linspace(0, len(slope) - 1, SHOWN).astype(int)
        style.dots(axes, slope[keep], level[keep], 1.4, style.component_colour(place))
        angle = np.linspace(0.0, 2.0 * math.pi, 200)
        sd = 1.0 / math.sqrt(points)
        for dash, radius in CIRCLES:
            x, y = float(data.slope) + radius * sd * np.cos(angle), float(data.intercept) + radius * sd * np.sin(angle)
            axes.plot(x, y, color=style.INK, lw=0.9, ls=dash, zorder=5)
        axes.plot(setting.SLOPE, setting.INTERCEPT, "+", color=style.BAD, ms=9, mew=1.6, zorder=6)
        axes.set(xlim=(-0.3, 1.9), ylim=(-0.6, 1.4), xlabel="a", aspect="equal")
        style.panel_title(axes, f"N = {points}")
        axes.tick_params(labelleft=place == 0)
        rows = {row.name: row for row in line.parameters}
        for word, estimate in (("slope", data.slope), ("level", data.intercept)):
            row = rows[f"line.{word}"]
            if row.mean is not None and row.sd is not None:
                error = row.sd / math.sqrt(row.ess) if row.ess else math.nan
                quantity = f"mean of {'a' if word == 'slope' else 'b'}, N = {points}"
                known = float(estimate)
                values.append(PaperValue("posterior", quantity, row.mean, error, known, source="closed form"))
    figure.axes[0].set_ylabel("b")
    caption = (
        "Posterior of a and b for one data set of each N. Dots: draws of the workflow; lines: closed form, 68 % dashed "
        f"and 95 % solid; cross: truth. b = 0.3, σ = 1; {setting.OURS}."
    )
    return PaperFigure("posterior", "Posterior of a and b against N", caption, figure)


def differences_figure(values: list[PaperValue]) -> PaperFigure:
    """Differences of free energies of simulated data sets on their distribution."""
    figure = style.new_figure(4.4)
    grid = figure.add_gridspec(2, len(NUMBERS), left=0.075, right=0.985, top=0.95, bottom=0.1, wspace=0.1, hspace=0.3)
    rng = np.random.default_rng(SEED)
    ends = (-6.0, 14.0)
    edges, fine = np.linspace(*ends, 61), np.linspace(*ends, 1201)
    for column, points in enumerate(NUMBERS):
        for row, (word, name) in enumerate(maps.NAMES.items()):
            noise: Noise = "known" if word == "known" else "least"
            axes = figure.add_subplot(grid[row, column])
            for colour, sigma in enumerate(LEVELS):
                line = Line(points, setting.SLOPE, setting.INTERCEPT, sigma)
                data = simulate(line, places(points), COUNT, rng)
                found = selection_difference(data, WIDE, sigma if noise == "known" else None)
                height = np.histogram(found, edges)[0] / (COUNT * np.diff(edges))
                ink = style.component_colour(colour)
                axes.stairs(height, edges, fill=True, color=ink, alpha=0.3, lw=0)
                theory = line.nested(setting.HALF)
                axes.plot(fine, theory.density(noise, fine), color=ink, label=f"σ = {sigma:g}")
                share, expected = float(np.mean(found > 0.0)), float(theory.sf(noise))
                values.append(PaperValue("differences", f"P(F_ax > F_ax+b), N = {points}, σ = {sigma:g}, {name}", share,
                                         math.sqrt(max(expected * (1 - expected), 1e-9) / COUNT), expected,
                                         source="theory"))  # fmt: skip
            axes.axvline(0.0, color=style.INK, lw=0.8, ls=(0, (4, 3)))
            axes.set(xlim=ends, ylim=(0.0, 0.8))
            style.panel_title(axes, f"N = {points}, {name}")
            axes.tick_params(labelleft=column == 0, labelbottom=row == 1)
            if row == 1:
                axes.set_xlabel("F(ax) - F(ax+b), nats")
            if column == 0:
                axes.set_ylabel("density")
    figure.axes[0].legend(loc="upper right")
    caption = (
        "Difference of free energies: histograms of 100 000 simulated data sets each, lines of the theory. Right of "
        f"the dashed line b is selected. b = 0.3; {setting.OURS}."
    )
    return PaperFigure("differences", "Distribution of the difference of free energies", caption, figure)


def campaign_figure(by_points: dict[int, list[MeasurementResult]], values: list[PaperValue]) -> PaperFigure:
    """Differences that the workflow found on the line of the closed form, and how often b was selected."""
    figure = style.new_figure(2.75)
    grid = figure.add_gridspec(1, 2, left=0.075, right=0.985, top=0.9, bottom=0.16, wspace=0.22)
    left, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    shares = []
    for place, points in enumerate(POINTS):
        members = by_points[points]
        exact = np.array([float(selection_difference(_summary(one), WIDE, 1.0)) for one in members])
        found = np.array([_difference(one) for one in members])
        error = np.array([math.hypot(*(one.standard_error or 0.0 for one in result.candidates)) for result in members])
        colour = style.component_colour(place)
        style.bars(left, exact, found - error, found + error, colour)
        style.dots(left, exact, found, 2.6, colour)
        left.plot([], [], "o", ms=3, color=colour, label=f"N = {points}")
        shares.append(float(np.mean(found > 0.0)))
        worst = float(np.max(np.abs(found - exact)))
        values.append(PaperValue("campaign", f"largest departure of F(ax) - F(ax+b), N = {points}", worst, unit="nats"))
        expected = float(setting.selection(points, setting.INTERCEPT, 1.0).sf("known"))
        sd = math.sqrt(expected * (1.0 - expected) / len(members))
        values.append(PaperValue("campaign", f"b selected, N = {points}", shares[-1], sd, expected, source="theory"))
    left.plot([-4.0, 16.0], [-4.0, 16.0], color=style.INK, lw=0.8, ls=(0, (4, 3)), zorder=1)
    left.set(xlim=(-4.5, 16.0), ylim=(-4.5, 16.0), xlabel="closed form, nats", ylabel="workflow, nats")
    left.legend(loc="upper left")
    style.panel_title(left, "F(ax) - F(ax+b) of each data set")
    _shares(right, shares, len(by_points[POINTS[0]]))
    caption = (
        "What the campaign found on its 300 simulated data sets. Left: the difference of free energies against its "
        "closed form, with standard errors where it was sampled. Right: share of data sets in which b was selected, "
        f"with 95 % intervals, on the theory. b = 0.3, σ = 1; {setting.OURS}."
    )
    return PaperFigure("campaign", "The workflow against the theory", caption, figure)


def _shares(axes: Axes, shares: list[float], count: int) -> None:
    """Shares selected, on the line of the theory."""
    every = np.geomspace(5, 200, 100)
    axes.plot(every, setting.selection(every, setting.INTERCEPT, 1.0).sf("known"), color=style.INK)
    for place, (points, share) in enumerate(zip(POINTS, shares, strict=True)):
        selected = round(share * count)
        ends = stats.binomtest(selected, count).proportion_ci(0.95, "wilson")
        colour = style.component_colour(place)
        axes.errorbar(points, share, [[share - ends.low], [ends.high - share]], fmt="o", ms=4, capsize=2, color=colour)
    axes.set(xscale="log", xlim=(5, 200), ylim=(0.0, 1.0), xlabel="N", ylabel="share")
    axes.set_xticks([5, 10, 20, 50, 100, 200], ["5", "10", "20", "50", "100", "200"])
    axes.set_xticks([], minor=True)
    style.quiet_grid(axes)
    style.panel_title(axes, "b selected")


def _summary(result: MeasurementResult) -> Summary:
    """What the data of a measurement say."""
    assert result.measurement is not None
    return summary_of_data(result.measurement.x - result.measurement.x.mean(), result.measurement.y)


def _difference(result: MeasurementResult) -> float:
    """Difference of free energies that was found."""
    free = {one.candidate: one.free_energy for one in result.candidates}
    return float(free["origin"] or 0.0) - float(free["line"] or 0.0)


def _place(found: int | None) -> int:
    assert found is not None
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
