"""Figures drawn by several processes are those of one, also where a helper fails or its caller dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from multiprocessing import resource_tracker, spawn
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from bayesbeam.report import drawing
from bayesbeam.report.assemble import MeasurementView
from bayesbeam.stages import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture

COMMAND = "make run CAMPAIGN=made_up"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report_fixture.write_results(tmp_path_factory.mktemp("drawn") / "results")


@pytest.fixture(scope="module")
def alone(results: Path) -> dict[str, bytes]:
    return drawn(results, results / "alone", 1)


def drawn(results: Path, out: Path, processes: int) -> dict[str, bytes]:
    report.report_from_files(report_fixture.facts(), results, out, COMMAND, processes)
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_helpers_draw_the_same_bytes(results: Path, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two helpers, and what they draw is taken from them."""
    taken, received = [], drawing._received

    def receive(here: Connection) -> list[MeasurementView]:
        taken.append(received(here))
        return taken[-1]

    monkeypatch.setattr(drawing, "_received", receive)
    assert drawn(results, results / "together", 3) == alone
    assert [len(views) for views in taken] == [1, 1]
    assert sum(name.endswith(".svg") for name in alone) > 10


def test_what_a_helper_does_not_do_is_done(
    results: Path, alone: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed, as for lack of memory."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nkill -9 $$\n")
    broken.chmod(0o755)
    resource_tracker.ensure_running()
    monkeypatch.setattr(spawn, "_python_exe", os.fsencode(broken))
    assert drawn(results, results / "killed", 2) == alone


CALLER = """\
import multiprocessing, os, sys, time
from bayesbeam.report import drawing
if __name__ == "__main__":
    here, there = multiprocessing.get_context("spawn").Pipe()
    helper = multiprocessing.get_context("spawn").Process(target=drawing._help, args=(there,))
    helper.start()
    print(helper.pid, flush=True)
    time.sleep(60)
"""


def test_a_helper_ends_when_its_caller_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "caller.py"
    script.write_text(CALLER)
    caller = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    helper = psutil.Process(int(caller.stdout.readline()))
    time.sleep(3.0)
    assert helper.is_running()
    caller.kill()
    caller.communicate()
    gone, _ = psutil.wait_procs([helper], timeout=20.0)
    assert gone
