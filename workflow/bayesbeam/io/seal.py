"""A seal behind the bytes of a results file, so that damage is seen before a library opens the file.

HDF5 ignores bytes behind its end, so a sealed file is read by other tools as before. The HDF5 library can crash the
whole process on a damaged file; that is why damage must be found first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from bayesbeam.errors import StoreError

_WORD = b"\nbayesbeam sha256 "
_LENGTH = len(_WORD) + 64 + 1


def seal(path: Path | str) -> None:
    """Append the sha256 of a finished file to it."""
    with Path(path).open("r+b") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, 2)
        file.write(_WORD + digest.encode("ascii") + b"\n")


def check_seal(path: Path | str, remedy: str = "Delete this file and run the workflow again to make it anew.") -> None:
    """Refuse a results file that is missing, foreign, truncated or changed since it was sealed.

    Raises
    ------
    StoreError
        With ``remedy`` as what to do next.
    """
    where = str(path)
    expected = "a results file as the workflow wrote it"
    try:
        with Path(path).open("rb") as file:
            found = _fault(file)
    except FileNotFoundError as problem:
        raise StoreError.at(where, "no such file", expected, "Run the workflow to make it.") from problem
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise StoreError.at(where, f"cannot be read ({reason})", expected, "Check its permissions.") from problem
    if found:
        raise StoreError.at(where, found, expected, remedy)


def _fault(file: BinaryIO) -> str:
    """What is wrong with a sealed file, nothing if it is whole."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _LENGTH))
    tail = file.read()
    if len(tail) < _LENGTH or not tail.startswith(_WORD):
        return "the file is truncated, or of another program"
    file.seek(0)
    digest, left = hashlib.sha256(), size - _LENGTH
    while left > 0:
        block = file.read(min(left, 1 << 20))
        if not block:
            return "the file is truncated"
        digest.update(block)
        left -= len(block)
    return "" if tail == _WORD + digest.hexdigest().encode("ascii") + b"\n" else "the file was damaged or changed"
