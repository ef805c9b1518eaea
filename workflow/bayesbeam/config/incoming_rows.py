"""Rows of measurements whose files arrived in a folder, beside those of the sheet.

Decides ids, columns and order of such rows, and which files are left out because their names make none. Which files
were accepted is kept in ``arrivals.tsv`` of the results, so that all jobs of a run see the same ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from bayesbeam.config.fields import ID_EXPECTED, id_problem
from bayesbeam.config.incoming import PLACEHOLDER, Incoming
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Campaign
from bayesbeam.config.sheet import Line, MeasurementRow, SheetReader, numeric_columns
from bayesbeam.errors import Problem, StoreError, nearest

LEDGER = "arrivals.tsv"
MOST_FILES = 100_000
_HEADER = "folder\tfile"


@dataclass(frozen=True, order=True)
class Arrived:
    """One file: the folder as the campaign writes it, and its name (with its folders below that one)."""

    folder: str
    name: str


_Made = tuple[MeasurementRow | None, Problem | None]


@dataclass(frozen=True)
class Joined:
    """Rows of the files, and those that were left out, each once with the reason."""

    rows: tuple[MeasurementRow, ...]
    aside: tuple[Problem, ...]


def files_in(incoming: Iterable[Incoming], folder: Path) -> list[Arrived]:
    """Files that are in the folders now, in the order of their names; numbers in them count as numbers.

    Raises
    ------
    StoreError
        If a folder is not there or cannot be read: a disk that is away for a moment must not look like files that were
        removed.
    """
    found: dict[Arrived, None] = {}
    for one in incoming:
        place = folder / one.folder
        if not place.is_dir():
            expected, remedy = "the folder in which files arrive", "Make it, or correct incoming.folder."
            raise StoreError.at(str(place), "no such folder", expected, remedy)
        names = _names(place, one.files)
        names = [name for name in names if not any(part.startswith(".") for part in name.split("/"))]
        names.sort(key=lambda name: (natural(name), name))
        found |= dict.fromkeys(Arrived(one.folder, name) for name in names)
    if len(found) > MOST_FILES:
        expected = f"at most {MOST_FILES}"
        raise StoreError.at(str(folder), f"{len(found)} files that arrived", expected, "Split the campaign.")
    return list(found)


def _names(place: Path, files: str) -> list[str]:
    """Names of the files below a folder that are meant."""
    try:
        with os.scandir(place):  # glob would take a folder that may not be read for an empty one
            return [path.relative_to(place).as_posix() for path in place.glob(files) if path.is_file()]
    except OSError as problem:
        found, remedy = f"cannot be read ({problem.strerror or problem})", "Check its permissions, and the disk."
        raise StoreError.at(str(place), found, "the folder in which files arrive", remedy) from problem


def read_ledger(path: Path) -> list[Arrived]:
    """Files that were accepted, in that order; none where there is no ledger yet.

    Raises
    ------
    StoreError
        If the file is not one made by ``ledger_text``.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as problem:
        raise _foreign(path, f"cannot be read ({problem})") from problem
    rows = [line.split("\t") for line in lines]
    if not rows or lines[0] != _HEADER or any(len(row) != 2 for row in rows):
        raise _foreign(path, "is no list of files")
    return [Arrived(*row) for row in rows[1:]]


def ledger_text(files: Iterable[Arrived]) -> str:
    """Return the content of the ledger."""
    return "".join(f"{line}\n" for line in (_HEADER, *(f"{one.folder}\t{one.name}" for one in files)))


def join_rows(
    campaign: Campaign, sheet: Sequence[MeasurementRow], folder: Path, files: Sequence[Arrived], lost: frozenset[str]
) -> Joined:
    """Rows of the files that arrived, sorted as ``incoming.order`` says; of two with one id the first keeps it.

    Parameters
    ----------
    campaign : Campaign
        Its sections ``incoming``, treatments and candidates.
    sheet : sequence of MeasurementRow
        Rows of the sheet, whose ids are taken.
    folder : Path
        The campaign's.
    files : sequence of Arrived
        In the order in which they were accepted.
    lost : frozenset of str
        Treatments with mistakes of their own.
    """
    taken = {row.id.lower(): f"a row of the sheet, {row.id}" for row in sheet}
    rows: list[MeasurementRow] = []
    aside: dict[str, Problem] = {}
    for one in campaign.incoming:
        reader = _Reader(one, campaign, folder, lost)
        found: list[tuple[list[tuple[int, float | str]], MeasurementRow]] = []
        for file in files:
            if file.folder != one.folder or not fnmatchcase(file.name, one.files):
                continue
            row, problem = reader.row(file.name, taken)
            if problem is not None:
                aside.setdefault(file.name, problem)
            elif row is not None:
                taken[row.id.lower()] = f"{row.file_in_sheet}, {row.id}"
                found.append((reader.place(file.name), row))
        rows += [row for _, row in sorted(found, key=lambda pair: pair[0])]
    return Joined(tuple(rows), tuple(aside.values()))


def natural(text: str) -> list[tuple[int, float | str]]:
    """Return what a name is sorted by: words as words, whole numbers in them as numbers."""
    return [(0, float(word)) if word.isdecimal() else (1, word) for word in re.split(r"([0-9]+)", text) if word]


class _Reader(SheetReader):
    """Makes a row of the name of a file, by the rules of a sheet."""

    def __init__(self, one: Incoming, campaign: Campaign, folder: Path, lost: frozenset[str]) -> None:
        super().__init__(folder / "incoming", one.folder, campaign.treatments, lost)
        self._one, self._campaign = one, campaign
        self._pattern = re.compile(one.name)

    def row(self, name: str, taken: dict[str, str]) -> _Made:
        """Return the row of a file, or why there is none."""
        where = f"{self._one.folder}/{name}"
        match = self._pattern.fullmatch(name)
        if match is None:
            remedy = "Rename the file, or correct incoming.name; until then it is left out."
            return None, Problem(where, "a name that does not fit", f"one like {self._one.name}", remedy)
        groups = {word: text or "" for word, text in match.groupdict().items()}
        identifier = PLACEHOLDER.sub(lambda found: groups[found[1]], self._one.id)
        remedy = "Rename the file, or correct incoming.id; until then it is left out."
        if id_problem(identifier):
            return None, Problem(where, f"a name that makes the id {identifier[:80]!r}", ID_EXPECTED, remedy)
        if identifier.lower() in taken:
            found = f"a name that makes the id {identifier}, which is that of {taken[identifier.lower()]}"
            return None, Problem(where, found, "ids that differ", remedy)
        if not self._described(identifier):
            remedy = "Widen the measurements of a candidate; until then it is left out."
            return None, Problem(where, f"the measurement {identifier}, which no candidate describes", "one", remedy)
        return self._made(where, identifier, groups)

    def place(self, name: str) -> list[tuple[int, float | str]]:
        """Return what the row of a file is sorted by."""
        match = self._pattern.fullmatch(name)
        words = [match[word] or "" for word in self._one.order] if match is not None else []
        return [*(step for word in (*words, name) for step in (*natural(word), (-1, ""))), (1, name)]

    def _made(self, where: str, identifier: str, groups: dict[str, str]) -> _Made:
        """Row of a file whose id is known."""
        given = {word: text for word, text in groups.items() if not word.startswith("_") and text}
        constant = {word: str(value) for word, value in self._one.columns.items()}
        chosen = {"treatment": self._one.treatment} if self._one.treatment is not None else {}
        line = Line(0, {**constant, **given, **chosen, "id": identifier, "file": where})
        # Of this row alone: what a later file is called changes nothing of one that is there.
        row = self._row(line, numeric_columns([line]))
        problems, self.problems = self.problems, []
        return row, problems[0] if problems else None

    def _described(self, identifier: str) -> bool:
        """Whether a candidate describes a measurement."""
        patterns = [pattern for one in self._campaign.candidates.values() for pattern in one.measurements]
        return any(fnmatchcase(identifier, pattern) for pattern in patterns)

    def _at(self, line: Line, column: str) -> str:
        return f"{line.cells['file']} column {column}"


def check_incoming(campaign: Campaign, lost: frozenset[str], problems: Problems) -> None:
    """Note treatments that are unknown and folders that are named twice in ways that only look different."""
    for index, one in enumerate(campaign.incoming):
        if one.treatment is not None and one.treatment not in (*campaign.treatments, *lost):
            remedy = nearest(one.treatment, tuple(campaign.treatments))
            found = f"the unknown treatment {one.treatment!r}"
            problems.add(("incoming", index, "treatment"), found, "one of the campaign's", remedy)
        for number, other in enumerate(campaign.incoming[:index]):
            if one.folder != other.folder and os.path.normpath(one.folder) == os.path.normpath(other.folder):
                found = f"the folder {one.folder!r}, which incoming[{number}] writes {other.folder!r}"
                problems.add(("incoming", index, "folder"), found, "one way to write it", f"Write {other.folder}.")


def _foreign(path: Path, found: str) -> StoreError:
    """Store error for a file that is not ours."""
    remedy = "Delete this file: the next run looks at the folder anew."
    return StoreError.at(str(path), found, "the list of files that a run has accepted", remedy)
