"""The run log: what is written is read back, through kills; what a run says becomes lines; the words of its state."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bayesbeam.io.results import write_result
from bayesbeam.launch import record as recording
from bayesbeam.launch.places import Place
from bayesbeam.launch.record import Record, Stand
from bayesbeam.launch.runlog import RunLog, last_run, read_run_log
from bayesbeam.launch.snakemake import Order
from bayesbeam.launch.status import status_lines
from bayesbeam.launch.watch import Run

COMMAND = "python scripts/sample.py --config c --batch b1 --tag peaks-k2 > tiny/logs/x.log 2>&1"
SAID = f"""\
Job stats:
job            count
-----------  -------
sample             1
free_energy        2
all                1
total              4
Job 1: sample peaks-k2 for a, b
Reason: Missing output files
Shell command: {COMMAND}
Finished jobid: 1 (Rule: sample)
Job 2: free energies of a, b
Shell command: python scripts/free_energy.py --batch b1 > y.log 2>&1
Finished jobid: 2 (Rule: free_energy)
Job 3: free energies of c
Shell command: python scripts/free_energy.py --batch b2 > 'z z.log' 2>&1
Error in rule free_energy:
    jobid: 3
    log: z z.log (check log file(s) for error details)
Exiting
"""


def test_lines_are_read_back_and_half_ones_left_out(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "run.jsonl"
    with RunLog(path, "one") as log:
        log.write("run started", campaign="c")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"time": "2026", "run": "one", "event": "job sta')  # killed here
    with RunLog(path, "two") as log:
        log.write("run started", campaign="d")
    found = list(read_run_log(path))
    assert [(one["run"], one["event"]) for one in found] == [("one", "run started"), ("two", "run started")]
    assert [one["campaign"] for one in last_run(path)] == ["d"]
    assert list(read_run_log(tmp_path / "none")) == []


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with RunLog(tmp_path / "logs" / "run.jsonl", "one") as log:
        log.write("run started")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Record of a run of two batches with three measurements, of which one of the first is not reliable."""
    path = tmp_path / "tiny" / "free_energy" / "b1.json"
    path.parent.mkdir(parents=True)
    rows = [("a", 0.9, "reliable"), ("a", 0.001, "not reliable"), ("b", 0.6, "reliable"), ("b", 0.4, "not reliable")]
    records = [{"measurement": name, "model_probability": odds, "verdict": said} for name, odds, said in rows]
    write_result(path, {"format": 1, "records": records})
    campaign = SimpleNamespace(campaign=SimpleNamespace(campaign="tiny"), sheet=[1, 2, 3], tags=lambda _: ["peaks-k2"])
    book: Any = SimpleNamespace(
        campaign=campaign, folder=Path("tiny"), batches={"b1": ("a", "b"), "b2": ("c",)}, groups={},
        tags={"b1": {"peaks-k2": ("a", "b")}, "b2": {"peaks-k2": ("c",)}}, work=lambda _, ids: 2 * len(ids),
        path=lambda *parts: "/".join(("tiny", *parts)),
    )  # fmt: skip
    return Record(Order(tmp_path, tmp_path, Place(tmp_path, tmp_path), 2), book)


def test_what_a_run_says_becomes_lines(record: Record, tmp_path: Path) -> None:
    run = Run()
    record.started()
    for line in SAID.splitlines():
        run.take(line)
        record.take(run)
    stand = record.stand(run)
    record.ended(1)
    entries = list(read_run_log(tmp_path / "tiny" / "logs" / "run.jsonl"))
    assert [one["event"] for one in entries] == [
        "run started", "jobs planned", "job started", "job finished", "job started", "job finished", "job started",
        "job failed", "progress", "run ended",
    ]  # fmt: skip
    first, planned, sampled, done = entries[:4]
    assert (first["campaign"], first["measurements"], first["candidates"], first["pid"]) == ("tiny", 3, 1, os.getpid())
    assert set(first["versions"]) == {"python", "bayesbeam", "snakemake", "torch", "numpy"}
    assert (planned["jobs"], planned["rules"]) == (3, {"sample": 1, "free_energy": 2})
    about = ("sample", "sample peaks-k2 for a, b", "b1", "peaks-k2", ["a", "b"], "tiny/logs/x.log")
    for one in (sampled, done):
        assert tuple(one[key] for key in ("rule", "name", "batch", "tag", "measurements", "log")) == about
    assert done["seconds"] >= 0
    failed = entries[7]
    assert (failed["rule"], failed["measurements"], failed["log"]) == ("free_energy", ["c"], "z z.log")
    assert entries[-1]["exit_code"] == 1
    assert (stand.done, stand.total, stand.running, stand.failed, stand.waiting) == (2, 3, 0, 1, 0)
    # Of a, the candidate that is not reliable is far behind; of b, it is in the running.
    assert (stand.judged, stand.not_reliable) == (2, 1)
    assert status_lines(tmp_path / "tiny") == [
        f"tiny: 3 measurements; not finished: jobs failed, after {recording.clock(entries[-1]['seconds'])}",
        "2 of 3 jobs done, 1 failed; 1 of 2 measurements not reliable",
        "failed: free energies of c, see z z.log",
    ]


def test_state_of_a_run_that_is_on_or_was_killed(record: Record, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    assert status_lines(folder) == ["no run of this campaign is on record"]
    run = Run()
    record.started()
    for line in SAID.splitlines()[:10]:
        run.take(line)
        record.take(run)
    progress = folder / "logs" / "progress" / "b1-peaks-k2.json"
    progress.parent.mkdir()
    progress.write_text(json.dumps({"done": 10, "total": 20, "label": "x"}))
    first, planned, job = status_lines(folder)
    assert first.startswith("tiny: 3 measurements; running for 0:0")
    assert planned == "3 jobs planned"
    assert job == "  sample peaks-k2 for a, b: 10 of at most 20 sweeps"
    path = folder / "logs" / "run.jsonl"
    # No process has a number as large as this.
    path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {2**22 + 1}'))
    assert "killed 0:0" in status_lines(folder)[0]
    path.write_text(path.read_text().replace(f'"host": "{socket.gethostname()}"', '"host": "elsewhere"'))
    assert "running on elsewhere, or killed there" in status_lines(folder)[0]


def test_words_of_a_state() -> None:
    assert Stand(9, 26, 2, 0, None, None, 0, 0).words == "2 running, 15 waiting; ? spectra a minute; ? left"
    known = Stand(9, 26, 2, 1, 3.594, 495.0, 20, 3).words
    assert known == "2 running, 14 waiting, 1 failed; 3.59 spectra a minute; about 8:15 left; 3 not reliable"


def test_a_job_that_is_started_again_has_not_failed(record: Record) -> None:
    run = Run()
    lines = SAID.splitlines()
    for number, line in enumerate([*lines, *lines[14:16], "Finished jobid: 3 (Rule: free_energy)"]):
        run.take(line)
        record.take(run)
        if number == len(lines) - 1:
            assert record.stand(run).failed == 1
    assert record.stand(run).failed == 0


def test_another_run_of_the_same_record_is_followed_from_its_start(record: Record, tmp_path: Path) -> None:
    for _ in range(2):
        run = Run()
        for line in SAID.splitlines():
            run.take(line)
            record.take(run)
    stand = record.stand(run)
    assert (stand.done, stand.total, stand.failed, stand.waiting) == (2, 3, 1, 0)
    assert (stand.judged, stand.not_reliable) == (2, 1)
    events = [one["event"] for one in read_run_log(tmp_path / "tiny" / "logs" / "run.jsonl")]
    assert events.count("jobs planned") == 2
    assert events.count("job failed") == 2
