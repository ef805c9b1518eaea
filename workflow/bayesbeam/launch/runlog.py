"""The run log: what happened in a campaign's runs, one JSON object a line, for programs.

Decides how lines are written and read back; what they say is decided by ``record``. Columns: docs/run_log.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

NAME = "run.jsonl"
Entry = dict[str, Any]


class RunLog:
    """Appends lines to the run log of a campaign; a run never fails because they cannot be written.

    Parameters
    ----------
    path : Path
        The file; a line that was cut off by a kill is ended first.
    run : str
        What all lines of this run have in common under ``run``.
    """

    def __init__(self, path: Path, run: str) -> None:
        self._run = run
        self._descriptor = -1
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            size = os.lseek(self._descriptor, 0, os.SEEK_END)
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")

    def write(self, event: str, **facts: Any) -> None:
        """Append one line, in one piece."""
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "run": self._run,
            "event": event,
            **facts,
        }
        if self._descriptor >= 0:
            with suppress(OSError):
                os.write(self._descriptor, json.dumps(entry, allow_nan=False).encode() + b"\n")

    def __enter__(self) -> Self:
        """Write for the length of a block."""
        return self

    def __exit__(self, *ending: object) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_run_log(path: Path) -> Iterator[Entry]:
    """Return the entries of a run log, in their order; none where there is no file.

    What is no whole JSON object is left out: of a run that was killed, or is just writing, the last line may be half.
    """
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except OSError:
        return
    with file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "event" in entry:
                yield entry


def last_run(path: Path) -> list[Entry]:
    """Return the entries of the last run."""
    found: list[Entry] = []
    for entry in read_run_log(path):
        if found and entry.get("run") != found[0].get("run"):
            found = []
        found.append(entry)
    return found
