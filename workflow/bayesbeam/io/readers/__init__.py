"""Readers of measured data: one format a file. Chooses the reader by format word, content and suffix."""

from __future__ import annotations

from pathlib import Path

from bayesbeam.errors import DataError, nearest
from bayesbeam.io.readers.base import RawData, ReadOptions, check_file

__all__ = ["RawData", "ReadOptions", "check_file", "kind_of", "read_raw"]

_HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".nexus")
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_raw(path: Path | str, options: ReadOptions | None = None, label: str = "") -> RawData:
    """Columns of a data file.

    Parameters
    ----------
    path : Path
        Text of any common dialect, or HDF5 with an NXdata group.
    options : ReadOptions
        How to read it; the defaults suit two columns of text, or the default plot of a NeXus file.
    label : str
        What error messages call the file; its name if empty.

    Raises
    ------
    DataError
        For everything that is wrong with the file: names file, place, what was found and expected, remedy.
    """
    options = options or ReadOptions()
    path = Path(path)
    label = label or path.name
    try:
        check_file(path, label)
        kind = kind_of(path, options.format, label)
        if kind == "nexus":
            from bayesbeam.io.readers.nexus import read_nexus

            return read_nexus(path, options, label)
        from bayesbeam.io.readers.text import read_text

        return read_text(path, options, label)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise DataError.at(
            label, f"cannot be read ({reason})", "a readable file", "Check its permissions."
        ) from problem


def kind_of(path: Path, word: str, label: str) -> str:
    """Reader for a file: ``text`` or ``nexus``."""
    if word in ("text", "nexus"):
        return word
    if word != "auto":
        raise DataError.at(f"{label}: read.format", repr(word), "a format", nearest(word, ["auto", "text", "nexus"]))
    with path.open("rb") as file:
        signed = file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE
    return "nexus" if signed or path.suffix.lower() in _HDF5_SUFFIXES else "text"
