"""Readers of measured data: one format a file. Chooses the reader by format word, content and suffix."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

from bayesbeam.errors import DataError, nearest
from bayesbeam.io.readers.base import RawData, ReadOptions, check_file

__all__ = ["RawData", "ReadOptions", "check_file", "kind_of", "read_raw"]

_SUFFIXES = {
    **dict.fromkeys((".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".nexus"), "nexus"),
    ".xrdml": "xrdml",
    ".cif": "cif",
    **dict.fromkeys((".fxye", ".gsa", ".gsas", ".gda", ".gss"), "gsas"),
}
_SIGNATURES = {
    "nexus": re.compile(rb"\x89HDF\r\n\x1a\n"),
    "xrdml": re.compile(rb"(?:\xef\xbb\xbf)?\s*<[^\0]{0,2000}?<xrdMeasurements\b|\s*<xrdMeasurements\b"),
    "gsas": re.compile(rb"[^\0]*?(?:^|[\r\n])BANK[ \t]+\d+[ \t]+\d+[ \t]+\d+[ \t]+[A-Z_0-9]+[ \t]"),
}
_HEAD_BYTES = 16_384
_READERS = {
    name: (f"bayesbeam.io.readers.{module}", f"read_{name}")
    for name, module in {
        "text": "text",
        "nexus": "nexus",
        "xrdml": "xrdml",
        "gsas": "gsas",
        "cif": "pdcif",
        "image": "image",
    }.items()
}


def read_raw(path: Path | str, options: ReadOptions | None = None, label: str = "") -> RawData:
    """Columns of a data file.

    Parameters
    ----------
    path : Path
        Text of any common dialect, HDF5 with an NXdata group, or a file of a diffractometer.
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
        module, name = _READERS[kind_of(path, options.format, label)]
        read: Callable[[Path, ReadOptions, str], RawData] = getattr(importlib.import_module(module), name)
        return read(path, options, label)
    except OSError as problem:
        raise unreadable(label, problem) from problem


def unreadable(label: str, problem: OSError) -> DataError:
    """Return the error for a file that the system does not let us read."""
    reason = problem.strerror or str(problem)
    return DataError.at(label, f"cannot be read ({reason})", "a readable file", "Check its permissions.")


def kind_of(path: Path, word: str, label: str) -> str:
    """Reader for a file: ``text``, ``nexus``, ``xrdml``, ``gsas``, ``cif`` or ``image``."""
    if word in _READERS:
        return word
    if word != "auto":
        raise DataError.at(f"{label}: read.format", repr(word), "a format", nearest(word, ["auto", *_READERS]))
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    signed = next((kind for kind, signature in _SIGNATURES.items() if signature.match(head)), None)
    return signed or _SUFFIXES.get(path.suffix.lower(), "text")
