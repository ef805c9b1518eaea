"""HDF5 files of measurements, which are NeXus NXdata files for other tools.

Decides the layout of ``measurements/<id>.h5`` and what a valid one is; not how data get there (``stages``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.io.atomic import atomic_path, no_room, unwritable
from bayesbeam.io.measurement import Array, Measurement
from bayesbeam.io.seal import check_seal, seal

FORMAT = "bayesbeam measurement"
FORMAT_VERSION = 1
MAX_POINTS = 10_000_000
IDENTIFIER = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,64}\Z")


def write_measurement(path: Path | str, measurement: Measurement) -> None:
    """Write a measurement file, complete or not at all; equal measurements give equal bytes.

    Raises
    ------
    StoreError
        If the measurement breaks its own rules or the file cannot be written.
    """
    _check(str(path), measurement)
    with atomic_path(path) as temporary:
        try:
            with h5py.File(temporary, "w") as file:
                _write(file, measurement)
            seal(temporary)
        except (ValueError, TypeError, RuntimeError) as problem:
            if no_room(problem):
                raise unwritable(path, problem, temporary) from problem
            found = f"measurement {measurement.id} cannot be written as HDF5 ({problem})"
            remedy = "Mend the sheet."
            raise StoreError.at(str(path), found, "names and text without NUL characters", remedy) from problem


def read_measurement(path: Path | str) -> Measurement:
    """Return the measurement kept in a file made by ``write_measurement``.

    Raises
    ------
    StoreError
        If the file is missing, corrupt, foreign, of another format version, or holds what cannot be.
    """
    where = str(path)
    check_seal(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            _check_format(where, file)
            measurement = _read(file)
    except StoreError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as problem:
        raise _foreign(where, f"cannot be read as HDF5 ({problem})") from problem
    _check(where, measurement)
    return measurement


def stored_points(path: Path | str) -> int:
    """Return the number of points of a measurement file, without reading them; 0 for a refused or a foreign one."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            _check_format(str(path), file)
            return int(_inside(_inside(_inside(file, "entry"), "data"), "x").size)
    except (StoreError, OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError):
        return 0


def _write(file: h5py.File, m: Measurement) -> None:
    """Fill an open file: NXroot / NXentry / NXdata, and three collections."""
    file.attrs.update({"NX_class": "NXroot", "default": "entry", "format": FORMAT, "format_version": FORMAT_VERSION})
    entry = _group(file, "entry", "NXentry", default="data", status=m.status, reason=m.reason)
    entry.create_dataset("title", data=m.id, track_times=False)
    data = _group(entry, "data", "NXdata", signal="y", axes="x", x_indices=0)
    data.attrs.update({"counts": m.counts, "decreasing": m.decreasing, "noise_estimate": m.noise_estimate})
    _column(data, "x", m.x, m.x_quantity, m.x_unit)
    _column(data, "y", m.y, m.y_quantity, m.y_unit)
    if m.uncertainty is not None:
        _column(data, "y_errors", m.uncertainty, f"standard deviation of {m.y_quantity}", m.y_unit)
    if m.columns:
        columns = _texts(_group(entry, "columns", "NXcollection"), "names", list(m.columns)).parent
        for k, values in enumerate(m.columns.values()):
            _column(columns, f"column_{k}", values, list(m.columns)[k], "")
    if m.instrument:
        said = _texts(_group(entry, "instrument", "NXcollection"), "facts", list(m.instrument))
        said.attrs.update(dict(m.instrument))
    metadata = _texts(_group(entry, "metadata", "NXcollection"), "columns", list(m.metadata))
    metadata.attrs.update(dict(m.metadata))
    treatment = _group(entry, "treatment", "NXprocess", program="bayesbeam")
    _texts(treatment, "steps", list(m.treatment))
    _group(entry, "provenance", "NXcollection").attrs.update(dict(m.provenance))


def _group(parent: h5py.Group, name: str, nx_class: str, **attributes: Any) -> h5py.Group:
    """Make a NeXus group with its attributes."""
    group = parent.create_group(name)
    group.attrs.update({"NX_class": nx_class, **attributes})
    return group


def _column(group: h5py.Group, name: str, values: Array, quantity: str, unit: str) -> None:
    """Make one column with its NeXus unit and name."""
    dataset = group.create_dataset(name, data=np.asarray(values, dtype=np.float64), track_times=False)
    dataset.attrs.update({"units": unit, "long_name": quantity})


def _texts(group: h5py.Group, name: str, texts: list[str]) -> h5py.Dataset:
    """Make one list of texts."""
    kind = h5py.string_dtype()
    return group.create_dataset(name, shape=(len(texts),), data=texts, dtype=kind, track_times=False)


def _read(file: h5py.File) -> Measurement:
    """Measurement in an open file of our format."""
    entry = _inside(file, "entry")
    data, collection, treatment = (_inside(entry, name) for name in ("data", "metadata", "treatment"))
    x, y, columns = _inside(data, "x"), _inside(data, "y"), _inside(collection, "columns")
    # Each of these is a way into the file of its own: thousands of files are read by every stage.
    of_x, of_y, of_data, of_entry, of_columns = (one.attrs for one in (x, y, data, entry, columns))
    return Measurement(
        id=str(_inside(entry, "title").asstr()[()]),
        x=_values(x),
        y=_values(y),
        uncertainty=_values(_inside(data, "y_errors")) if "y_errors" in data else None,
        x_quantity=str(of_x["long_name"]),
        x_unit=str(of_x["units"]),
        y_quantity=str(of_y["long_name"]),
        y_unit=str(of_y["units"]),
        counts=bool(of_data["counts"]),
        decreasing=bool(of_data["decreasing"]),
        noise_estimate=float(of_data["noise_estimate"]),
        metadata={str(key): _plain(of_columns[key]) for key in columns.asstr()[()]},
        treatment=tuple(str(step) for step in _inside(treatment, "steps").asstr()[()]),
        provenance={
            str(key): str(value) for key, value in _inside(entry, "provenance").attrs.items() if key != "NX_class"
        },
        status=str(of_entry["status"]),
        reason=str(of_entry["reason"]),
        columns=_columns(entry),
        instrument=_instrument(entry),
    )


def _columns(entry: h5py.Group) -> dict[str, Array]:
    """Further columns, none in files that have none."""
    if "columns" not in entry:
        return {}
    group = _inside(entry, "columns")
    names = [str(name) for name in _inside(group, "names").asstr()[()]]
    return {name: _values(_inside(group, f"column_{k}")) for k, name in enumerate(names)}


def _instrument(entry: h5py.Group) -> dict[str, str | float]:
    """Facts of the instrument, none in files that have none."""
    if "instrument" not in entry:
        return {}
    said = _inside(_inside(entry, "instrument"), "facts")
    return {str(key): _plain(said.attrs[key]) for key in said.asstr()[()]}


def _inside(group: h5py.Group, name: str) -> Any:
    """Member of a group that lies in the same file, never behind a link."""
    links, place = group.id.links, name.encode()
    if not links.exists(place) or links.get_info(place).type != h5py.h5l.TYPE_HARD:
        raise KeyError(f"{group.name}/{name} is not in the file itself")
    return group[name]


def _values(dataset: h5py.Dataset) -> Array:
    """Column of bounded length, kept in its file and not in others."""
    if dataset.ndim != 1 or dataset.size > MAX_POINTS or dataset.is_virtual or dataset.external:
        raise ValueError(f"{dataset.name} is not a plain column of at most {MAX_POINTS} points")
    return np.asarray(dataset[()], dtype=np.float64)


def _plain(value: Any) -> str | float:
    """Metadata value as text or number."""
    return value if isinstance(value, str) else float(value)


def _foreign(where: str, found: str) -> StoreError:
    """Store error for a file that is not one of ours."""
    remedy = "Run the workflow again: it is set aside and made anew."
    return DamagedError.of(where, found, f"a {FORMAT} file of format version {FORMAT_VERSION}", remedy)


def _check_format(where: str, file: h5py.File) -> None:
    """Refuse files that are not ours, or of another version."""
    if file.attrs.get("format") != FORMAT:
        raise _foreign(where, "HDF5 of another program")
    version = file.attrs.get("format_version")
    if version != FORMAT_VERSION:
        raise _foreign(where, f"format version {version}")


def _check(where: str, m: Measurement) -> None:
    """Refuse a measurement that breaks the promises of its attributes."""
    columns = [m.x, m.y, *([] if m.uncertainty is None else [m.uncertainty]), *m.columns.values()]
    faults = {
        "an id that cannot be a file name": not IDENTIFIER.match(m.id),
        f"status {m.status!r}": m.status not in ("ok", "refused"),
        "columns of unequal length": any(column.shape != (m.x.size,) for column in columns),
        "values that are not finite": not all(np.isfinite(column).all() for column in columns),
        "x that is not ascending": bool((np.diff(m.x) < 0).any()),
        "uncertainties that are not positive": m.uncertainty is not None and bool((m.uncertainty <= 0).any()),
        "no data points": m.status == "ok" and m.x.size == 0,
        "no estimate of the noise": m.status == "ok" and not m.noise_estimate >= 0,
        "a refusal without a reason": m.status == "refused" and not m.reason,
    }
    for found, is_so in faults.items():
        if is_so:
            raise _foreign(where, found)
