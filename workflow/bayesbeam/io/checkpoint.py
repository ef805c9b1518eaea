"""Files of checkpoints: arrays of any type and JSON, of one key, complete or not at all.

Decides the layout (an uncompressed zip of one JSON text and of the numbers of all arrays, one after the other, sealed);
knows nothing of samplers. A state has a hundred small arrays a measurement: each in a part of its own takes three times
as long.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import StoreError
from bayesbeam.io.atomic import atomic_path
from bayesbeam.io.seal import check_seal, seal

FORMAT = "bayesbeam checkpoint"
FORMAT_VERSION = 2
_HEAD, _NUMBERS = "checkpoint.json", "numbers.bin"
_PLAIN = "biufc"
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
        Of any type of numbers or truth values.
    facts : mapping
        What JSON can hold; numbers come back bit for bit.

    Raises
    ------
    StoreError
        If the file cannot be written; the one before stays as it was.
    ValueError
        If an array holds something else than numbers.
    """
    plain = {name: np.asarray(values, order="C") for name, values in arrays.items()}
    layout = [(name, _plain(values.dtype).str, values.shape) for name, values in plain.items()]
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "key": key, "facts": dict(facts), "arrays": layout}
    with atomic_path(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
            file.writestr(_HEAD, json.dumps(head))
            with file.open(_NUMBERS, "w", force_zip64=True) as member:
                for values in plain.values():
                    member.write(values.data)
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
            return _arrays(file, head["arrays"]), dict(head["facts"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, zipfile.BadZipFile) as problem:
        raise _foreign(path, f"something that cannot be read ({problem})") from problem


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint, and what writing it may have left where a job was killed."""
    leftovers = path.parent.glob(f".{path.name}.*.tmp") if path.parent.is_dir() else ()
    for file in (path, *leftovers):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _arrays(file: zipfile.ZipFile, layout: Sequence[tuple[str, str, Sequence[int]]]) -> dict[str, NDArray[Any]]:
    """Arrays of the given names, types and shapes, which lie one after the other."""
    types = [_plain(np.dtype(kind)) for _, kind, _ in layout]
    sizes = [math.prod(shape) * kind.itemsize for (_, _, shape), kind in zip(layout, types, strict=True)]
    there = file.getinfo(_NUMBERS).file_size
    if sum(sizes) != there or min(sizes, default=0) < 0:
        raise ValueError(f"{there} bytes of numbers where {sum(sizes)} are named")
    with file.open(_NUMBERS) as member:
        return {
            name: np.frombuffer(member.read(size), kind).reshape(shape).copy()
            for (name, _, shape), kind, size in zip(layout, types, sizes, strict=True)
        }


def _plain(kind: np.dtype[Any]) -> np.dtype[Any]:
    """The type itself, if it is one of numbers."""
    if kind.kind not in _PLAIN:
        raise ValueError(f"an array of type {kind}, which is none of numbers")
    return kind


def _foreign(path: Path, found: str) -> StoreError:
    """Store error for a checkpoint that is of no use here."""
    return StoreError.at(str(path), found, "a checkpoint of this very job", _REMEDY)
