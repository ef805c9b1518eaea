"""Parts of ``bayesbeam run``: the lock, what Snakemake says, what is shown, where things are."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bayesbeam.errors import ConfigError, StoreError
from bayesbeam.launch import places
from bayesbeam.launch.display import Display, printable
from bayesbeam.launch.lock import NAME, campaign_locks, clear_locks, run_lock
from bayesbeam.launch.run import say_failure
from bayesbeam.launch.snakemake import Order, environment
from bayesbeam.launch.watch import Run
from bayesbeam.stages import progress
from bayesbeam.stages.command import STOPPED
from bayesbeam.stages.progress import Progress, clock, read_state

if TYPE_CHECKING:
    from pathlib import Path

SAID = """\
Job stats:
job            count
-----------  -------
all                1
sample             2
total              3

Select jobs to execute...
[Mon Nov 23 17:29:33 2026]
Job 10: sample flat for c
Reason: Missing output files: results/tiny/samples/b2e7d2c03/flat.h5
[Mon Nov 23 17:29:34 2026]
Job 11: sample flat for a, b
Shell command: python sample.py
[Mon Nov 23 17:29:34 2026]
Finished jobid: 10 (Rule: sample)
1 of 3 steps (33%) done
[Mon Nov 23 17:29:34 2026]
Error in rule sample:
    message: None
    jobid: 11
    output: results/x.h5 (update), results/x.done
    log: results/logs/x y.log (check log file(s) for error details)
    shell:
        python sample.py --config 'a b' > 'results/logs/x y.log' 2>&1
        (command exited with non-zero exit code)
Exiting because a job execution failed. Look above for error messages
"""


def test_what_snakemake_says() -> None:
    run = Run()
    finished = [words for line in SAID.splitlines() if (words := run.take(line))]
    assert finished == ["sample flat for c"]
    assert (run.done, run.total, run.running) == (1, 2, {})
    (failure,) = run.failures
    assert run.name_of(failure) == "sample flat for a, b"
    assert failure.logs == ("results/logs/x y.log",)
    assert failure.command == "python sample.py --config 'a b' > 'results/logs/x y.log' 2>&1"
    assert not run.nothing_to_do


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            f"50 sweeps\n{STOPPED} Run again: it goes on from there.\n",
            75,
            "Stopped at a checkpoint, as something asked",
        ),
        (
            "50 sweeps\n",
            1,
            "Failed: sample flat for a, b\nThe end of results/logs/x y.log:\n  50 sweeps\nAgain by hand",
        ),
    ],
)
def test_a_job_that_was_stopped_has_not_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, said: str
) -> None:
    run = Run()
    for line in SAID.splitlines():
        run.take(line)
    log = tmp_path / "results" / "logs" / "x y.log"
    log.parent.mkdir(parents=True)
    log.write_text(words)
    order = Order(tmp_path, tmp_path, places.Place(tmp_path, tmp_path), 1)
    assert say_failure(run, order, tmp_path / "run.log") == code
    out = capsys.readouterr().out
    assert said in out
    assert ("Failed" in out) == (code == 1)


def test_nothing_to_do_and_locked() -> None:
    run = Run()
    run.take("Nothing to be done (all requested files are present and up to date).")
    assert run.nothing_to_do
    run.take("LockException:")
    assert run.locked


HOLD = """
import sys
from pathlib import Path
from bayesbeam.launch.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock_of_a_live_run_and_of_a_dead_one(tmp_path: Path) -> None:
    with run_lock(tmp_path) as lock:
        assert not lock.after_crash
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StoreError, match=rf"another run is at work \(process {holder.pid} on .*; expected one run at"):
        with run_lock(tmp_path):
            pass
    holder.kill()
    holder.communicate()
    with run_lock(tmp_path) as lock:
        assert lock.after_crash
    with run_lock(tmp_path) as lock:
        assert not lock.after_crash


def refuse_to_start(folder: Path) -> None:
    with run_lock(folder) as lock:
        raise StoreError(f"refused after crash: {lock.after_crash}")


def test_a_refused_start_changes_nothing_in_the_record(tmp_path: Path) -> None:
    for crashed in (False, True):
        record = json.dumps({"pid": 1, "host": socket.gethostname()}) if crashed else ""
        (tmp_path / NAME).write_text(record)
        with pytest.raises(StoreError, match=f"refused after crash: {crashed}"):
            refuse_to_start(tmp_path)
        assert (tmp_path / NAME).read_text() == record


def test_run_on_another_machine_is_believed_to_live(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({"pid": 7, "host": "elsewhere", "since": "yesterday"}))
    with pytest.raises(StoreError, match="process 7 on elsewhere, since yesterday"), run_lock(tmp_path):
        pass
    with run_lock(tmp_path, gone=True) as lock:
        assert lock.after_crash
    with run_lock(tmp_path) as lock:
        assert not lock.after_crash


def test_only_locks_of_this_campaign_are_cleared(tmp_path: Path) -> None:
    folder = tmp_path / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    (folder / "0.output.lock").write_text("results/one/a.h5\n")
    (folder / "1.output.lock").write_text("results/one_more/a.h5\n")
    locks = campaign_locks(tmp_path, "results/one")
    assert [path.name for path in locks] == ["0.output.lock"]
    clear_locks(locks)
    assert [path.name for path in folder.iterdir()] == ["1.output.lock"]


def test_progress_is_passed_on_at_a_modest_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    log, path = io.StringIO(), tmp_path / "logs" / "job.json"
    with Progress(path, "peaks-k3 for a", 0.1, log) as watch:
        for step in range(301):
            now[0] = step * 0.1
            watch(step, 9000, -12.345, 2 / max(step, 1) ** 0.5, "sampling")
        state = read_state(path)
    # the error is 0.1 after 400 sweeps, at ten a second
    assert log.getvalue().splitlines() == [
        f"{done} of at most 9000 sweeps, sampling, F = -12.35 +- {error}, about {left} left"
        for done, error, left in ((100, "0.20", "0:30"), (200, "0.14", "0:20"), (300, "0.12", "0:10"))
    ]
    assert state is not None
    assert state.seconds_left == pytest.approx(10.0)
    assert (state.done, state.label) == (300, "peaks-k3 for a")
    assert not list(path.parent.iterdir())
    assert read_state(path) is None


def test_display_in_a_log(tmp_path: Path) -> None:
    stream = io.StringIO()
    display = Display(stream, tmp_path)
    run = Run(done=3, total=14)
    display.status(run)
    display.finished(run, "sample flat for c")
    assert stream.getvalue() == "[ 3/14] 0:00  sample flat for c\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_display_on_a_terminal(tmp_path: Path) -> None:
    stream = Terminal()
    run = Run(done=3, total=14, running={4: "sample peaks-k3 for a", 5: "sample flat for c"})
    (tmp_path / "job.json").write_text(json.dumps({"done": 10, "total": 20, "label": "peaks-k3 for a"}))
    Display(stream, tmp_path).status(run)
    assert stream.getvalue() == "\r\x1b[K[3/14] 0:00  peaks-k3 for a: 10 of at most 20 sweeps  (and 1 more)"[:85]
    assert "\n" not in stream.getvalue()


def test_control_characters_never_reach_the_terminal() -> None:
    assert printable("a\x1b[31m\x07b\tc\nd é") == "a?[31m?b\tc\nd é"


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0:00"), (75, "1:15"), (3725, "1:02:05")])
def test_clock(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_home_without_a_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "XDG_CACHE_HOME" not in environment(tmp_path)
    monkeypatch.setenv("HOME", os.devnull)
    assert environment(tmp_path)["XDG_CACHE_HOME"] == str(tmp_path / ".snakemake" / "cache")


def test_campaign_by_name_folder_and_file(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "campaigns" / "steel"
    folder.mkdir(parents=True)
    (folder / "campaign.yaml").touch()
    for name in ("steel", str(folder), str(folder / "campaign.yaml")):
        assert places.campaign_file(name, tmp_path) == folder / "campaign.yaml"
    assert places.campaign_file("", tmp_path).parent.name == "first_look"
    with pytest.raises(ConfigError, match=r"campaign 'stel': no such campaign; .* Did you mean steel\?"):
        places.campaign_file("stel", tmp_path)


def test_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = places.place(str(tmp_path / "results"), tmp_path)

    def refuse(**kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(places.tempfile, "TemporaryFile", refuse)
    with pytest.raises(StoreError, match=r"cannot be written \(Permission denied\); expected a folder for results"):
        places.check_place(where, where.results / "tiny")


def test_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 2**20

    monkeypatch.setattr(places.shutil, "disk_usage", lambda path: Usage)
    where = places.place(str(tmp_path), tmp_path)
    with pytest.raises(StoreError, match=r"1 MiB of free space; expected at least 200 MiB\. Free some space"):
        places.check_place(where, tmp_path / "tiny")
