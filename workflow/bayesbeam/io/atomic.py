"""Files that appear complete or not at all: written beside, flushed to disk, renamed.

Decides how a file is put in place; what is in it is the caller's business.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bayesbeam.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)
# What HDF5 says of the same.
_FULL_WORDS = ("No space left on device", "Disk quota exceeded")


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
        raise unwritable(target, problem, temporary) from problem
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
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


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


def no_room(problem: Exception) -> bool:
    """Whether a write failed because the disk is full, or the quota is used up."""
    return getattr(problem, "errno", None) in _FULL or any(words in str(problem) for words in _FULL_WORDS)


def unwritable(path: Path | str, problem: Exception, begun: Path | None = None) -> StoreError:
    """Store error in the user's words for a failed write; ``begun`` is what there is of the file so far."""
    reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    if no_room(problem):
        size = 0
        with suppress(OSError):
            size = begun.stat().st_size if begun is not None else 0
        free = _free_bytes(Path(path).parent) / 2**20
        found = f"{os.strerror(errno.ENOSPC)} after {size / 2**20:.1f} MiB of it; {free:.1f} MiB are free"
        return StoreError.at(
            str(path),
            f"cannot be written ({found})",
            "a disk with room for it",
            "Free some space on this disk and run again: it goes on from where it was.",
        )
    return StoreError.at(
        str(path),
        f"cannot be written ({reason})",
        "a writable results folder with free space",
        "Check the permissions of the folder and the free space of the disk.",
    )


def _free_bytes(folder: Path) -> int:
    """Free bytes of the disk of a folder, 0 where nobody can tell."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
