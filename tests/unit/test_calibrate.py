"""Seconds of a measurement from two short jobs, each with a start that is none of it."""

from __future__ import annotations

import math

import pytest

from bayesbeam.io.samples import Record
from bayesbeam.launch.calibrate import _each


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
