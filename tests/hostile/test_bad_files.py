"""Bad data files: each is refused with its reason, the others go on, and nothing half-written stays."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest

from bayesbeam.config.load import load_campaign
from bayesbeam.errors import DataError
from bayesbeam.io.readers import ReadOptions
from bayesbeam.io.readers.guarded import guarded_reader
from bayesbeam.io.store import Measurement, read_measurement
from bayesbeam.stages.preprocess import preprocess_rows


def rows(change: dict[int, str] | None = None, order: list[int] | None = None) -> str:
    """Forty rows of x, y, sd; some replaced."""
    lines = [f"{280 + 0.25 * i:g} {100 + i % 5} 2" for i in range(40)]
    for place, line in (change or {}).items():
        lines[place] = line
    return "\n".join(lines[i] for i in order or range(40)) + "\n"


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("scan")
        group["energy"] = np.arange(40.0)
        group["signal"] = np.arange(40.0) % 5


def truncated(path: Path) -> None:
    hdf5(path)
    path.write_bytes(path.read_bytes()[:900])


def nxdata(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("data")
        group.attrs.update({"NX_class": "NXdata", "signal": "y", "axes": "x"})
        group["x"], group["y"] = np.arange(40.0), np.arange(40.0) % 5


def points_outside(path: Path) -> None:
    nxdata(path)
    with h5py.File(path, "r+") as file:
        del file["data/y"]
        file["data/y"] = h5py.ExternalLink("/etc/secret.h5", "/y")


def xrdml(counts: str, declared: str = "") -> str:
    """One scan of an .xrdml file, with a document type where one is wanted."""
    ends = "<startPosition>10</startPosition><endPosition>19</endPosition>"
    points = f'<positions axis="2Theta" unit="deg">{ends}</positions><counts>{counts}</counts>'
    scan = f"<scan scanAxis='Gonio'><dataPoints>{points}</dataPoints></scan>"
    measured = f"<xrdMeasurements><xrdMeasurement>{scan}</xrdMeasurement></xrdMeasurements>"
    return f"<?xml version='1.0'?>\n{declared}{measured}"


COUNTS = "5 6 7 8 7 6 5 4 5 6"
GSAS = "title\nBANK 1 8 8 CONS 1000 10 0 0 FXYE\n" + "".join(f"{1000 + 10 * k} {5 + k} 1\n" for k in range(8))


@dataclass(frozen=True)
class Bad:
    """A data file, how it is read, and what the message must say."""

    words: tuple[str, ...]
    content: str | bytes | Callable[[Path], None] | None
    treatment: str = "{}"
    suffix: str = "txt"


CASES = {
    "missing": Bad(("no such file", "Check the file column"), None),
    "empty": Bad(("empty (0 bytes)", "Copy the file again"), ""),
    "header": Bad(("a header but no rows of numbers", "Check read.delimiter"), "Energy Counts\n"),
    "nan": Bad(("line 4: y = nan", "finite numbers", "mask"), rows({3: "280.75 nan 2"})),
    "inf": Bad(("lines 4, 8: y = inf", "finite numbers"), rows({3: "280.75 inf 2", 7: "281.75 -inf 2"})),
    "nan_x": Bad(("line 4: x = nan", "finite numbers"), rows({3: "nan 5 2"})),
    "repeated": Bad(("lines 4, 5: x = 280.75 more than once", "every x once", "Average"), rows({4: "280.75 5 2"})),
    "negative": Bad(
        ("line 4: counts = -5 at x = 280.75", "counts of at least 0"),
        rows({3: "280.75 -5 2"}),
        "{signal: {counts: true}}",
    ),
    "no_sd": Bad(("line 4: uncertainty = 0", "positive"), rows({3: "280.75 5 0"}), "{read: {uncertainty: 2}}"),
    "bad_sd": Bad(("line 4: uncertainty = -1", "positive"), rows({3: "280.75 5 -1"}), "{read: {uncertainty: 2}}"),
    "column": Bad(("column 7 (counted from 0) does not exist", "0 to 2", "read.y"), rows(), "{read: {y: 7}}"),
    "name": Bad(("no column is called 'I'", "one of: 'E', 'i0'"), "E i0 s\n" + rows(), "{read: {y: I}}"),
    "range": Bad(
        ("leaves 0 of 40 points", "at least 5", "the axis runs from 280 to 289.75 eV"),
        rows(),
        "{range: [400, 410], axis: {unit: eV}}",
    ),
    "narrow": Bad(("leaves 3 of 40 points", "at least 5"), rows(), "{range: [281, 281.5]}"),
    "comma": Bad(("line 1: '284,81', which looks like", "read.decimal to ','"), "284,81;352,4\n285,01;353,4\n" * 20),
    "words": Bad(("line 41, column 0", "'END'", "a number", "read.comment"), rows() + "END\n"),
    "hole": Bad(("line 6, column 1", "the line ends before it", "a number"), rows({5: "281.25"})),
    "no_nxdata": Bad(("no NXdata group", "/scan/energy (40), /scan/signal (40)", "read.dataset"), hdf5, suffix="h5"),
    "truncated": Bad(("cannot be opened as HDF5", "truncated", "Copy the file again"), truncated, suffix="h5"),
    "no_hdf5": Bad(("cannot be opened as HDF5", "Copy the file again"), rows(), suffix="nxs"),
    "outside": Bad(("is a link to another file", "data in the file itself"), points_outside, suffix="h5"),
    "folder": Bad(("not a regular file",), lambda path: path.mkdir()),
    "binary": Bad(("binary data", "Export it as text"), bytes(range(256)) * 20),
    "gzip": Bad(("compressed with gzip", "Unpack it"), gzip.compress(rows().encode())),
    "unit": Bad(("unknown unit 'evolt'", "a unit"), rows(), "{axis: {unit: evolt, convert_to: nm}}"),
    "scan_cut": Bad(("line 2: broken XML", "Copy the file again"), xrdml(COUNTS)[:-40], suffix="xrdml"),
    "scan_bomb": Bad(
        ("line 2: a document type (DOCTYPE)", "plain XML"),
        xrdml("&b;", '<!DOCTYPE x [<!ENTITY a "5 5 5 5"><!ENTITY b "&a;&a;&a;">]>'),
        suffix="xrdml",
    ),
    "scan_negative": Bad(
        ("point 3: counts = -7 at x = 12", "counts of at least 0"),
        xrdml(COUNTS.replace("6 7", "6 -7", 1)),
        "{signal: {counts: true}}",
        "xrdml",
    ),
    "scan_short": Bad(("3 points", "at least 5"), xrdml("5 6 7"), suffix="xrdml"),
    "scan_axis": Bad(
        ("x is in 'degree', axis.unit says '1/angstrom'", "the unit of the file"),
        xrdml(COUNTS),
        "{axis: {unit: 1/angstrom}}",
        "xrdml",
    ),
    "bank_cut": Bad(("line 2: 6 points follow", "8, as the BANK record says"), GSAS[:-20], suffix="fxye"),
    "bank_sd": Bad(
        ("point 2: uncertainty = 0", "positive"), GSAS.replace("6 1", "6 0"), "{read: {uncertainty: 2}}", "gsa"
    ),
    "structure": Bad(("no powder pattern in its 1 data blocks",), "data_a\n_cell_length_a 4\n", suffix="cif"),
    "cif_cut": Bad(("cannot be read as CIF", "Copy the file again"), "data_a\nloop_\n_a\n_b\n1 2 3\n", suffix="cif"),
    "zero": Bad(("0 eV has no counterpart in nm",), rows({0: "0 1 1"}), "{axis: {unit: eV, convert_to: nm}}"),
}

CAMPAIGN = """
campaign: bad
measurements: measurements.tsv
treatments:
  default: {}
%s
candidates:
  flat: {parts: [{component: constant}]}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Measurement]]:
    """One campaign of all bad files with a good one before, between and after; done once."""
    folder = tmp_path_factory.mktemp("bad")
    treatments = "\n".join(f"  {name}: {bad.treatment}" for name, bad in CASES.items())
    (folder / "campaign.yaml").write_text(CAMPAIGN % treatments)
    sheet = ["id\tfile\ttreatment", "good1\tgood.txt\tdefault"]
    (folder / "good.txt").write_text(rows(order=random.Random(1).sample(range(40), 40)))
    nxdata(folder / "good.h5")
    for name, bad in CASES.items():
        path = folder / f"{name}.{bad.suffix}"
        sheet.append(f"{name}\t{path.name}\t{name}")
        if callable(bad.content):
            bad.content(path)
        elif bad.content is not None:
            path.write_bytes(bad.content if isinstance(bad.content, bytes) else bad.content.encode())
    sheet += ["good2\tgood.txt\tdefault", "good3\tgood.h5\tdefault"]
    (folder / "measurements.tsv").write_text("\n".join(sheet) + "\n")
    campaign = load_campaign(folder)
    done = preprocess_rows(campaign, campaign.ids, folder / "out")
    return folder / "out", {measurement.id: measurement for measurement in done}


@pytest.mark.parametrize("name", CASES)
def test_refusal_says_what_to_do(finished: tuple[Path, dict[str, Measurement]], name: str) -> None:
    out, done = finished
    bad = CASES[name]
    reason = done[name].reason
    assert done[name].status == "refused"
    assert reason.startswith(f"{name}.{bad.suffix}: ")
    assert "\n" not in reason
    for word in ("; expected ", *bad.words):
        assert word in reason
    assert read_measurement(out / f"{name}.h5").reason == reason


def test_the_others_are_unharmed(finished: tuple[Path, dict[str, Measurement]]) -> None:
    out, done = finished
    for name in ("good1", "good2", "good3"):
        assert done[name].status == "ok"
        assert read_measurement(out / f"{name}.h5").x.size == 40
    assert "Sorted the points by x" in done["good1"].treatment[1]
    np.testing.assert_array_equal(done["good1"].x, 280 + 0.25 * np.arange(40))
    np.testing.assert_array_equal(done["good1"].y, 100 + np.arange(40) % 5)
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.h5" for name in done)


def test_damaged_hdf5_never_stops_the_run(tmp_path: Path) -> None:
    """Files with changed bytes, some of which crash or hang the HDF5 library: numbers or a data error, in time."""
    path = tmp_path / "a.h5"
    nxdata(path)
    content = path.read_bytes()
    chance = random.Random(3)
    refused = 0
    begin = time.monotonic()
    with guarded_reader(time_limit_s=10.0) as read:
        for _ in range(60):
            damaged = bytearray(content)
            for _ in range(chance.choice([1, 2, 8, 50])):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            path.write_bytes(damaged)
            try:
                read(path, ReadOptions(), "a.h5")
            except DataError as problem:
                refused += 1
                message = str(problem)
                json.dumps(message)
            path.write_bytes(content)
        assert read(path, ReadOptions(), "a.h5").x.size == 40
    assert refused > 10
    assert time.monotonic() - begin < 300.0


def test_compressed_bomb_is_refused(tmp_path: Path) -> None:
    """A few kilobytes that claim to be eight gigabytes."""
    path = tmp_path / "bomb.h5"
    nxdata(path)
    with h5py.File(path, "r+") as file:
        del file["data/y"]
        file["data"].create_dataset("y", shape=(10**9,), dtype="f8", chunks=(10**6,), compression="gzip")
    assert path.stat().st_size < 100_000
    with guarded_reader() as read, pytest.raises(DataError, match="1000000000 points; expected 1 to 2000000"):
        read(path, ReadOptions(), "bomb.h5")


def test_a_long_table_is_read_in_time(tmp_path: Path) -> None:
    """Two hundred thousand rows: seconds, not minutes (seen: 0.7 s)."""
    path = tmp_path / "long.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i % 7}\n" for i in range(200_000)))
    begin = time.monotonic()
    with guarded_reader() as read:
        assert read(path, ReadOptions(), "").x.size == 200_000
    assert time.monotonic() - begin < 20.0
