"""Seconds and accuracy of a search for phases from 50 to 1000 candidates, by both arms, at two counting times.

The same mixtures are searched among more and more candidates; beyond the library these are decoys. What is measured is
kept in the table ``phase_scaling.tsv``, from which ``phase_scaling_figure`` draws.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bayesbeam.diffraction.arms import library_columns
from bayesbeam.diffraction.greedy import question_of
from bayesbeam.diffraction.made_up import Recipe, decoys, mixture
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.search import Answer, find_phases
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.variational import variational_sets
from bench.crew import ROOT
from bench.machine import load, machine
from bench.phase_search import MOST, family_of, library, phases, versions
from bench.store import Record, Store, code_key
from bench.tables import aligned, number

SIZES = (50, 100, 175, 350, 700, 1000)
COUNTED = (2.0, 0.2)
STARTS = 64
PARTS = ("search", "columns", "variational")
SAME = ("threads",)
LEGEND = """\
The mixtures of the table of made-up mixtures, each among more and more candidates, those beyond the library's 175 being
its phases with edges of cells changed by 3 to 10 %; counted for 2 s a point (5000 counts at the highest line) and for
0.2 s. CPU seconds on one thread, medians: of the search, which is the first arm; of patterns of all candidates and
variational inference from 64 starts, the second arm, which takes shapes and noise from the search. "right": the set is
that of the mixture, look-alikes of the library counted as one; "stated": how many that should be by the probabilities
of these sets (a decoy of one's structure, at nearly one's cell, is no look-alike of the library, and yet no pattern
tells it apart); "same": both arms end with the same set."""
HEAD = ("counted s", "candidates", "mixtures", "search CPU s", "90 % below", "patterns", "variational", "wall s",
        "search right", "stated", "variational right", "same")  # fmt: skip
COLUMNS = ("number", "phases", "counted", "size", "exact", "stated", "variational", "same", "search_cpu", "columns_cpu",
           "variational_cpu", "search_wall", "load")  # fmt: skip
TABLE = Path(__file__).with_suffix(".tsv")
Found = TypeVar("Found")


def timed(work: Callable[[], Found]) -> tuple[Found, float, float]:
    """What a function gives, with its wall-clock and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def measure(which: int, size: int, counted: float, threads: int) -> Record:
    """One mixture among so many candidates: what each arm finds against what is there, and what it takes."""
    recipe = Recipe(candidates=min(size, len(phases())), seconds=counted)
    made = mixture(recipe, which, phases(), library().families)
    offered = (*made.candidates, *decoys(phases(), size - recipe.candidates))
    data, prior = powder(made.x, made.y), log_prior_of_sets(len(offered), MOST)
    asked = question_of(data, offered, recipe.beam, prior, threads=threads)
    answer, wall, cpu = timed(lambda: find_phases(asked))
    columns, *spent_columns = timed(lambda: library_columns(asked, answer))
    other, *spent_other = timed(lambda: variational_sets(columns, STARTS))
    names = [one.name for one in offered]
    exact = {names[int(answer.owner[j])] for j in answer.sets.members[0]}
    variational = {names[int(columns.owner[j])] for j in other.members}
    return {
        "phases": len(made.names), "exact": told(exact, made.names), "variational": told(variational, made.names),
        "same": exact == variational, "stated": stated(answer, names), "agreeing": other.agreeing,
        "search_wall": wall, "search_cpu": cpu, "columns_wall": spent_columns[0], "columns_cpu": spent_columns[1],
        "variational_wall": spent_other[0], "variational_cpu": spent_other[1],
    }  # fmt: skip


def stated(answer: Answer, names: Sequence[str]) -> float:
    """Probability of the sets that are the best one but for look-alikes."""
    kinds = [sorted(family_of(names[int(answer.owner[j])]) for j in members) for members in answer.sets.members]
    return float(sum(p for kind, p in zip(kinds, answer.sets.probability, strict=True) if kind == kinds[0]))


def told(found: set[str], true: Sequence[str]) -> str:
    """Whether a set is that of a mixture: ``name`` exactly, ``family`` but for look-alikes, or ``wrong``."""
    if found == set(true):
        return "name"
    return "family" if sorted(map(family_of, found)) == sorted(map(family_of, true)) else "wrong"


def table(records: Sequence[Record]) -> str:
    """A row a counting time and number of candidates."""
    return aligned(HEAD, [_row(found) for found in grouped(map(flat, records))])


def flat(record: Record) -> Record:
    """A record without inner ones."""
    return {key: value for key, value in record.items() if key != "value"} | record["value"]


def grouped(rows: Iterable[Record]) -> list[list[Record]]:
    """Rows of each counting time and number of candidates, longest counted first; mixtures that have all of them."""
    every = list(rows)
    kinds = sorted({(-one["counted"], one["size"]) for one in every})
    count = Counter(one["number"] for one in every)
    whole = [one for one in every if count[one["number"]] == len(kinds)]
    return [[one for one in whole if (-one["counted"], one["size"]) == kind] for kind in kinds]


def right(found: Sequence[Record], arm: str) -> int:
    """How many sets of an arm are right but for look-alikes."""
    return sum(one[arm] != "wrong" for one in found)


def _row(found: Sequence[Record]) -> list[str]:
    """A row of the table."""
    middle = [number(float(np.median([one[f"{part}_cpu"] for one in found]))) for part in PARTS]
    most = number(float(np.quantile([one["search_cpu"] for one in found], 0.9)))
    wall = number(float(np.median([one["search_wall"] for one in found])))
    sure = f"{sum(one['stated'] for one in found):.1f}"
    told = str(right(found, "exact")), sure, str(right(found, "variational")), str(sum(one["same"] for one in found))
    title = f"{found[0]['counted']:g}", str(found[0]["size"]), str(len(found))
    return [*title, middle[0], most, *middle[1:], wall, *told]


def words(path: Path = TABLE) -> list[str]:
    """Rows of the table of the docs."""
    groups = grouped(kept(path)[1])
    rows = [["candidates", *(str(size) for size in dict.fromkeys(one[0]["size"] for one in groups))]]
    for counted in dict.fromkeys(one[0]["counted"] for one in groups):
        some = [found for found in groups if found[0]["counted"] == counted]
        head = f"{counted:g} s a point"
        for name, parts in (("search", PARTS[:1]), ("second arm", PARTS[1:])):
            spent = [[sum(one[f"{part}_cpu"] for part in parts) for one in found] for found in some]
            rows.append([f"{head}: CPU s, {name}", *(f"{np.median(one):.1f}" for one in spent)])
        rows.append([f"{head}: right, search", *(str(right(found, "exact")) for found in some)])
        rows.append([f"{head}: as many as stated", *(f"{sum(one['stated'] for one in found):.1f}" for found in some)])
        rows.append([f"{head}: right, second arm", *(str(right(found, "variational")) for found in some)])
    return [f"| {' | '.join(row)} |" for row in rows]


def keep(folder: Path, path: Path = TABLE) -> None:
    """Write the table of all that was measured by the newest code."""
    records = Store("scaling", folder).latest(SAME)
    dates = sorted({one["date"] for one in records})
    made = "; ".join([" to ".join(dict.fromkeys((dates[0], dates[-1]))), *sorted({one["machine"] for one in records})])
    busy = [one["load"] for one in records]
    head = f"# {made}; load (processes that want a core, one being ours) {min(busy):.0f} to {max(busy):.0f}"
    rows = ["\t".join(_text(one[name]) for name in COLUMNS) for one in map(flat, records)]
    path.write_text("\n".join([head, "\t".join(COLUMNS), *rows]) + "\n", encoding="utf-8")


def kept(path: Path = TABLE) -> tuple[str, list[Record]]:
    """When and on what the table was measured, and its rows."""
    head, names, *lines = path.read_text(encoding="utf-8").splitlines()
    return head.removeprefix("# "), [
        {name: _value(name, text) for name, text in zip(names.split("\t"), line.split("\t"), strict=True)}
        for line in lines
    ]


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _value(name: str, text: str) -> Any:
    if name in ("exact", "variational"):
        return text
    if name == "same":
        return text == "True"
    return int(text) if name in ("number", "phases", "size") else float(text)


def run(mixtures: int, threads: int, folder: Path) -> None:
    """Measure what is not there yet, one mixture at all sizes after the other."""
    import torch

    torch.set_num_threads(threads)
    store = Store("scaling", folder)
    here = {"machine": machine(), "versions": versions()}
    package = ROOT / "workflow" / "bayesbeam"
    key = code_key(package / "diffraction", package / "crystals", Path(__file__))
    measure(mixtures, SIZES[0], COUNTED[0], threads)  # compiles
    for which in range(mixtures):
        for counted in COUNTED:
            for size in SIZES:
                asked = {"key": key, "size": size, "counted": counted, "threads": threads, "number": which}
                if store.done(asked):
                    continue
                value = measure(which, size, counted, threads)
                store.add(asked | {"value": value, "load": load()} | here)
                print(f"scaling {which}, {counted:g} s, {size}: {value['exact']}, {value['variational']}; "
                      f"{value['search_cpu']:.1f} and {value['variational_cpu']:.1f} CPU s", flush=True)  # fmt: skip
