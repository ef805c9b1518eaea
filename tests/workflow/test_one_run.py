"""Two runs in one results folder: one goes on, the other ends at once, and says who is at work."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from bayesbeam.launch.lock import NAME
from bayesbeam.launch.orphans import MARK, end_orphans

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.workflow.conftest import Lab

AT_ONCE = """
import sys, time
from pathlib import Path
from bayesbeam.errors import StoreError
from bayesbeam.launch.lock import run_lock
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
try:
    with run_lock(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(3.0)
except StoreError as problem:
    print(problem)
"""
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_of_six_at_the_same_instant_one_goes_on(tmp_path: Path) -> None:
    words = [sys.executable, "-c", AT_ONCE, str(tmp_path), str(time.time() + 3.0)]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = [run.communicate(timeout=60)[0] for run in runs]
    assert said.count("held\n") == 1
    assert (
        sum("another run is at work (process " in words and "expected one run at a time" in words for words in said)
        == 5
    )


@pytest.fixture
def by_hand(lab: Lab) -> Iterator[subprocess.Popen[bytes]]:
    """Return what looks like a Snakemake that someone has started in the results, with its lock."""
    workdir = lab.workdir / "results"
    locks = workdir / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("tiny/samples/b0/flat.h5\n")
    process = subprocess.Popen([*SLEEP, "-m", "snakemake/__main__.py"], cwd=workdir)
    yield process
    process.kill()
    process.wait()


def test_a_snakemake_that_was_started_by_hand_is_not_disturbed(lab: Lab, by_hand: subprocess.Popen[bytes]) -> None:
    refused = lab.cli("unlock")
    assert refused.returncode == 2
    found = f"locked by a snakemake that was started by hand (process {by_hand.pid}); expected one run at a time"
    assert found in refused.stderr
    by_hand.kill()
    by_hand.wait()
    refused = lab.cli("run")
    assert refused.returncode == 2
    assert (
        "here or on another machine; expected one run at a time. Wait for it; if it is gone, `bayesbeam unl"
        in refused.stderr
    )
    unlocked = lab.cli("unlock")
    assert unlocked.returncode == 0
    assert "1 lock files removed" in unlocked.stdout


def test_a_run_on_another_host_is_not_disturbed(lab: Lab) -> None:
    lab.results.mkdir(parents=True)
    (lab.results / NAME).write_text(json.dumps({"pid": 7, "main": 7, "host": "elsewhere", "since": "yesterday"}))
    refused = lab.cli("run")
    assert refused.returncode == 2
    assert (
        "another run is at work (process 7 on elsewhere, since yesterday); expected one run at a time" in refused.stderr
    )


def test_jobs_are_ended_of_a_run_that_is_gone_only(tmp_path: Path) -> None:
    """By the record of the main process: alive, or its number taken by another since."""
    job = subprocess.Popen(SLEEP, env=dict(os.environ) | {MARK: str(tmp_path)})
    try:
        me = {"main": os.getpid(), "host": socket.gethostname()}
        (tmp_path / NAME).write_text(json.dumps(me | {"main_started": psutil_start()}))
        assert end_orphans(tmp_path) == []
        assert job.poll() is None
        (tmp_path / NAME).write_text(json.dumps(me | {"main_started": psutil_start() - 100.0}))
        assert end_orphans(tmp_path) == [job.pid]
        assert not psutil.pid_exists(job.pid)
    finally:
        job.kill()
        job.wait()


def psutil_start() -> float:
    """Return when this process was started."""
    return psutil.Process().create_time()
