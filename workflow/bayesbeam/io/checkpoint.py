"""Files of checkpoints: arrays of any type and JSON, of one key, complete or not at all.

Decides the layout (an uncompressed zip of ``.npy`` arrays and one JSON text, sealed); knows nothing of samplers.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import StoreError
from bayesbeam.io.atomic import atomic_path
from bayesbeam.io.seal import check_seal, seal

FORMAT = "bayesbeam checkpoint"
FORMAT_VERSION = 1
_HEAD = "checkpoint.json"
_REMEDY = "Nothing: the job starts anew."

Arrays = Mapping[str, NDArray[Any]]


def checkpoint_path(out: Path) -> Path:
    """Return where the checkpoint of a job lies: hidden beside the file that the job makes."""
    return out.with_name(f".{out.name}.checkpoint")


def finished_path(out: Path) -> Path:
    """Return where a job keeps what it has finished while the rest is still to be done."""
    return out.with_name(f".{out.name}.finished")


def write_checkpoint(path: Path, key: str, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Write a checkpoint in place of the one before; it cannot be lost any more when this returns.

    Parameters
    ----------
    key : str
        Hash of everything that the state depends on.
    arrays : mapping of str to array
        Of any plain type; objects are refused.
    facts : mapping
        What JSON can hold; numbers come back bit for bit.

    Raises
    ------
    StoreError
        If the file cannot be written; the one before stays as it was.
    """
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "key": key, "facts": dict(facts)}
    with atomic_path(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
            file.writestr(_HEAD, json.dumps(head))
            for name, values in arrays.items():
                with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(values, order="C"), allow_pickle=False)
        seal(temporary)


def read_checkpoint(path: Path, key: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays (C order, writable) and facts of a checkpoint.

    Raises
    ------
    StoreError
        If it is missing, damaged, of another program or version, or of another key.
    """
    check_seal(path, _REMEDY)
    try:
        with zipfile.ZipFile(path) as file:
            if any(info.compress_type != zipfile.ZIP_STORED for info in file.infolist()):
                raise _foreign(path, "compressed parts")
            head = json.loads(file.read(_HEAD))
            if (head["format"], head["format_version"]) != (FORMAT, FORMAT_VERSION):
                raise _foreign(path, "another format or version")
            if head["key"] != key:
                raise _foreign(path, "other data, another model, other settings or another version of a program")
            names = [name for name in file.namelist() if name != _HEAD]
            return {name.removesuffix(".npy"): _array(file, name) for name in names}, dict(head["facts"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zipfile.BadZipFile) as problem:
        raise _foreign(path, f"something that cannot be read ({problem})") from problem


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint, and what writing it may have left where a job was killed."""
    leftovers = path.parent.glob(f".{path.name}.*.tmp") if path.parent.is_dir() else ()
    for file in (path, *leftovers):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _array(file: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Array of one part."""
    with file.open(name) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _foreign(path: Path, found: str) -> StoreError:
    """Store error for a checkpoint that is of no use here."""
    return StoreError.at(str(path), found, "a checkpoint of this very job", _REMEDY)
