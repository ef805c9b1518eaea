"""Pace of a run: rates and times left against those that follow from the jobs by hand."""

from __future__ import annotations

import pytest

from bayesbeam.launch.pace import Job, Pace


def four_jobs() -> Pace:
    """Sampling jobs of work 4, 2, 2 and 1, two at once, and one of another rule."""
    pending = {"a": 4.0, "b": 2.0, "c": 2.0, "d": 1.0}
    return Pace({"sample": 4, "report": 1}, {"sample": dict(pending)})


def test_nothing_is_said_before_a_sampling_job_is_finished() -> None:
    pace = four_jobs()
    assert pace.seconds_left(0.0) is None
    pace.started(1, Job("sample", 4.0, 0.0, 2.0), "a")
    assert pace.seconds_left(30.0) is None
    assert pace.spectra_a_minute(30.0) is None


def test_time_left_is_the_work_left_at_the_seconds_it_took() -> None:
    pace = four_jobs()
    pace.started(1, Job("sample", 4.0, 0.0, 2.0), "a")
    pace.started(2, Job("sample", 2.0, 0.0, 1.0), "b")
    assert pace.finished(2, 20.0) == 20.0
    # Ten seconds a piece of work: 40 - 20 of the first, 20 and 10 of those that wait; two at once.
    assert pace.seconds_left(20.0) == pytest.approx((20 + 20 + 10) / 2)
    assert pace.spectra_a_minute(20.0) == pytest.approx(3.0)
    pace.started(3, Job("sample", 2.0, 20.0, 1.0), "c")
    assert pace.seconds_left(30.0) == pytest.approx((10 + 10 + 10) / 2)


def test_after_sampling_only_what_was_measured_counts() -> None:
    pace = Pace({"sample": 1, "free_energy": 2, "report": 1}, {"sample": {"a": 1.0}})
    pace.started(1, Job("sample", 1.0, 0.0, 6.0), "a")
    pace.finished(1, 60.0)
    pace.started(2, Job("free_energy", 1.0, 60.0), "")
    assert pace.seconds_left(65.0) is None
    pace.finished(2, 70.0)
    assert pace.seconds_left(70.0) == pytest.approx(10.0)
    assert pace.spectra_a_minute(600.0) == pytest.approx(6.0)  # of the minute in which there was sampling


def test_jobs_that_are_not_known_are_like_those_that_are_done() -> None:
    pace = Pace({"sample": 3}, {"sample": {}})
    pace.started(1, Job("sample", 2.0, 0.0), "x")
    pace.finished(1, 10.0)
    assert pace.seconds_left(10.0) == pytest.approx(20.0)


def test_a_failed_job_says_nothing_of_the_pace() -> None:
    pace = four_jobs()
    pace.started(1, Job("sample", 4.0, 0.0), "a")
    assert pace.failed(1, 1.0) == 1.0
    assert pace.seconds_left(2.0) is None
    assert pace.finished(9, 3.0) is None
