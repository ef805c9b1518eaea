"""GSAS powder data: one bank of a file, with constant steps of 2theta or with times of flight.

Record types STD, ESD, FXY, FXYE and ALT of the bins CONS, COND, RALF and SLOG, as the GSAS manual (Larson and Von
Dreele, LAUR 86-748, 2004) has them. Instrument parameter files that a file names are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.readers.base import MAX_POINTS, Array, RawData, ReadOptions
from bayesbeam.io.readers.dialect import decode, number
from bayesbeam.io.readers.gsas_records import RECORDS, Rows
from bayesbeam.io.readers.header_facts import header_facts
from bayesbeam.io.readers.instrument import kept
from bayesbeam.io.readers.named import Named, chosen
from bayesbeam.io.readers.text import check_size

MOST_LISTED = 12
_ANGLES, _TIMES = ("CONS", "CONST", "COND"), ("RALF", "SLOG")
_BANK = re.compile(r"BANK\s+(\d{1,6})\s+(\d{1,8})\s+(\d{1,8})\s+([A-Z_0-9]+)(.*)")
_CLOCK = 32.0
"""Ticks a microsecond in bank records of times of flight."""


@dataclass(frozen=True)
class _Bank:
    """A bank record, and the lines of its points with their places."""

    number: int
    points: int
    bins: str
    coefficients: tuple[float, ...]
    records: str
    lines: Sequence[tuple[int, str]]
    place: int


def read_gsas(path: Path, options: ReadOptions, label: str) -> RawData:
    """Columns of a GSAS data file.

    Raises
    ------
    DataError
        If there is no bank, ``read.dataset`` does not say which of several, or it is truncated or of another kind.
    """
    check_size(path, label)
    lines, encoding = decode(path.read_bytes(), label)
    banks = _banks(lines, label)
    bank = _which(banks, options.dataset, label)
    where = f"{label}: line {bank.place}"
    if bank.bins not in (*_ANGLES, *_TIMES):
        remedy = "Convert it to records of the type FXYE, with x in each line."
        raise DataError.at(where, f"bins of the type {bank.bins}", f"one of {', '.join(_ANGLES + _TIMES)}", remedy)
    if not 1 < bank.points <= MAX_POINTS:
        raise DataError.at(where, f"{bank.points} points", f"2 to {MAX_POINTS}", "Check the BANK record.")
    rows = RECORDS[bank.records](bank.lines, label)
    _check_complete(bank, rows, where)
    angles = bank.bins in _ANGLES
    x = _positions(bank, rows, where)
    header = [line for line in lines[: banks[0].place - 1] if line.strip()]
    stated = {**header_facts(header), "axis": "2theta" if angles else "time of flight"}
    words = f"{encoding} text of GSAS, {bank.records} records of bank {bank.number}"
    words += f" of {len(banks)}" if len(banks) > 1 else ""
    return chosen(_named(x, angles, rows, words, stated), options, label)


def _banks(lines: list[str], label: str) -> list[_Bank]:
    """Banks of a file with their lines."""
    starts = [index for index, line in enumerate(lines) if line.startswith("BANK")]
    if not starts:
        remedy = "Set read.format to text if it is a table of numbers."
        raise DataError.at(label, "no line that begins with BANK", "GSAS powder data", remedy)
    banks = []
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = _BANK.match(lines[start])
        if match is None:
            where = f"{label}: line {start + 1}"
            expected = "BANK <number> <points> <records> <type of bins> ..."
            raise DataError.at(where, repr(lines[start][:60]), expected, "Mend this line.")
        words = match[5].split()
        values = [value for word in words if (value := number(word, ".")) is not None]
        kind = next((word for word in reversed(words) if word in RECORDS), "STD")
        body = [(k + 1, lines[k]) for k in range(start + 1, stop)]
        inside = [(place, line) for place, line in body if line.strip() and not line.startswith("#")]
        map_at = next((k for k, (_, line) in enumerate(inside) if line.startswith("TIME_MAP")), len(inside))
        counts = int(match[1]), int(match[2])
        banks.append(_Bank(*counts, match[4], tuple(values), kind, inside[:map_at], start + 1))
    return banks


def _which(banks: list[_Bank], asked: str | None, label: str) -> _Bank:
    """Bank that is meant: the only one, or by its number."""
    if asked is None and len(banks) == 1:
        return banks[0]
    found = [bank for bank in banks if str(bank.number) == (asked or "").strip()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{bank.number} ({bank.points} points)" for bank in banks[:MOST_LISTED])
    what = f"{len(banks)} banks" if asked is None else f"{len(found)} banks with the number {asked!r}"
    raise DataError.at(label, what, "one", f"Set read.dataset to the number of a bank: {listed}.")


def _check_complete(bank: _Bank, rows: Rows, where: str) -> None:
    """Refuse a bank with fewer or more points than its record says."""
    count = rows.y.size
    if bank.points <= count < bank.points + rows.padding:
        rows.cut(bank.points)
    elif count != bank.points:
        remedy = "The file is truncated, or the BANK record is wrong: copy the file again."
        raise DataError.at(where, f"{count} points follow", f"{bank.points}, as the BANK record says", remedy)


def _positions(bank: _Bank, rows: Rows, where: str) -> Array:
    """2theta in degrees, or time of flight in microseconds."""
    angles = bank.bins in _ANGLES
    x: Array
    if rows.x is not None:
        x = np.asarray(rows.x / (100.0 if angles else 1.0), dtype=np.float64)
    elif len(bank.coefficients) < (2 if angles else 4):
        expected = "start and step" if angles else "start, step, start of growing steps, and their growth"
        raise DataError.at(where, f"{len(bank.coefficients)} numbers behind {bank.bins}", expected, "Mend the record.")
    elif angles:
        x = 0.01 * (bank.coefficients[0] + bank.coefficients[1] * np.arange(bank.points, dtype=np.float64))
    elif bank.bins == "RALF":
        x = _growing(bank.coefficients, bank.points)
    else:
        raise DataError.at(where, "SLOG bins without x in the lines", "records of the type FXYE", "Convert the file.")
    if angles and (x.max() > 180.0 or x.min() < -180.0):
        remedy = "Times of flight with constant steps are not read: convert them to FXYE records with SLOG bins."
        raise DataError.at(where, f"2theta up to {x.max():g} degrees", "hundredths of a degree, up to 18000", remedy)
    return x


def _growing(coefficients: Sequence[float], count: int) -> Array:
    """Middles of RALF bins in microseconds: equal steps at first, then steps in proportion to the time."""
    start, step, grows_at, growth = coefficients[:4]
    edges = np.empty(count + 1)
    edges[0] = start / _CLOCK
    for k in range(count):
        edges[k + 1] = edges[k] + (step / _CLOCK if edges[k] < grows_at / _CLOCK else edges[k] * growth)
    return 0.5 * (edges[1:] + edges[:-1])


def _named(x: Array, angles: bool, rows: Rows, words: str, stated: dict[str, float | str | None]) -> Named:
    """Columns by their names."""
    axis = "2theta" if angles else "time of flight"
    columns, units = {axis: x, "intensity": rows.y}, {axis: "degree" if angles else "us"}
    not_counts = {}
    if rows.detectors is not None and (rows.detectors != 1).any():
        columns["detectors"] = rows.detectors
        not_counts["intensity"] = f"means of up to {rows.detectors.max():g} detectors"
    if rows.sd is not None:
        columns["sd"] = rows.sd
    return Named(
        columns, units, axis, "intensity", "sd" if rows.sd is not None else "", words, kept(stated), not_counts
    )
