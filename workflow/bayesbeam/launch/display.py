"""Progress on a terminal (one line, rewritten) or in a log (plain lines, now and then).

Decides what is shown and how often.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bayesbeam.launch.watch import Run
from bayesbeam.stages.progress import State, clock, read_state

if TYPE_CHECKING:
    from bayesbeam.launch.record import Stand

PLAIN_EVERY_S = 15.0


def printable(text: str) -> str:
    """Return text without control characters: names and reasons may come from data files."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)


class Display:
    """Shows a run.

    Parameters
    ----------
    stream : text stream
        Terminal or log.
    folder : Path
        Where running jobs say how far they are.
    """

    def __init__(self, stream: TextIO, folder: Path) -> None:
        self._stream = stream
        self._folder = folder
        self._start = self._plain_at = time.monotonic()
        self._terminal = stream.isatty()

    def line(self, text: str) -> None:
        """Write a line that stays."""
        erase = "\r\033[K" if self._terminal else ""
        print(f"{erase}{printable(text)}", file=self._stream, flush=True)
        self._plain_at = time.monotonic()

    def finished(self, run: Run, words: str) -> None:
        """Write that a job is done."""
        width = len(str(run.total))
        self.line(f"[{run.done:{width}d}/{run.total}] {self.elapsed()}  {words}")

    def status(self, run: Run, stand: Stand | None = None) -> None:
        """Show how far the run is."""
        if self._terminal:
            text = printable(self._words(run, stand))[: shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{text}", end="", file=self._stream, flush=True)
        elif time.monotonic() - self._plain_at >= PLAIN_EVERY_S:
            self.line(self._words(run, stand))

    def end(self) -> None:
        """Clear the line that was rewritten."""
        if self._terminal:
            print("\r\033[K", end="", file=self._stream, flush=True)

    def elapsed(self) -> str:
        """Return the time since the start, in words."""
        return clock(time.monotonic() - self._start)

    def _words(self, run: Run, stand: Stand | None) -> str:
        """One line: steps, time, how the run stands, and the job that has most of its work before it."""
        steps = f"[{run.done}/{run.total}]" if run.total else "[planning]"
        running = list(run.running.values())
        states = self._states()
        if states:
            slowest = min(states, key=lambda state: state.done / max(state.total, 1.0))
            others = len(running) - 1
            detail = f"{slowest.label}: {slowest.words}" + (f"  (and {others} more)" if others > 0 else "")
        else:
            detail = "; ".join(running)
        known = f"{stand.words}  " if stand is not None and run.total else ""
        return f"{steps} {self.elapsed()}  {known}{detail}"

    def _states(self) -> list[State]:
        """What running jobs say."""
        return [state for path in sorted(self._folder.glob("*.json")) if (state := read_state(path)) is not None]
