"""Files of draws: round trip, equal bytes for equal content, and damage is an error of ours, never a crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from bayesbeam.errors import StoreError
from bayesbeam.io.samples import FORMAT, FORMAT_VERSION, Record, read_records, records_file, write_records
from bayesbeam.io.seal import seal

RECORDS = {
    "run1": Record({"theta": np.arange(24.0).reshape(2, 3, 4), "beta": np.array([0.0, 1.0])}, {"key": "k", "nan": 1.5}),
    "run2/peaks-k1": Record({"empty": np.zeros((0, 3))}, {"columns": [{"name": "a.b", "index": None}]}),
    "run2/peaks-k1/members/x.1": Record({"x": np.array([np.nan, np.inf, -np.inf])}, {}),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "new" / "draws.h5"
    write_records(made, RECORDS)
    return made


def test_round_trip(path: Path) -> None:
    back = read_records(path)
    assert set(back) == set(RECORDS)
    for name, record in RECORDS.items():
        assert back[name].facts == record.facts
        assert set(back[name].arrays) == set(record.arrays)
        for key, values in record.arrays.items():
            np.testing.assert_array_equal(back[name].arrays[key], values)
            assert back[name].arrays[key].dtype == np.float64


def test_no_records_are_a_file_too(tmp_path: Path) -> None:
    write_records(tmp_path / "none.h5", {})
    assert read_records(tmp_path / "none.h5") == {}


def test_equal_records_give_equal_bytes_whenever_written(path: Path, tmp_path: Path) -> None:
    time.sleep(1.1)  # HDF5 stamps whole seconds, where it stamps
    write_records(tmp_path / "again.h5", RECORDS)
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_facts_above_the_64_kb_of_old_hdf5_attributes(tmp_path: Path) -> None:
    facts = {"columns": [f"parameter {i}" for i in range(20_000)], "word": "ü" * 70_000}
    write_records(tmp_path / "large.h5", {"m": Record({"x": np.ones(3)}, facts)})
    assert read_records(tmp_path / "large.h5")["m"].facts == facts


def test_other_tools_read_the_sealed_file(path: Path) -> None:
    with h5py.File(path, "r") as file:
        np.testing.assert_array_equal(file["run1/theta"][()], RECORDS["run1"].arrays["theta"])


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.99, 0.9999])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(StoreError, match=r"draws\.h5: .*truncated.*; expected .*set aside and made anew"):
        read_records(path)


@pytest.mark.parametrize("place", [0, 9, 100, 0.25, 0.5, 0.75, -80, -40, -1])
def test_one_flipped_bit_is_noticed(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if 0 < place < 1 else int(place)] ^= 0x10
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="set aside and made anew"):
        read_records(path)


def foreign_text(path: Path) -> None:
    path.write_text("x y\n1 2\n" * 50)


def foreign_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(5.0)


def foreign_sealed(path: Path) -> None:
    foreign_hdf5(path)
    seal(path)


def other_version(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": FORMAT, "format_version": FORMAT_VERSION + 1})
    seal(path)


def facts_no_json(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": FORMAT, "format_version": FORMAT_VERSION})
        file.create_group("m").attrs["facts"] = "{"
    seal(path)


def sealed_text(path: Path) -> None:
    foreign_text(path)
    seal(path)


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    "make", [foreign_text, foreign_hdf5, foreign_sealed, other_version, facts_no_json, sealed_text, a_folder]
)
def test_a_foreign_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "draws.h5")
    with pytest.raises(StoreError, match=r"draws\.h5: .*; expected "):
        read_records(tmp_path / "draws.h5")


def test_a_missing_file_says_who_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"none\.h5: no such file; expected .*Run the workflow"):
        read_records(tmp_path / "none.h5")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_records(path, {"m": Record({}, {"not for JSON": object()})})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_error_between_records_stays_what_it_is_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "draws.h5"

    def fail() -> None:
        with records_file(path) as add:
            add("a", Record({"theta": np.zeros(3)}, {"key": "k", "cpu_seconds": 1.0}))
            raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        fail()
    assert list(tmp_path.iterdir()) == []
