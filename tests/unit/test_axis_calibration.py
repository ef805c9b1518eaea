"""An axis by a table: exact at its rows, straight between, refused beyond, and part of what makes results old."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.config import load_campaign
from bayesbeam.io.store import Measurement
from bayesbeam.stages.preprocess import preprocess_rows
from bayesbeam.stages.rulebook import Rulebook

CAMPAIGN = """\
campaign: branches
treatments:
  scan:
    read: {x: null}
    axis: {quantity: velocity, unit: mm/s, calibration: velocity.csv, offset: 0.5}
    signal: {counts: true}
    rebin: %d
candidates: {flat: {parts: [{component: constant}], noise: {family: poisson}}}
"""
# Down one branch and up the other, so that the channels of the two lie between each other.
VELOCITY = np.concatenate([4.0 - np.arange(9.0), -3.75 + np.arange(9.0)])
COUNTS = 1000 + np.arange(18) ** 2


def write(folder: Path, table: str | None = None, rebin: int = 1) -> Path:
    """Campaign of 18 channels and the table of their velocities."""
    rows = "".join(f"{k},{v!r},0.01\n" for k, v in enumerate(VELOCITY.tolist(), 1))
    (folder / "campaign.yaml").write_text(CAMPAIGN % rebin)
    (folder / "measurements.tsv").write_text("id\tfile\na\ta.dat\n")
    (folder / "a.dat").write_text("".join(f"{count}\n" for count in COUNTS))
    (folder / "velocity.csv").write_text(
        "channel,velocity (mm/s),uncertainty (mm/s)\n" + rows if table is None else table
    )
    return folder


def measured(folder: Path) -> Measurement:
    campaign = load_campaign(folder)
    return preprocess_rows(campaign, campaign.ids, folder / "m")[0]


def test_every_channel_gets_its_velocity(tmp_path: Path) -> None:
    m = measured(write(tmp_path))
    order = np.argsort(VELOCITY)
    np.testing.assert_array_equal(m.x, VELOCITY[order] + 0.5)
    np.testing.assert_array_equal(m.y, COUNTS[order])
    assert (m.x_unit, m.counts) == ("mm/s", True)
    assert m.treatment[:3] == (
        "Read 18 points from a.dat (utf-8 text separated by tabs): x is the number of the point, y is column 0.",
        "Took x of 18 points from the 18 rows of velocity.csv: -4 to 4.25 mm/s.",
        "Added 0.5 mm/s to x.",
    )
    assert m.provenance["calibration_file"] == "velocity.csv"
    expected = hashlib.sha256((tmp_path / "velocity.csv").read_bytes()).hexdigest()
    assert m.provenance["calibration_sha256"] == expected


def test_two_branches_are_folded_by_joining_neighbours_and_stay_counts(tmp_path: Path) -> None:
    m = measured(write(tmp_path, rebin=2))
    order = np.argsort(VELOCITY)
    np.testing.assert_array_equal(m.y, COUNTS[order].reshape(9, 2).sum(1))
    np.testing.assert_allclose(m.x, VELOCITY[order].reshape(9, 2).mean(1) + 0.5)
    assert m.counts


def test_between_the_rows_go_straight_lines(tmp_path: Path) -> None:
    m = measured(write(tmp_path, "x,E (eV)\n18,170\n1,0\n"))
    np.testing.assert_allclose(m.x, 10.0 * np.arange(18.0) + 0.5)
    assert m.treatment[1].startswith(
        "Took x of 18 points from the 2 rows of velocity.csv, 16 of them by straight lines"
    )


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            "x,v\n1,0\n17,1\n",
            "a.dat: line 18: x = 18; expected x from 1 to 17, as velocity.csv has them. Calibrate the whole axis",
        ),
        ("x,v\n3,0\n18,1\n", "a.dat: line 1: x = 1, and 2 such points in all; expected x from 3 to 18"),
        ("x,v\n1,0\n18,nan\n", "velocity.csv: line 3: a value that is not finite"),
        ("x,v\n1,0\n18,1\n18,2\n", "velocity.csv: line 4: x = 18 a second time; expected every x once"),
        ("x,v\n1,0\n", "velocity.csv: 1 row; expected at least 2"),
        ("x,v\n", "axis.calibration velocity.csv: a header but no rows of numbers"),
    ],
)
def test_a_table_that_does_not_do_is_refused_with_its_place(tmp_path: Path, table: str, words: str) -> None:
    m = measured(write(tmp_path, table))
    assert m.refused
    assert words in m.reason


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / "velocity.csv").unlink()
    m = measured(tmp_path)
    assert m.reason == (
        "axis.calibration velocity.csv: no such file; expected a table of two columns. Correct axis.calibration of "
        "treatments.scan: it is relative to the sheet's folder."
    )


def test_jobs_wait_for_the_table_and_know_it(tmp_path: Path) -> None:
    book = Rulebook(write(tmp_path), tmp_path / "results")
    files, key = book.data_files(["a"]), book.preprocess_key(["a"])
    assert [Path(file).name for file in files] == ["a.dat", "velocity.csv"]
    (tmp_path / "velocity.csv").unlink()
    gone = Rulebook(tmp_path, tmp_path / "results")
    assert [Path(file).name for file in gone.data_files(["a"])] == ["a.dat"]
    assert gone.preprocess_key(["a"]) != key
