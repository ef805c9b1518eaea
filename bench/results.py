"""The page of results: all tables with their legends, machine, versions and dates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench import linear_parameters, phase_scaling, phase_search, tables
from bench.contenders import ALL, OURS
from bench.store import Record, Store

LEGEND = """\
CPU seconds are those of the whole process, all threads, without importing and compiling; every contender has a
process of its own on one core, and all run in turn, seed by seed. Bias and RMSE are of F in nats, against the gold
values of bench/problem.py. bayesbeam is told the standard error 0.1 and stops there: its cost is what its runs cost,
or CPU s x (RMSE / 0.1)^2 where its RMSE is above 0.1. No peer can be told: its cost is CPU s x (RMSE / 0.1)^2,
whichever way that goes, and under "as stated" the same with the error that it states itself (the SMC states none). An
RMSE^2 from n runs is known to a part of sqrt(2 / n), 0.32 for 20, and so is such a cost. * marks a bias beyond 2.5 of
its errors: there no cost buys 0.1. Ratios are to bayesbeam. "compile s": CPU time of compiling, nothing cached. "peak
MiB" and "imports": resident memory of the fresh process, at most and when all is imported."""

ROWS_LEGEND = """\
Rows/s (wall clock) with 1 and 2 threads; a row is one peak at 301 points with its misfit, K = 3. The cpu engine
shares out whole chains, so replicas of one chain keep one thread busy. "cpu ns/row": CPU time a row, 1 thread."""

MANY_LEGEND = """\
Spectra of the same peaks with different noise, a batch being one target of as many groups, to a stated standard error
of 0.1. CPU seconds a spectrum without compiling; "ratio": of all spectra over those of the first batch. "peak MiB":
resident memory of the fresh process at most; "predicted": what the package foretold before the run."""

GPU_LEGEND = """\
Rows/s (wall clock) of the engines with K = 3 against states in flight: ladders of 16, ten chains a spectrum where there
are so many. "share": of the rate at which the GPU would do nothing but the exponentials of two curves a row. "cpu": the
compiled loops on two cores of the same machine. Then wall seconds to a stated standard error of 0.1, all spectra as one
target, after a run that compiles; "x cpu": the compiled loops on two cores over the GPU."""

SUPPORTS_LEGEND = """\
All supports of up to "most" of p columns, n = 200: seconds for exact free energies of all with their sums, ranking and
density of states; "M sets/CPU s": millions a CPU second. "numpy": factors of batches of supports of the largest size,
on 400,000 of them, without anything but least and sum. "exchange": the same posterior sampled to a standard error of F
of 0.1 nats and of probabilities of 0.003. Compiling is not timed. "peak MiB": of the fresh process, at most."""

SAME = {
    "rows": ("engine", "threads"),
    "single": ("contender", "count"),
    "many": ("count", "batch"),
    "gpu": ("what", "engine", "device", "count", "size"),
    "supports": ("columns", "most", "how", "threads"),
    "linear": ("problem", "way", "error"),
    "phases": phase_search.SAME,
    "scaling": phase_scaling.SAME,
    "peers": ("contender", "count"),
}


def text_of(piece: str, folder: Path) -> str:
    """Tables of one piece with its legend; empty where nothing was measured."""
    records = Store(piece, folder).latest(SAME[piece])
    if not records:
        return ""
    if piece == "rows":
        return f"Rows/s of the engines\n\n{ROWS_LEGEND}\n\n{tables.engine_rows(records)}"
    if piece == "many":
        return f"Many spectra\n\n{MANY_LEGEND}\n\n{tables.many(records)}"
    if piece == "linear":
        table = linear_parameters.table(records)
        return f"Linear parameters integrated out\n\n{linear_parameters.LEGEND}\n\n{table}"
    if piece == "phases":
        return f"Phases of made-up mixtures\n\n{phase_search.LEGEND}\n\n{phase_search.table(records)}"
    if piece == "scaling":
        title = "Searches for phases among 50 to 1000 candidates"
        return f"{title}\n\n{phase_scaling.LEGEND}\n\n{phase_scaling.table(records)}"
    if piece == "gpu":
        parts = tables.gpu_rows(records), tables.gpu_spectra(records)
        return f"On a GPU\n\n{GPU_LEGEND}\n\n" + "\n\n".join(parts)
    if piece == "supports":
        return f"Supports of a sparse regression\n\n{SUPPORTS_LEGEND}\n\n{tables.supports(records)}"
    if piece == "single":
        return f"The 2012 problem\n\n{tables.free_energies(records, (OURS,))}"
    both = tables.free_energies(records, ALL), tables.best_peers(records, ALL)
    return f"The 2012 problem, all contenders\n\n{LEGEND}\n\n" + "\n\n".join(both)


def page(folder: Path) -> str:
    """All of it in Markdown."""
    parts = ["# Results of the benchmark", "Written by `python -m bench table --write`; [how to read it](README.md)."]
    for piece in SAME:
        records = Store(piece, folder).latest(SAME[piece])
        if not records:
            parts.append(f"## {piece}\n\nNot run.")
            continue
        title, _, body = text_of(piece, folder).partition("\n\n")
        parts.append(f"## {title}\n\n{_made(records)}\n\n```text\n{body}\n```")
    return "\n\n".join(parts) + "\n"


def _made(records: Sequence[Record]) -> str:
    """When, on what machine and with which versions."""
    dates = sorted({one["date"] for one in records})
    machines = sorted({one["machine"] for one in records})
    versions = sorted({f"{name} {version}" for one in records for name, version in one["versions"].items()})
    busy = [one["load"] for one in records if "load" in one]
    words = f" Load (processes that want a core, about one being ours): up to {max(busy):.1f}." if busy else ""
    return f"{' to '.join({dates[0]: 0, dates[-1]: 0})}, {'; '.join(machines)}; {', '.join(versions)}.{words}"
