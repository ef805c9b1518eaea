"""Lines of GSAS powder data: the record types STD, ESD, FXY, FXYE and ALT. Knows nothing of bins.

Columns of fixed width are cut as the format says; blanks end a record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.readers.base import Array
from bayesbeam.io.readers.dialect import number

Lines = Sequence[tuple[int, str]]


@dataclass(eq=False)
class Rows:
    """Points of a bank: x where each line has it, as it stands there; how many of the last record may be padding."""

    y: Array
    x: Array | None = None
    sd: Array | None = None
    detectors: Array | None = None
    padding: int = 1

    def cut(self, count: int) -> None:
        """Leave out what fills up the last record."""
        self.y = self.y[:count]
        self.x, self.sd, self.detectors = (
            None if values is None else values[:count] for values in (self.x, self.sd, self.detectors)
        )


def _std(lines: Lines, label: str) -> Rows:
    """10(I2, F6.0): number of detectors, 1 where blank, and their mean count; sd is that of a flat prior."""
    table = _fixed(lines, (2, 6), 10, label, blank_first=1.0)
    detectors, y = table[:, 0], table[:, 1]
    detectors = np.maximum(detectors, 1.0)
    return Rows(y, sd=np.sqrt(np.maximum(y, 0.0) * detectors + 1.0) / detectors, detectors=detectors, padding=10)


def _esd(lines: Lines, label: str) -> Rows:
    """10F8: intensity and standard deviation, five points a record."""
    table = _fixed(lines, (8, 8), 5, label)
    return Rows(table[:, 0], sd=table[:, 1], padding=5)


def _alt(lines: Lines, label: str) -> Rows:
    """4(F8, F7, F5): time in 1/32 microseconds, intensity and standard deviation in thousandths."""
    table = _fixed(lines, (8, 7, 5), 4, label)
    return Rows(table[:, 1] / 1000.0, x=table[:, 0] / 32.0, sd=table[:, 2] / 1000.0, padding=4)


def _fxy(lines: Lines, label: str) -> Rows:
    """X and intensity, one point a line."""
    table = _free(lines, 2, label)
    return Rows(table[:, 1], x=table[:, 0])


def _fxye(lines: Lines, label: str) -> Rows:
    """X, intensity and standard deviation, one point a line."""
    table = _free(lines, 3, label)
    return Rows(table[:, 1], x=table[:, 0], sd=table[:, 2])


RECORDS: dict[str, Callable[[Lines, str], Rows]] = {
    "STD": _std,
    "ESD": _esd,
    "ALT": _alt,
    "FXY": _fxy,
    "FXYE": _fxye,
}


def _free(lines: Lines, columns: int, label: str) -> Array:
    """Numbers separated by blanks, a given number in each line."""
    table = np.empty((len(lines), columns))
    for row, (place, line) in enumerate(lines):
        fields = line.split()
        values = [number(field, ".") for field in fields[:columns]]
        if len(values) < columns or None in values:
            remedy = "Mend the line; the file may be truncated or damaged."
            raise DataError.at(f"{label}: line {place}", repr(line[:60]), f"{columns} numbers", remedy)
        table[row] = [value for value in values if value is not None]
    return table


def _fixed(lines: Lines, widths: Sequence[int], most: int, label: str, blank_first: float | None = None) -> Array:
    """Numbers in columns of fixed widths, so many points a line at most."""
    step, points = sum(widths), []
    for place, line in lines:
        for start in range(0, min(most * step, len(line.rstrip())), step):
            piece = line[start : start + step]
            if not piece.strip():
                break
            values, at = [], 0
            for k, width in enumerate(widths):
                field = piece[at : at + width].strip()
                at += width
                value = blank_first if k == 0 and not field else number(field, ".")
                if value is None:
                    where = f"{label}: line {place}, column {start + 1}"
                    expected = f"numbers in columns {', '.join(map(str, widths))} characters wide"
                    raise DataError.at(where, repr(piece), expected, "Mend the line, or write FXYE records.")
                values.append(value)
            points.append(values)
    return np.array(points, dtype=np.float64).reshape(-1, len(widths))
