"""Keeps the live page of a watch up to date, also while a run is at work, in a thread of its own.

Decides how often the page is made, and from which files; what it says is for ``report.live``.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bayesbeam.config.incoming_rows import LEDGER, files_in, read_ledger
from bayesbeam.io.atomic import write_text
from bayesbeam.launch.arrivals import aside_words
from bayesbeam.launch.display import printable
from bayesbeam.launch.snakemake import Order
from bayesbeam.report.live import LiveResults, Night, live_page
from bayesbeam.stages.progress import read_state
from bayesbeam.stages.report import facts_of
from bayesbeam.stages.rulebook import Rulebook

# A page of thousands of measurements takes long to make; no more than a fifth of a core goes into it.
SHARE = 0.2
LEAST_S = 2.0


@dataclass
class LivePages:
    """The live page of one campaign; a context in which it is kept up to date.

    Attributes
    ----------
    order : Order
        What is run.
    book : Rulebook
        Of the last run.
    every_s : float
        Seconds between two looks at the folder.
    trouble : str
        What keeps runs from their end, for the page.
    """

    order: Order
    book: Rulebook
    every_s: float
    trouble: str = ""
    _running: bool = False
    _began: float = 0.0
    _last: str = ""
    _said: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)
    _wanted: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Make what reads the results."""
        self._results = LiveResults(self._folder)

    @property
    def path(self) -> Path:
        """Where the page is."""
        return self._folder / "live" / "index.html"

    @property
    def _folder(self) -> Path:
        return self.order.place.workdir / self.book.folder

    def begin(self, book: Rulebook) -> None:
        """Take note that a run begins."""
        self.book, self._running, self._began = book, True, time.time()
        self._wanted.set()

    def end(self, book: Rulebook) -> None:
        """Take note that a run has ended."""
        self.book, self._running = book, False
        self._wanted.set()

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *ending: object) -> None:
        """End the thread, and make the page that stays."""
        self._ended.set()
        self._wanted.set()
        self._thread.join()
        self._running = False
        self.make(last=True)

    def make(self, last: bool = False) -> None:
        """Make the page; what cannot be read or drawn now is tried again later, and no reason to end a night."""
        try:
            text = self._text(last)
            if text != self._last:
                write_text(self.path, text)
                self._last = text
        except Exception as problem:
            words = f"The live page cannot be made: {type(problem).__name__}: {problem}"
            if words != self._said:
                self._said = words
                print(printable(words), flush=True)

    def _keep(self) -> None:
        """Make the page again and again until the watch ends."""
        while not self._ended.is_set():
            start = time.monotonic()
            self.make()
            self._wanted.wait(max(LEAST_S, (time.monotonic() - start) / SHARE))
            self._wanted.clear()

    def _text(self, last: bool) -> str:
        """Content of the page now."""
        book, campaign = self.book, self.book.campaign
        accepted = set(read_ledger(self._folder / LEDGER))
        landed = files_in(campaign.campaign.incoming, campaign.folder) if campaign.campaign.incoming else []
        found = self._results.of(facts_of(campaign), book.batches)
        night = Night(
            waiting=[f"{one.folder}/{one.name}" for one in landed if one not in accepted],
            aside=[words.removeprefix("left out ") for words in aside_words(campaign.aside)],
            running=self._running,
            jobs=self._jobs() if self._running else (),
            trouble=self.trouble,
            # After a run that went well a newer time only means that the content was the same.
            changed=self._changed() if self._running or self.trouble else frozenset(),
            now=time.strftime("%Y-%m-%d %H:%M:%S"),
            every_s=0 if last else max(2, round(self.every_s)),
        )
        report = "../report/index.html" if (self._folder / "report" / "index.html").is_file() else ""
        return live_page(facts_of(campaign), found, night, report)

    def _jobs(self) -> list[str]:
        """What running jobs say."""
        folder = self._folder / "logs" / "progress"
        states = [read_state(path) for path in sorted(folder.glob("*.json"))]
        return [f"{state.label}: {state.words}" for state in states if state is not None]

    def _changed(self) -> frozenset[str]:
        """Measurements whose file is newer than the summary of their batch."""
        changed = set()
        for batch, ids in self.book.batches.items():
            summary = _time(self._folder / "free_energy" / f"{batch}.json")
            rows = (self.book.campaign.row(name) for name in ids)
            changed |= {row.id for row in rows if row.made is None and summary < _time(row.file)}
        return frozenset(changed)


def _time(path: Path) -> float:
    """Time of change of a file, 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
