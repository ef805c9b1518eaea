"""Files that appear complete or not at all: written beside, flushed to disk, renamed.

Decides how a file is put in place; what is in it is the caller's business.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bayesbeam.errors import StoreError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends well.

    Parameters
    ----------
    path : Path
        The file to be made; its folder is created if needed.

    Yields
    ------
    Path
        Not yet existing file in the same folder. The block must create it.

    Raises
    ------
    StoreError
        If the folder cannot be written, the disk is full, or the block created nothing. The temporary file is
        removed in every case, and an older ``path`` stays as it was.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        temporary.replace(target)
        _flush_folder(target.parent)
    except OSError as problem:
        raise _unwritable(target, problem) from problem
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write ``content`` to ``path``, complete or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` as UTF-8 with unix line ends to ``path``, complete or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` as strict JSON (no NaN), keys in the order given, complete or not at all."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return ``value`` as strict JSON, as results are written."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _flush(path: Path) -> None:
    """Force the content of a file to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Force a rename to disk, where the file system can do that."""
    with suppress(OSError):
        _flush(folder)


def _unwritable(path: Path, problem: OSError) -> StoreError:
    """Store error in the user's words for a failed write."""
    reason = problem.strerror or str(problem) or type(problem).__name__
    return StoreError.at(
        str(path),
        f"cannot be written ({reason})",
        "a writable results folder with free space",
        "Check the permissions of the folder and the free space of the disk.",
    )
