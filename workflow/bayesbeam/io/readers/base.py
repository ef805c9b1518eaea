"""What a reader is asked for and what it returns: plain columns, not yet treated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DataError

MAX_POINTS = 2_000_000

Array = NDArray[np.float64]
Column = int | str
Facts = Mapping[str, float | str]


@dataclass(frozen=True)
class ReadOptions:
    """How a file is read; the words are those of ``treatments.<name>.read`` in a campaign.

    Attributes
    ----------
    format : str
        ``auto``, ``text``, ``nexus``, ``xrdml``, ``gsas``, ``cif`` or ``image``.
    x, y, uncertainty : int, str or None
        Columns by position from 0 or by name. HDF5: names or paths; there and in files of diffractometers a position
        means the file's own default. With x None the axis is the number of the point, from 1.
    delimiter : str
        ``auto``, ``,``, ``;``, ``tab`` or ``space``.
    decimal : str
        ``.`` or ``,``.
    comment : str
        Start of a comment line besides the usual ones.
    skip : int
        Lines to leave out at the top.
    columns : tuple of int or str
        Further columns; one of them may be that of x.
    dataset : str or None
        HDF5: path of an NXdata group or of a 1-D dataset. xrdml: number of a scan, ``sum`` or ``join``; gsas: number
        of a bank; cif: name of a data block; images: number of a frame, or ``sum``.
    geometry, mask : str
        Images: .poni file of pyFAI, and an image of which pixels that are not 0 are left out.
    bins : int
        Images: points of the pattern.
    error : str
        Images: ``poisson`` or ``azimuthal``.
    polarisation : float or None
        Images: factor of pyFAI, divided out.
    """

    format: str = "auto"
    x: Column | None = 0
    y: Column = 1
    uncertainty: Column | None = None
    delimiter: str = "auto"
    decimal: str = "."
    comment: str = "#"
    skip: int = 0
    dataset: str | None = None
    columns: tuple[Column, ...] = ()
    geometry: str = ""
    mask: str = ""
    bins: int = 1000
    error: str = "poisson"
    polarisation: float | None = None


@dataclass(frozen=True, eq=False)
class RawData:
    """Columns as they are in the file, in its order.

    Attributes
    ----------
    x, y : ndarray (N,)
        May hold values that are not finite.
    uncertainty : ndarray (N,) or None
        Only if a column was chosen (text) or is declared in the file (HDF5).
    places : ndarray (N,), int
        Line (text) or point (HDF5) of each row, from 1.
    place_word : str
        ``line`` or ``point``.
    x_name, y_name, uncertainty_name : str
        What the columns are called in the file.
    x_unit, y_unit : str
        Units that the file states, empty if none.
    dialect : str
        How the file was read, for the treatment record.
    columns : tuple of ndarray (N,)
        Further columns, in the order in which they were asked for.
    instrument : dict
        What the file says of the instrument and the sample's surroundings; words in ``instrument``.
    not_counts : str
        Why y are no counts as they were detected, empty where nothing speaks against it.
    """

    x: Array
    y: Array
    uncertainty: Array | None
    places: NDArray[np.int64]
    place_word: str
    x_name: str
    y_name: str
    uncertainty_name: str
    x_unit: str
    y_unit: str
    dialect: str
    columns: tuple[Array, ...] = ()
    instrument: Facts = field(default_factory=dict)
    not_counts: str = ""


NUMBER_OF_POINT = "the number of the point"
"""What x is called where the file has none."""


def check_file(path: Path, label: str) -> None:
    """Refuse a file that is missing, empty, no file at all, or unreadable."""
    if not path.exists():
        raise DataError.at(label, "no such file", "a data file", "Check the file column of the sheet.")
    if not path.is_file():
        raise DataError.at(label, "not a regular file", "a data file", "Check the file column of the sheet.")
    if path.stat().st_size == 0:
        raise DataError.at(label, "the file is empty (0 bytes)", "measured data", "Copy the file again.")


def column_words(column: Column | None) -> str:
    """How messages call a column chosen in a campaign."""
    return f"column {column} (counted from 0)" if isinstance(column, int) else f"column {column!r}"


def split_unit(name: str) -> tuple[str, str]:
    """Name and unit of a column header such as ``Energy (eV)``, ``q [1/nm]`` or ``BE/eV``."""
    text = name.strip()[:200]
    match = re.fullmatch(r"([^()\[\]]+)[(\[]([^()\[\]]+)[)\]]", text) or re.fullmatch(
        r"([\w ]+)/ ?(eV|keV|nm|deg|K|cm)", text
    )
    return (match[1].strip(), match[2].strip()) if match else (text, "")
