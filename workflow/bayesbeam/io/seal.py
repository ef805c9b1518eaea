"""A seal behind the bytes of a results file, so that damage is seen before a library opens the file.

HDF5 ignores bytes behind its end, so a sealed file is read by other tools as before. The HDF5 library can crash the
whole process on a damaged file; that is why damage must be found first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from bayesbeam.errors import DamagedError, StoreError

_REMEDY = "Run the workflow again: it is set aside and made anew."
_EXPECTED = "a results file as the workflow wrote it"
_TRUNCATED = "the file is truncated, or of another program or version"
_CHANGED = "the file was damaged or changed"
_WORD = b"\nbayesbeam sha256 "
_LENGTH = len(_WORD) + 64 + 1
_MEMBER, _END = '\n "seal": "', "\n}\n"
_LINE = "# sha256 "


def seal(path: Path | str) -> None:
    """Append the sha256 of a finished file to it."""
    with Path(path).open("r+b") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, 2)
        file.write(_WORD + digest.encode("ascii") + b"\n")


def check_seal(path: Path | str, remedy: str = _REMEDY) -> None:
    """Refuse a results file that is missing, foreign, truncated or changed since it was sealed.

    Raises
    ------
    DamagedError
        With ``remedy`` as what to do next.
    StoreError
        If it is there and cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            found = _fault(file)
    except FileNotFoundError as problem:
        raise DamagedError.of(path, "no such file", _EXPECTED, "Run the workflow to make it.") from problem
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise StoreError.at(str(path), f"cannot be read ({reason})", _EXPECTED, "Check its permissions.") from problem
    if found:
        raise DamagedError.of(path, found, _EXPECTED, remedy)


def seal_text(text: str) -> str:
    """Return a JSON object as results are written, with the sha256 of that text as its last member."""
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return f'{text.removesuffix(_END)},{_MEMBER}{digest}"{_END}'


def unsealed_text(path: Path | str) -> bytes:
    """Return the bytes of a JSON object as they were before ``seal_text``.

    Raises
    ------
    DamagedError
        If the file is missing, foreign, truncated or changed since it was sealed.
    StoreError
        If it is there and cannot be read.
    """
    content = _content(path, _REMEDY)
    head, member, digest = content.rpartition(f",{_MEMBER}".encode())
    text = head + _END.encode()
    if not member:
        raise DamagedError.of(path, _TRUNCATED, _EXPECTED, _REMEDY)
    if digest != f'{hashlib.sha256(text).hexdigest()}"{_END}'.encode():
        raise DamagedError.of(path, _CHANGED, _EXPECTED, _REMEDY)
    return text


def seal_table(text: str) -> str:
    """Return a table as results are written, with the sha256 of that text in a comment as its last line."""
    return f"{text}{_LINE}{hashlib.sha256(text.encode('utf-8')).hexdigest()}\n"


def unsealed_table(path: Path | str, remedy: str = _REMEDY) -> str:
    """Return a table as it was before ``seal_table``; errors as those of ``unsealed_text``, with this ``remedy``."""
    head, line, digest = _content(path, remedy).rpartition(f"\n{_LINE}".encode())
    text = head + b"\n"
    if not line:
        raise DamagedError.of(path, _TRUNCATED, _EXPECTED, remedy)
    if digest != f"{hashlib.sha256(text).hexdigest()}\n".encode():
        raise DamagedError.of(path, _CHANGED, _EXPECTED, remedy)
    return text.decode("utf-8")


def _content(path: Path | str, remedy: str) -> bytes:
    """All bytes of a file."""
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise DamagedError.of(path, "no such file", _EXPECTED, remedy) from problem
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise StoreError.at(str(path), f"cannot be read ({reason})", _EXPECTED, "Check its permissions.") from problem


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
    return "" if tail == _WORD + digest.hexdigest().encode("ascii") + b"\n" else _CHANGED
