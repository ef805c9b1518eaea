"""A sampling job that is killed or told to stop, at any instant and as often as one likes, ends with the same bytes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.io.checkpoint import checkpoint_path, finished_path
from bayesbeam.io.samples import Record, read_records
from bayesbeam.stages.plan import read_batches, write_batches
from stage_fixture import PEAKS, Lab, make_lab, peak

ROOT = Path(__file__).resolve().parents[2]
COSTS = {"wall_seconds", "cpu_seconds", "peak_memory_mb", "predicted_memory_mb"}
GOING_ON = "Going on from the checkpoint"
TIMEOUT_S = 240.0
SAMPLING = "{target_standard_error: 0.001, seed: 7, max_sweeps: 1500, chains: 4, replicas: 8, draws: 100, device: cpu}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Return a campaign whose batch is sampled in two calls, as one of its measurements is shorter."""
    data = {"a": peak(0), "short": peak(1, points=45), "b": peak(2)}
    lab = make_lab(tmp_path_factory.mktemp("kill"), data, PEAKS.replace("1..2", "2"), sampling=SAMPLING)
    lab.preprocess()
    write_batches(lab.campaign, lab.results / "batches.tsv")
    return lab


def start(lab: Lab, out: Path) -> subprocess.Popen[str]:
    """Start the job as the rules do, with a checkpoint after every block."""
    batch = next(iter(read_batches(lab.results / "batches.tsv").values()))
    words = [sys.executable, str(ROOT / "scripts" / "sample.py"), "--config", str(lab.campaign.folder)]
    words += ["--batches", str(lab.results / "batches.tsv"), "--batch", batch, "--tag", "peaks"]
    words += ["--measurements", str(lab.measurements), "--output", str(out), "--checkpoint-every", "0"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a job; return its exit code and what it said."""
    _, said = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, said


def after_saves(process: subprocess.Popen[str], path: Path, saves: int) -> bool:
    """Wait for so many new checkpoints; whether the job was still at work then."""
    end, last, seen = time.monotonic() + TIMEOUT_S, stamp(path), 0
    while process.poll() is None:
        now = stamp(path)
        seen += now not in (None, last)
        last = now
        if seen >= saves:
            return True
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.0005)
    return False


def stamp(path: Path) -> tuple[int, int] | None:
    """What tells one version of a file from the next; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def content(path: Path) -> dict[str, tuple[dict[str, bytes], dict[str, Any]]]:
    """Bytes of all arrays, and all facts that are no cost."""

    def of(record: Record) -> tuple[dict[str, bytes], dict[str, Any]]:
        facts = {key: value for key, value in record.facts.items() if key not in COSTS}
        return {key: values.tobytes() for key, values in record.arrays.items()}, facts

    return {name: of(record) for name, record in read_records(path).items()}


@pytest.fixture(scope="module")
def undisturbed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the results of a job that nothing has disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "peaks.h5"
    code, said = finish(start(lab, out))
    assert code == 0, said
    assert GOING_ON not in said
    return content(out)


def killed_and_resumed(lab: Lab, out: Path, kills: int, source: random.Random) -> int:
    """Kill a job again and again, then let it finish; return how often it went on from a checkpoint."""
    resumed = 0
    for number in range(kills):
        process = start(lab, out)
        if number == 0:
            time.sleep(source.uniform(0.0, 3.0))
        elif after_saves(process, checkpoint_path(out), source.randint(1, 6)):
            time.sleep(source.uniform(0.0, 0.02))
        process.kill()
        code, said = finish(process)
        resumed += GOING_ON in said
        if code == 0:
            break
    code, said = finish(start(lab, out))
    assert code == 0, said
    return resumed + (GOING_ON in said)


def test_kill_9_at_five_instants(lab: Lab, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "draws" / "peaks.h5"
    assert killed_and_resumed(lab, out, 5, random.Random(3)) >= 3
    assert content(out) == undisturbed
    assert sorted(file.name for file in out.parent.iterdir()) == ["peaks.h5", "peaks.h5.costs"]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
def test_kill_9_at_fifty_instants(lab: Lab, undisturbed: dict[str, Any], tmp_path: Path, seed: int) -> None:
    out = tmp_path / "draws" / "peaks.h5"
    assert killed_and_resumed(lab, out, 5, random.Random(100 + seed)) >= 1
    assert content(out) == undisturbed
    assert sorted(file.name for file in out.parent.iterdir()) == ["peaks.h5", "peaks.h5.costs"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_stops_a_job_at_a_checkpoint(
    lab: Lab, undisturbed: dict[str, Any], tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "draws" / "peaks.h5"
    process = start(lab, out)
    assert after_saves(process, checkpoint_path(out), 3)
    process.send_signal(number)
    code, said = finish(process)
    assert code == 75, said
    assert said.splitlines()[-1] == "Stopped as asked, at a checkpoint. Run again: it goes on from there."
    assert not out.exists()
    assert checkpoint_path(out).exists() or finished_path(out).exists()
    assert not list(out.parent.glob("*.tmp"))
    code, said = finish(start(lab, out))
    assert code == 0, said
    assert GOING_ON in said
    assert content(out) == undisturbed


def test_a_checkpoint_of_other_bytes_would_be_seen(lab: Lab, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    """The comparison can fail: another seed gives other bytes, and nothing of an older checkpoint."""
    out = tmp_path / "draws" / "peaks.h5"
    process = start(lab, out)
    assert after_saves(process, checkpoint_path(out), 2)
    process.kill()
    finish(process)
    other = make_lab(
        tmp_path / "other",
        {"a": peak(0), "short": peak(1, points=45), "b": peak(2)},
        PEAKS.replace("1..2", "2"),
        sampling=SAMPLING.replace("seed: 7", "seed: 8"),
    )
    code, said = finish(start(Lab(other.campaign, lab.results), out))
    assert code == 0, said
    assert "other data, another model, other settings" in said
    assert GOING_ON not in said
    found = content(out)
    assert found.keys() == undisturbed.keys()
    assert all(found[name][0] != undisturbed[name][0] for name in found)
