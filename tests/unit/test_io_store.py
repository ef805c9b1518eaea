"""Measurement files: round trip, bytes, NeXus chain for other tools, refusals, atomic writing."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bayesbeam.errors import StoreError
from bayesbeam.io.atomic import atomic_path, write_json, write_text
from bayesbeam.io.seal import check_seal, seal
from bayesbeam.io.store import Measurement, read_measurement, write_measurement

X = np.linspace(-1.0, 3.0, 9)
FULL = Measurement(
    id="au4f-1",
    x=X,
    y=X**2,
    uncertainty=1.0 + X**2,
    x_quantity="binding energy",
    x_unit="eV",
    y_quantity="intensity",
    y_unit="counts",
    counts=True,
    decreasing=True,
    noise_estimate=0.25,
    metadata={"sample": "gold <Ü>", "T/K": 295.0, "NX_class": "x"},
    treatment=("Read 9 points.", "Masked nothing."),
    provenance={"input_file": "a.txt", "input_sha256": "0" * 64, "key": "k"},
    instrument={"wavelength_angstrom": 1.540598, "geometry": "Bragg-Brentano", "sample": "Ü <b>"},
)
REFUSED = Measurement(id="bad", status="refused", reason="a.txt: line 3: nan; expected numbers.")


@pytest.mark.parametrize("measurement", [FULL, REFUSED, dataclasses.replace(FULL, uncertainty=None, metadata={})])
def test_round_trip(tmp_path: Path, measurement: Measurement) -> None:
    path = tmp_path / "new" / "m.h5"
    write_measurement(path, measurement)
    back = read_measurement(path)
    for field in dataclasses.fields(Measurement):
        before, after = getattr(measurement, field.name), getattr(back, field.name)
        if isinstance(before, np.ndarray) or field.name == "noise_estimate":
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before
            assert type(after) is type(before)
    assert list(back.metadata) == list(measurement.metadata)
    assert [entry.name for entry in path.parent.iterdir()] == ["m.h5"]


def test_equal_measurements_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_measurement(tmp_path / "a.h5", FULL)
    monkeypatch.setattr("time.time", lambda: 0.0)
    os.utime(tmp_path, (0, 0))
    write_measurement(tmp_path / "b.h5", FULL)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_object_times_are_not_kept(tmp_path: Path) -> None:
    """Modification times inside HDF5 would change the bytes from one second to the next."""
    write_measurement(tmp_path / "a.h5", FULL)
    with h5py.File(tmp_path / "a.h5") as file:
        found: list[int] = []
        file.visititems(lambda _, item: found.append(h5py.h5g.get_objinfo(item.id).mtime))
    assert len(found) == 13
    assert set(found) == {0}


def test_other_tools_follow_the_nexus_chain(tmp_path: Path) -> None:
    """What NeXus readers do: default, default, signal, axes, units, errors."""
    write_measurement(tmp_path / "a.h5", FULL)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["NX_class"] == "NXroot"
        entry = file[file.attrs["default"]]
        assert entry.attrs["NX_class"] == "NXentry"
        data = entry[entry.attrs["default"]]
        assert data.attrs["NX_class"] == "NXdata"
        signal, axis = data[data.attrs["signal"]], data[data.attrs["axes"]]
        assert (signal.attrs["units"], axis.attrs["units"]) == ("counts", "eV")
        assert (signal.attrs["long_name"], axis.attrs["long_name"]) == ("intensity", "binding energy")
        assert data.attrs[data.attrs["axes"] + "_indices"] == 0
        np.testing.assert_array_equal(signal[()], FULL.y)
        np.testing.assert_array_equal(axis[()], FULL.x)
        np.testing.assert_array_equal(data[data.attrs["signal"] + "_errors"][()], FULL.uncertainty)
        assert entry["title"].asstr()[()] == "au4f-1"


def test_words() -> None:
    words = FULL.words()
    assert words == {
        "x_min": -1.0, "x_max": 3.0, "x_span": 4.0, "x_mid": 1.0, "x_step": 0.5, "y_min": 0.0, "y_max": 9.0,
        "y_span": 9.0, "y_mid": 4.5, "noise": 0.25, "n_points": 9.0,
    }  # fmt: skip
    with pytest.raises(StoreError, match="measurement bad: has no data points"):
        REFUSED.words()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "../a"}, "an id that cannot be a file name"),
        ({"id": "a\n"}, "an id that cannot be a file name"),
        ({"x": X[::-1]}, "x that is not ascending"),
        ({"y": X * np.nan}, "values that are not finite"),
        ({"y": X[:3]}, "columns of unequal length"),
        ({"uncertainty": X}, "uncertainties that are not positive"),
        ({"noise_estimate": float("nan")}, "no estimate of the noise"),
        ({"status": "fine"}, "status 'fine'"),
        ({"status": "refused"}, "a refusal without a reason"),
        ({"metadata": {"a": "\0"}}, "cannot be written as HDF5"),
        ({"metadata": {"": "a"}}, "cannot be written as HDF5"),
    ],
)
def test_broken_measurements_are_not_written(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(StoreError, match=words):
        write_measurement(tmp_path / "a.h5", dataclasses.replace(FULL, **change))
    assert not list(tmp_path.iterdir())


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """Every cut and every changed byte is seen before the HDF5 library sees the file."""
    path = tmp_path / "a.h5"
    write_measurement(path, FULL)
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(content), 200):
        path.write_bytes(content[:place])
        with pytest.raises(StoreError, match=r"truncated.*; expected a results file.*set aside and made anew"):
            read_measurement(path)
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(StoreError, match=r"damaged or changed|truncated"):
            read_measurement(path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with pytest.raises(StoreError, match=r"a\.h5: no such file"):
        read_measurement(path)
    path.write_text("1 2\n")
    with pytest.raises(StoreError, match="of another program"):
        read_measurement(path)
    with h5py.File(path, "w") as file:
        file["x"] = 1.0
    seal(path)
    with pytest.raises(StoreError, match="HDF5 of another program; expected a bayesbeam measurement file"):
        read_measurement(path)


@pytest.mark.parametrize("spoil", ["version", "link", "shape", "missing", "order"])
def test_sealed_but_wrong_files_are_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "a.h5"
    write_measurement(path, FULL)
    with h5py.File(path, "r+") as file:
        if spoil == "version":
            file.attrs["format_version"] = 99
            words = "format version 99; expected a bayesbeam measurement file of format version 1"
        elif spoil == "link":
            del file["entry/data/x"]
            file["entry/data/x"] = h5py.ExternalLink("/etc/x.h5", "x")
            words = "is not in the file itself"
        elif spoil == "shape":
            del file["entry/data/y"]
            file["entry/data/y"] = np.ones((9, 2))
            words = "not a plain column"
        elif spoil == "missing":
            del file["entry/provenance"]
            words = "is not in the file itself"
        else:
            file["entry/data/x"][0] = 10.0
            words = "x that is not ascending"
    seal(path)
    with pytest.raises(StoreError, match=words):
        read_measurement(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old\n")

    def fail_half_way() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(StoreError, match="cannot be written"), atomic_path(path):
        pass
    write_json(path, {"b": 1, "a": "é"})
    assert path.read_text(encoding="utf-8") == '{\n "b": 1,\n "a": "é"\n}\n'


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file, not a folder")
    with pytest.raises(StoreError, match=r"a\.h5: cannot be written .*; expected a writable results folder"):
        write_measurement(tmp_path / "results" / "a.h5", FULL)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match="Permission denied"):
        write_measurement(tmp_path / "a.h5", FULL)
    tmp_path.chmod(0o755)


def test_seal_of_any_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"")
    seal(path)
    check_seal(path)
    with pytest.raises(StoreError, match="cannot be read"):
        check_seal(tmp_path)
