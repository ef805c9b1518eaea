"""Text reader: one case a dialect, and the message of every refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bayesbeam.errors import DataError
from bayesbeam.io.readers import RawData, ReadOptions, read_raw
from bayesbeam.io.readers import dialect as dialects

X = np.array([284.5, 284.25, 284.0, 283.75])
Y = np.array([352.0, 341.5, 1.0e3, -2.0])

DIALECTS = {
    "plain": "284.5 352\n284.25 341.5\n284.0 1e3\n283.75 -2\n",
    "comma": "284.5,352\n284.25,341.5\n284.0,1e3\n283.75,-2\n",
    "comma and blank": "284.5, 352\n284.25, 341.5\n284.0, 1e3\n283.75, -2\n",
    "semicolon": "284.5;352\n284.25;341.5\n284.0;1e3\n283.75;-2\n",
    "tab": "284.5\t352\n284.25\t341.5\n284.0\t1e3\n283.75\t-2\n",
    "aligned": "   284.5    352 \n  284.25  341.5\n   284.0    1e3\n  283.75     -2\n\n\n",
    "windows": "284.5 352\r\n284.25 341.5\r\n284.0 1e3\r\n283.75 -2\r\n",
    "old mac": "284.5 352\r284.25 341.5\r284.0 1e3\r283.75 -2\r",
    "no last line end": "284.5 352\n284.25 341.5\n284.0 1e3\n283.75 -2",
    "dos end of file": "284.5 352\n284.25 341.5\n284.0 1e3\n283.75 -2\n\x1a",
    "fortran": "2.845D+02 3.52D2\n284.25 341.5\n284.0 1.0d+03\n283.75 -2.\n",
    "header": "Energy,Counts\n284.5,352\n284.25,341.5\n284.0,1e3\n283.75,-2\n",
    "header of several lines": "Region 3\nOperator: N. N., 2024\nDwell 0.1 s\nEnergy Counts\n284.5 352\n284.25 341.5\n"
    "284.0 1e3\n283.75 -2\n",
    "quoted": '"Energy","Counts"\n"284.5","352"\n284.25,"341.5"\n284.0,1e3\n283.75,-2\n',
    "comments": "# a\n% b\n; c\n! d\n// e\n284.5 352\n# in between\n284.25 341.5 # behind\n284.0 1e3\n\n283.75 -2\n",
    "extra columns": "284.5 352 ok 1\n284.25 341.5 bad 2\n284.0 1e3 ok 3\n283.75 -2 ok 4\n",
    "ragged extra columns": "284.5 352 9\n284.25 341.5\n284.0 1e3 9 9\n283.75 -2\n",
    "empty extra columns": "284.5,352,,\n284.25,341.5,,\n284.0,1e3,,\n283.75,-2,,\n",
}


def read(folder: Path, content: str | bytes, name: str = "a.txt", **options: object) -> RawData:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_raw(path, ReadOptions(**options))  # type: ignore[arg-type]


def refusal(folder: Path, content: str | bytes, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content, **options)
    text = str(caught.value)
    assert text.startswith("a.txt: ")
    assert "; expected " in text
    return text


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect(tmp_path: Path, name: str) -> None:
    raw = read(tmp_path, DIALECTS[name])
    np.testing.assert_array_equal(raw.x, X)
    np.testing.assert_array_equal(raw.y, Y)
    assert raw.uncertainty is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_encoding(tmp_path: Path, encoding: str) -> None:
    text = "Winkel (°),Zähler\n" + DIALECTS["comma"]
    raw = read(tmp_path, text.encode(encoding))
    np.testing.assert_array_equal(raw.x, X)
    assert (raw.x_name, raw.x_unit, raw.y_name) == ("Winkel", "°", "Zähler")


@pytest.mark.parametrize("delimiter", [";", "\t", " "])
def test_declared_decimal_comma(tmp_path: Path, delimiter: str) -> None:
    text = DIALECTS["semicolon"].replace(".", ",").replace(";", delimiter)
    raw = read(tmp_path, text, decimal=",")
    np.testing.assert_array_equal(raw.x, X)
    np.testing.assert_array_equal(raw.y, Y)
    assert "decimal comma" in raw.dialect


@pytest.mark.parametrize(
    "line", ["284,81;352,4", "284,81\t352,4", "284,81 352,4", "284,81, 352,4", '"284,81","352,4"', "284;352,4"]
)
def test_decimal_comma_is_refused_with_advice(tmp_path: Path, line: str) -> None:
    text = refusal(tmp_path, "Energie Signal\n" + f"{line}\n" * 20)
    assert text.startswith("a.txt: line 2: '")
    assert "decimal comma" in text
    assert "Set read.decimal to ','" in text


def test_integers_separated_by_commas_are_no_decimal_commas(tmp_path: Path) -> None:
    raw = read(tmp_path, "100,200\n101,210\n102,190\n")
    np.testing.assert_array_equal(raw.x, [100, 101, 102])


def test_decimal_point_where_a_comma_is_declared(tmp_path: Path) -> None:
    text = refusal(tmp_path, "1,5;2,5\n2,5;3.5\n", decimal=",")
    assert text.startswith("a.txt: line 2, column 1 (counted from 0): '3.5'; expected a number.")


def test_columns_by_position_and_name(tmp_path: Path) -> None:
    content = "# run 7\n# Q [1/nm]  I (cps)  dI  flag\n1 10 0.1 a\n2 20 0.2 b\n3 30 0.3 c\n"
    for x, y, uncertainty in [(0, 1, 2), ("Q", "I (cps)", "di"), ("q [1/nm]", 1, "dI")]:
        raw = read(
            tmp_path,
            content.replace(" a", "").replace(" b", "").replace(" c", "").replace("  flag", ""),
            x=x,
            y=y,
            uncertainty=uncertainty,
        )
        assert raw.uncertainty is not None
        np.testing.assert_array_equal(raw.uncertainty, [0.1, 0.2, 0.3])
        np.testing.assert_array_equal(raw.y, [10, 20, 30])
    raw = read(tmp_path, "Time,Mono (eV),I0,It\ns,eV,,\n0,7000,5,1\n1,7001,5,2\n", x="mono", y="It")
    np.testing.assert_array_equal(raw.x, [7000, 7001])
    assert (raw.x_name, raw.x_unit, raw.y_name) == ("Mono", "eV", "It")
    np.testing.assert_array_equal(raw.places, [3, 4])


def test_unknown_name_gives_the_nearest(tmp_path: Path) -> None:
    text = refusal(tmp_path, "Energy,Counts\n1,2\n2,3\n", x="Enrgy")
    assert "no column is called 'Enrgy'" in text
    assert "Did you mean Energy?" in text
    assert "Choose the column by its position" in refusal(tmp_path, "1,2\n2,3\n", x="Energy")


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    assert "2 columns are called 'I'" in refusal(tmp_path, "E,I,I\n1,2,3\n2,3,4\n", x="E", y="I")


def test_skip_and_own_comment(tmp_path: Path) -> None:
    raw = read(tmp_path, "1024 8\nREM x\n1 2\n2 3\nREM end\n", skip=1, comment="REM")
    np.testing.assert_array_equal(raw.x, [1, 2])
    np.testing.assert_array_equal(raw.places, [3, 4])


def test_lines_are_named(tmp_path: Path) -> None:
    raw = read(tmp_path, "x y\n\n1 nan\n# remark\n2 inf\n3 -Infinity\n")
    np.testing.assert_array_equal(raw.places, [3, 5, 6])
    assert np.isnan(raw.y[0])
    np.testing.assert_array_equal(raw.y[1:], [np.inf, -np.inf])


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", {}, ["empty (0 bytes)"]),
        ("\n \n", {}, ["nothing to read"]),
        ("# only\n# remarks\n", {}, ["only blank lines or comments"]),
        ("Energy,Counts\n", {}, ["a header but no rows of numbers", "line (1) reads 'Energy,Counts'"]),
        ("1 2\n2 3\n", {"skip": 5}, ["read.skip leaves out 5 lines"]),
        ("5\n6\n7\n", {}, ["one column of numbers", "at least two", "read: {x: null}"]),
        ("1 2\n2 3\nEND\n", {}, ["line 3, column 0", "'END'", "read.comment"]),
        ("x,y\n1,2\n2,abc\n3,4\n", {}, ["line 3, column 1 (counted from 0) 'y': 'abc'; expected a number."]),
        ("1,2\n2,\n3,4\n", {}, ["line 2, column 1", "''"]),
        ("1;2\n;3\n4;5\n", {}, ["line 2, column 0"]),
        ("1,\n2,3\n3,4\n", {}, ["line 1, column 1", "read.skip to 1"]),
        ("1,2,3\n2\n3,4,5\n", {}, ["line 2, column 1", "ends before"]),
        ("1 2\n2 3\n", {"y": 4}, ["column 4 (counted from 0) does not exist, the rows have 2 columns", "0 to 1"]),
        ("1 a 2\n2 b 3\n", {}, ["no row with numbers in column 0 (counted from 0) and column 1"]),
        ("1 2\n2 3\n", {"x": 1}, ["are the same column"]),
        ("1 1_000\n2 3\n", {}, ["line 1", "'1_000'"]),
        (b"1 2\n2 3\n\x00\x01\x02", {}, ["line 3", "binary data"]),
        (b"PK\x03\x04xxxx", {}, ["spreadsheet", "CSV"]),
        (b"\x1f\x8b\x08xxxx", {}, ["gzip"]),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", {}, ["XML"]),
        (b"\xff\xfe1\x00 \x00\x00\xd8", {}, ["broken utf-16"]),
        (b"\x89HDF\r\n\x1a\n", {"format": "text"}, ["HDF5", "read.format to nexus"]),
        ("1 2\n", {"format": "texte"}, ["Did you mean text?"]),
        ("1 " * 60_000 + "\n", {}, ["a line of 120000 characters"]),
    ],
)
def test_refusals(tmp_path: Path, content: str | bytes, options: dict[str, object], words: list[str]) -> None:
    text = refusal(tmp_path, content, **options)
    for word in words:
        assert word in text


def test_size_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesbeam.io.readers.text.MAX_BYTES", 10)
    assert "MiB of text; expected at most" in refusal(tmp_path, "1 2\n" * 10)
    monkeypatch.undo()
    monkeypatch.setattr(dialects, "MAX_LINES", 5)
    assert "11 lines; expected at most 5" in refusal(tmp_path, "1 2\n" * 10)


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.txt: no such file; expected a data file\. Check the file column"):
        read_raw(tmp_path / "no.txt")
    with pytest.raises(DataError, match="not a regular file"):
        read_raw(tmp_path)


def test_shipped_data_are_read(root: Path) -> None:
    spectra = root / "config" / "campaigns" / "first_look" / "data"
    points = {path.name: read_raw(path).x.size for path in sorted(spectra.iterdir()) if path.suffix in (".csv", ".txt")}
    assert points["PET_C1s.csv"] == 401
    assert points["clean_Au_4f.txt"] == 294
    assert points["nagata2012.csv"] == 301


CHANNELS = {
    "plain": "86344\n86545\n85938\n",
    "blank ends and a remark": "# 250624, v12\n  86344 \r\n86545\r\n\r\n85938\r\n",
    "a header": "counts\n86344\n86545\n85938\n",
}


@pytest.mark.parametrize("content", CHANNELS.values(), ids=list(CHANNELS))
def test_one_column_is_read_against_the_number_of_the_channel(tmp_path: Path, content: str) -> None:
    raw = read(tmp_path, content, x=None, y=0)
    np.testing.assert_array_equal(raw.x, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(raw.y, [86344.0, 86545.0, 85938.0])
    assert raw.uncertainty is None
    assert (raw.x_name, raw.x_unit) == ("the number of the point", "")
    assert (raw.y_name == "counts") == ("counts" in content)


def test_columns_beside_y_may_be_its_uncertainty(tmp_path: Path) -> None:
    raw = read(tmp_path, "7 5 1\n8 6 2\n9 7 3\n", x=None, y=1, uncertainty=2)
    np.testing.assert_array_equal(np.stack([raw.x, raw.y, raw.uncertainty]), [[1, 2, 3], [5, 6, 7], [1, 2, 3]])


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("5\n6\nx\n8\n", {"y": 0}, ["line 3, column 0", "'x'", "expected a number"]),
        ("5\n6\n7\n", {"y": 1}, ["column 1 (counted from 0) does not exist", "expected 0 to 0"]),
        ("a\nb\n", {"y": 0}, ["a header but no rows of numbers"]),
        ("5 1\n6 1\n", {"y": 1, "uncertainty": 1}, ["are the same column"]),
        ("5\n6\n7\n", {"y": "counts"}, ["no column is called 'counts'"]),
    ],
)
def test_mistakes_with_one_column_are_named(
    tmp_path: Path, content: str, options: dict[str, object], words: list[str]
) -> None:
    text = refusal(tmp_path, content, x=None, **options)
    for word in words:
        assert word in text
