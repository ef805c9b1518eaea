"""Files that arrive in the folders of a campaign: which are complete, and which of them the next run takes.

Decides when a file is complete. Plain looks at the folder, since network file systems tell nobody of new files.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bayesbeam.config.incoming import Incoming
from bayesbeam.config.incoming_rows import LEDGER, Arrived, files_in, ledger_text, read_ledger
from bayesbeam.config.outline import outline_campaign
from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.errors import ConfigError, Problem
from bayesbeam.io.atomic import write_text
from bayesbeam.launch.display import printable
from bayesbeam.launch.snakemake import Order
from bayesbeam.stages.rulebook import Rulebook

EVERY_S = 3.0
_Mark = tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """What a look at the folders found: complete files, those that may still be written, marks of both."""

    complete: tuple[Arrived, ...]
    waiting: tuple[Arrived, ...]
    marks: dict[Arrived, _Mark]


class Observer:
    """Looks at the folders and remembers when each file was first seen as it is.

    A file is complete when its own time of change is long enough ago, or when it was long enough seen unchanged, by
    the clock of this machine: that of a file server may be another.

    Parameters
    ----------
    incoming : sequence of Incoming
        The campaign's folders.
    folder : Path
        The campaign's own.
    clock, now : callable
        Seconds: one that is never set, and that of the files.
    """

    def __init__(
        self, incoming: Sequence[Incoming], folder: Path, clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._incoming, self._folder, self._clock, self._now = incoming, folder, clock, now
        self._since: dict[Arrived, tuple[_Mark, float]] = {}
        self._wanted = {one.folder: one.unchanged_s for one in incoming}

    def look(self) -> Seen:
        """Return what is there now.

        Raises
        ------
        StoreError
            If a folder is not there.
        """
        clock, now = self._clock(), self._now()
        before, self._since = self._since, {}
        complete: list[Arrived] = []
        waiting: list[Arrived] = []
        marks: dict[Arrived, _Mark] = {}
        for file in files_in(self._incoming, self._folder):
            mark = _mark(self._folder / file.folder / file.name)
            if mark is None:
                continue
            earlier = before.get(file)
            since = earlier[1] if earlier is not None and earlier[0] == mark else clock
            self._since[file] = (mark, since)
            marks[file] = mark
            needed = self._wanted[file.folder]
            done = now - mark[1] / 1e9 >= needed or clock - since >= needed > 0
            (complete if done else waiting).append(file)
        return Seen(tuple(complete), tuple(waiting), marks)

    @property
    def patience_s(self) -> float:
        """Longest time that a file must be unchanged, seconds."""
        return max(self._wanted.values(), default=0.0)


def observer_of(book: Rulebook) -> Observer:
    """Observer of the folders of a campaign."""
    return Observer(book.campaign.campaign.incoming, book.campaign.folder)


def take(order: Order, book: Rulebook, files: Sequence[Arrived]) -> Rulebook:
    """Write which files the next run takes, and return the rulebook with them.

    Files that an earlier run took stay in their order as long as they are there, whether or not they change.
    """
    if not book.campaign.campaign.incoming:
        return Rulebook(order.campaign, order.place.results, order.place.workdir)
    path = order.place.workdir / book.folder / LEDGER
    before = read_ledger(path)
    there = set(files)
    kept = [one for one in before if one in there]
    known = set(kept)
    odd = [one for one in files if not f"{one.folder}{one.name}".isprintable()]
    table = kept + [one for one in files if one not in known and one not in odd]
    text = ledger_text(table)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
        for one in odd:
            print(printable(f"left out {one.folder}/{one.name!r}: a name with control characters. Rename the file."))
    return Rulebook(order.campaign, order.place.results, order.place.workdir)


def take_complete(order: Order, book: Rulebook) -> Rulebook:
    """Take what is complete now, having waited once for files that may still be written; say what is left out.

    Raises
    ------
    ConfigError
        If there is no measurement yet.
    StoreError
        If a folder is not there.
    """
    if not book.campaign.campaign.incoming:
        return book
    observer = observer_of(book)
    seen = observer.look()
    known = set(read_ledger(order.place.workdir / book.folder / LEDGER))
    if set(seen.waiting) - known:
        print(f"{_counted(len(set(seen.waiting) - known))} may still be written: looking again in "
              f"{observer.patience_s:g} s.", flush=True)  # fmt: skip
        time.sleep(observer.patience_s)
        seen = observer.look()
    new = takes(seen, known)
    book = take(order, book, new)
    left = [one for one in seen.waiting if one not in known]
    for line in (*aside_words(book.campaign.aside), *(f"not complete yet: {one.folder}/{one.name}" for one in left)):
        print(printable(line), flush=True)
    if not book.campaign.sheet:
        places = ", ".join(one.folder for one in book.campaign.campaign.incoming)
        remedy = "Run again when a file has landed, or let `bayesbeam watch` wait for it."
        raise ConfigError.at(places, "no measurement yet", "at least one complete file", remedy)
    return book


def takes(seen: Seen, known: set[Arrived]) -> list[Arrived]:
    """Files for the next run: complete ones, and those that were taken before and are there, though they change."""
    return [*seen.complete, *(one for one in seen.waiting if one in known)]


def there(order: Order, book: Rulebook) -> tuple[tuple[MeasurementRow, ...], list[str]]:
    """Return the rows of a campaign with all files that are in its folders, and a line for each that makes none."""
    campaign = outline_campaign(order.campaign) if book.campaign.campaign.incoming else book.campaign
    return campaign.sheet, aside_words(campaign.aside)


def aside_words(aside: Sequence[Problem]) -> list[str]:
    """Return a line for each file that was left out."""
    return [f"left out {problem}" for problem in aside]


def _counted(number: int) -> str:
    """Number of files in words."""
    return "1 file" if number == 1 else f"{number} files"


def _mark(path: Path) -> _Mark | None:
    """Size and time of change of a file, None where it has just gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``bayesbeam watch``."""
    parser.add_argument("--every", type=float, default=EVERY_S, metavar="SECONDS", help="time between two looks")
    meaning = "end when nothing has changed for so long (default: go on until Ctrl-C)"
    parser.add_argument("--until-idle", type=float, metavar="SECONDS", help=meaning)
