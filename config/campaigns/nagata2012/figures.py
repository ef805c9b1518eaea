"""Every figure of Nagata, Sugita and Okada (2012) that needs no private data, with our numbers beside known ones.

Called by ``make figures CAMPAIGN=nagata2012`` as ``figures.py <results of the campaign> <folder for the figures>``.
Known numbers: quadrature for one peak, else five independent runs of tempered sequential Monte Carlo with 8000
particles, standard errors as stated there.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import metropolis
import numpy as np
from matplotlib.axes import Axes
from scipy import stats

from bayesbeam.config.load import load_campaign
from bayesbeam.evidence.model_posterior import model_posterior
from bayesbeam.report import style
from bayesbeam.report.curves import read_draws, read_fit
from bayesbeam.report.figures.noise import noise_figure
from bayesbeam.report.loading import load_results
from bayesbeam.report.paper import PaperFigure, PaperValue, write_paper
from bayesbeam.report.records import Candidate, MeasurementResult
from bayesbeam.stages.report import facts_of

HERE = Path(__file__).resolve().parent
TRUE = np.array([(0.587, 1.210, 95.689), (1.522, 1.455, 146.837), (1.183, 1.703, 164.469)])
FREE_ENERGY = {1: (367.2867, 0.0), 2: (268.914, 0.007), 3: (172.275, 0.009), 4: (172.492, 0.009), 5: (174.332, 0.016)}
POSTERIOR = {
    "amplitude": ((0.628, 0.031), (1.511, 0.059), (1.201, 0.034)),
    "position": ((1.2096, 0.0163), (1.4564, 0.0040), (1.6988, 0.0039)),
    "precision": ((81.8, 18.7), (158.9, 20.6), (181.3, 17.7)),
}
LETTER = {"amplitude": "a", "position": "µ", "precision": "b"}
PRIOR = {
    "amplitude": stats.gamma(5.0, scale=1 / 5.0),
    "position": stats.norm(1.5, math.sqrt(0.2)),
    "precision": stats.gamma(5.0, scale=25.0),
}
SMC, QUADRATURE = "5 runs of tempered SMC", "quadrature"
CHAINS, SWEEPS, SEED = 8, 2000, 1
STUCK = 10.0  # standard deviations of the energy above its posterior mean


def main(results: Path, out: Path) -> None:
    """Draw all figures of the results in ``results`` into ``out``."""
    (result,) = load_results(facts_of(load_campaign(HERE)), results).measurements
    if result.arrays is None or not result.candidates:
        sys.exit(f"{results}: no results of {result.id}; run `make run CAMPAIGN=nagata2012` first. {result.refusal}")
    by_count = _by_count(result)
    values: list[PaperValue] = []
    with style.figure_style():
        figures = [
            data_figure(result.arrays, by_count[3], values),
            fits_figure(result.arrays, by_count, values),
            free_energy_figure(by_count, values),
            posterior_figure(result.arrays, by_count[3], values),
            noise_level_figure(results, by_count, values),
            exchange_figure(result, values),
        ]
        title = "Bayesian spectral deconvolution with the exchange Monte Carlo method"
        about = (
            "Figures of Nagata, Sugita and Okada, Neural Networks 28, 82 (2012), made again from the same data and "
            "priors, our numbers beside known ones. F is the free energy without the Gaussian normaliser, as there."
        )
        page = write_paper(out, title, about, figures, values)
    print(f"Figures: {page}")


def _by_count(result: MeasurementResult) -> dict[int, Candidate]:
    """Candidates by their number of peaks."""
    return {one.count: one for one in result.candidates if isinstance(one.count, int)}


def curves_of(x: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Curves of peaks (K, 3), (K, N)."""
    return np.array([a * np.exp(-0.5 * b * (x - mu) ** 2) for a, mu, b in peaks])


def data_figure(arrays: Path, one: Candidate, values: list[PaperValue]) -> PaperFigure:
    """Data with the curve that they were made from."""
    fit = read_fit(arrays, f"{one.measurement}/{one.tag}")
    figure = style.new_figure(2.5)
    axes = figure.add_axes((0.08, 0.17, 0.9, 0.78))
    style.dots(axes, fit.x, fit.y)
    rows = curves_of(fit.x, TRUE)
    axes.plot(fit.x, rows.sum(0), color=style.INK, label="true curve", zorder=4)
    for place, row in enumerate(rows):
        axes.plot(fit.x, row, color=style.component_colour(place), lw=0.9, label=f"peak {place + 1}", zorder=4)
    _range(axes, fit.x, fit.y)
    axes.legend(loc="upper right")
    axes.set(xlabel="x", ylabel="y")
    residual = fit.y - rows.sum(0)
    values.append(
        PaperValue("data", "sd of data minus truth", float(residual.std()), reference=0.1, source="sigma of the noise")
    )
    caption = "301 points of three Gaussian peaks with noise of standard deviation 0.1, and what they were made from."
    return PaperFigure("data", "Data and truth", caption, figure)


def fits_figure(arrays: Path, found: dict[int, Candidate], values: list[PaperValue]) -> PaperFigure:
    """Posterior prediction and peaks with two, three and four of them."""
    figure = style.new_figure(5.4)
    grid = figure.add_gridspec(3, 1, left=0.08, right=0.98, top=0.955, bottom=0.08, hspace=0.28)
    first = None
    for row, count in enumerate((2, 3, 4)):
        axes = figure.add_subplot(grid[row, 0], sharex=first, sharey=first)
        first = first or axes
        fit = read_fit(arrays, f"{found[count].measurement}/{found[count].tag}")
        axes.fill_between(fit.x, fit.predictive[0], fit.predictive[3], color=style.BAND95, lw=0, zorder=1)
        style.dots(axes, fit.x, fit.y, 2.0)
        axes.plot(fit.x, fit.prediction[2], color=style.INK, lw=1.0, zorder=5)
        for place, part in enumerate(one for one in fit.components if np.ptp(one[1]) > 0):
            axes.fill_between(fit.x, part[0], part[2], color=style.component_colour(place), alpha=0.25, lw=0, zorder=3)
            axes.plot(fit.x, part[1], color=style.component_colour(place), lw=1.0, zorder=4)
        _range(axes, fit.x, fit.y)
        style.panel_title(axes, f"K = {count}")
        axes.set_ylabel("y")
        axes.tick_params(labelbottom=row == 2)
        chi = float((fit.residuals**2).sum())
        values.append(PaperValue("fits", f"sum of squared residuals over variance, K = {count}", chi))
    figure.axes[-1].set_xlabel("x")
    caption = (
        "Dots: data. Line: median of the posterior; grey: where 95 of 100 new points are expected. Coloured: each peak "
        "with its 95 % interval. Two peaks leave waves in the residuals; the fourth shares what three describe."
    )
    return PaperFigure("fits", "Fits with two, three and four peaks", caption, figure)


def free_energy_figure(found: dict[int, Candidate], values: list[PaperValue]) -> PaperFigure:
    """Free energy and probability of each number of peaks."""
    counts = np.array(sorted(found))
    free = np.array([found[k].free_energy_excess for k in counts], dtype=float)
    error = np.array([found[k].standard_error for k in counts], dtype=float)
    known = np.array([FREE_ENERGY[k] for k in FREE_ENERGY]).T
    figure = style.new_figure(2.7)
    grid = figure.add_gridspec(1, 3, left=0.08, right=0.985, top=0.9, bottom=0.17, wspace=0.32)
    titles = ("F without the normaliser", "the same near its lowest", "probability of K")
    for place, title in enumerate(titles):
        axes = figure.add_subplot(grid[0, place])
        style.quiet_grid(axes)
        style.panel_title(axes, title)
        axes.set_xlabel("number of peaks K")
        axes.set_xticks(counts)
        if place == 2:
            break
        axes.errorbar(counts, free, error, color=style.INK, marker="o", ms=4, capsize=2, lw=0.9, label="here")
        axes.plot(list(FREE_ENERGY), known[0], "s", ms=7, mfc="none", mec=style.COMPONENTS[1], label="known")
        axes.set_ylabel("F (nats)")
        if place == 0:
            axes.legend(loc="upper right")
    figure.axes[1].set(xlim=(2.5, counts[-1] + 0.4), ylim=(free.min() - 1.0, free[counts > 2].max() + 3.5))
    probability = [found[k].model_probability or 0.0 for k in counts]
    spread = [found[k].probability_error or 0.0 for k in counts]
    reference = model_posterior(*np.array(list(FREE_ENERGY.values())).T)
    axes = figure.axes[2]
    axes.bar(counts, probability, yerr=spread, color=style.COMPONENTS[0], width=0.6, capsize=2, zorder=2)
    axes.plot(list(FREE_ENERGY), reference.probability, "s", ms=7, mfc="none", mec=style.COMPONENTS[1], zorder=3)
    for k, one, sd in zip(counts, free, error, strict=True):
        where = FREE_ENERGY.get(int(k), (math.nan, math.nan))
        source = "" if math.isnan(where[0]) else (QUADRATURE if k == 1 else SMC)
        values.append(PaperValue("free_energy", f"F, K = {k}", float(one), float(sd), *where, "nats", source))
    drop = PaperValue("free_energy", "F(2) - F(3)", float(free[1] - free[2]), float(np.hypot(error[1], error[2])))
    values.append(PaperValue(drop.figure, drop.quantity, drop.value, drop.standard_error, 96.64, 0.01, "nats", SMC))
    for k, p, sd in zip(FREE_ENERGY, reference.probability, reference.standard_error, strict=True):
        if k < 3:
            continue
        ours = found[k]
        name = f"probability of K = {k}"
        numbers = ours.model_probability or 0.0, ours.probability_error or 0.0, float(p), float(sd)
        values.append(PaperValue("free_energy", name, *numbers, source="from the known F of K = 1 to 5"))
    caption = (
        "Free energies with their standard errors, and the probabilities of K that follow from them (1 to "
        f"{counts[-1]} equally probable beforehand). Open squares: known numbers. Three and four peaks differ by 0.2 "
        "nats only, so that neither is certain."
    )
    return PaperFigure("free_energy", "How many peaks", caption, figure)


def posterior_figure(arrays: Path, one: Candidate, values: list[PaperValue]) -> PaperFigure:
    """Histograms of the posterior of three peaks with the prior."""
    draws = read_draws(arrays, f"{one.measurement}/{one.tag}")
    figure = style.new_figure(4.9)
    grid = figure.add_gridspec(3, 3, left=0.07, right=0.985, top=0.95, bottom=0.075, wspace=0.26, hspace=0.42)
    rows = {(row.name, row.index): row for row in one.parameters}
    for line, (name, known) in enumerate(POSTERIOR.items()):
        for k, (mean, sd) in enumerate(known):
            axes = figure.add_subplot(grid[line, k])
            place = draws.find(f"peaks.{name}", k + 1)
            assert place is not None
            sample = draws.flat(place)
            axes.hist(sample, 40, density=True, color=style.component_colour(k), alpha=0.7)
            low, high = axes.get_xlim()
            x = np.linspace(low, high, 200)
            axes.plot(x, PRIOR[name].pdf(x), color=style.MUTED, lw=1.0)
            axes.axvline(TRUE[k, line], color=style.INK, lw=0.9, ls=(0, (4, 3)))
            top = 1.15 * axes.get_ylim()[1]
            axes.set_ylim(0.0, top)
            axes.errorbar(mean, 0.94 * top, xerr=sd, color=style.INK, marker="s", ms=4, mfc=style.PAPER, capsize=2)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            style.panel_title(axes, f"{LETTER[name]}{'₁₂₃'[k]}")
            row = rows[f"peaks.{name}", k + 1]
            for word, ours, reference in (("mean", row.mean, mean), ("sd", row.sd, sd)):
                error = (
                    (row.sd or math.nan) / math.sqrt(row.ess or math.nan) * (1.0 if word == "mean" else math.sqrt(0.5))
                )
                quantity = f"{word} of {name} of peak {k + 1}"
                values.append(PaperValue("posterior", quantity, float(ours or 0.0), error, reference, source=SMC))
    caption = (
        "Height a, position µ and precision b of each peak at K = 3, relabelled by position. Grey line: prior density "
        "on the same scale. Dashed: truth. Open square with bar: known posterior mean and standard deviation."
    )
    return PaperFigure("posterior", "Posterior of three peaks", caption, figure)


def noise_level_figure(results: Path, found: dict[int, Candidate], values: list[PaperValue]) -> PaperFigure:
    """Free energy against the noise level: of the campaign that states too small a one, where it has been run."""
    other = results.with_name("noise_and_peaks")
    folder = HERE.with_name("noise_and_peaks")
    wide = (other / "free_energy").is_dir() and folder.is_dir()
    if wide:
        (result,) = load_results(facts_of(load_campaign(folder)), other).measurements
        found = _by_count(result) or found
    shown = [found[k] for k in sorted(found) if k <= 6 and found[k].noise_curve]
    figure = noise_figure(shown, [f"K = {one.count}" for one in shown])
    best = min(shown, key=lambda one: float((one.noise_curve or {})["lowest"]))
    curve = best.noise_curve or {}
    level, sigma = curve["best"] * curve["sigma"], curve["sigma"]
    sd = float(curve["best_sd"] or math.nan) * sigma
    words = f"sigma of the lowest F, at K = {best.count}; its posterior sd for the error"
    values.append(PaperValue("noise_level", words, level, sd, 0.1, source="truth"))
    caption = (
        "Free energy (with the normaliser) at other levels of the noise, from the draws of the same runs, and the "
        "probability of each K if the level were that. " + (
            "The runs of the campaign noise_and_peaks, which states half the true level."
            if wide
            else "Run the campaign noise_and_peaks to see levels below the stated one too."
        )
    )  # fmt: skip
    return PaperFigure("noise_level", "Free energy against the noise level", caption, figure)


def exchange_figure(result: MeasurementResult, values: list[PaperValue]) -> PaperFigure:
    """Energies of plain Metropolis and of exchange Monte Carlo from the same bad starts."""
    assert result.measurement is not None
    x, y = result.measurement.x, result.measurement.y
    begin = metropolis.starts(CHAINS, SEED)
    plain = metropolis.run(x, y, begin, SWEEPS, np.array([1.0]), SEED)
    exchange = metropolis.run(x, y, begin, SWEEPS, metropolis.LADDER, SEED)
    settled = exchange.energy[SWEEPS // 2 :]
    mean, sd = float(settled.mean()), float(settled.std())
    figure = style.new_figure(2.8)
    grid = figure.add_gridspec(1, 2, left=0.08, right=0.985, top=0.9, bottom=0.17, wspace=0.1)
    first = None
    for place, (name, trace) in enumerate((("plain Metropolis", plain), ("exchange Monte Carlo", exchange))):
        axes = figure.add_subplot(grid[0, place], sharey=first)
        first = first or axes
        style.quiet_grid(axes)
        for chain, row in enumerate(trace.energy.T):
            axes.plot(np.arange(1, SWEEPS + 1), row, color=style.component_colour(chain), lw=0.7,
                      ls=style.component_line(chain))  # fmt: skip
        axes.axhline(mean, color=style.INK, lw=0.9, ls=(0, (4, 3)), zorder=5)
        axes.set(xscale="log", yscale="log", xlim=(1, SWEEPS), xlabel="sweeps")
        style.power_ticks(axes, "x")
        stuck = int((trace.energy[-SWEEPS // 4 :].mean(0) > mean + STUCK * sd).sum())
        style.panel_title(axes, f"{name}: {stuck} of {CHAINS} stuck")
        quantity = f"{name}: chains of {CHAINS} stuck after {SWEEPS} sweeps"
        reference = 0.0 if name.startswith("exchange") else math.nan
        values.append(PaperValue("exchange", quantity, float(stuck), reference=reference))
    figure.axes[0].set_ylabel("N E / σ²")
    figure.axes[1].tick_params(labelleft=False)
    figure.axes[0].set_yticks([200, 500, 1000, 2000], ["200", "500", "1000", "2000"])
    figure.axes[0].set_yticks([], minor=True)
    barrier, least = float((1.0 - exchange.exchange_rate).sum()), float(exchange.exchange_rate.min())
    source = "the ladder of the paper"
    values.append(PaperValue("exchange", "sum of rejection rates", barrier, reference=7.2, source=source))
    values.append(PaperValue("exchange", "smallest exchange rate", least, reference=0.55, source=source))
    caption = (
        f"Energy at β = 1 of {CHAINS} chains from draws of the prior, {SWEEPS} sweeps each. Plain Metropolis walks at "
        "β = 1 only; exchange Monte Carlo has the 24 inverse temperatures of the paper, all begun at the same start. "
        "Dashed: mean energy of the second half with exchange. Stuck: over the last quarter more than "
        f"{STUCK:g} standard deviations above it."
    )
    return PaperFigure("exchange", "Exchange Monte Carlo against plain Metropolis", caption, figure)


def _range(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """All points with a little room."""
    room = 0.06 * float(np.ptp(y))
    style.limits(axes, (float(x.min()), float(x.max())), (float(y.min()) - room, float(y.max()) + room))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
