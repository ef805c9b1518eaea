"""How a run ended, in words: what was processed, refused and doubtful, and what the disk has to do with a failure.

Decides the words only.
"""

from __future__ import annotations

import shlex
import shutil
from collections import deque
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from bayesbeam.launch.answers import WORTH_NAMING
from bayesbeam.launch.display import printable
from bayesbeam.stages.rulebook import Rulebook

MOST_NAMED = 20
# Below this a disk is called full: less than what a few results of a small campaign take.
FULL_BYTES = 2**20
_KEPT_LINES = 60
_FULL = ("No space left on device", "Disk quota exceeded")
_LOCKED = ("Read-only file system", "Permission denied", "Operation not permitted")


class Said:
    """All that Snakemake says, in a file as long as there is room for it, and the last of it in memory.

    Parameters
    ----------
    path : Path
        The file; text is added to it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)

    def write(self, text: str) -> None:
        """Keep a line; a run never fails because its log cannot be written."""
        self._last.append(text)
        with suppress(OSError):
            self._file.write(text.encode("utf-8", "replace"))

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._file.close()

    @property
    def last(self) -> str:
        """The last lines."""
        return "".join(self._last)


def disk_words(folder: Path, said: str) -> str:
    """What is wrong with the disk of a results folder, as far as it explains a failure; empty where nothing is.

    Parameters
    ----------
    said : str
        The last words of Snakemake and of the jobs that failed.
    """
    remedy = "run again: it goes on from where it was."
    if not folder.is_dir():
        found = "the folder is gone"
        return f"{folder}: {found}; expected the results of this run. Bring its disk back and {remedy}"
    free = shutil.disk_usage(folder).free
    if free < FULL_BYTES or any(words in said for words in _FULL):
        found, expected = f"the disk is full, {free / 2**20:.1f} MiB are free", "room for results"
        return f"{folder}: {found}; expected {expected}. Free some space on it and {remedy}"
    if any(words in said for words in _LOCKED):
        found = next(words for words in _LOCKED if words in said)
        named = next((line.strip() for line in said.splitlines() if found in line), "")
        return f"{folder}: something in it cannot be written ({named[:300]}). Change its permissions and {remedy}"
    return ""


def killed_words(book: Rulebook, command: str) -> str:
    """What is said of a job that SIGKILL ended, with the memory that was predicted for it.

    Parameters
    ----------
    command : str
        What the job was started by.
    """
    words = shlex.split(command)
    given = {word: value for word, value in pairwise(words) if word.startswith("--")}
    tag, batch, group = (given.get(f"--{name}", "") for name in ("tag", "batch", "group"))
    memory = ""
    if tag in book.tags.get(batch, {}):
        memory = f" It asks for {book.sample_mb(tag, book.tags[batch][tag])} MB."
    elif group in book.groups and tag in book.group_tags(group):
        memory = f" It asks for {book.group_mb(group, tag)} MB."
    free = psutil.virtual_memory().available / 10**6
    return (
        f"It was killed (SIGKILL): by hand, or because memory ran out.{memory} {free:.0f} MB are free now. "
        "Run again: it goes on from its last checkpoint. If it is killed once more, use fewer cores (CORES=1), "
        "so that less runs at a time, or a smaller sampling.batch."
    )


def summary_words(book: Rulebook, root: Path, summaries: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """Return how many measurements were processed, refused and doubtful, by name, and whether any was refused."""
    refused = [entry for summary in summaries for entry in summary["refused"]]
    records = [record for summary in summaries for record in summary["records"]]
    done = {record["measurement"] for record in records}
    without = list(dict.fromkeys(entry["measurement"] for entry in refused if entry["measurement"] not in done))
    best: dict[str, float] = {}
    for one in records:
        best[one["measurement"]] = max(best.get(one["measurement"], 0.0), one["model_probability"] or 0.0)
    partly = {entry["measurement"] for entry in refused} & done
    unsure = (one for one in records if one["verdict"] != "reliable")
    doubtful = list(dict.fromkeys(one["measurement"] for one in unsure if _in_the_running(one, best)))
    lines = [f"{len(done) + len(without)} measurements: {len(done)} processed, {len(without)} refused"]
    lines[0] += f", {len(partly)} with a candidate refused" if partly else ""
    lines[0] += f"; {len(doubtful)} not reliable." if doubtful else "."
    for entry in refused[:MOST_NAMED]:
        candidate = f" ({entry['tag']})" if entry.get("tag") else ""
        lines.append(f"refused {entry['measurement']}{candidate}: {entry['reason']}")
    table = root / book.path("report", "tables", "free_energy.csv")
    if len(refused) > MOST_NAMED:
        lines.append(f"... and {len(refused) - MOST_NAMED} more refused: see {table}")
    if doubtful:
        more = f" and {len(doubtful) - MOST_NAMED} more: see {table}" if len(doubtful) > MOST_NAMED else ""
        lines.append(f"not reliable: {', '.join(doubtful[:MOST_NAMED])}{more}")
    return [printable(line) for line in lines], bool(refused)


def _in_the_running(record: dict[str, Any], best: dict[str, float]) -> bool:
    """Whether a candidate is the best of its measurement, or probable enough to be named."""
    chance = record["model_probability"] or 0.0
    return bool(chance >= min(WORTH_NAMING, best[record["measurement"]]))
