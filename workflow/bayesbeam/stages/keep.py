"""Checkpoints of a sampling job: when they are written, what stops a job, and what a stopped one is called.

A job that is killed loses what it did since its last checkpoint, at most a minute; one that is asked to end (SIGTERM,
or SIGUSR1 before a scheduler's time limit) saves first and ends with an exit code of its own.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Self

from bayesbeam.errors import StoreError
from bayesbeam.io.checkpoint import read_checkpoint, remove_checkpoint, write_checkpoint
from bayesbeam.sampling.checkpoint import Saved
from bayesbeam.stages.command import EXIT_TERMINATED

# With blocks of at most ten seconds and a save of a few, no more than a minute is ever lost.
EVERY_S = 45.0
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
# The environment variable that names the folder of draws that campaigns share.
CACHE_VARIABLE = "BAYESBEAM_CACHE"
# Whoever signals a whole process group may reach a job twice for one wish.
SAME_WISH_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a script that say how a sampling job runs."""
    parser.add_argument("--progress", type=Path, help="JSON file that says how far the job is")
    parser.add_argument("--threads", type=int, default=1, help="threads to use; changes no number")
    meaning = f"least time between checkpoints (default {EVERY_S:g})"
    parser.add_argument("--checkpoint-every", type=float, default=EVERY_S, metavar="SECONDS", help=meaning)


def never() -> bool:
    """Nobody asks to stop."""
    return False


def say(text: str) -> None:
    """Write a line into the log of a job."""
    with suppress(OSError):  # a job does not fail because its log cannot be written
        print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Running:
    """How a sampling job runs; nothing here changes a number.

    Attributes
    ----------
    every_s : float
        Least time between two checkpoints, seconds.
    stop : callable
        Whether the job was asked to stop.
    threads : int
        Threads it may use.
    cache : Path or None
        Folder of records that campaigns share.
    """

    every_s: float = EVERY_S
    stop: Callable[[], bool] = never
    threads: int = 1
    cache: Path | None = None


ALONE = Running()


class FileKeeper:
    """Keeps the state of one run in a file, see :class:`bayesbeam.sampling.checkpoint.Keeper`.

    Parameters
    ----------
    path : Path
        The file; its folder exists or can be made.
    key : str
        Hash of everything that can change the draws; a checkpoint of another key is not used.
    running : Running
        How often, and who may ask to stop.
    tell : callable
        Receives a line where a checkpoint cannot be used or written.
    """

    def __init__(self, path: Path, key: str, running: Running = ALONE, tell: Callable[[str], None] = say) -> None:
        self._path, self._key, self._running, self._tell = path, key, running, tell
        self._saved_at = time.monotonic()
        self._began = (time.monotonic(), time.process_time())
        self._before = (0.0, 0.0)

    @property
    def spent(self) -> tuple[float, float]:
        """Wall and CPU seconds of this run so far, those before the checkpoint it went on from included."""
        now = (time.monotonic(), time.process_time())
        wall, cpu = (before + b - a for before, a, b in zip(self._before, self._began, now, strict=True))
        return wall, cpu

    def load(self) -> Saved | None:
        """Return the state of an earlier start of this run; None if there is none of use, for whatever reason."""
        if not self._path.exists():
            return None
        try:
            arrays, facts = read_checkpoint(self._path, self._key)
            wall, cpu = facts.pop("spent")
            self._before = (float(wall), float(cpu))
            saved = Saved(arrays, facts.pop("facts"))
        except StoreError as problem:
            self._tell(str(problem))
            return None
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            self._tell(f"{self._path}: cannot be read ({problem}); the job starts anew.")
            return None
        self._tell(f"Going on from the checkpoint {self._path}.")
        return saved

    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved_at >= self._running.every_s

    def save(self, saved: Saved) -> None:
        """Keep a state; a run goes on without where that is not possible."""
        facts: dict[str, Any] = {"facts": dict(saved.facts), "spent": list(self.spent)}
        try:
            write_checkpoint(self._path, self._key, saved.arrays, facts)
        except StoreError as problem:
            self._tell(f"No checkpoint: {problem}")
        self._saved_at = time.monotonic()

    def stop_asked(self) -> bool:
        """Whether the job was asked to stop."""
        return self._running.stop()

    def remove(self) -> None:
        """Remove the file: the run has come to its end."""
        remove_checkpoint(self._path)


class StopRequest:
    """Takes SIGTERM and SIGUSR1 as the wish to stop at a checkpoint; a SIGTERM some time later ends the job at once."""

    def __init__(self) -> None:
        self._asked_at: float | None = None

    def __call__(self) -> bool:
        """Whether the job was asked to stop."""
        return self._asked_at is not None

    def __enter__(self) -> Self:
        """Listen for the length of a block."""
        self._others = {number: signal.signal(number, self._take) for number in SIGNALS}
        return self

    def __exit__(self, *ending: object) -> None:
        """Leave the signals to whoever had them before."""
        for number, handler in self._others.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        """Remember the first signal; leave at a later SIGTERM through every ``finally``."""
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif number == signal.SIGTERM and now - self._asked_at > SAME_WISH_S:
            sys.exit(EXIT_TERMINATED)
