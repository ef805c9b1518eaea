"""Runs the benchmark, whole or in pieces: ``python -m bench --help``."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import linear_parameters, phase_scaling, phase_search, pieces, results
from bench.contenders import ALL, OURS
from bench.problem import GOLD
from bench.store import FOLDER, Store

PIECES = ("rows", "single", "many", "gpu", "supports", "linear", "phases", "scaling", "peers")


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("piece", choices=(*PIECES, "all", "table"), help="what to measure; table: only print")
    parser.add_argument("--seeds", type=int, default=20, help="runs of each contender and number of peaks")
    parser.add_argument("--peaks", type=_counts, help="numbers of peaks, 1,2,3; all that a piece has if left out")
    parser.add_argument("--spectra", type=int, default=64, help="spectra of the piece many")
    parser.add_argument("--mixtures", type=int, default=200, help="of the pieces phases and scaling")
    parser.add_argument("--candidates", type=int, default=100, help="of the piece phases; above 175 decoys")
    parser.add_argument("--threads", type=int, default=1, help="of the pieces phases and scaling")
    parser.add_argument("--removed", action="store_true", help="of the piece phases: one phase is no candidate")
    parser.add_argument("--estimate", action="store_true", help="of the piece phases: error of the model estimated")
    parser.add_argument("--batch", type=int, default=64, help="spectra in one target")
    parser.add_argument("--contenders", type=_names, help="of single and peers, by name: " + ",".join(_known()))
    parser.add_argument("--peers-python", default=sys.executable, help="a Python with the peers; this one if left out")
    parser.add_argument("--limit", type=float, default=3600.0, metavar="SECONDS", help="after which a call is given up")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results are kept")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md from all that is kept")
    asked = parser.parse_args(words)
    found = shutil.which(asked.peers_python)
    if found is None:
        parser.error(f"--peers-python: there is no program {asked.peers_python}; expected a Python. Correct the path.")
    # Not resolved further: the links of a virtual environment say which one it is.
    asked.peers_python = str(Path(found).absolute())
    if min(asked.seeds, asked.spectra, asked.batch, asked.mixtures, asked.candidates, asked.threads) < 1:
        words = "--seeds, --spectra, --batch, --mixtures, --candidates, --threads"
        parser.error(f"{words}: a number below 1; expected 1 or more. Leave it out for the default.")
    return asked


def main(words: Sequence[str] | None = None) -> None:
    """Run pieces and print their tables."""
    asked = arguments(words)
    chosen = [one for one in ALL if asked.contenders is None or one.name in asked.contenders]
    for piece in PIECES:
        if asked.piece not in (piece, "all", "table"):
            continue
        if asked.piece != "table":
            plan = plan_of(asked, piece)
            if piece == "linear":
                linear_parameters.run(asked.seeds, plan.folder)
            elif piece == "phases":
                phase_search.run(
                    asked.mixtures, asked.candidates, asked.removed, asked.threads, plan.folder, asked.estimate
                )
            elif piece == "scaling":
                phase_scaling.run(asked.mixtures, asked.threads, plan.folder)
            elif piece in ("single", "peers"):
                pieces.free_energies(piece, chosen if piece == "peers" else (OURS,), plan)
            else:
                makers = {"rows": pieces.rows, "many": pieces.many, "gpu": pieces.gpu, "supports": pieces.supports}
                makers[piece](plan)
        if text := results.text_of(piece, asked.folder):
            print(f"\n{text}\n")
    if asked.write:
        path = pieces.HERE / "RESULTS.md"
        path.write_text(results.page(asked.folder), encoding="utf-8")
        if Store("scaling", asked.folder).records():
            phase_scaling.keep(asked.folder)
        print(f"written: {path}")


def plan_of(asked: argparse.Namespace, piece: str) -> pieces.Plan:
    """Plan of a piece."""
    peaks = asked.peaks or (tuple(GOLD)[:4] if piece == "many" else tuple(GOLD))
    return pieces.Plan(
        asked.seeds, peaks, asked.spectra, asked.batch, asked.peers_python, asked.limit, asked.folder.resolve()
    )


def _known() -> list[str]:
    return [one.name for one in ALL]


def _names(text: str) -> tuple[str, ...]:
    """Names of contenders from the command line."""
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(_known())):
        raise argparse.ArgumentTypeError(f"unknown {', '.join(unknown)}; expected some of {', '.join(_known())}")
    return names


def _counts(text: str) -> tuple[int, ...]:
    """Numbers of peaks from the command line."""
    try:
        counts = tuple(int(word) for word in text.split(","))
    except ValueError:
        counts = ()
    if not counts or not set(counts) <= set(GOLD):
        raise argparse.ArgumentTypeError(f"{text!r}; expected some of 1,2,3,4,5")
    return counts


if __name__ == "__main__":
    main()
