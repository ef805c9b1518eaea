"""Tables of numbers in text files: finds the header, the columns and the rows; refuses what it is not sure about.

Every row from the first one to the end of the file must have numbers in the chosen columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bayesbeam.errors import DataError, nearest
from bayesbeam.io.readers.base import (
    MAX_POINTS,
    NUMBER_OF_POINT,
    Column,
    RawData,
    ReadOptions,
    column_words,
    split_unit,
)  # fmt: skip
from bayesbeam.io.readers.dialect import Dialect, decode, sniff
from bayesbeam.io.readers.header_facts import header_facts
from bayesbeam.io.readers.instrument import kept

MAX_BYTES = 64 * 1024 * 1024
_HEADER_LINES = 6

Row = tuple[int, str]


@dataclass(frozen=True)
class _Table:
    """Lines of a file: rows that may hold numbers, and all lines that are not blank, each with its place."""

    label: str
    dialect: Dialect
    rows: list[Row]
    lines: list[Row]


def read_text(path: Path, options: ReadOptions, label: str) -> RawData:
    """Columns of a text file of any common dialect.

    Raises
    ------
    DataError
        Names file, line, column, what was found and expected, and the remedy.
    """
    check_size(path, label)
    lines, encoding = decode(path.read_bytes(), label)
    skip = min(options.skip, len(lines))
    lines[:skip] = [""] * skip
    dialect = sniff(lines, options.delimiter, options.decimal, options.comment, encoding, label)
    filled = [(place, line.strip()) for place, line in enumerate(lines, 1) if line and not line.isspace()]
    rows = [(place, dialect.uncommented(line)) for place, line in filled if not dialect.is_comment(line)]
    table = _Table(label, dialect, rows, filled)
    if not rows:
        found = "only blank lines or comments" if filled else "nothing to read"
        raise DataError.at(label, found, "a table of numbers", _skip_words(options) or "Copy the file again.")
    return _read_table(table, options)


def _read_table(table: _Table, options: ReadOptions) -> RawData:
    """Choose the columns, find the first row, read to the end."""
    main = [column for column in (options.x, options.y, options.uncertainty) if column is not None]
    chosen = [*main, *options.columns]
    numbered = options.x is None
    columns = [column if isinstance(column, int) else _by_name(table, column) for column in chosen]
    _check_different(table, columns, chosen, len(main), numbered)
    first = _first_row(table, columns, chosen, options)
    names = _names(table, first, [word for word in chosen if isinstance(word, str)])
    if not numbered:
        _check_above(table, first, columns)
    values, places = _values(table, first, columns, chosen, names)
    if numbered:
        values = np.column_stack([np.arange(1.0, len(values) + 1.0), values])
    x_name, x_unit = (NUMBER_OF_POINT, "") if numbered else _column_name(names, columns[0])
    y_name, y_unit = _column_name(names, columns[0 if numbered else 1])
    return RawData(
        x=values[:, 0].copy(),
        y=values[:, 1].copy(),
        uncertainty=values[:, 2].copy() if options.uncertainty is not None else None,
        columns=tuple(values[:, values.shape[1] - len(options.columns) :].T.copy()),
        places=places,
        place_word="line",
        x_name=x_name,
        y_name=y_name,
        uncertainty_name=_column_name(names, columns[len(main) - 1])[0] if options.uncertainty is not None else "",
        x_unit=x_unit,
        y_unit=y_unit,
        dialect=table.dialect.words(),
        instrument=kept(header_facts([line for place, line in table.lines if place < table.rows[first][0]])),
    )


def _check_different(
    table: _Table, columns: Sequence[int], chosen: Sequence[Column], main: int, numbered: bool
) -> None:
    """Refuse a column that is chosen twice, but for one that is x and a further one."""
    if len(set(columns[:main])) < main:
        found = f"{' and '.join(column_words(column) for column in chosen[:main])} are the same column"
        raise DataError.at(table.label, found, "different columns", "Check read.x, read.y and read.uncertainty.")
    further = columns[main:]
    for k, column in enumerate(further):
        if column in further[:k] or column in columns[0 if numbered else 1 : main]:
            found = f"{column_words(chosen[main + k])} under read.columns, which is chosen already"
            raise DataError.at(table.label, found, "columns that are not y, and each once", "Check read.columns.")


def check_size(path: Path, label: str) -> None:
    """Refuse a text file too big to be one spectrum."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        found = f"{size / 2**20:.0f} MiB of text"
        raise DataError.at(label, found, f"at most {MAX_BYTES // 2**20} MiB", "Export one spectrum a file.")


def _numbers(table: _Table, line: str) -> list[bool]:
    """Which fields of a row are numbers."""
    return [table.dialect.number(field) is not None for field in table.dialect.fields(line)]


def _first_row(table: _Table, columns: Sequence[int], chosen: Sequence[Column], options: ReadOptions) -> int:
    """Index of the first row that has numbers in the x and the y column, those that are chosen."""
    widest, needed = 0, 1 if options.x is None else 2
    for index, (_, line) in enumerate(table.rows):
        numbers = _numbers(table, line)
        widest = max(widest, len(numbers) if sum(numbers) >= needed else 0)
        if len(numbers) > max(columns[:needed]) and all(numbers[column] for column in columns[:needed]):
            return index
    if widest == 0 and any(_numbers(table, line) == [True] for _, line in table.rows):
        found, expected = "one column of numbers", "at least two, x and y"
        remedy = "Add x, or check read.delimiter; if these are y of numbered channels, write read: {x: null}."
        raise DataError.at(table.label, found, expected, remedy)
    if widest == 0:
        place, line = table.rows[-1]
        last = f"The last line ({place}) reads {_short(line)}. Check read.delimiter and read.comment."
        remedy = _skip_words(options) or last
        raise DataError.at(table.label, "a header but no rows of numbers", "a table of numbers", remedy)
    lost = next((word for column, word in zip(columns, chosen, strict=True) if column >= widest), None)
    if lost is not None:
        found = f"{column_words(lost)} does not exist, the rows have {widest} columns"
        raise DataError.at(table.label, found, f"0 to {widest - 1}", "Check read.x and read.y.")
    words = " and ".join(column_words(word) for word in chosen[:needed])
    raise DataError.at(table.label, f"no row with numbers in {words}", "columns of numbers", "Check read.x and read.y.")


def _by_name(table: _Table, name: str) -> int:
    """Position of a column from its name in a header line above the numbers."""
    body = next((i for i, (_, line) in enumerate(table.rows) if sum(_numbers(table, line)) > 1), len(table.rows) - 1)
    place, line = table.rows[body]
    width = len(table.dialect.fields(line))
    seen: list[str] = []
    for _, above in reversed([row for row in table.lines if row[0] < place]):
        for header in _headers(table, above):
            matches = _matches(header, name)
            if len(matches) > 1:
                found = f"{len(matches)} columns are called {name!r}"
                raise DataError.at(table.label, found, "one", "Choose the column by its position, counted from 0.")
            if matches and (len(header) == width or table.dialect.delimiter):
                return matches[0]
            if len(header) == width and not seen:
                seen = header
    expected = f"one of: {', '.join(_short(word) for word in seen[:20])}" if seen else "a header line with column names"
    words = [word for word in seen if word]
    remedy = nearest(name, words) if words else "Choose the column by its position, counted from 0."
    raise DataError.at(table.label, f"no column is called {name!r}", expected, remedy)


def _matches(header: Sequence[str], name: str) -> list[int]:
    """Columns with a name: exactly, else without regard to case, else without the unit."""
    plain = name.strip().lower()
    tests = (
        [word == name for word in header],
        [word.lower() == plain for word in header],
        [split_unit(word)[0].lower() == plain for word in header],
    )
    return next(([i for i, hit in enumerate(hits) if hit] for hits in tests if any(hits)), [])


def _headers(table: _Table, line: str) -> list[list[str]]:
    """Ways to take a header line apart, the likeliest first."""
    bare = line
    if table.dialect.is_comment(line):
        bare = re.sub(r"^[#%;!/\s]+", "", line.removeprefix(table.dialect.comments[0]))
    apart = [table.dialect.fields(bare), re.split(r"\s{2,}|\t", bare), bare.split()]
    return [[field.strip().strip('"') for field in fields] for fields in apart]


def _names(table: _Table, first: int, wanted: Sequence[str]) -> list[str]:
    """Column names from the lines just above the first row that hold the wanted ones, empty if there are none."""
    place, line = table.rows[first]
    width = len(table.dialect.fields(line))
    above = [row for row in table.lines if row[0] < place][-_HEADER_LINES:]
    for _, text in reversed(above):
        for header in _headers(table, text):
            numeric = any(table.dialect.number(word) is not None for word in header)
            if len(header) == width and not numeric and all(_matches(header, name) for name in wanted):
                return header
    return []


def _column_name(names: Sequence[str], column: int) -> tuple[str, str]:
    """Name and unit of a column; its position where the file has no names."""
    return split_unit(names[column]) if names and names[column] else (f"column {column}", "")


def _check_above(table: _Table, first: int, columns: Sequence[int]) -> None:
    """Refuse a line above the first row that looks like a damaged row."""
    width = len(table.dialect.fields(table.rows[first][1]))
    for place, line in table.rows[:first]:
        fields = table.dialect.fields(line)
        if len(fields) == width and table.dialect.number(fields[columns[0]]) is not None:
            where = f"{table.label}: line {place}, column {columns[1]} (counted from 0)"
            remedy = f"Mend the line, or set read.skip to {place} if it belongs to the header."
            raise DataError.at(where, _short(fields[columns[1]]), "a number", remedy)


def _values(
    table: _Table, first: int, columns: Sequence[int], chosen: Sequence[Column], names: Sequence[str]
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Numbers of the chosen columns from the first row to the end of the file, and their lines."""
    rows = table.rows[first:]
    if len(rows) > MAX_POINTS:
        raise DataError.at(table.label, f"{len(rows)} rows", f"at most {MAX_POINTS}", "Export one spectrum a file.")
    values = np.empty((len(rows), len(columns)))
    for index, (place, line) in enumerate(rows):
        fields = table.dialect.fields(line)
        for k, column in enumerate(columns):
            value = table.dialect.number(fields[column]) if column < len(fields) else None
            if value is None:
                raise _bad_field(table, place, line, column, names, fields)
            values[index, k] = value
    return values, np.array([place for place, _ in rows], dtype=np.int64)


def _bad_field(
    table: _Table, place: int, line: str, column: int, names: Sequence[str], fields: Sequence[str]
) -> DataError:
    """Error for a row that has no number where one should be."""
    name = f" {names[column]!r}" if column < len(names) else ""
    where = f"{table.label}: line {place}, column {column} (counted from 0){name}"
    found = f"{fields[column]!r:.60}" if column < len(fields) else f"the line ends before it: {_short(line)}"
    remedy = "Mend the line; if it is a remark, begin it with #, or set read.comment to the word it begins with."
    return DataError.at(where, found, "a number", remedy)


def _short(text: str) -> str:
    """Text in quotes, cut to what fits in a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _skip_words(options: ReadOptions) -> str:
    """Reminder that lines were left out, where that is so."""
    return f"read.skip leaves out {options.skip} lines; is that too many?" if options.skip else ""
