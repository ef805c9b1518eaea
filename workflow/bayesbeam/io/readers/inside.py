"""Objects inside one HDF5 file: by path, listed, read. Never leaves the file.

Links to other files, virtual and external datasets are refused: a data file must not choose what else is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from bayesbeam.errors import DataError, nearest
from bayesbeam.io.readers.base import MAX_POINTS, Array

MAX_LISTED = 12
_MAX_LINKS = 16
_MAX_VISITED = 20_000


def dataset(file: h5py.File, group: h5py.Group, path: str, label: str) -> h5py.Dataset:
    """Dataset by a path from the group or from the top of the file."""
    member = resolve(file, group, path, label)
    if not isinstance(member, h5py.Dataset):
        raise DataError.at(label, f"{member.name} is a group", "a dataset", listing(file, "Choose one by its path."))
    return member


def resolve(file: h5py.File, group: h5py.Group, path: str, label: str, depth: int = 0) -> Any:
    """Member of the file by path, following links inside the file only."""
    if depth > _MAX_LINKS:
        raise DataError.at(
            label, f"links that lead in a circle at {path}", "a dataset", "Set read.dataset to its path."
        )
    place: Any = file if path.startswith("/") else group
    for part in [part for part in path.split("/") if part not in ("", ".")]:
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) and part in place.keys() else None
        if link is None:
            near = nearest(part, list(place.keys())[:1000]) if isinstance(place, h5py.Group) and len(place) else ""
            remedy = listing(file, near)
            raise DataError.at(label, f"{short(path)} is not in the file", "a path in the file", remedy)
        if isinstance(link, h5py.ExternalLink):
            found = f"{short(path)} is a link to another file"
            raise DataError.at(
                label, found, "data in the file itself", "Name the file that holds the data in the sheet."
            )
        place = resolve(file, place, link.path, label, depth + 1) if isinstance(link, h5py.SoftLink) else place[part]
    return place


def column(dataset: h5py.Dataset, label: str) -> Array:
    """Numbers of a one-dimensional dataset."""
    shape = dataset.shape or ()
    if dataset.is_virtual or dataset.external:
        found = f"{dataset.name} is kept in another file"
        raise DataError.at(label, found, "data in the file itself", "Name the file that holds the data in the sheet.")
    if dataset.dtype.kind not in "iuf":
        raise DataError.at(label, f"{dataset.name} holds {dataset.dtype}", "numbers", "Choose another dataset.")
    long = [size for size in shape if size != 1]
    if len(long) > 1 or not shape:
        found = f"{dataset.name} has the shape {tuple(shape)}"
        remedy = "Store one spectrum a dataset, or sum the others out, and name its path in read.dataset."
        raise DataError.at(label, found, "one dimension", remedy)
    if not 0 < dataset.size <= MAX_POINTS:
        raise DataError.at(label, f"{dataset.name} has {dataset.size} points", f"1 to {MAX_POINTS}", "Choose another.")
    return np.ravel(np.asarray(dataset[()], dtype=np.float64))


def walk(group: h5py.Group) -> Iterator[Any]:
    """Groups and datasets below a group, breadth first, hard links only, bounded."""
    waiting, seen = [group], 0
    known = {_address(group)}
    while waiting and seen < _MAX_VISITED:
        place = waiting.pop(0)
        for name in place:
            seen += 1
            if seen > _MAX_VISITED:
                return
            if not isinstance(place.get(name, getlink=True), h5py.HardLink):
                continue
            member = place[name]
            if _address(member) in known:
                continue
            known.add(_address(member))
            yield member
            if isinstance(member, h5py.Group):
                waiting.append(member)


def listing(file: h5py.File, advice: str) -> str:
    """Advice followed by the one-dimensional datasets of the file."""
    names = []
    for item in walk(file):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and len(item.shape or ()) == 1:
            names.append(f"{item.name} ({item.size})")
        if len(names) == MAX_LISTED:
            break
    tail = f"One-dimensional datasets: {', '.join(names)}." if names else "The file has no one-dimensional dataset."
    return f"{advice} {tail}".strip()


def text(value: Any) -> str:
    """Attribute as text, empty if there is none."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None or isinstance(value, h5py.Empty) else str(value)


def reason(problem: BaseException) -> str:
    """First line of what the HDF5 library says."""
    return short(str(problem).strip().split("\n")[0].strip("'\"") or type(problem).__name__)


def short(text: str) -> str:
    """Text cut to what fits in a message."""
    return text if len(text) <= 120 else text[:117] + "..."


def _address(member: Any) -> int:
    """Place of an object in its file, the same for every hard link to it."""
    return int(h5py.h5o.get_info(member.id).addr)
