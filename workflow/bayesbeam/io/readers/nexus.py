"""One-dimensional data in HDF5 files: NXdata by the NeXus default chain, or datasets by their paths."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.readers import inside
from bayesbeam.io.readers.base import NUMBER_OF_POINT, RawData, ReadOptions
from bayesbeam.io.readers.nexus_facts import facts

_MAX_STEPS = 16


def read_nexus(path: Path, options: ReadOptions, label: str) -> RawData:
    """Columns of an HDF5 file.

    Raises
    ------
    DataError
        If the file is truncated, has no one-dimensional data where it should, or points outside itself.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError) as problem:
        remedy = "Copy the file again; it is truncated, or no HDF5 file."
        raise DataError.at(
            label, f"cannot be opened as HDF5 ({inside.reason(problem)})", "a complete file", remedy
        ) from problem
    with file:
        try:
            return _read(file, options, label)
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError, UnicodeError) as problem:
            remedy = "Copy the file again; it may be damaged or use a compression that is not installed."
            raise DataError.at(
                label, f"cannot be read ({inside.reason(problem)})", "intact HDF5 data", remedy
            ) from problem


def _read(file: h5py.File, options: ReadOptions, label: str) -> RawData:
    """Find signal, axis and uncertainties, and read them."""
    group, signal = _signal(file, options, label)
    y = inside.column(signal, label)
    axis = None if options.x is None else _axis(file, group, signal, options, label)
    x = np.arange(1.0, y.size + 1.0) if axis is None else inside.column(axis, label)
    edges = x.size == y.size + 1
    x = 0.5 * (x[1:] + x[:-1]) if edges else x
    if axis is not None and x.size != y.size:
        found = f"{signal.name} has {y.size} points and {axis.name} has {x.size}"
        raise DataError.at(label, found, "as many x as y", inside.listing(file, "Choose read.x by its path."))
    errors = _errors(file, group, signal, options, label)
    uncertainty = None if errors is None else inside.column(errors, label)
    if errors is not None and uncertainty is not None and uncertainty.size != y.size:
        found = f"{signal.name} has {y.size} points and {errors.name} has {uncertainty.size}"
        raise DataError.at(label, found, "as many uncertainties as y", "Choose read.uncertainty by its path.")
    return RawData(
        x=x,
        y=y,
        uncertainty=uncertainty,
        columns=tuple(_further(file, group, signal, column, label) for column in options.columns),
        places=np.arange(1, y.size + 1, dtype=np.int64),
        place_word="point",
        x_name=NUMBER_OF_POINT if axis is None else str(axis.name),
        y_name=str(signal.name),
        uncertainty_name="" if errors is None else str(errors.name),
        x_unit="" if axis is None else inside.text(axis.attrs.get("units")),
        y_unit=inside.text(signal.attrs.get("units")),
        dialect="HDF5, x from the edges of bins" if edges else "HDF5",
        instrument=facts(file, signal, axis),
    )


def _further(file: h5py.File, group: h5py.Group, signal: h5py.Dataset, column: int | str, label: str) -> np.ndarray:
    """One further column, which has to be named."""
    if not isinstance(column, str):
        remedy = inside.listing(file, "Name it under read.columns by its path.")
        raise DataError.at(label, f"column {column} of an HDF5 file", "a name or a path", remedy)
    found = inside.dataset(file, group, column, label)
    values = inside.column(found, label)
    if values.size != signal.size:
        words = f"{signal.name} has {signal.size} points and {found.name} has {values.size}"
        raise DataError.at(label, words, "as many as y", inside.listing(file, "Choose read.columns by their paths."))
    return values


def _signal(file: h5py.File, options: ReadOptions, label: str) -> tuple[h5py.Group, h5py.Dataset]:
    """Group and dataset of y."""
    start = inside.resolve(file, file, options.dataset, label) if options.dataset else file
    if isinstance(start, h5py.Dataset):
        return start.parent, start
    group = _default_group(file, start, label)
    if isinstance(options.y, str):
        return group, inside.dataset(file, group, options.y, label)
    name = inside.text(group.attrs.get("signal"))
    if not name:
        old = [key for key in group if _is_old_signal(file, group, key, label)]
        if not old:
            remedy = inside.listing(file, "Set read.dataset to the path of y, and read.x to that of x.")
            raise DataError.at(label, f"{group.name} names no signal", "the attribute signal", remedy)
        name = old[0]
    return group, inside.dataset(file, group, name, label)


def _is_old_signal(file: h5py.File, group: h5py.Group, key: str, label: str) -> bool:
    """Whether a member is the signal by the convention from before 2014."""
    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
        return False
    member = inside.resolve(file, group, key, label)
    return isinstance(member, h5py.Dataset) and inside.text(member.attrs.get("signal")) == "1"


def _default_group(file: h5py.File, start: h5py.Group, label: str) -> h5py.Group:
    """NXdata group at or below a group, by ``default`` attributes or because there is only one."""
    group = start
    for _ in range(_MAX_STEPS):
        if inside.text(group.attrs.get("NX_class")) == "NXdata":
            return group
        default = inside.text(group.attrs.get("default"))
        if not default:
            break
        member = inside.resolve(file, group, default, label)
        if not isinstance(member, h5py.Group):
            break
        group = member
    found = [item for item in inside.walk(group) if inside.text(item.attrs.get("NX_class")) == "NXdata"]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(item.name) for item in found[: inside.MAX_LISTED])
        raise DataError.at(
            label, f"{len(found)} NXdata groups and no default", "one", f"Set read.dataset to one of: {names}."
        )
    remedy = inside.listing(file, "Set read.dataset to the path of y, and read.x to that of x.")
    raise DataError.at(label, "no NXdata group", "one, or the path of a dataset", remedy)


def _axis(file: h5py.File, group: h5py.Group, signal: h5py.Dataset, options: ReadOptions, label: str) -> h5py.Dataset:
    """Dataset of x: as chosen, else as the file says."""
    if isinstance(options.x, str):
        return inside.dataset(file, group, options.x, label)
    axes = group.attrs.get("axes", signal.attrs.get("axes"))
    if axes is None:
        axes = []
    names = [inside.text(name) for name in np.ravel(np.asarray(axes, dtype=object))]
    names = [part for name in names for part in name.strip("[]").replace(":", ",").split(",") if part]
    names = [name for name in names if name != "."]
    if len(names) != 1:
        found = f"{group.name} names {len(names)} axes" if names else f"{group.name} names no axis for {signal.name}"
        raise DataError.at(label, found, "one axis", inside.listing(file, "Set read.x to the path of x."))
    return inside.dataset(file, group, names[0], label)


def _errors(
    file: h5py.File, group: h5py.Group, signal: h5py.Dataset, options: ReadOptions, label: str
) -> h5py.Dataset | None:
    """Dataset of uncertainties: as chosen, else as the file says, else none."""
    if isinstance(options.uncertainty, str):
        return inside.dataset(file, group, options.uncertainty, label)
    name = str(signal.name).rsplit("/", 1)[-1]
    stated = inside.text(signal.attrs.get("uncertainties")) or inside.text(group.attrs.get(f"{name}_uncertainties"))
    for choice in (stated, f"{name}_errors", f"{name}_error", "errors"):
        if choice and choice in group:
            return inside.dataset(file, group, choice, label)
    return None
