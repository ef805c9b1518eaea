"""Phases found in made-up mixtures: how often the set is right, what probabilities are worth, and what it takes.

Mixtures of one to six phases of the shipped library, made as ``bayesbeam.diffraction.made_up`` says, by number.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bayesbeam.crystals.library import Library
from bayesbeam.crystals.likeness import Window
from bayesbeam.diffraction.arms import both_arms
from bayesbeam.diffraction.estimated import searched
from bayesbeam.diffraction.greedy import question_of
from bayesbeam.diffraction.made_up import Mixture, Recipe, decoys, mixture
from bayesbeam.diffraction.phase import Phase, phase_of
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.search import Answer
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.unexplained import unknown_lines
from bayesbeam.io.crystal_library import LineRequest, crystal_library
from bench.crew import ROOT
from bench.machine import load, machine
from bench.store import Record, Store, code_key
from bench.tables import aligned, number

LIBRARY = ROOT / "config" / "libraries" / "inorganic"
MOST = 12
EDGES = (0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0 + 1e-9)
WORDS = ("exact", "family", "open", "agrees")
SAME = ("candidates", "removed", "estimate", "threads")
PACKAGES = ("numba", "numpy", "scipy")
HEAD = (
    "candidates", "removed", "error", "threads", "mixtures", "exact", "by family", "flagged open", "arms agree",
    "median s", "90 % below s", "CPU s",
)  # fmt: skip
LEGEND = """\
Made-up mixtures of 1 to 6 phases of the shipped library, each of at least 2 % of the intensity: 5 % error of every
line, edges of cells off by 0.15 %, widths of their own, 4000 points, counting noise of 5000 counts at the highest line.
"exact": the most probable set is that of the mixture; "by family": so it is where look-alikes count as one. "removed":
one phase of at least 3 % of the intensity, and its family, is not among the candidates; "flagged open": lines of no
candidate are told, which is right with a phase removed and a false alarm without. "arms agree": variational
inference of all candidates at once ends with the set that exact free energies of sets of the same columns name first.
"error": that of the model, as stated, or estimated from the settled set and the search done again under it.
Candidates beyond the library's 175 are its phases with edges of cells changed by 3 to 10 %. Seconds are of the search,
one mixture after the other, the library's lines being there. Then what probabilities are worth: of all statements "this
phase is there" with a probability in a range, and of all "one of this family", how many are right."""


@cache
def library() -> Library:
    """The shipped library."""
    return crystal_library(LIBRARY, LineRequest(Window(1.5405929, Recipe.first, Recipe.last)))


@cache
def phases() -> tuple[Phase, ...]:
    """Its phases."""
    return tuple(phase_of(one) for one in library().lines)


def measure(recipe: Recipe, which: int, threads: int = 1, estimate: bool = False) -> Record:
    """What a search says of one mixture, beside what is in it; candidates beyond the library are decoys.

    With ``estimate`` it is done again under errors of the model that the settled set tells.
    """
    inside = replace(recipe, candidates=min(recipe.candidates, len(phases())))
    made = mixture(inside, which, phases(), library().families)
    others = decoys(phases(), recipe.candidates - inside.candidates)
    made = replace(made, candidates=(*made.candidates, *others))
    wall, cpu = time.perf_counter(), time.process_time()
    asked = question_of(powder(made.x, made.y), made.candidates, recipe.beam,
                        log_prior_of_sets(len(made.candidates), MOST), threads=threads)  # fmt: skip
    asked, answer = searched(asked, estimate=estimate)
    left = unknown_lines(asked.data, answer.fit.model, answer.fit.background, asked.tolerance)
    seconds = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    agrees = {"agrees": both_arms(asked, answer).agrees}
    return told(made, answer) | {"open": bool(left.is_open)} | seconds | agrees


def told(made: Mixture, answer: Answer) -> Record:
    """Truth, the most probable set, and probabilities with whether they are right."""
    names = [one.name for one in made.candidates]
    true = set(made.names) - {made.removed}
    best = answer.sets.members[0] if answer.sets.members else ()
    top = {names[int(answer.owner[j])] for j in best}
    inside = {family_of(name) for name in true}
    by_family: dict[str, float] = {}
    for members, weight in zip(answer.sets.members, answer.sets.probability, strict=True):
        for family in {family_of(names[int(answer.owner[j])]) for j in members}:
            by_family[family] = by_family.get(family, 0.0) + float(weight)
    return {
        "names": made.names, "share": made.share.tolist(), "weight": made.weight.tolist(), "removed": made.removed,
        "top": sorted(top), "exact": top == true, "family": sorted(map(family_of, top)) == sorted(inside),
        "phase_odds": [[float(p), n in true] for n, p in zip(names, answer.probability, strict=True) if p > EDGES[0]],
        "family_odds": [[p, family in inside] for family, p in by_family.items() if p > EDGES[0]],
    }  # fmt: skip


def family_of(name: str) -> str:
    """Name of a phase's family: its own where it has no look-alike."""
    return next((" or ".join(family) for family in library().families if name in family), name)


def run(mixtures: int, candidates: int, removed: bool, threads: int, folder: Path, estimate: bool = False) -> None:
    """Measure what is not there yet."""
    store = Store("phases", folder)
    here = {"machine": machine(), "versions": versions()}
    package = ROOT / "workflow" / "bayesbeam"
    key = code_key(package / "diffraction", package / "crystals", Path(__file__))
    recipe = Recipe(candidates=candidates, removed=removed)
    measure(recipe, mixtures, threads, estimate)  # compiles
    for which in range(mixtures):
        asked = {"key": key, "candidates": candidates, "removed": removed, "estimate": estimate, "threads": threads}
        asked["number"] = which
        if store.done(asked):
            continue
        value = measure(recipe, which, threads, estimate)
        store.add(asked | {"value": value, "load": load()} | here)
        right = "right" if value["exact"] else "right by family" if value["family"] else "WRONG"
        print(f"phases {which}: {right}, {'open' if value['open'] else 'closed'}, {value['wall_seconds']:.1f} s; there "
              f"{', '.join(value['names'])}; found {', '.join(value['top'])}", flush=True)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of what makes the numbers."""
    from importlib import metadata

    return {package: metadata.version(package) for package in PACKAGES}


def table(records: Sequence[Record]) -> str:
    """How often the set is right, and what probabilities are worth, by number of candidates."""
    rows, worth = [], []
    for kind in sorted({_kind(one) for one in records}):
        values = [one["value"] for one in records if _kind(one) == kind]
        title = (str(kind[0]), "yes" if kind[1] else "no", "estimated" if kind[2] else "stated")
        wall = [one["wall_seconds"] for one in values]
        rows.append([
            *title, str(kind[3]), str(len(values)), *(share(values, word) for word in WORDS),
            number(float(np.median(wall))), number(float(np.quantile(wall, 0.9))),
            number(float(np.median([one["cpu_seconds"] for one in values]))),
        ])  # fmt: skip
        for low, high in itertools.pairwise(EDGES):
            if not any(
                low <= p < high for one in values for word in ("phase_odds", "family_odds") for p, _ in one[word]
            ):
                continue
            worth.append([*title, f"{low:g} to {min(high, 1.0):g}", *odds(values, "phase_odds", low, high),
                          *odds(values, "family_odds", low, high)])  # fmt: skip
    head = ("candidates", "removed", "error", "probability", "phases", "mean", "right", "families", "mean ", "right ")
    return f"{aligned(HEAD, rows)}\n\n{aligned(head, worth)}"


def _kind(record: Record) -> tuple[int, bool, bool, int]:
    """What is alike in records of one row; errors are stated where nothing is said of them."""
    return record["candidates"], record["removed"], record.get("estimate", False), record["threads"]


def share(values: Sequence[dict[str, Any]], word: str) -> str:
    """How many of the mixtures have it."""
    count = sum(bool(one[word]) for one in values)
    return f"{count} ({100.0 * count / len(values):.1f} %)"


def odds(values: Sequence[dict[str, Any]], word: str, low: float, high: float) -> list[str]:
    """Number of statements in a range of probabilities, their mean probability, and the share that is right."""
    found = [(p, right) for one in values for p, right in one[word] if low <= p < high]
    if not found:
        return ["0", "", ""]
    p, right = (float(np.mean(column)) for column in zip(*found, strict=True))
    return [str(len(found)), f"{p:.3f}", f"{right:.3f}"]
