"""A sampling job under a limit on memory: it goes on in smaller parts with the same bytes, or says what it lacks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.workflow.conftest import Lab

from bayesbeam.launch.places import Place
from bayesbeam.launch.run import say_failure
from bayesbeam.launch.snakemake import Order
from bayesbeam.launch.watch import Run
from bayesbeam.stages.rulebook import Rulebook

ROOT = Path(__file__).resolve().parents[2]
JOB = """\
import resource, sys
from pathlib import Path
from stage_fixture import FLAT, HASTY, make_lab, peak

folder, extra = Path(sys.argv[1]), int(sys.argv[2])
sampling = HASTY.replace("device: cpu", "device: cpu, engine: eager")
lab = make_lab(folder, {f"m{k}": peak(k, points=20000) for k in range(3)}, FLAT, sampling=sampling)
lab.preprocess()
first = make_lab(folder / "first", {"w": peak(0, points=30)}, FLAT, sampling=sampling)
first.preprocess()
first.sample("flat")
if extra:
    (used,) = (int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, ((used << 10) + (extra << 20),) * 2)
try:
    lab.sample("flat")
except Exception as problem:
    print(f"{type(problem).__name__}: {problem}")
"""


def job(folder: Path, extra: int) -> tuple[str, str, Path]:
    """Sample three long measurements with so many MiB above what the process has already, 0 for no limit."""
    paths = f"{ROOT / 'workflow'}:{ROOT / 'tests'}"
    done = subprocess.run(
        [sys.executable, "-c", JOB, str(folder), str(extra)],
        env={"PYTHONPATH": paths, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr, folder / "results" / "samples" / "b" / "flat.h5"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits of memory are tested on Linux")
def test_a_limit_on_memory(tmp_path: Path) -> None:
    """All at once takes about 560 MiB here, one by itself about 190; an array of one takes 40."""
    _, said, whole = job(tmp_path / "whole", 0)
    assert "does not hold" not in said
    out, said, parts = job(tmp_path / "parts", 300)
    assert out == ""
    assert "flat: the memory of this job does not hold 3 measurements at once; going on with 1" in said
    assert parts.read_bytes() == whole.read_bytes()
    out, _, none = job(tmp_path / "none", 20)
    assert out.startswith("SamplingError: candidate flat: more numbers than memory holds (")
    assert "MiB are left to this job; expected memory that holds one analysis. Give the job more memory" in out
    assert not none.exists()


KILLED = """\
Job 11: sample peaks-k1 for a, b
Shell command: python scripts/sample.py --batch BATCH --tag peaks-k1 > 'a b.log' 2>&1
Command 'set -euo pipefail;  python scripts/sample.py --batch BATCH --tag peaks-k1 > 'a b.log' 2>&1' returned STATUS.
Error in rule sample:
    message: None
    jobid: 11
    log: a b.log (check log file(s) for error details)
    shell:
        python scripts/sample.py --batch BATCH --tag peaks-k1 > 'a b.log' 2>&1
        (command exited with non-zero exit code)
Exiting because a job execution failed. Look above for error messages
"""


@pytest.mark.parametrize(("status", "killed"), [("non-zero exit status 137", True), ("non-zero exit status 1", False)])
def test_a_killed_job_says_what_memory_it_asks_for(
    lab: Lab, capsys: pytest.CaptureFixture[str], status: str, killed: bool
) -> None:
    book = Rulebook(lab.campaign, lab.workdir / "results", lab.workdir)
    batch = next(iter(book.batches))
    run = Run()
    for line in KILLED.replace("BATCH", batch).replace("STATUS", status).splitlines():
        run.take(line)
    (failure,) = run.failures
    assert run.was_killed(failure) is killed
    order = Order(ROOT, lab.campaign, Place(lab.workdir, lab.workdir / "results"), 1)
    lab.results.mkdir(parents=True)
    assert say_failure(run, order, lab.workdir / "run.log", "", book) == 1
    said = capsys.readouterr().out
    words = (
        rf"It was killed \(SIGKILL\): .* It asks for {book.sample_mb('peaks-k1', ['a', 'b'])} MB\. \d+ MB are free now"
    )
    assert bool(re.search(words, said)) is killed
