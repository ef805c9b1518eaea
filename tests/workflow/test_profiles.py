"""Where jobs run: profiles, names of jobs on a cluster, jobs of a former run, and a scheduler's warning on its way."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from bayesbeam.errors import ConfigError, StoreError
from bayesbeam.launch import leftover
from bayesbeam.launch.lock import live_snakemake
from bayesbeam.launch.places import Place
from bayesbeam.launch.profiles import Profile, find_profile, job_prefix
from bayesbeam.launch.snakemake import Order
from bayesbeam.launch.warning import listens

ROOT = Path(__file__).resolve().parents[2]
FAKE_SQUEUE = """\
#!/bin/sh
echo asked >> "{folder}/asked"
if [ $(wc -l < "{folder}/asked") -gt {times} ]; then exit 0; fi
echo "71|RUNNING|{prefix}_1f0c|rule_sample_wildcards_b1_peaks"
echo "72|PENDING|bayesbeam_other_1f0c|rule_sample"
echo "73|PENDING|{prefix}_1f0c|rule_report"
"""


def test_profiles_by_name_and_by_folder(tmp_path: Path) -> None:
    assert find_profile("local", ROOT) == Profile(ROOT / "workflow" / "profiles" / "local")
    assert find_profile("slurm", ROOT).is_slurm
    (tmp_path / "config.yaml").write_text("executor: lsf\njobs: 3\n")
    assert find_profile(str(tmp_path), ROOT) == Profile(tmp_path, "lsf", 3)


def test_a_profile_that_is_not_there_and_one_that_is_broken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"profile 'slrm': no such profile.*Did you mean slurm\?"):
        find_profile("slrm", ROOT)
    (tmp_path / "config.yaml").write_text("executor: [")
    with pytest.raises(ConfigError, match=r"config\.yaml: cannot be read"):
        find_profile(str(tmp_path), ROOT)
    (tmp_path / "config.yaml").write_text("# nothing\n")
    with pytest.raises(ConfigError, match="no settings"):
        find_profile(str(tmp_path), ROOT)


def test_cores_of_a_cluster_are_not_those_of_this_machine(tmp_path: Path) -> None:
    assert Profile(tmp_path).words(2, "x") == ["--profile", str(tmp_path), "--cores", "2"]
    words = Profile(tmp_path, "slurm").words(2, "x")
    assert words == ["--profile", str(tmp_path), "--local-cores", "2", "--slurm-jobname-prefix", "x"]
    partitions = tmp_path / "partitions.yaml"
    partitions.touch()
    assert Profile(tmp_path, "slurm").words(2, "x")[-2:] == ["--slurm-partition-config", str(partitions)]
    assert "--slurm-jobname-prefix" not in Profile(tmp_path, "lsf").words(2, "x")


def test_names_of_jobs_belong_to_a_folder_of_results(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert job_prefix(tmp_path / "a") == job_prefix(tmp_path / "link")
    assert job_prefix(tmp_path / "a") != job_prefix(tmp_path / "b")
    assert len(job_prefix(tmp_path / "a")) <= 50


def test_on_a_cluster_results_are_decided_as_on_one_machine() -> None:
    """What is run again must not depend on where jobs run."""
    local, slurm = (yaml.safe_load((ROOT / "workflow" / "profiles" / name / "config.yaml").read_text()) for name in
                    ("local", "slurm"))  # fmt: skip
    assert {key: slurm[key] for key in local} == local
    assert slurm["retries"] >= 1


def order(tmp_path: Path, executor: str = "slurm") -> Order:
    return Order(tmp_path, tmp_path, Place(tmp_path, tmp_path), 1, profile=Profile(tmp_path, executor), prefix="bb_1")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on the path for commands of SLURM; it has a squeue that knows two jobs of ours, twice."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command(folder / "squeue", FAKE_SQUEUE.format(folder=tmp_path, prefix="bb_1", times=2))
    command(folder / "scancel", f'#!/bin/sh\necho "$@" > "{tmp_path}/cancelled"\n')
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(leftover, "POLL_S", 0.01)
    return folder


def command(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.mark.parametrize("executor", ["slurm", "local"])
def test_jobs_of_a_former_run_are_waited_for(tmp_path: Path, commands: Path, executor: str) -> None:
    (tmp_path / ".snakemake" / "slurm_logs").mkdir(parents=True)
    said: list[str] = []
    assert leftover.settle(order(tmp_path, executor), leftover.WAIT, said.append) == 2
    assert said[0].startswith(
        "2 jobs of a former run still queued or running: 71 (sample_wildcards_b1_peaks, running), 73"
    )
    assert (tmp_path / "asked").read_text().count("asked") == 3
    assert not (tmp_path / "cancelled").exists()


def test_jobs_of_a_former_run_are_cancelled(tmp_path: Path, commands: Path) -> None:
    said: list[str] = []
    leftover.settle(order(tmp_path), leftover.CANCEL, said.append)
    assert (tmp_path / "cancelled").read_text().split() == ["71", "73"]
    assert said[0].endswith("cancelling them.")


def test_slurm_is_not_asked_where_it_never_had_jobs(tmp_path: Path, commands: Path) -> None:
    assert leftover.settle(order(tmp_path, "local"), leftover.WAIT) == 0
    assert not (tmp_path / "asked").exists()


def test_a_scheduler_that_does_not_answer_stops_a_run(tmp_path: Path, commands: Path) -> None:
    command(commands / "squeue", "#!/bin/sh\necho 'Unable to contact slurm controller' >&2\nexit 1\n")
    with pytest.raises(StoreError, match=r"squeue: does not answer \(Unable to contact slurm controller\)"):
        leftover.settle(order(tmp_path), leftover.WAIT)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Return a list of processes that are ended with the test."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        process.kill()
        process.communicate()


LISTENER = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: print("told", flush=True))
print("ready", flush=True)
time.sleep(60)
"""
BETWEEN = """
import subprocess, sys
from bayesbeam.launch.warning import pass_on
pass_on()
subprocess.run(["bash", "-c", "trap '' USR1; " + sys.argv[1] + "; true"])
"""


def test_a_warning_reaches_those_that_listen_and_kills_nobody(started: list[subprocess.Popen[str]]) -> None:
    """As on a cluster: a Snakemake gets the signal, below it are a shell and the script, and one that would die."""
    words = f"sleep 60 & {sys.executable} -c {shlex.quote(LISTENER)}"
    process = subprocess.Popen([sys.executable, "-c", BETWEEN, words], stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    below = psutil.Process(process.pid).children(recursive=True)
    assert [listens(one) for one in below].count(True) == 1
    process.send_signal(signal.SIGUSR1)
    assert process.stdout.readline() == "told\n"
    time.sleep(0.2)
    assert process.poll() is None
    assert all(one.is_running() for one in below)
    for one in below:
        one.kill()


@pytest.mark.parametrize(("words", "found"), [([], True), (["--mode", "remote"], False)])
def test_a_job_of_another_snakemake_holds_no_lock(
    tmp_path: Path, started: list[subprocess.Popen[str]], words: list[str], found: bool
) -> None:
    """Jobs on a cluster may run on the machine of the main process, and outlive it."""
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)", "snakemake/__main__.py", *words]
    started.append(subprocess.Popen(sleeper, cwd=tmp_path, text=True))
    end = time.monotonic() + 10.0
    while psutil.Process(started[0].pid).cmdline() != sleeper and time.monotonic() < end:
        time.sleep(0.01)
    assert (live_snakemake(tmp_path) == started[0].pid) == found
