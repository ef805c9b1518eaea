"""HDF5 reader: the ways in which files say what is to be plotted, and every refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bayesbeam.errors import DataError
from bayesbeam.io.readers import ReadOptions, read_raw
from bayesbeam.io.readers.guarded import guarded_reader

X = np.linspace(280.0, 290.0, 11)
Y = np.arange(11.0) + 100

Fill = Callable[[h5py.File], Any]


def standard(file: h5py.File) -> h5py.Group:
    file.attrs["default"] = "entry"
    entry = file.create_group("entry")
    entry.attrs.update({"NX_class": "NXentry", "default": "spectrum"})
    data = entry.create_group("spectrum")
    data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": "energy"})
    data.create_dataset("energy", data=X).attrs["units"] = "eV"
    data.create_dataset("counts", data=Y.astype("i4")).attrs["units"] = "counts"
    return data


def make(folder: Path, *fills: Fill) -> Path:
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        for fill in fills:
            fill(file)
    return path


def data(file: h5py.File) -> h5py.Group:
    return file["entry/spectrum"]


def test_default_chain(tmp_path: Path) -> None:
    raw = read_raw(make(tmp_path, standard))
    np.testing.assert_array_equal(raw.x, X)
    np.testing.assert_array_equal(raw.y, Y)
    assert (raw.x_unit, raw.y_unit, raw.x_name) == ("eV", "counts", "/entry/spectrum/energy")
    assert raw.uncertainty is None
    assert raw.place_word == "point"


def set_attribute(where: str, name: str, value: Any) -> Fill:
    return lambda file: file[where].attrs.__setitem__(name, value)


def drop_attribute(where: str, name: str) -> Fill:
    return lambda file: file[where].attrs.__delitem__(name)


@pytest.mark.parametrize(
    "fills",
    [
        pytest.param([drop_attribute("/", "default"), drop_attribute("entry", "default")], id="only one NXdata"),
        pytest.param([set_attribute("entry/spectrum", "axes", ["energy"])], id="axes as a list"),
        pytest.param([set_attribute("entry/spectrum", "axes", np.bytes_("energy"))], id="axes as bytes"),
        pytest.param(
            [
                drop_attribute("entry/spectrum", "axes"),
                drop_attribute("entry/spectrum", "signal"),
                set_attribute("entry/spectrum/counts", "signal", 1),
                set_attribute("entry/spectrum/counts", "axes", "energy"),
            ],
            id="attributes of the signal, as before 2014",
        ),
        pytest.param(
            [
                lambda file: file.move("entry/spectrum/energy", "entry/mono"),
                lambda file: data(file).__setitem__("energy", h5py.SoftLink("/entry/mono")),
            ],
            id="link inside the file",
        ),
    ],
)
def test_ways_to_say_it(tmp_path: Path, fills: list[Fill]) -> None:
    raw = read_raw(make(tmp_path, standard, *fills))
    np.testing.assert_array_equal(raw.x, X)
    np.testing.assert_array_equal(raw.y, Y)


@pytest.mark.parametrize(
    "options",
    [
        {"dataset": "entry/spectrum"},
        {"dataset": "/entry"},
        {"dataset": "/entry/spectrum/counts"},
        {"dataset": "/entry/spectrum/counts", "x": "energy"},
        {"dataset": "/entry/spectrum/counts", "x": "/entry/spectrum/energy"},
        {"y": "counts", "x": "energy"},
    ],
)
def test_by_path(tmp_path: Path, options: dict[str, Any]) -> None:
    raw = read_raw(make(tmp_path, standard), ReadOptions(**options))
    np.testing.assert_array_equal(raw.x, X)
    np.testing.assert_array_equal(raw.y, Y)


def test_without_an_axis_the_points_are_numbered(tmp_path: Path) -> None:
    raw = read_raw(make(tmp_path, standard), ReadOptions(x=None, y=0))
    np.testing.assert_array_equal(raw.x, np.arange(1.0, len(Y) + 1.0))
    np.testing.assert_array_equal(raw.y, Y)
    assert (raw.x_name, raw.x_unit) == ("the number of the point", "")


@pytest.mark.parametrize("name", ["counts_errors", "errors", "dy"])
def test_uncertainties(tmp_path: Path, name: str) -> None:
    def add(file: h5py.File) -> None:
        data(file)[name] = np.sqrt(Y)
        if name == "dy":
            data(file)["counts"].attrs["uncertainties"] = "dy"

    raw = read_raw(make(tmp_path, standard, add))
    assert raw.uncertainty is not None
    np.testing.assert_array_equal(raw.uncertainty, np.sqrt(Y))
    chosen = read_raw(tmp_path / "a.h5", ReadOptions(uncertainty="energy"))
    assert chosen.uncertainty is not None
    np.testing.assert_array_equal(chosen.uncertainty, X)


def test_edges_of_bins_become_middles(tmp_path: Path) -> None:
    def add(file: h5py.File) -> None:
        data(file)["edges"] = np.arange(12.0)

    raw = read_raw(make(tmp_path, standard, add), ReadOptions(x="edges"))
    np.testing.assert_array_equal(raw.x, np.arange(11) + 0.5)
    assert "edges of bins" in raw.dialect


def outside(file: h5py.File) -> None:
    del data(file)["counts"]
    data(file)["counts"] = h5py.ExternalLink("/etc/other.h5", "/y")


def virtual(file: h5py.File) -> None:
    del data(file)["counts"]
    layout = h5py.VirtualLayout(shape=(11,), dtype="f8")
    layout[:] = h5py.VirtualSource("other.h5", "y", shape=(11,))
    data(file).create_virtual_dataset("counts", layout)


def external(file: h5py.File) -> None:
    del data(file)["counts"]
    data(file).create_dataset("counts", shape=(11,), dtype="f8", external=[("/etc/hostname", 0, 88)])


def replace_counts(value: Any) -> Fill:
    def fill(file: h5py.File) -> None:
        del data(file)["counts"]
        data(file)["counts"] = value

    return fill


def circle(file: h5py.File) -> None:
    del data(file)["counts"]
    data(file)["counts"] = h5py.SoftLink("/entry/spectrum/counts")


def huge(file: h5py.File) -> None:
    del data(file)["counts"]
    data(file).create_dataset("counts", shape=(10**9,), dtype="f8", chunks=(10**6,))


@pytest.mark.parametrize(
    ("fills", "options", "words"),
    [
        ([outside], {}, ["counts is a link to another file", "data in the file itself"]),
        ([virtual], {}, ["/entry/spectrum/counts is kept in another file"]),
        ([external], {}, ["/entry/spectrum/counts is kept in another file"]),
        ([circle], {}, ["circle"]),
        ([huge], {}, ["1000000000 points", "1 to 2000000"]),
        ([replace_counts(np.ones((3, 11)))], {}, ["has the shape (3, 11)", "one dimension", "sum the others out"]),
        ([replace_counts("text")], {}, ["holds object", "numbers"]),
        (
            [replace_counts(np.ones(7))],
            {},
            ["has 7 points and /entry/spectrum/energy has 11", "/entry/spectrum/energy (11)"],
        ),
        (
            [set_attribute("entry/spectrum", "NX_class", "NXlog")],
            {},
            ["no NXdata group", "/entry/spectrum/counts (11)"],
        ),
        ([drop_attribute("entry/spectrum", "signal")], {}, ["/entry/spectrum names no signal", "Set read.dataset"]),
        ([drop_attribute("entry/spectrum", "axes")], {}, ["names no axis", "Set read.x"]),
        ([set_attribute("entry/spectrum", "axes", ["a", "b"])], {}, ["names 2 axes"]),
        (
            [set_attribute("entry/spectrum", "signal", "conts")],
            {},
            ["conts is not in the file", "Did you mean counts?"],
        ),
        ([], {"dataset": "entry/spectrun"}, ["entry/spectrun is not in the file", "Did you mean spectrum?"]),
        ([], {"dataset": "entry/spectrum/counts/x"}, ["is not in the file"]),
        ([], {"x": "/entry"}, ["/entry is a group", "a dataset"]),
        (
            [
                lambda file: file.copy("entry/spectrum", "entry/second"),
                drop_attribute("/", "default"),
                drop_attribute("entry", "default"),
            ],
            {},
            ["2 NXdata groups and no default", "/entry/second, /entry/spectrum"],
        ),
    ],
)
def test_refusals(tmp_path: Path, fills: list[Fill], options: dict[str, Any], words: list[str]) -> None:
    path = make(tmp_path, standard, *fills)
    with pytest.raises(DataError) as caught:
        read_raw(path, ReadOptions(**options))
    for word in ["a.h5: ", "; expected ", *words]:
        assert word in str(caught.value)


def test_truncated_and_no_hdf5(tmp_path: Path) -> None:
    path = make(tmp_path, standard)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"a\.h5: cannot be opened as HDF5 .*truncated.*Copy the file again"):
        read_raw(path)
    path.write_bytes(b"1 2\n2 3\n")
    with pytest.raises(DataError, match="cannot be opened as HDF5"):
        read_raw(path)


def test_second_process_gives_the_same(tmp_path: Path) -> None:
    """The guarded reader equals the plain one, for HDF5, text and refusals, and outlives a crash of its helper."""
    path = make(tmp_path, standard, lambda file: data(file).__setitem__("errors", np.sqrt(Y)))
    plain = read_raw(path)
    text = tmp_path / "b.txt"
    text.write_text("1 2\n2 3\n")
    with guarded_reader() as read:
        raw = read(path, ReadOptions(), "")
        for name in ("x", "y", "uncertainty", "places"):
            np.testing.assert_array_equal(getattr(raw, name), getattr(plain, name))
        assert (raw.x_name, raw.x_unit, raw.dialect) == (plain.x_name, plain.x_unit, plain.dialect)
        assert read(text, ReadOptions(), "").x.size == 2
        with pytest.raises(DataError, match="shelf/a: no is not in the file"):
            read(path, ReadOptions(dataset="no"), "shelf/a")
        helper = read.__self__  # type: ignore[attr-defined]
        helper.process.kill()
        with pytest.raises(DataError, match="the HDF5 library crashed on this file; expected intact HDF5 data"):
            read(path, ReadOptions(), "")
        assert read(path, ReadOptions(), "").x.size == 11
    with guarded_reader(time_limit_s=0.0) as read, pytest.raises(DataError, match="not read after 0 s"):
        read(path, ReadOptions(), "")
