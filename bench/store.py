"""Results as they come, one JSON line each, so that a benchmark that was stopped goes on where it was.

A result belongs to the code that made it: where that changes, or a package's version, it is measured again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.crew import ROOT

Record = dict[str, Any]
FOLDER = ROOT / "results" / "bench"


def code_key(*words: Path | str) -> str:
    """Hash of files, of all Python files of folders, and of words."""
    digest = hashlib.sha256()
    for word in words:
        files = sorted(word.rglob("*.py")) if isinstance(word, Path) and word.is_dir() else [word]
        for one in files:
            digest.update(one.read_bytes() if isinstance(one, Path) else one.encode())
    return digest.hexdigest()[:12]


class Store:
    """Results of one piece of the benchmark, in one file."""

    def __init__(self, piece: str, folder: Path = FOLDER) -> None:
        self.path = folder / f"{piece}.jsonl"

    def add(self, record: Record) -> None:
        """Add a result, with the date."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"date": datetime.now(UTC).strftime("%Y-%m-%d"), **record})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> list[Record]:
        """All results; a line cut short by a kill is passed over."""
        return list(self._read())

    def done(self, record: Record) -> bool:
        """Whether there is a result, not a failure, that agrees with all that is given."""
        return any("value" in one and record.items() <= one.items() for one in self._read())

    def latest(self, same: Sequence[str]) -> list[Record]:
        """Results of the newest code: of those that agree in the words ``same``, all that have the key of the last."""
        newest = {tuple(one.get(word) for word in same): one["key"] for one in self._read()}
        return [one for one in self._read() if one["key"] == newest[tuple(one.get(word) for word in same)]]

    def _read(self) -> Iterator[Record]:
        if not self.path.is_file():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue
