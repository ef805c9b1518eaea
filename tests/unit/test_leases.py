"""Leases of GPUs: many processes, fake devices, never more jobs a device than may share it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bayesbeam.errors import SamplingError
from bayesbeam.stages import leases

DEVICES = ("0", "1", "GPU-3f/a")
# Takes a device, holds it, and says which it had and from when to when, on the clock that all processes share.
HOLDER = """
import sys, time
from pathlib import Path
from bayesbeam.stages.leases import take
index = take(Path(sys.argv[1]), sys.argv[4:], int(sys.argv[2]), lambda text: print(text, file=sys.stderr))
begin = time.clock_gettime(time.CLOCK_MONOTONIC)
print("taken", index, flush=True)
time.sleep(float(sys.argv[3]))
print(index, begin, time.clock_gettime(time.CLOCK_MONOTONIC), flush=True)
"""


def start(folder: Path, jobs: int, seconds: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", HOLDER, str(folder), str(jobs), str(seconds), *DEVICES]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def most_at_once(processes: list[subprocess.Popen[str]]) -> dict[int, int]:
    """Return the most jobs that ever shared each device."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for process in processes:
        said, problems = process.communicate(timeout=60)
        assert process.returncode == 0, problems
        index, begin, end = said.splitlines()[-1].split()
        spans.setdefault(int(index), []).append((float(begin), float(end)))
    return {
        index: max(sum(begin <= moment < end for begin, end in times) for moment, _ in times)
        for index, times in spans.items()
    }


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_processes_share_three_devices(tmp_path: Path, jobs: int) -> None:
    processes = [start(tmp_path / "leases", jobs, 0.3) for _ in range(10)]
    most = most_at_once(processes)
    assert set(most) == {0, 1, 2}
    assert max(most.values()) <= jobs


def test_one_job_too_many_would_be_seen(tmp_path: Path) -> None:
    """The count can fail: where another number is asked for, more share a device."""
    processes = [start(tmp_path / "leases", 4, 4.0) for _ in range(4)]
    first = [process.stdout.readline() for process in processes if process.stdout is not None]
    assert len(set(first)) == 3, "the first job of each device comes before the second of any"
    assert max(most_at_once(processes).values()) == 2


def test_a_killed_job_gives_its_device_back(tmp_path: Path) -> None:
    holders = [start(tmp_path, 1, 60.0) for _ in DEVICES]
    taken = [process.stdout.readline() for process in holders if process.stdout is not None]
    assert len(set(taken)) == len(DEVICES)
    waiting = start(tmp_path, 1, 0.0)
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("All 3 GPUs are taken by other jobs, 1 each")
    holders[1].send_signal(signal.SIGKILL)
    said, _ = waiting.communicate(timeout=30)
    assert said.splitlines()[0] == taken[1].strip()
    for process in holders:
        process.kill()
        process.communicate()


def test_a_process_has_one_device(tmp_path: Path) -> None:
    first = leases.take(tmp_path, DEVICES, 1, print)
    assert leases.take(tmp_path, DEVICES, 1, print) == first
    leases.release(tmp_path)
    end = time.monotonic()
    assert leases.take(tmp_path, DEVICES[:1], 1, print) == 0
    assert time.monotonic() - end < leases.POLL_S
    leases.release(tmp_path)


def test_devices_are_called_by_what_all_processes_call_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(leases.VISIBLE, raising=False)
    assert leases.visible(2) == ["0", "1"]
    monkeypatch.setenv(leases.VISIBLE, "3, 1")
    assert leases.visible(2) == ["3", "1"]


def test_jobs_of_slurm_have_devices_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    everybody = leases.folder()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert leases.folder() != everybody
    assert leases.folder().parent == everybody.parent


@pytest.mark.parametrize("text", ["0", "many", "-1", "1.5", "65"])
def test_a_number_of_jobs_that_is_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(leases.JOBS, text)
    with pytest.raises(SamplingError, match=r"BAYESBEAM_JOBS_PER_GPU: .* expected a whole number, 1 to 64"):
        leases.jobs_a_device()


def test_a_program_that_is_no_job_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_jobs", [])
    assert leases.lease_device(2, print) is None
