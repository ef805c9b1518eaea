"""``bayesbeam run`` as ``make run`` calls it: its exit codes, its words, one run at a time."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.workflow.conftest import Lab

COSTS = {"cpu_seconds", "wall_seconds", "peak_memory_mb", "predicted_memory_mb"}
SMALL = """\
campaign: tiny
candidates:
  flat:
    solve: sample
    parts: [{component: constant}]
    noise: {family: normal, sigma: 0.1}
sampling: {target_standard_error: 10, seed: 1, max_sweeps: 200, chains: 4, replicas: 8, draws: 100}
"""
# Long enough for a job to be met at work, with the engine that takes its time.
LONG = {
    "target_standard_error: 10": "target_standard_error: 0.001",
    "max_sweeps: 200": "max_sweeps: 8000, engine: eager",
}


@pytest.fixture
def small(lab: Lab) -> Lab:
    """Return a campaign of one measurement and one candidate."""
    lab.campaign.write_text(SMALL)
    lab.sheet("a")
    return lab


def start(lab: Lab) -> subprocess.Popen[str]:
    """Start a run in a process group of its own."""
    words = [sys.executable, *lab.cli_words("run", "--cores", "1")]
    return subprocess.Popen(
        words, cwd=lab.workdir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def sampling(lab: Lab) -> bool:
    """Whether a job has said how far its sampling is."""
    return any(lab.results.glob("logs/progress/*.json"))


def numbers(lab: Lab) -> list[Any]:
    """Return all records of free energies without what they cost."""
    records = []
    for path in sorted(lab.results.glob("free_energy/*.json")):
        for record in json.loads(path.read_text())["records"]:
            records.append({key: value for key, value in record.items() if key not in COSTS})
    return records


def draws(lab: Lab) -> dict[str, np.ndarray]:
    """Return all arrays in the files of draws."""
    found: dict[str, np.ndarray] = {}
    for path in sorted(lab.results.glob("samples/*/*.h5")):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, path=path: (
                    found.update({f"{path.name}/{name}": item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
    return found


@pytest.mark.nightly
def test_missing_data_file_is_refused_and_all_else_finishes(small: Lab) -> None:
    small.sheet("a", "lost")
    run = small.cli("run")
    assert run.returncode == 3, run.stdout + run.stderr
    assert "refused lost: data/lost.txt: no such file" in run.stdout
    assert "a: flat with probability above 0.999" in run.stdout
    assert f"Report: {small.results / 'report' / 'index.html'}" in run.stdout
    assert (small.results / "report" / "index.html").is_file()

    small.data("lost", seed=5)
    again = small.cli("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "preprocess lost" in again.stdout
    assert "preprocess a\n" not in again.stdout
    dry = small.cli("run", "--", "--dry-run")
    assert dry.returncode == 0
    assert "Nothing to be done" in dry.stdout + dry.stderr


def test_a_failed_job_shows_its_log_and_its_command(small: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    small.replace("seed: 1", "seed: 1, device: cuda")
    run = small.cli("run")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "Failed: sample flat for a\n" in run.stdout
    assert "torch sees no GPU here; expected" in run.stdout
    assert f"Again by hand, in {small.workdir / 'results'}:\n  " in run.stdout
    # Quoted where the folder has a space.
    assert re.search(r"scripts/sample\.py'? --config", run.stdout)
    assert "Traceback" not in run.stdout
    assert not list(small.results.glob("**/.*.tmp"))


def test_mistakes_stop_before_anything_is_planned(lab: Lab) -> None:
    lab.replace("component: gaussian", "component: gausian")
    lab.replace("seed: 1", "sed: 1")
    run = lab.cli("run")
    assert run.returncode == 2
    assert "2 mistakes in the campaign" in run.stderr
    assert "Did you mean gaussian?" in run.stderr
    assert not lab.results.exists()
    by_hand = lab.snakemake("--cores", "1")
    assert by_hand.returncode == 2
    assert "2 mistakes in the campaign" in by_hand.stderr
    assert "Traceback" not in by_hand.stderr
    assert not lab.results.exists()


def test_unknown_campaign_names_the_nearest(lab: Lab) -> None:
    run = lab.python("-P", "-m", "bayesbeam.cli", "validate", "first_lok")
    assert run.returncode == 2
    assert "campaign 'first_lok': no such campaign; expected" in run.stderr
    assert "Did you mean first_look?" in run.stderr


def test_settings_that_would_be_ignored_are_refused(lab: Lab) -> None:
    run = lab.python("-P", "-m", "snakemake", "-s", str(lab.root / "Snakefile"), "-n", "--config", "seed=3")
    assert run.returncode == 2
    assert "config: seed: settings without a campaign; expected" in run.stderr


def test_results_that_cannot_be_written(lab: Lab) -> None:
    (lab.workdir / "results").write_text("a file where a folder should be")
    run = lab.cli("run")
    assert run.returncode == 2
    assert "cannot be written" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.nightly
def test_killed_run_goes_on_with_the_same_numbers_and_a_live_one_is_not_disturbed(small: Lab, tmp_path: Path) -> None:
    for old, new in LONG.items():
        small.replace(old, new)
    first = start(small)
    wait_until(lambda: sampling(small))
    second = small.cli("run")
    assert second.returncode == 2
    assert "another run is at work (process" in second.stderr
    assert first.poll() is None
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert list((small.workdir / "results" / ".snakemake" / "locks").glob("*.lock"))

    again = small.cli("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "going on from where it was" in again.stdout

    undisturbed = type(small)(tmp_path / "undisturbed")
    undisturbed.workdir.mkdir()
    (small.workdir / "campaign").rename(undisturbed.workdir / "campaign")
    assert undisturbed.cli("run").returncode == 0
    assert numbers(small) == numbers(undisturbed)
    one, other = draws(small), draws(undisturbed)
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def test_stopped_run_ends_all_its_processes(small: Lab) -> None:
    for old, new in LONG.items():
        small.replace(old, new)
    run = start(small)
    wait_until(lambda: sampling(small))
    run.send_signal(signal.SIGTERM)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert "Stopped. Run again: it goes on from the last checkpoint (at most a minute is lost)." in said
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)
    assert not list(small.results.glob("**/.*.tmp"))
    assert not list((small.workdir / "results" / ".snakemake").glob("locks/*.lock"))
