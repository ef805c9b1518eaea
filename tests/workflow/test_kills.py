"""A whole run that is killed at any instant, main process or group or job: the next one ends with the same bytes."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.workflow.conftest import Lab, make_lab

from bayesbeam.launch.orphans import MARK, processes_of

RESULTS = ("measurements", "samples", "free_energy", "integration", "series", "report", "batches.tsv")
# What differs from run to run: seconds and memory, and the page and table that show them.
COSTS = re.compile(r".*\.costs|runtime\.csv|index\.html")
TIMEOUT_S = 240.0
KEPT = (".running", ".snakemake_timestamp")
HOW = ("main", "group", "job")


def bytes_of(results: Path) -> dict[str, bytes]:
    """Return the bytes of all results by their names, what they took left out."""
    files = [
        path
        for name in RESULTS
        for path in ([results / name] if (results / name).is_file() else (results / name).rglob("*"))
    ]
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in files
        if path.is_file() and not COSTS.fullmatch(path.name)
    }


def campaign(workdir: Path) -> Lab:
    """Return a campaign of few jobs: a group, a range of counts, one missing file, a misfit."""
    lab = make_lab(workdir)
    lab.sheet("a", "b", "lost")
    lab.replace(FLAT, FAR)
    return lab


FLAT = """\
  flat:
    solve: sample
    parts: [{component: constant}]
"""
FAR = """\
  far:
    parts: [{component: gaussian, name: far, priors: {position: "uniform(90, 99)"}}]
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    """Return the results of a run that nothing has disturbed, and how long it took."""
    lab = campaign(tmp_path_factory.mktemp("undisturbed") / "a lab")
    began = time.monotonic()
    done = lab.cli("run", "--cores", "2")
    assert done.returncode == 3, done.stdout + done.stderr
    return bytes_of(lab.results), time.monotonic() - began


def start(lab: Lab) -> subprocess.Popen[str]:
    words = [sys.executable, *lab.cli_words("run", "--cores", "2")]
    with (lab.workdir / "said.txt").open("w") as out:
        return subprocess.Popen(words, cwd=lab.workdir, stdout=out, stderr=out, text=True, start_new_session=True)


def jobs_of(lab: Lab) -> list[psutil.Process]:
    """Return the jobs at work, without Snakemake."""
    found = []
    for process in processes_of(lab.results):
        with suppress(psutil.Error):
            if any("/scripts/" in word for word in process.cmdline()[:4]):
                found.append(process)
    return found


def kill(lab: Lab, run: subprocess.Popen[str], how: str) -> None:
    """Kill a run and see it end: its main process alone, all of it, or one of its jobs."""
    if how == "main":
        run.kill()
    elif how == "group":
        with suppress(ProcessLookupError):  # it may have come to its end just before
            os.killpg(run.pid, signal.SIGKILL)
    else:
        for process in jobs_of(lab)[:1]:
            with suppress(psutil.Error):
                process.kill()
    run.wait(TIMEOUT_S)


def wait_for_steps(lab: Lab, run: subprocess.Popen[str], steps: int) -> None:
    """Wait until a run has finished so many jobs and another one is at work."""
    end = time.monotonic() + TIMEOUT_S
    while len(
        re.findall(r"^\[ *\d+/\d+\] \S+  \w", (lab.workdir / "said.txt").read_text(), re.M)
    ) < steps or not jobs_of(lab):
        assert run.poll() is None, (lab.workdir / "said.txt").read_text()
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def check_rest(lab: Lab, expected: dict[str, bytes], code: int) -> None:
    """What the next run does, and that it leaves nothing but results."""
    done = lab.cli("run", "--cores", "2")
    assert done.returncode == code, done.stdout + done.stderr
    assert processes_of(lab.results) == []
    assert differences(bytes_of(lab.results), expected) == [], done.stdout
    assert [path.name for path in lab.results.rglob(".*") if path.name not in KEPT] == []
    assert not any((lab.workdir / "results" / ".snakemake").glob("locks/*.lock"))


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def test_five_kills(finished: Lab) -> None:
    """One after the other in one campaign that is half done, each some time after the next jobs were finished."""
    source, expected = random.Random(5), bytes_of(finished.results)
    for name in ("samples", "free_energy", "integration/pair.json", "report"):
        path = finished.results / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    for how, steps in (("main", 0), ("group", 1), ("main", 1), ("group", 1), ("job", 1)):
        run = start(finished)
        wait_for_steps(finished, run, steps)
        time.sleep(source.uniform(0.0, 1.0))
        kill(finished, run, how)
        assert run.returncode == (1 if how == "job" else -signal.SIGKILL)
    check_rest(finished, expected, 0)


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(50))
def test_fifty_kills(tmp_path: Path, undisturbed: tuple[dict[str, bytes], float], number: int) -> None:
    expected, seconds = undisturbed
    lab = campaign(tmp_path / "a lab")
    run = start(lab)
    with suppress(subprocess.TimeoutExpired):
        run.wait(random.Random(100 + number).uniform(0.0, seconds))
    kill(lab, run, HOW[number % 3])
    check_rest(lab, expected, 3)


def test_the_comparison_sees_one_byte(finished: Lab) -> None:
    expected = bytes_of(finished.results)
    kinds = {name.split("/")[0] for name in expected}
    assert {"measurements", "samples", "free_energy", "integration", "report", "batches.tsv"} <= kinds
    for name in expected:
        changed = dict(expected) | {name: expected[name][:-1] + b"?"}
        assert differences(changed, expected) == [name]


def test_jobs_of_others_are_left_alone(tmp_path: Path) -> None:
    """Those of another results folder, and of a scheduler's job that this process is not in."""
    mine, others = tmp_path / "mine", tmp_path / "others"
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    cases = [({MARK: str(mine)}, True), ({MARK: str(others)}, False), ({MARK: str(mine), "SLURM_JOB_ID": "7"}, False)]
    running = [subprocess.Popen(sleep, env=dict(os.environ) | extra) for extra, _ in cases]
    try:
        time.sleep(0.2)
        found = {process.pid for process in processes_of(mine)}
        assert [process.pid in found for process in running] == [expected for _, expected in cases]
    finally:
        for process in running:
            process.kill()
            process.wait()
