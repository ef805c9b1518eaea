"""Views of measurements by several processes: their figures are most of what a report takes.

Decides who draws what; every view is the same whoever draws it.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bayesbeam.report.assemble import FULL_DETAIL, MeasurementView, is_wrong, measurement_view
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.records import MeasurementResult
from bayesbeam.report.style import figure_style

# Measurements from which helpers are started: each takes two seconds before it draws, a measurement four.
FEWEST_SHARED = 4
# Number of the measurement, what is known of it, whether it gets all figures.
_Task = tuple[int, MeasurementResult, bool]


def measurement_views(shown: Sequence[MeasurementResult], folder: Path, processes: int = 1) -> list[MeasurementView]:
    """Views of measurements, whose figures are written into the folder of a report.

    Of more than FULL_DETAIL only those that are not reliable get all figures.

    Parameters
    ----------
    processes : int
        How many draw at once at most, this one among them.
    """
    many = len(shown) > FULL_DETAIL
    tasks = [(k, one, not many or is_wrong(one)) for k, one in enumerate(shown)]
    wanted = min(processes, len(tasks)) if len(tasks) >= FEWEST_SHARED else 1
    drawn = _drawn(tasks, folder) if wanted < 2 else _shared_out(tasks, folder, wanted)
    # The results that the caller has, not copies of them.
    return [replace(view, result=one) for view, one in zip(drawn, shown, strict=True)]


def _drawn(tasks: Sequence[_Task], folder: Path) -> list[MeasurementView]:
    """Views, one after the other; names in the page are told apart by the number of the measurement."""
    with figure_style():
        return [measurement_view(one, Gallery(folder, f"m{k + 1}f"), figures) for k, one, figures in tasks]


def _shared_out(tasks: Sequence[_Task], folder: Path, processes: int) -> list[MeasurementView]:
    """Views drawn by this process and helpers, each of every so manieth measurement."""
    found: dict[int, MeasurementView] = {}
    helpers: list[tuple[Sequence[_Task], Path, subprocess.Popen[bytes]]] = []
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".drawing") as private:
        try:
            for k in range(1, processes):
                theirs, file = tasks[k::processes], Path(private) / f"{k}"
                file.write_bytes(pickle.dumps((theirs, folder)))
                helper = subprocess.Popen([sys.executable, "-m", __name__, str(file)], stdin=subprocess.PIPE)
                helpers.append((theirs, file, helper))
            mine = tasks[::processes]
            found |= zip((k for k, _, _ in mine), _drawn(mine, folder), strict=True)
            for theirs, file, helper in helpers:
                # What a helper could not do is done here: it works, or the error is raised where it is understood.
                views = _drawn(theirs, folder) if helper.wait() else pickle.loads(file.read_bytes())
                found |= zip((k for k, _, _ in theirs), views, strict=True)
        finally:
            for _, _, helper in helpers:
                helper.terminate()
                helper.communicate()
    return [found[k] for k, _, _ in tasks]


def _help(file: Path) -> None:
    """Do the part of the work that a file says, and put the views in its place; end with who asked for it."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    tasks, folder = pickle.loads(file.read_bytes())
    file.write_bytes(pickle.dumps(_drawn(tasks, folder)))


def _end_with_caller() -> None:
    """End this process when the other end of its input is closed, as it is by the death of the caller."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    _help(Path(sys.argv[1]))
