"""Views of measurements by several processes: their figures are most of what a report takes.

Decides who draws what; every view is the same whoever draws it.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from bayesbeam.report.assemble import FULL_DETAIL, MeasurementView, is_wrong, measurement_view
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.records import MeasurementResult
from bayesbeam.report.style import figure_style

# Measurements from which helpers are started: each takes two seconds before it draws, a measurement four.
FEWEST_SHARED = 4
# Number of the measurement, what is known of it, whether it gets figures, and whether only of candidates in question.
_Task = tuple[int, MeasurementResult, bool, bool]


def measurement_views(
    shown: Sequence[MeasurementResult], folder: Path, processes: int = 1, brief: bool = False
) -> list[MeasurementView]:
    """Views of measurements, whose figures are written into the folder of a report.

    Of more than FULL_DETAIL only those that are not reliable get all figures.

    Parameters
    ----------
    processes : int
        How many draw at once at most, this one among them.
    brief : bool
        Whether candidates that are not in question get no figures.
    """
    many = len(shown) > FULL_DETAIL
    tasks = [(k, one, not many or is_wrong(one), brief) for k, one in enumerate(shown)]
    wanted = min(processes, len(tasks)) if len(tasks) >= FEWEST_SHARED else 1
    drawn = _drawn(tasks, folder) if wanted < 2 else _shared_out(tasks, folder, wanted)
    # The results that the caller has, not copies of them.
    return [replace(view, result=one) for view, one in zip(drawn, shown, strict=True)]


def _drawn(tasks: Sequence[_Task], folder: Path) -> list[MeasurementView]:
    """Views, one after the other; names in the page are told apart by the number of the measurement."""
    with figure_style():
        return [measurement_view(one, Gallery(folder, f"m{k + 1}f"), *how) for k, one, *how in tasks]


def _shared_out(tasks: Sequence[_Task], folder: Path, processes: int) -> list[MeasurementView]:
    """Views drawn by this process and helpers, each of every so manieth measurement."""
    found: dict[int, MeasurementView] = {}
    helpers: list[tuple[Sequence[_Task], Connection, SpawnProcess]] = []
    # Not forked from this process, which may have threads.
    context = multiprocessing.get_context("spawn")
    try:
        for k in range(1, processes):
            here, there = context.Pipe()
            helper = context.Process(target=_help, args=(there,), daemon=True)
            helper.start()
            there.close()
            helpers.append((tasks[k::processes], here, helper))
            # A helper that is still starting does not read: nobody waits for it.
            threading.Thread(target=_send, args=(here, (tasks[k::processes], folder)), daemon=True).start()
        mine = tasks[::processes]
        found |= zip((k for k, *_ in mine), _drawn(mine, folder), strict=True)
        for theirs, here, _ in helpers:
            # What a helper could not do is done here: it works, or the error is raised where it is understood.
            views = _received(here) or _drawn(theirs, folder)
            found |= zip((k for k, *_ in theirs), views, strict=True)
    finally:
        for _, here, helper in helpers:
            helper.terminate()
            helper.join()
            here.close()
    return [found[k] for k, *_ in tasks]


def _send(here: Connection, work: tuple[Sequence[_Task], Path]) -> None:
    """Tell a helper what to do, unless it has ended."""
    with suppress(OSError):
        here.send(work)


def _received(here: Connection) -> list[MeasurementView]:
    """Views that a helper has drawn, none if it has ended without."""
    try:
        views: list[MeasurementView] = here.recv()
    except (EOFError, OSError):
        return []
    return views


def _help(there: Connection) -> None:
    """Do what the caller says and send the views; end with the caller."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    tasks, folder = there.recv()
    there.send(_drawn(tasks, folder))


def _end_with_caller() -> None:
    """End this process when its parent has ended, in whatever way."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
