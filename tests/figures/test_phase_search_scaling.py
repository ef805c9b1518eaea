"""Simulated mixtures of one to six phases: the shipped patterns are those of their recipe, and what a search finds."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.library_files import cif_files
from bayesbeam.crystals.likeness import Window
from bayesbeam.diffraction.made_up import Mixture, Recipe, mixture
from bayesbeam.diffraction.phase import phase_of
from bayesbeam.io.crystal_library import LineRequest, crystal_library
from shipped_results import analyse

SIZES, SECONDS, SEED = range(1, 7), (2.0, 0.2), 36


def home_of(root: Path) -> Path:
    return root / "config" / "campaigns" / "phase_search_scaling"


def fifty(root: Path) -> list[str]:
    """Names of the structures that are in every candidate."""
    return [Path(name).stem for name in cif_files([home_of(root) / "fifty.txt"])]


def made(root: Path) -> dict[str, Mixture]:
    """Mixtures by the ids of the sheet."""
    folder = root / "config" / "libraries" / "inorganic"
    library = crystal_library(folder, LineRequest(Window(1.5405929, Recipe.first, Recipe.last)))
    chosen = set(fifty(root))
    phases = [phase_of(lines) for lines in library.lines if lines.name in chosen]
    found = {}
    for size in SIZES:
        for seconds in SECONDS:
            recipe = Recipe(fewest=size, most=size, candidates=50, seconds=seconds, seed=SEED)
            found[f"phases_{size}_{seconds:g}s"] = mixture(recipe, size, phases, library.families)
    return found


def text_of(one: Mixture) -> str:
    return "".join(f"{x:.5f} {y:.0f}\n" for x, y in zip(one.x, one.y, strict=True))


def sheet(root: Path) -> dict[str, dict[str, str]]:
    text = (home_of(root) / "measurements.tsv").read_text(encoding="utf-8")
    return {row["id"]: row for row in csv.DictReader(text.splitlines(), delimiter="\t")}


def test_the_shipped_patterns_are_made_as_their_provenance_says(root: Path) -> None:
    """But for a few counts: a Poisson number may be another where its mean differs in the last digits."""
    rows = sheet(root)
    for identifier, one in made(root).items():
        x, y = np.loadtxt(home_of(root) / rows[identifier]["file"]).T
        assert np.abs(x - one.x).max() < 1e-5
        assert np.mean(y == one.y) > 0.9, identifier
        assert abs(y.sum() / one.y.sum() - 1.0) < 1e-3
        told = {
            key.removeprefix("weighed."): float(v) for key, v in rows[identifier].items() if "weighed." in key and v
        }
        assert told == pytest.approx(dict(zip(one.names, 100.0 * one.weight, strict=True)), abs=0.006)
        assert int(rows[identifier]["phases"]) == len(one.names)


def test_each_candidate_holds_the_structures_of_the_smaller_ones(root: Path) -> None:
    few, more = (set(cif_files([home_of(root) / f"{word}.txt"])) for word in ("fifty", "hundred"))
    assert (len(few), len(more)) == (50, 100)
    assert few < more


@pytest.mark.nightly
@pytest.mark.figures
def test_phases_are_found_among_fifty_a_hundred_and_all(root: Path, tmp_path: Path) -> None:
    """By name or by a look-alike; at most one of the 36 searches has a wrong set."""
    results = analyse(home_of(root), tmp_path)
    wrong: list[Any] = []
    for (identifier, tag), one in results.records.items():
        facts = one["phases"]
        alike = {name: family["name"] for family in facts["families"] for name in family["members"]}
        true = {key.removeprefix("weighed.") for key, v in sheet(root)[identifier].items() if "weighed." in key and v}
        found = {alike.get(name, name) for name in facts["best"]}
        if found != {alike.get(name, name) for name in true}:
            wrong.append((identifier, tag, sorted(true), facts["best"]))
    print(wrong)
    assert len(wrong) <= 1
