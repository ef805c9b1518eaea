"""How far a long job is: a small JSON file for whoever watches, and now and then a line in the job's log.

Decides how often and in what words; the sampler only says how far it is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, TextIO

FILE_EVERY_S = 1.0
LINE_EVERY_S = 10.0


@dataclass(frozen=True)
class State:
    """How far a job is: ``done`` of ``total`` units of work, and where it stands."""

    done: float
    total: float
    free_energy: float | None = None
    standard_error: float | None = None
    seconds_left: float | None = None
    text: str = ""
    label: str = ""

    @property
    def words(self) -> str:
        """One line, e.g. ``1200 of at most 4000 sweeps, F = 12.3 +- 0.2, about 0:35 left``."""
        parts = [f"{self.done:.0f} of at most {self.total:.0f} sweeps", self.text]
        if self.free_energy is not None:
            error = "" if self.standard_error is None else f" +- {self.standard_error:.2f}"
            parts.append(f"F = {self.free_energy:.2f}{error}")
        if self.seconds_left is not None:
            parts.append(f"about {clock(self.seconds_left)} left")
        return ", ".join(part for part in parts if part)


class Progress:
    """Receives how far a job is, at any rate, and passes it on at a modest one.

    Parameters
    ----------
    path : Path or None
        JSON file to keep up to date; no file if None.
    label : str
        What the job is, in a few words.
    target : float or None
        Standard error at which the sampler will stop; gives the time left.
    stream : text stream
        Log of the job.
    """

    def __init__(
        self, path: Path | None, label: str = "", target: float | None = None, stream: TextIO | None = None
    ) -> None:
        self._path = path
        self._label = label
        self._target = target
        self._stream = stream if stream is not None else sys.stderr
        self._file_at = self._line_at = time.monotonic()
        self._first: tuple[float, float] | None = None

    def __call__(
        self,
        done: float,
        total: float,
        free_energy: float | None = None,
        standard_error: float | None = None,
        text: str = "",
    ) -> None:
        """Take note that ``done`` of ``total`` sweeps are finished; ``free_energy`` is the estimate so far, in nats."""
        now = time.monotonic()
        left = self._seconds_left(now, done, total, standard_error)
        state = State(done, total, free_energy, standard_error, left, text, self._label)
        if now - self._file_at >= FILE_EVERY_S:
            self._file_at = now
            self._write(state)
        if now - self._line_at >= LINE_EVERY_S:
            self._line_at = now
            print(state.words, file=self._stream, flush=True)

    def _seconds_left(self, now: float, done: float, total: float, standard_error: float | None) -> float | None:
        """Time to the target at the speed so far, for errors fall as one over the root of the sweeps."""
        if done <= 0 or self._first is None or done < self._first[1]:
            self._first = (now, done)
            return None
        start, before = self._first
        if self._target is None or standard_error is None or standard_error <= self._target or done == before:
            return None
        needed = min(total, done * (standard_error / self._target) ** 2)
        return (needed - done) * (now - start) / (done - before)

    def __enter__(self) -> Self:
        """Watch a job for the length of a block."""
        return self

    def __exit__(self, *ending: object) -> None:
        """Remove the file: the job is over."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _write(self, state: State) -> None:
        """Replace the file; a job never fails because nobody can watch it."""
        if self._path is None:
            return
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps({**asdict(state), "pid": os.getpid()}), encoding="utf-8")
            temporary.replace(self._path)


def read_state(path: Path) -> State | None:
    """Return what a job last said, or nothing where there is no such file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values.pop("pid", None)
        return State(**values)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def clock(seconds: float) -> str:
    """Duration as minutes and seconds, with hours if there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
