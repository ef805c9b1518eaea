"""``bayesbeam watch``: looks at the folders of a campaign, runs it when something new is complete, keeps a live page.

Decides when to run again and when to end. Runs are those of ``bayesbeam run``: one results folder, one lock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bayesbeam.config.incoming_rows import LEDGER, Arrived, read_ledger
from bayesbeam.errors import BayesbeamError
from bayesbeam.launch.arrivals import Observer, Seen, aside_words, observer_of, take, takes
from bayesbeam.launch.display import printable
from bayesbeam.launch.live_pages import LivePages
from bayesbeam.launch.lock import RunLock
from bayesbeam.launch.snakemake import Order
from bayesbeam.stages.command import EXIT_STOPPED
from bayesbeam.stages.rulebook import Rulebook

RETRY_S = 300.0
EXIT_FAILED, EXIT_REFUSED, EXIT_INTERRUPTED = 1, 3, 130
Run = Callable[[RunLock, Order, Rulebook], int]
_Marks = dict[Path, tuple[int, int] | None]


@dataclass
class Watch:
    """State of a watch.

    Attributes
    ----------
    order, book : Order, Rulebook
        What is run; the rulebook is made anew for every run.
    run : callable
        Makes one run and returns its exit code.
    pages : LivePages
        The live page.
    code : int
        Exit code of the last run.
    """

    order: Order
    book: Rulebook
    run: Run
    pages: LivePages
    code: int = 0
    _taken: set[Arrived] | None = None
    _marks: _Marks = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _failed_at: float = 0.0
    _observer: Observer | None = None

    def round(self, lock: RunLock) -> bool:
        """Look once, and run if there is something new; return whether there was."""
        campaign = self.book.campaign
        try:
            self._observer = self._observer or observer_of(self.book)
            seen = self._observer.look() if campaign.campaign.incoming else Seen((), (), {})
            wanted = takes(seen, set(read_ledger(self.order.place.workdir / self.book.folder / LEDGER)))
            marks = self._marks_now(seen)
            again = self.code == EXIT_FAILED and time.monotonic() - self._failed_at > RETRY_S
            if set(wanted) == self._taken and marks == self._marks and not again:
                return False
            self._taken, self._marks = set(wanted), marks
            self.book = take(self.order, self.book, wanted)
            if self.book.campaign.campaign.incoming != campaign.campaign.incoming:
                self._observer = None
            self._marks = self._marks_now(seen)
        except BayesbeamError as problem:
            self._say([f"{problem}\nWatching on: this is looked at again when something changes."])
            self.pages.trouble = str(problem)
            return False
        self._say(aside_words(self.book.campaign.aside))
        if self.book.campaign.sheet:
            self._run(lock)
        return True

    def _run(self, lock: RunLock) -> None:
        """Make one run."""
        print(f"{time.strftime('%H:%M:%S')}  {len(self.book.campaign.sheet)} measurements", flush=True)
        self.pages.begin(self.book)
        trouble = ""
        try:
            self.code = self.run(lock, self.order, self.book)
        except (BayesbeamError, OSError) as problem:
            # A disk that is full or away, a lock of somebody else: it may be over in a while.
            self.code, trouble = EXIT_FAILED, str(problem)
            print(printable(trouble), flush=True)
        finally:
            lock.record(os.getpid())
            self.pages.end(self.book)
        self.pages.trouble = trouble
        if self.code == EXIT_FAILED:
            self._failed_at = time.monotonic()
            where = self.order.place.workdir / self.book.path("logs", "run.log")
            self.pages.trouble = trouble or f"The last run did not finish, see {where}. The next one tries again."
            print(f"Tried again at the next new file, or in {RETRY_S / 60:.0f} minutes.", flush=True)

    def _say(self, lines: Iterable[str]) -> None:
        """Print what was not printed before: the same trouble is told once."""
        for line in lines:
            if line not in self._said:
                self._said.add(line)
                print(printable(line), flush=True)

    def _marks_now(self, seen: Seen) -> _Marks:
        """Size and time of change of all files that decide the results; those still being written are as they were."""
        campaign = self.book.campaign
        busy = {(campaign.folder / one.folder / one.name).resolve() for one in seen.waiting}
        own = (self.order.campaign, campaign.folder / campaign.campaign.measurements)
        data = (file for row in campaign.sheet for file in (row.file, *row.beside) if row.made is None)
        return {path: self._marks.get(path) if path in busy else _mark(path) for path in dict.fromkeys((*own, *data))}


def watch(lock: RunLock, order: Order, book: Rulebook, run: Run, every_s: float, until_idle_s: float | None) -> int:
    """Look, run and look again until Ctrl-C, or until nothing has changed for some time.

    Parameters
    ----------
    lock : RunLock
        Held all the time, so that no other run starts in between.
    order, book : Order, Rulebook
        What to run.
    run : callable
        Makes one run and returns its exit code, as ``watched_run`` does.
    every_s : float
        Seconds between two looks.
    until_idle_s : float or None
        Seconds without a change after which the watch ends.

    Returns
    -------
    int
        Exit code of the last run; 3 where some measurements were refused or files left out.
    """
    places = (
        ", ".join(dict.fromkeys(one.folder for one in book.campaign.campaign.incoming)) or "the campaign and its sheet"
    )
    pages = LivePages(order, book, every_s)
    state = Watch(order, book, run, pages)
    print(f"{book.campaign.campaign.campaign}: watching {places}. Ctrl-C ends it.\nLive page: {pages.path}", flush=True)
    try:
        with pages:
            last = time.monotonic()
            while True:
                if state.round(lock):
                    last = time.monotonic()
                if state.code in (EXIT_STOPPED, EXIT_INTERRUPTED):
                    return state.code
                if until_idle_s is not None and time.monotonic() - last >= until_idle_s:
                    print("Nothing new: the watch ends.", flush=True)
                    break
                time.sleep(every_s)
    except KeyboardInterrupt:
        print("\nThe watch ends. Started again, it goes on from here.", flush=True)
    return EXIT_REFUSED if state.code == 0 and state.book.campaign.aside else state.code


def _mark(path: Path) -> tuple[int, int] | None:
    """Size and time of change of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
