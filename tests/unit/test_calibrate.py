"""Seconds of a measurement from short jobs at once, each with a start that is none of it."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from bayesbeam.errors import StoreError
from bayesbeam.io.samples import Record
from bayesbeam.launch.calibrate import _each, _Jobs, _more


def job(rows: list[int], each_row: float, start: float) -> list[Record]:
    """Records of one job, which share its seconds out by rows, as the workflow writes them."""
    took, total = start + each_row * sum(rows), sum(rows)
    return [Record({}, {"likelihood_rows": n, "cpu_seconds": took * n / total}) for n in rows]


def test_the_start_of_a_job_is_not_counted_to_its_measurements() -> None:
    few, many = job([100, 300, 200], 1e-3, 1.5), job([100, 300, 200, 150, 50, 400, 180], 1e-3, 1.5)
    assert _each(few, many, "cpu_seconds") == pytest.approx(1e-3 * 1380 / 7)


def test_jobs_that_do_not_tell_say_so() -> None:
    same = job([100, 100], 1e-3, 1.0)
    assert _each(same, same, "cpu_seconds") == math.inf
    assert _each(job([10], 1e-3, 9.0), job([10, 20], 1e-3, 1.0), "cpu_seconds") == math.inf


def test_a_hundredth_of_a_long_campaign_is_looked_at_for_two_minutes_at_most() -> None:
    assert _more(0.0, 250) == _more(1.0, 250) == 16
    assert _more(2.0, 250) == 15, "in half a minute"
    assert _more(99.0, 25) == 0
    assert _more(1.8, 5000) == _more(0.01, 5000) == _more(0.0, 5000) == 50
    assert _more(10.0, 5000) == 12


STUB = """
import argparse, sys
from pathlib import Path
from bayesbeam.io.samples import Record, write_records
from bayesbeam.stages.plan import read_batches
parser = argparse.ArgumentParser()
for name in ("config", "batch", "batches", "tag", "measurements", "output"):
    parser.add_argument(f"--{name}")
asked = parser.parse_args()
mine = [name for name, batch in read_batches(asked.batches).items() if batch == asked.batch]
if "bad" in mine:
    sys.exit("this one\\nfails")
write_records(Path(asked.output), {name: Record({}, {"id": name, "of": mine}) for name in mine})
"""


def test_jobs_of_a_look_share_the_measurements_and_one_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "sample.py").write_text(STUB)
    order = SimpleNamespace(root=tmp_path, campaign="campaign.yaml")
    book = SimpleNamespace(campaign=SimpleNamespace(campaign=SimpleNamespace(incoming=None)))
    (tmp_path / "look").mkdir()
    jobs = _Jobs(order, book, tmp_path / "look", 2)  # type: ignore[arg-type]
    took, records = jobs.sample("peaks", ["a", "b", "c"])
    assert took > 0
    assert {one.facts["id"]: one.facts["of"] for one in records} == {"a": ["a", "c"], "b": ["b"], "c": ["a", "c"]}
    assert [one.facts["id"] for one in jobs.sample("peaks", ["d"])[1]] == ["d"], "nothing of the look before"
    with pytest.raises(StoreError, match=r"calibration, sample\.py: fails; expected a job that succeeds"):
        jobs.sample("peaks", ["a", "bad"])
