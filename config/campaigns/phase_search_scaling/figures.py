"""Speed and accuracy of searches for phases against the number of candidates and the counting time.

Called by ``make figures CAMPAIGN=phase_search_scaling`` as ``figures.py <results> <folder for the figures>``.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayesbeam.config.load import load_campaign
from bayesbeam.report import style
from bayesbeam.report.loading import load_results
from bayesbeam.report.paper import PaperFigure, PaperValue, write_paper
from bayesbeam.report.records import Candidate
from bayesbeam.stages.report import facts_of

HERE = Path(__file__).resolve().parent
WEIGHED = "weighed."


@dataclass(frozen=True)
class Search:
    """One search: what was offered and for how long it was counted, and what came of it; weights in wt %."""

    candidates: int
    counted: float
    phases: int
    seconds: float
    exact: bool
    family: bool
    off: tuple[float, ...]
    held: tuple[bool, ...]


def main(results: Path, out: Path) -> None:
    """Draw all figures of the results in ``results`` into ``out``."""
    found = list(searches(results))
    if not found:
        sys.exit(f"{results}: no results; run `make run CAMPAIGN=phase_search_scaling` first.")
    values: list[PaperValue] = []
    with style.figure_style():
        figures = [speed_figure(found, values), accuracy_figure(found, values)]
        title = "Searches for phases: what they cost, and how often they are right"
        about = (
            "Simulated mixtures of one to six phases, each counted for two times, each searched among fifty, a hundred "
            "and all structures of the library. Seconds are those of the machine that made the results."
        )
        page = write_paper(out, title, about, figures, values)
    print(f"Figures: {page}")


def searches(results: Path) -> Iterator[Search]:
    """All searches of the campaign."""
    text = (HERE / "measurements.tsv").read_text(encoding="utf-8")
    sheet = {row["id"]: row for row in csv.DictReader(text.splitlines(), delimiter="\t")}
    for measurement in load_results(facts_of(load_campaign(HERE)), results).measurements:
        for one in measurement.candidates:
            if one.phases is not None:
                yield search(one, one.phases, sheet[measurement.id])


def search(one: Candidate, facts: Mapping[str, Any], row: Mapping[str, str]) -> Search:
    """One of them against what is in the mixture."""
    true = {key.removeprefix(WEIGHED): float(value) for key, value in row.items() if WEIGHED in key and value}
    alike = {name: family["name"] for family in facts["families"] for name in family["members"]}
    inside, best = ({alike.get(name, name) for name in names} for names in (true, facts["best"]))
    weights = {phase["name"]: phase["weight_fraction"] for phase in facts["phases"] if phase["weight_fraction"]}
    told = [(100.0 * weights[name]["mean"] - true[name], weights[name], true[name]) for name in true if name in weights]
    held = tuple(100.0 * w["q025"] <= value <= 100.0 * w["q975"] for _, w, value in told)
    return Search(
        int(facts["library"]["candidates"]), float(row["seconds"]), len(true), float(one.wall_seconds or np.nan),
        set(facts["best"]) == set(true), best == inside, tuple(off for off, _, _ in told), held,
    )  # fmt: skip


def speed_figure(found: list[Search], values: list[PaperValue]) -> PaperFigure:
    """Seconds of a search against the number of candidates, and against that of phases."""
    figure = style.new_figure(2.7)
    left = figure.add_axes((0.08, 0.17, 0.4, 0.76))
    right = figure.add_axes((0.57, 0.17, 0.41, 0.76), sharey=left)
    for k, count in enumerate(sorted({one.candidates for one in found})):
        some = [one for one in found if one.candidates == count]
        seconds = np.array([one.seconds for one in some])
        colour = style.component_colour(k)
        left.plot(np.full(len(some), count), seconds, "o", ms=3, alpha=0.5, color=colour)
        left.plot(count, np.median(seconds), "_", ms=16, mew=2, color=colour)
        sizes = sorted({one.phases for one in some})
        medians = [np.median([one.seconds for one in some if one.phases == size]) for size in sizes]
        right.plot(sizes, medians, "o-", ms=3, color=colour, label=f"{count} candidates")
        values.append(
            PaperValue("speed", f"seconds of a search, median, {count} candidates", float(np.median(seconds)))
        )
    left.set(xlabel="candidates", ylabel="seconds", ylim=(0.0, None), xlim=(0.0, None))
    right.set(xlabel="phases in the mixture")
    right.legend(loc="upper left")
    caption = (
        "Wall-clock seconds of a search with everything that is told of it (answers at half and at double the model "
        "error among it), one core each. Left: every search, bars at the medians. Right: medians by the number of "
        "phases in the mixture."
    )
    return PaperFigure("speed", "Seconds of a search", caption, figure)


def accuracy_figure(found: list[Search], values: list[PaperValue]) -> PaperFigure:
    """Shares of right sets, and differences of weights, by candidates and counting time."""
    figure = style.new_figure(2.7)
    left = figure.add_axes((0.08, 0.17, 0.4, 0.76))
    right = figure.add_axes((0.57, 0.17, 0.41, 0.76))
    times, counts = (sorted({getattr(one, word) for one in found}) for word in ("counted", "candidates"))
    for k, counted in enumerate(times):
        colour, share, off = style.component_colour(k), [], []
        for count in counts:
            some = [one for one in found if (one.counted, one.candidates) == (counted, count)]
            share.append(float(np.mean([one.family for one in some])))
            off.append(np.abs([value for one in some for value in one.off]))
            held = [value for one in some for value in one.held]
            told = {
                "sets right by name": np.mean([one.exact for one in some]),
                "sets right but for look-alikes": share[-1],
                "95 % intervals that hold the truth": np.mean(held),
                "weights off by, median, wt %": np.median(off[-1]),
            }
            named = f"{count} candidates, {counted:g} s a point"
            values += [PaperValue("accuracy", f"{word}, {named}", float(value)) for word, value in told.items()]
        left.plot(counts, share, "o-", ms=4, color=colour, label=f"{counted:g} s a point")
        at = np.arange(len(counts)) + 0.3 * (k - 0.5)
        right.boxplot(off, positions=at, widths=0.22, sym="", boxprops={"color": colour}, medianprops={"color": colour},
                      whiskerprops={"color": colour}, capprops={"color": colour})  # fmt: skip
    left.set(xlabel="candidates", ylabel="share of right sets", ylim=(0.0, 1.05), xlim=(0.0, None))
    left.legend(loc="lower right")
    right.set_xticks(np.arange(len(counts)), [str(count) for count in counts])
    right.set(xlabel="candidates", ylabel="weights off by (wt %)")
    caption = (
        "Left: share of searches of which the most probable set is that of the mixture, look-alikes counted as one. "
        "Right: how far weight fractions are from those of the mixture: quartiles, and whiskers of 1.5 times their "
        "distance."
    )
    return PaperFigure("accuracy", "How often the set is right, and how far weights are off", caption, figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
