"""Maps of probabilities over two numbers: how often b is selected, and how often two data sets are integrated."""

from __future__ import annotations

import math

import numpy as np
import setting
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from bayesbeam.evidence.mesoscopic import Noise
from bayesbeam.evidence.mesoscopic_lines import Box, Line
from bayesbeam.evidence.mesoscopic_pairs import integration_cdf
from bayesbeam.report import style
from bayesbeam.report.paper import PaperFigure, PaperValue

# Colours of their own, which stay as they are when a page turns dark.
COLOURS = LinearSegmentedColormap.from_list("probability", ["#08304f", "#2f7aa8", "#a9cfe0", "#fbf7e9"])
LEVELS, LINES = (0.05, 0.5, 0.95), ("#fefefe", "#fefefe", "#101010")
MANY, SIDE = np.geomspace(4, 1000, 61), 61
SIGMA, SIZE = np.geomspace(0.1, 10, SIDE), np.linspace(0.0, 1.5, SIDE)
NAMES = {"known": "known noise", "least": "estimated noise"}


def drawn(axes: Axes, x: np.ndarray, y: np.ndarray, probability: np.ndarray) -> None:
    """Map of probabilities (y, x), with lines at 5, 50 and 95 %."""
    image = axes.pcolormesh(x, y, probability, cmap=COLOURS, vmin=0.0, vmax=1.0, shading="gouraud", rasterized=True)
    image.set_zorder(0)
    for level, colour, dash in zip(LEVELS, LINES, (":", "-", "--"), strict=True):
        if probability.min() < level < probability.max():
            axes.contour(x, y, probability, [level], colors=colour, linewidths=0.9, linestyles=dash)


def logarithmic(axes: Axes, which: str) -> None:
    """One logarithmic axis."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator())
    style.power_ticks(axes, which)
    axis.set_minor_formatter(NullFormatter())


def key(figure: Figure, where: tuple[float, float, float, float]) -> None:
    """Scale of the colours."""
    axes = figure.add_axes(where)
    axes.imshow(np.linspace(0, 1, 100)[:, None], cmap=COLOURS, aspect="auto", origin="lower", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks([0, 0.05, 0.5, 0.95, 1], ["0", "0.05", "0.5", "0.95", "1"])
    for level, colour, dash in zip(LEVELS, LINES, (":", "-", "--"), strict=True):
        axes.axhline(level, color=colour, lw=0.9, ls=dash)
    for spine in axes.spines.values():
        spine.set_visible(False)


def frame(height: float, rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    """Figure of panels with a scale of colours at the right."""
    figure = style.new_figure(height)
    bottom, top = 0.42 / height, 1.0 - 0.22 / height
    grid = figure.add_gridspec(rows, columns, left=0.075, right=0.9, bottom=bottom, top=top, wspace=0.22,
                               hspace=0.62 / ((height - 0.64) / rows - 0.4))  # fmt: skip
    axes = np.array([[figure.add_subplot(grid[i, j]) for j in range(columns)] for i in range(rows)])
    key(figure, (0.925, bottom, 0.018, top - bottom))
    return figure, axes


def selection_figure(values: list[PaperValue]) -> PaperFigure:
    """How often b is selected, over (N, sigma) and over (N, b0), at known and at estimated noise."""
    figure, panels = frame(4.6, 2, 2)
    for row, (noise, name) in enumerate(NAMES.items()):
        word: Noise = "known" if noise == "known" else "least"
        first, second = panels[row]
        drawn(first, MANY, SIGMA, setting.selection(MANY, setting.INTERCEPT, SIGMA[:, None]).sf(word))
        drawn(second, MANY, SIZE, setting.selection(MANY, SIZE[:, None], 1.0).sf(word))
        logarithmic(first, "y")
        for axes, title in ((first, f"b = 0.3, {name}"), (second, f"σ = 1, {name}")):
            logarithmic(axes, "x")
            style.panel_title(axes, title)
        first.set_ylabel("σ")
        second.set_ylabel("b")
    for axes in panels[1]:
        axes.set_xlabel("N")
    checks = (0.3, 10, 0.0559, 0.0510), (0.3, 100, 0.516, 0.499), (1.0, 10, 0.733, 0.616), (0.0, 100, 0.0031, 0.0032)
    for b, points, known, least in checks:
        theory = setting.selection(points, b, 1.0)
        for word, expected in (("known", known), ("least", least)):
            value = float(theory.sf("known" if word == "known" else "least"))
            sd = math.sqrt(expected * (1.0 - expected) / 200_000)
            quantity = f"P(select b), b = {b:g}, N = {points}, {NAMES[word]}"
            values.append(PaperValue("selection", quantity, value, reference=expected, reference_error=sd,
                                     source="2e5 simulated data sets"))  # fmt: skip
    caption = (
        "Probability that the line with b has the lower free energy, by theory: in closed form at known noise (above), "
        "by quadrature where each model estimates the noise (below). Lines: 5 % dotted, 50 % solid, 95 % dashed. "
        f"{setting.OURS}."
    )
    return PaperFigure("selection", "When b is selected", caption, figure)


def criteria_figure(values: list[PaperValue]) -> PaperFigure:
    """AIC and BIC on the axes of the free energy, and how often each selects b where there is none."""
    figure, panels = frame(4.6, 2, 3)
    theory = setting.selection(MANY, SIZE[:, None], 1.0)
    shown = {
        "AIC": theory.criterion("least", 2.0), "BIC": theory.criterion("least", np.log(MANY)), "F": theory.sf("least")
    }  # fmt: skip
    for axes, (name, probability) in zip(panels[0], shown.items(), strict=True):
        drawn(axes, MANY, SIZE, probability)
        style.panel_title(axes, f"{name}, σ = 1")
    noisy = setting.selection(MANY, setting.INTERCEPT, SIGMA[:, None])
    shown = {
        "AIC": noisy.criterion("least", 2.0), "BIC": noisy.criterion("least", np.log(MANY)), "F": noisy.sf("least")
    }  # fmt: skip
    for axes, (name, probability) in zip(panels[1], shown.items(), strict=True):
        drawn(axes, MANY, SIGMA, probability)
        style.panel_title(axes, f"{name}, b = 0.3")
        logarithmic(axes, "y")
        axes.set_xlabel("N")
    for axes in panels.ravel():
        logarithmic(axes, "x")
    panels[0, 0].set_ylabel("b")
    panels[1, 0].set_ylabel("σ")
    caption = (
        "Probability that b is selected by AIC, by BIC and by the free energy, each with estimated noise, on the same "
        f"axes. Lines: 5 % dotted, 50 % solid, 95 % dashed. {setting.OURS}."
    )
    return PaperFigure("criteria", "AIC and BIC on the same axes", caption, figure)


def false_alarm_figure(values: list[PaperValue]) -> PaperFigure:
    """How often each criterion selects a b that is not there, and misses one that is."""
    figure = style.new_figure(2.6)
    grid = figure.add_gridspec(1, 2, left=0.075, right=0.985, top=0.9, bottom=0.17, wspace=0.22)
    none, some = setting.selection(MANY, 0.0, 1.0), setting.selection(MANY, 1.0, 1.0)
    chosen = (
        ("AIC", none.criterion("least", 2.0), some.criterion("least", 2.0)),
        ("BIC", none.criterion("least", np.log(MANY)), some.criterion("least", np.log(MANY))),
        ("F", none.sf("least"), some.sf("least")),
    )
    for place, title in enumerate(("b = 0: selected all the same", "b = 1: missed")):
        axes = figure.add_subplot(grid[0, place])
        style.quiet_grid(axes)
        style.panel_title(axes, title)
        for colour, (name, alarm, power) in enumerate(chosen):
            y = alarm if place == 0 else np.maximum(1.0 - power, 1e-6)
            axes.plot(MANY, y, color=style.component_colour(colour), label=name)
        axes.set(xlabel="N", ylim=(1e-3, 1.0), xlim=(MANY[0], 1000 if place == 0 else 60), yscale="log")
        logarithmic(axes, "x")
        style.power_ticks(axes, "y")
    figure.axes[0].set_ylabel("probability")
    figure.axes[0].legend(loc="upper right", ncols=3)
    for points in (5, 20, 100, 1000):
        theory = setting.selection(points, 0.0, 1.0)
        aic, bic = (theory.criterion("least", penalty) for penalty in (2.0, math.log(points)))
        for name, alarm in (("AIC", aic), ("BIC", bic), ("F", theory.sf("least"))):
            values.append(PaperValue("false_alarms", f"{name} selects b, b = 0, N = {points}", float(alarm)))
    caption = (
        "Where there is no b (left) AIC selects one in 16 % of all data sets however many points there are, and more "
        "at small N; BIC at N = 5 in 36 %. The free energy knows how wide the prior is. It misses a b of the size of σ "
        f"(right) more often. σ = 1, estimated noise; {setting.OURS}."
    )
    return PaperFigure("false_alarms", "What AIC and BIC cost", caption, figure)


def integration_figure(values: list[PaperValue]) -> PaperFigure:
    """How often two data sets are integrated, over their points, their noise, and how far the truths are apart."""
    figure, panels = frame(6.6, 3, 2)
    for row, distance in enumerate((0.0, 0.5)):
        points, noise = panels[row]
        apart = (distance, 0.0)
        drawn(points, MANY, MANY, setting.integration_of_two((MANY, MANY[:, None]), (1.0, 1.0), apart).cdf("known"))
        drawn(noise, SIGMA, SIGMA, setting.integration_of_two((20, 20), (SIGMA, SIGMA[:, None]), apart).cdf("known"))
        words = "equal truths" if distance == 0.0 else "a apart by 0.5"
        for axes, title, label in ((points, f"σ₁ = σ₂ = 1, {words}", "N"), (noise, f"N₁ = N₂ = 20, {words}", "σ")):
            style.panel_title(axes, title)
            axes.set(xlabel=f"{label}₁", ylabel=f"{label}₂")
            logarithmic(axes, "x")
            logarithmic(axes, "y")
    for axes in panels[0]:  # there all is near 1
        _nearly_always(axes)
    lines = [Line(10, setting.SLOPE, setting.INTERCEPT, 0.5), Line(20, setting.SLOPE, setting.INTERCEPT, 1.0)]
    side = np.linspace(-2.0, 2.0, SIDE)
    theory = setting.integration_of_two((10, 20), (0.5, 1.0), (side, side[:, None]))
    drawn(panels[2, 0], side, side, theory.cdf("known"))
    drawn(panels[2, 1], side, side, _estimated(lines, np.hypot(side, side[:, None])))
    for axes, name in zip(panels[2], NAMES.values(), strict=True):
        style.panel_title(axes, f"N = 10 and 20, σ = 0.5 and 1, {name}")
        axes.set(xlabel="a₁ - a₂", ylabel="b₁ - b₂")
    known = float(setting.integration_of_two((10, 20), (0.5, 1.0), (0.0, 0.0)).cdf("known"))
    quantity = "P(integrate), equal truths, N = 10 and 20, σ = 0.5 and 1, known noise"
    values.append(PaperValue("integration", quantity, known, reference=0.998822, source="1 - exp(-c / 2)"))
    least = float(integration_cdf(lines, Box(setting.HALF, setting.HALF, wide=True)))
    values.append(PaperValue("integration", quantity.replace("known", "estimated"), least))
    caption = (
        "Probability that one line for both data sets has the lower free energy than one line each, by theory: over "
        "the numbers of points and over the noise where truths are equal (above) and where a differs by 0.5 (middle), "
        "and over the differences of a and b (below), at known noise and where every free energy has the levels at "
        f"which it is least. Lines: 5 % dotted, 50 % solid, 95 % dashed, more above with their numbers. "
        f"{setting.OURS.replace('a = 1, ', '')}."
    )
    return PaperFigure("integration", "When two data sets are integrated", caption, figure)


def _nearly_always(axes: Axes) -> None:
    """Lines with numbers at probabilities near 1, by those of the panel."""
    points = axes.get_xlabel().startswith("N")
    side = MANY if points else SIGMA
    numbers, sigma = ((side, side[:, None]), (1.0, 1.0)) if points else ((20.0, 20.0), (side, side[:, None]))
    probability = setting.integration_of_two(numbers, sigma, (0.0, 0.0)).cdf("known")
    lines = axes.contour(side, side, probability, [0.99, 0.999, 0.9999], colors="#505050", linewidths=0.7)
    axes.clabel(lines, fmt=lambda value: f"{value:g}", fontsize=6)


def _estimated(lines: list[Line], distance: np.ndarray) -> np.ndarray:
    """Probabilities with estimated noise, which depend on the distance of the truths alone where xx is 1."""
    at = np.linspace(0.0, float(distance.max()), 25)
    first, second = lines
    box = Box(setting.HALF, setting.HALF, wide=True)
    found = []
    for one in at:
        moved = Line(second.points, second.slope, second.intercept + float(one), second.sigma)
        found.append(float(integration_cdf([first, moved], box)))
    return np.interp(distance, at, found)
