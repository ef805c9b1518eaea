"""A disk that fills up, may not be written or goes away: said in one line, and made good by the next run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.workflow.test_kills import bytes_of, differences, start, wait_for_steps
from tests.workflow.test_quarantine import without_privileges

from bayesbeam.errors import StoreError
from bayesbeam.io.atomic import write_bytes
from bayesbeam.io.samples import Record, write_records
from bayesbeam.launch.ending import Said, disk_words
from bayesbeam.launch.lock import NAME, check_lock, run_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.workflow.conftest import Lab

# More than a run asks for at its start.
SIZE_MIB = 240
AGAIN = "run again: it goes on from where it was."


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a small disk of its own; only root may make one."""
    place = tmp_path / "small disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(place)]
    if os.getuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk cannot be mounted here, which takes root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill(place: Path) -> Path:
    """Take all the room that is left."""
    ballast = place / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast


def test_a_file_that_does_not_fit(disk: Path) -> None:
    """By plain bytes and by HDF5; what was there stays, and nothing half-written does."""
    write_bytes(disk / "old.bin", b"old")
    words = r"No space left on device after \d+\.\d MiB of it; \d+\.\d MiB are free\); expected a disk with room"
    with pytest.raises(StoreError, match=rf"old\.bin: cannot be written \({words}.*Free some space on this disk"):
        write_bytes(disk / "old.bin", bytes((SIZE_MIB + 10) << 20))
    assert (disk / "old.bin").read_bytes() == b"old"
    fill(disk)
    record = Record({"theta": np.zeros(1 << 20)}, {"key": "k"})
    with pytest.raises(StoreError, match=rf"draws\.h5: cannot be written \({words}"):
        write_records(disk / "draws.h5", {"a": record})
    assert sorted(path.name for path in disk.iterdir()) == ["ballast", "old.bin"]


@pytest.mark.nightly
def test_a_disk_that_fills_up_during_a_run(finished: Lab, disk: Path) -> None:
    """At three moments, of which the last is in the middle of the jobs; then there is room again."""
    expected = bytes_of(finished.results)
    for name in ("samples", "free_energy", "integration/pair.json", "report"):
        path = finished.results / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    lab = type(finished)(disk / "a lab")
    shutil.copytree(finished.workdir, lab.workdir)
    ballast = fill(disk)
    full = lab.cli("run")
    assert full.returncode == 2
    assert "0 MiB of free space; expected at least 200 MiB. Free some space" in full.stderr
    for steps in (0, 2):
        ballast.unlink()
        run = start(lab)
        wait_for_steps(lab, run, steps)
        ballast = fill(disk)
        run.wait(240)
        ballast.write_bytes(b"")
        assert run.returncode in (1, 2)
        said = (lab.workdir / "said.txt").read_text()
        assert not list(lab.results.rglob("*.damaged"))
        assert "No space left" in said or "the disk is full" in said or not said.endswith("\n")
    ballast.unlink()
    done = lab.cli("run", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert differences(bytes_of(lab.results), expected) == []
    assert not list(lab.results.rglob(".*.tmp"))


def test_a_folder_that_goes_away_during_a_run(lab: Lab) -> None:
    run = start(lab)
    wait_for_steps(lab, run, 0)
    lab.results.rename(lab.results.with_name("elsewhere"))
    run.wait(60)
    assert run.returncode == 2
    said = (lab.workdir / "said.txt").read_text()
    assert f"{lab.results}: the folder is gone, or was replaced, during the run; expected the same one" in said
    assert AGAIN in said


def test_the_locked_file_is_looked_at(tmp_path: Path) -> None:
    with run_lock(tmp_path) as lock:
        check_lock(lock, tmp_path)
        (tmp_path / NAME).rename(tmp_path / "moved")
        with pytest.raises(StoreError, match="the folder is gone, or was replaced"):
            check_lock(lock, tmp_path)
        (tmp_path / NAME).touch()
        with pytest.raises(StoreError, match="the folder is gone, or was replaced"):
            check_lock(lock, tmp_path)


def test_what_is_said_of_a_disk(tmp_path: Path) -> None:
    assert disk_words(tmp_path, "KeyError: 'No draws'") == ""
    full = disk_words(tmp_path, "OSError: [Errno 28] No space left on device: 'x'")
    assert full.startswith(f"{tmp_path}: the disk is full, ")
    assert full.endswith(f"Free some space on it and {AGAIN}")
    locked = disk_words(tmp_path, "one line\nOSError: [Errno 30] Read-only file system: 'results/a.h5'\n")
    assert "cannot be written (OSError: [Errno 30] Read-only file system: 'results/a.h5'). Change its perm" in locked
    assert "the folder is gone; expected the results of this run" in disk_words(tmp_path / "none", "")


def test_a_log_that_does_not_fit_is_kept_in_part(disk: Path) -> None:
    log = Said(disk / "run.log")
    log.write("first\n")
    fill(disk)
    for number in range(5000):
        log.write(f"line {number}\n")
    log.close()
    assert log.last.endswith("line 4999\n")
    assert (disk / "run.log").read_text().startswith("first\nline 0\n")


def test_results_on_a_disk_that_may_only_be_read(finished: Lab, disk: Path) -> None:
    lab = type(finished)(disk / "a lab")
    shutil.copytree(finished.workdir, lab.workdir)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = lab.cli("run")
    assert done.returncode == 2
    assert "cannot be written (Read-only file system); expected a folder for results. Change its perm" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_may_not_be_written(finished: Lab) -> None:
    """Of the campaign's folders one; permission is what a user without privileges has."""
    folder = finished.results / "free_energy"
    found = folder.glob("*.json")
    (summary,) = (path for path in found if b"peaks-k1" not in path.read_bytes())
    summary.with_suffix(".h5").unlink()
    (finished.results / "report" / "index.html").unlink()
    before = bytes_of(finished.results)
    folder.chmod(0o555)
    words = without_privileges([sys.executable, *finished.cli_words("run", "--cores", "2")])
    done = subprocess.run(words, cwd=finished.workdir, capture_output=True, text=True, timeout=240, check=False)
    folder.chmod(0o755)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{finished.results}: something in it cannot be written (" in done.stdout
    assert done.stdout.endswith(f"Change its permissions and {AGAIN}\n")
    assert differences(bytes_of(finished.results), before) == []


@pytest.mark.nightly
def test_temporary_files_have_no_room(finished: Lab, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the workflow depends on room in TMPDIR."""
    fill(disk)
    monkeypatch.setenv("TMPDIR", str(disk))
    (finished.results / "report" / "index.html").unlink()
    done = finished.cli("run", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
