"""Columns of files that name them: the choice of x, y, uncertainty and further ones, for every format alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bayesbeam.errors import DataError, nearest
from bayesbeam.io.readers.base import MAX_POINTS, NUMBER_OF_POINT, Array, Column, Facts, RawData, ReadOptions


@dataclass(frozen=True, eq=False)
class Named:
    """What a reader found in one scan, bank or data block.

    Attributes
    ----------
    columns : dict of str to ndarray (N,)
        Every column that can be asked for.
    units : dict of str to str
        Units that the file states, of those columns that have one.
    x, y, uncertainty : str
        Columns that are meant where a campaign names none; the last is empty if the file has none.
    dialect : str
        How the file was read, for the treatment record.
    instrument : dict
        Facts of ``instrument``.
    not_counts : dict of str to str
        Columns that are no counts as they were detected, and why.
    """

    columns: Mapping[str, Array]
    units: Mapping[str, str]
    x: str
    y: str
    uncertainty: str
    dialect: str
    instrument: Facts = field(default_factory=dict)
    not_counts: Mapping[str, str] = field(default_factory=dict)


def chosen(found: Named, options: ReadOptions, label: str) -> RawData:
    """Columns as a campaign asks for them.

    Raises
    ------
    DataError
        If a column is not there, or there are too many points.
    """
    y_name = _name(found, options.y, found.y, "y", label)
    x_name = None if options.x is None else _name(found, options.x, found.x, "x", label)
    sd_name = found.uncertainty
    if options.uncertainty is not None:
        sd_name = _name(found, options.uncertainty, found.uncertainty, "uncertainty", label)
    elif y_name != found.y:
        sd_name = ""
    y = found.columns[y_name]
    if not 0 < y.size <= MAX_POINTS:
        raise DataError.at(label, f"{y.size} points", f"1 to {MAX_POINTS}", "Export one pattern a file.")
    further = [_name(found, column, "", "columns", label) for column in options.columns]
    return RawData(
        x=np.arange(1.0, y.size + 1.0) if x_name is None else found.columns[x_name],
        y=y,
        uncertainty=found.columns[sd_name] if sd_name else None,
        places=np.arange(1, y.size + 1, dtype=np.int64),
        place_word="point",
        x_name=NUMBER_OF_POINT if x_name is None else x_name,
        y_name=y_name,
        uncertainty_name=sd_name,
        x_unit="" if x_name is None else found.units.get(x_name, ""),
        y_unit=found.units.get(y_name, ""),
        dialect=found.dialect,
        columns=tuple(found.columns[name] for name in further),
        instrument=found.instrument,
        not_counts=found.not_counts.get(y_name, ""),
    )


def _name(found: Named, column: Column, default: str, key: str, label: str) -> str:
    """Name of a chosen column; a position means the file's own choice."""
    names = list(found.columns)
    listed = f"Columns of this file: {', '.join(names)}."
    if isinstance(column, int):
        if default:
            return default
        what = "no uncertainty" if key == "uncertainty" else f"column {column} (counted from 0)"
        remedy = "Set uncertainty: {from: counts} or {from: estimate}." if key == "uncertainty" else listed
        raise DataError.at(f"{label}: read.{key}", what, "a column of the file by its name", remedy)
    plain = column.strip().lower()
    for name in names:
        if name.lower() == plain:
            return name
    remedy = f"{nearest(column, names)} {listed}".strip()
    raise DataError.at(f"{label}: read.{key}", f"no column is called {column!r}", "a column of the file", remedy)
