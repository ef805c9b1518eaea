"""Files of draws: one HDF5 group a measurement or joint analysis, plain arrays and one JSON text of facts.

Decides the layout of ``samples/<batch>/<tag>.h5`` and ``integration/<group>/<tag>.h5``; knows nothing of samplers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DamagedError, StoreError
from bayesbeam.io.atomic import atomic_path, unwritable, write_json
from bayesbeam.io.costs import costs_path, divided, merged, read_costs
from bayesbeam.io.seal import check_seal, seal

FORMAT = "bayesbeam arrays"
FORMAT_VERSION = 1
_KEY = "key"

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Record:
    """Arrays by name, and facts that JSON can hold."""

    arrays: Mapping[str, Array]
    facts: Mapping[str, Any]


def write_records(path: Path, records: Mapping[str, Record]) -> None:
    """Write a file of records, complete or not at all; a name may be a path of groups such as ``id/tag``.

    Equal records give equal bytes, whatever they took: costs go into a file beside, before.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    with records_file(path) as add:
        for name, record in sorted(records.items()):
            add(name, record)


@contextmanager
def records_file(path: Path) -> Iterator[Callable[[str, Record], None]]:
    """Yield what writes one record after the other into a file, which is there when the block ends well.

    As :func:`write_records`, of records that need not all be held at once.
    """
    costs: dict[str, Any] = {}
    with atomic_path(path) as temporary:

        @contextmanager
        def writing() -> Iterator[None]:
            try:
                yield
            except RuntimeError as problem:
                raise unwritable(path, problem, temporary) from problem

        with ExitStack() as stack:
            with writing():
                # Format 1.10 of HDF5 allows attributes above 64 kB, which the facts of a large group may need.
                file = h5py.File(temporary, "w", libver="v110")
                stack.callback(file.close)
                file.attrs["format"] = FORMAT
                file.attrs["format_version"] = FORMAT_VERSION

            def add(name: str, record: Record) -> None:
                facts, spent = divided(dict(record.facts))
                if spent:
                    costs[name] = {_KEY: facts.get(_KEY), "costs": spent}
                with writing():
                    _write(file.create_group(name), Record(record.arrays, facts))

            # What goes wrong between the records is no error of this file.
            yield add
            with writing():
                file.close()
                seal(temporary)
        if costs:
            write_json(costs_path(path), costs)


def read_records(path: Path) -> dict[str, Record]:
    """Read all records of a file, with their costs where they are known; a name is the path of a group.

    Raises
    ------
    StoreError
        If the file is missing, damaged or of another program.
    """
    records: dict[str, Record] = {}
    with opened_records(path) as file:

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Group) and "facts" in item.attrs:
                records[name] = _read(item)

        file.visititems(visit)
    for name, beside in read_costs(path).items():
        if name in records:
            _add_costs(records[name], beside)
    return records


class RecordsFile:
    """Records of a file that stays open, each read when it is asked for, with its costs.

    Raises
    ------
    StoreError
        If the file is missing, damaged or of another program.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._costs, self._stack = path, read_costs(path), ExitStack()
        self._file = self._stack.enter_context(opened_records(path))

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def read(self, name: str) -> Record | None:
        """Read one of the records; None where it is not there."""
        with _foreign_errors(self._path):
            record = _read(self._file[name]) if name in self._file else None
        if record is not None:
            _add_costs(record, self._costs.get(name))
        return record


@contextmanager
def opened_records(path: Path) -> Iterator[h5py.File]:
    """Yield an open file of records that is whole."""
    check_seal(path)
    with _foreign_errors(path), h5py.File(path, "r", locking=False) as file:
        if file.attrs.get("format") != FORMAT or file.attrs.get("format_version") != FORMAT_VERSION:
            raise _foreign(path, "HDF5 of another program or version")
        yield file


@contextmanager
def _foreign_errors(path: Path) -> Iterator[None]:
    """Raise what goes wrong with a file inside as an error of the store."""
    try:
        yield
    except StoreError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as problem:
        raise _foreign(path, f"cannot be read ({problem})") from problem


def _add_costs(record: Record, beside: Any) -> None:
    """Put costs back into the facts of a record, if they name its key."""
    if isinstance(beside, dict) and beside.get(_KEY) == record.facts.get(_KEY):
        merged(record.facts, beside.get("costs") or {})


def known_records(path: Path) -> dict[str, Record]:
    """Records of an earlier run; none where there is no file or a damaged one, for it is about to be made anew."""
    try:
        return read_records(path) if path.is_file() else {}
    except StoreError:
        return {}


def _write(group: h5py.Group, record: Record) -> None:
    """Fill the group of one record."""
    group.attrs["facts"] = json.dumps(dict(record.facts), sort_keys=True, allow_nan=True)
    # The same bytes as by create_dataset, in half of the time: a record has a dozen small arrays.
    timeless = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    timeless.set_obj_track_times(False)
    for key, values in sorted(record.arrays.items()):
        numbers = np.asarray(values, dtype=np.float64, order="C")
        space = h5py.h5s.create_simple(numbers.shape)
        dataset = h5py.h5d.create(group.id, key.encode(), h5py.h5t.NATIVE_DOUBLE, space, timeless)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, numbers)


def _read(group: h5py.Group) -> Record:
    """Record of one group."""
    found = {key: h5py.h5o.open(group.id, key.encode()) for key in group}
    arrays = {key: _numbers(one) for key, one in found.items() if isinstance(one, h5py.h5d.DatasetID)}
    return Record(arrays, json.loads(str(group.attrs["facts"])))


def _numbers(dataset: h5py.h5d.DatasetID) -> NDArray[np.float64]:
    """Array of one dataset."""
    numbers = np.empty(dataset.shape)
    dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, numbers)
    return numbers


def _foreign(path: Path, found: str) -> StoreError:
    """Store error for a file that is not one of ours."""
    remedy = "Run the workflow again: it is set aside and made anew."
    return DamagedError.of(path, found, f"a file of {FORMAT}, format version {FORMAT_VERSION}", remedy)
