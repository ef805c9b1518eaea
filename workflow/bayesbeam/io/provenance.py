"""Where a result comes from: hash of the input file, key, code version, format version."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bayesbeam import __version__
from bayesbeam.io.store import FORMAT_VERSION


def file_sha256(path: Path | str) -> str:
    """Return the sha256 of the bytes of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def readable(path: Path) -> bool:
    """Whether there is a file that this process may read; what is not is left to the job that says why."""
    return os.path.isfile(path) and os.access(path, os.R_OK)


def provenance(path: Path | str, sha256: str, key: str) -> dict[str, str]:
    """Record that goes into a measurement file; the name of the input only, so that moving a folder changes nothing."""
    return {
        "input_file": Path(path).name,
        "input_sha256": sha256,
        "key": key,
        "code_version": __version__,
        "format_version": str(FORMAT_VERSION),
    }
