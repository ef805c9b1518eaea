"""The sheet of a campaign: one row a measurement, columns separated by tabs.

Decides columns, ids and overrides of the treatment; whether a named data file exists is for the preprocess stage, so
that one missing file does not stop the others.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bayesbeam.config.fields import ID_EXPECTED, id_problem
from bayesbeam.config.treatment import Read, Treatment, Uncertainty
from bayesbeam.errors import Problem, nearest

MAX_BYTES = 32 << 20
REQUIRED = ("id", "file")
OVERRIDES = ("x", "y", "uncertainty", "dataset")
COLUMNS: dict[str, str] = {
    "id": "name of the measurement in results, " + ID_EXPECTED,
    "file": "data file, relative to the campaign's folder (or absolute)",
    "treatment": "one of the campaign's treatments; may be empty where one is named default or is the only one",
    "x": "column of x for this row, instead of the treatment's read.x",
    "y": "column of y, instead of read.y",
    "uncertainty": "column of the uncertainty of y, instead of read.uncertainty",
    "dataset": "part of the file (NXdata group, scan, bank, block, frame), instead of read.dataset",
}


@dataclass(frozen=True)
class Made:
    """How a measurement that nobody made comes about: simulated, or thinned where ``share`` is below 1.

    ``column`` is exposure or noise_level, with the value ``level``; ``recipe`` holds all else that decides the data.
    """

    study: str
    column: str
    level: float
    replicate: int
    seed: int
    recipe: Mapping[str, Any]
    share: float = 1.0
    points: int = 0

    @property
    def thinned(self) -> bool:
        """Whether it is a part of the counts of a measured spectrum."""
        return self.share < 1.0


@dataclass(frozen=True)
class MeasurementRow:
    """One measurement as the sheet names it, with the treatment it gets.

    ``file`` is absolute, ``file_in_sheet`` as written; ``metadata`` holds the columns that are not ours, as numbers
    where every filled cell of the column is one. ``made`` is set where a study makes it; a simulated one has no file.
    ``calibration`` is the absolute path of the treatment's table, ``image`` those of its geometry and mask.
    """

    id: str
    file: Path
    file_in_sheet: str
    treatment_name: str
    treatment: Treatment
    metadata: dict[str, str | float] = field(default_factory=dict)
    made: Made | None = None
    calibration: Path | None = None
    image: tuple[Path, ...] = ()

    @property
    def beside(self) -> tuple[Path, ...]:
        """Files that are read besides its own."""
        return (*(() if self.calibration is None else (self.calibration,)), *self.image)


@dataclass(frozen=True)
class Line:
    """Cells of one line that are not empty, by column."""

    number: int
    cells: dict[str, str]


class SheetReader:
    """Reads a sheet against the campaign's treatments and collects what is wrong with it.

    ``lost`` names treatments with mistakes of their own, which rows may name all the same.
    """

    def __init__(
        self, path: Path, shown: str, treatments: dict[str, Treatment], lost: frozenset[str] = frozenset()
    ) -> None:
        self.path, self.shown, self.treatments = path, shown, treatments
        self.lost = lost
        self.problems: list[Problem] = []

    def rows(self) -> tuple[MeasurementRow, ...]:
        """Rows without mistakes; the mistakes of the others are in ``problems``."""
        lines = self._lines()
        numeric = numeric_columns(lines)
        rows = [self._row(line, numeric) for line in lines]
        self._check_ids(lines)
        if not lines and not self.problems:
            self._add(self.shown, "no measurement", "at least one row below the header", "Add a row with id and file.")
        return tuple(row for row in rows if row is not None)

    def _add(self, where: str, found: str, expected: str, remedy: str = "") -> None:
        self.problems.append(Problem(where, found, expected, remedy))

    def _text(self) -> str | None:
        try:
            if self.path.stat().st_size > MAX_BYTES:
                self._add(self.shown, f"more than {MAX_BYTES >> 20} MiB", "a sheet", "Is this the data file?")
                return None
            text = self.path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            found = f"a byte at position {error.start} that is not UTF-8"
            self._add(self.shown, found, "UTF-8 text", "Save it as text (tab delimited), UTF-8.")
            return None
        except OSError as error:
            found = "no such file" if isinstance(error, FileNotFoundError) else str(error.strerror)
            remedy = "Make it, or correct the key measurements in campaign.yaml."
            self._add(self.shown, found, "the sheet of measurements", remedy)
            return None
        if "\0" in text:
            self._add(self.shown, "bytes that are not text", "UTF-8 text", "Save it as text (tab delimited).")
            return None
        return text

    def _lines(self) -> list[Line]:
        text = self._text()
        if text is None:
            return []
        lines = [(number, cells) for number, cells in _split(text) if any(cells) and not cells[0].startswith("#")]
        if not lines:
            self._add(self.shown, "an empty file", "a header line with id and file", f"Columns: {', '.join(COLUMNS)}.")
            return []
        header_number, header = lines[0]
        if not self._header_is_good(header_number, header):
            return []
        found = []
        for number, cells in lines[1:]:
            if len(cells) > len(header) and any(cells[len(header) :]):
                where = f"{self.shown} line {number}"
                self._add(where, f"{len(cells)} cells", f"{len(header)} as in the header", "Remove the extra tab.")
                continue
            found.append(Line(number, {c: v for c, v in zip(header, cells, strict=False) if c and v}))
        return found

    def _header_is_good(self, number: int, header: list[str]) -> bool:
        where = f"{self.shown} line {number}"
        before = len(self.problems)
        for name in sorted({name for name in header if name and header.count(name) > 1}):
            self._add(f"{where} column {name}", "the column a second time", "every column once", "Rename one of them.")
        missing = [name for name in REQUIRED if name not in header]
        if missing and len(header) == 1 and re.search(r"[,; ]", header[0]):
            found = f"columns not separated by tabs in {header[0][:60]!r}"
            self._add(where, found, "tabs between columns", "Save it as text (tab delimited).")
            return False
        for name in missing:
            near = [
                word for word in header if word.lower().strip() in (name, f"{name}s", f"{name}name", f"{name} name")
            ]
            remedy = f"Rename {near[0]!r} to {name}." if near else f"Columns found: {', '.join(header)[:200]}."
            self._add(where, f"no column {name!r}", f"the columns {' and '.join(REQUIRED)}", remedy)
        return len(self.problems) == before

    def _row(self, line: Line, numeric: set[str]) -> MeasurementRow | None:
        before = len(self.problems)
        for name in REQUIRED:
            if name not in line.cells:
                self._add(self._at(line, name), "an empty cell", COLUMNS[name], "")
        identifier, file = line.cells.get("id", ""), line.cells.get("file", "")
        if identifier and (remedy := id_problem(identifier)):
            self._add(self._at(line, "id"), f"the id {identifier[:80]!r}", ID_EXPECTED, remedy)
        if file and not file.isprintable():
            self._add(self._at(line, "file"), f"{file[:80]!r}", "a path without control characters", "Rename the file.")
        treatment = self._treatment(line)
        if len(self.problems) > before or treatment is None:
            return None
        name, chosen = treatment
        metadata: dict[str, str | float] = {
            column: float(cell) if column in numeric else cell
            for column, cell in line.cells.items()
            if column not in COLUMNS
        }
        folder = self.path.resolve().parent
        table, image = chosen.axis.calibration, chosen.image
        beside = () if image is None else (image.geometry, *(() if image.mask is None else (image.mask,)))
        return MeasurementRow(
            identifier, (folder / file).resolve(), file, name, _overridden(chosen, line), metadata,
            calibration=None if table is None else (folder / table).resolve(),
            image=tuple((folder / one).resolve() for one in beside),
        )  # fmt: skip

    def _at(self, line: Line, column: str) -> str:
        return f"{self.shown} line {line.number} column {column}"

    def _treatment(self, line: Line) -> tuple[str, Treatment] | None:
        """Name and treatment of a row, None where that is a mistake."""
        known = tuple(self.treatments)
        word = line.cells.get("treatment", "")
        if word in self.lost or (self.lost and not word):
            return word, Treatment()
        if not known and not word:
            return "default", Treatment()
        if not word:
            word = "default" if "default" in known else known[0] if len(known) == 1 else ""
        if not word:
            remedy = f"Choose one of: {', '.join(known)}; or name one of them default."
            self._add(self._at(line, "treatment"), "an empty cell", "a treatment, as the campaign has several", remedy)
            return None
        if word not in known:
            remedy = nearest(word, known) if known else "Add it under treatments, or leave the cell empty."
            self._add(
                self._at(line, "treatment"), f"the unknown treatment {word[:80]!r}", "one of the campaign's", remedy
            )
            return None
        return word, self.treatments[word]

    def _check_ids(self, lines: list[Line]) -> None:
        first: dict[str, Line] = {}
        for line in (line for line in lines if "id" in line.cells):
            identifier = line.cells["id"]
            earlier = first.setdefault(identifier.lower(), line)
            if earlier is line:
                continue
            same = earlier.cells["id"] == identifier
            what = "a second time" if same else f"beside {earlier.cells['id']!r}, from which only the case differs"
            found = f"the id {identifier[:80]!r} {what} (first on line {earlier.number})"
            self._add(self._at(line, "id"), found, "every id once", f"Rename it, e.g. {identifier[:60]}_2.")


def _split(text: str) -> list[tuple[int, list[str]]]:
    """Line numbers and stripped cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]


def numeric_columns(lines: list[Line]) -> set[str]:
    """Columns of metadata in which every filled cell is a number."""
    columns = {column for line in lines for column in line.cells if column not in COLUMNS}
    return {c for c in columns if all(_is_number(line.cells[c]) for line in lines if c in line.cells)}


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _overridden(treatment: Treatment, line: Line) -> Treatment:
    """Treatment with the columns that the row names for itself."""
    given = {name: line.cells[name] for name in OVERRIDES if name in line.cells}
    if not given:
        return treatment
    columns = {name: int(word) if name != "dataset" and word.isdecimal() else word for name, word in given.items()}
    update: dict[str, object] = {"read": Read.model_validate({**treatment.read.model_dump(), **columns})}
    if "uncertainty" in columns and "uncertainty" not in treatment.model_fields_set:
        update["uncertainty"] = Uncertainty.model_validate({"from": "column"})
    return treatment.model_copy(update=update)
