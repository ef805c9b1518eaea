"""What the numbers on an axis mean: a table from x of the file to x of the measurement, with straight lines between.

Decides neither where the table is from nor its unit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.points import number
from bayesbeam.io.readers.base import RawData

MIN_ROWS = 2


def calibrate(raw: RawData, table: RawData, label: str, table_label: str) -> tuple[RawData, str]:
    """Columns with x as a table says, and the sentence for the record.

    Parameters
    ----------
    raw, table : RawData
        Columns of the measurement, and of the table: x as in the file, and y what it means, which may go up and down.
    label, table_label : str
        What messages call the two files.

    Raises
    ------
    DataError
        If the table has fewer than two rows, one x twice or values that are not finite, or ends before the data do.
    """
    known, meant = _checked(table, table_label)
    outside = np.flatnonzero((raw.x < known[0]) | (raw.x > known[-1]))
    if outside.size:
        first = int(outside[0])
        where = f"{label}: {raw.place_word} {raw.places[first]}"
        found = f"x = {raw.x[first]:.8g}, and {outside.size} such points in all" if outside.size > 1 else ""
        expected = f"x from {known[0]:.8g} to {known[-1]:.8g}, as {table_label} has them"
        remedy = "Calibrate the whole axis, or check that the table belongs to these data."
        raise DataError.at(where, found or f"x = {raw.x[first]:.8g}", expected, remedy)
    name = f"{table.y_name} of {raw.x_name}"
    x = np.interp(raw.x, known, meant)
    between = int((~np.isin(raw.x, known)).sum())
    how = f", {between} of them by straight lines between its rows" if between else ""
    sentence = f"Took x of {raw.x.size} points from the {known.size} rows of {table_label}{how}: "
    ends = f"{number(float(np.min(meant)))} to {number(float(np.max(meant)), table.y_unit)}."
    return replace(raw, x=x, x_name=name, x_unit=table.y_unit), sentence + ends


def _checked(table: RawData, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Both columns in ascending order of x."""
    bad = np.flatnonzero(~(np.isfinite(table.x) & np.isfinite(table.y)))
    if bad.size:
        where = f"{label}: {table.place_word} {table.places[bad[0]]}"
        raise DataError.at(where, "a value that is not finite", "two numbers a row", "Mend this row.")
    order = np.argsort(table.x, kind="stable")
    known, meant = table.x[order], table.y[order]
    same = np.flatnonzero(np.diff(known) <= 0)
    if same.size:
        where = f"{label}: {table.place_word} {table.places[order[same[0] + 1]]}"
        raise DataError.at(where, f"x = {known[same[0]]:.8g} a second time", "every x once", "Remove one of the rows.")
    if known.size < MIN_ROWS:
        raise DataError.at(label, f"{known.size} row", f"at least {MIN_ROWS}", "Make the table again.")
    return known, meant
