"""A cluster for the tests that need one, which run one at a time, and nothing left of it afterwards."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from tests.slurm.cluster import Cluster, ClusterError, start
from tests.workflow.conftest import spectrum

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 900.0
# What must be the same, byte for byte, wherever and however often jobs ran.
RESULTS = ("batches.tsv", "measurements", "samples", "free_energy", "integration", "report/tables")
COSTS = ("*.costs", "*runtime.csv")

CAMPAIGN = """\
campaign: tiny
candidates:
  peaks:
    parts:
      - component: gaussian
        name: peaks
        count: {peaks}
        priors: {{amplitude: "log_uniform(0.05, 10)", position: "uniform(0, 3)", sd: "log_uniform(0.02, 2)"}}
    noise: {{family: normal, sigma: 0.1}}
sampling: {{{sampling}, seed: 1, chains: 4, replicas: 8, draws: 100, batch: {batch}, device: auto}}
"""
SHORT = "target_standard_error: 10, max_sweeps: 200"


@dataclass
class Site:
    """A campaign in a working directory, run through a cluster or, where there is none, on this machine."""

    workdir: Path
    cluster: Cluster | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.workdir / "results" / "tiny"

    def make(self, ids: str = "ab", peaks: str = "1", sampling: str = SHORT, batch: int = 2) -> Site:
        """Write the campaign, and the profile: the shipped one with some settings of this test."""
        data = self.workdir / "campaign" / "data"
        data.mkdir(parents=True)
        for seed, name in enumerate(ids):
            (data / f"{name}.txt").write_text(spectrum(seed))
        rows = "".join(f"{name}\tdata/{name}.txt\n" for name in ids)
        (data.parent / "measurements.tsv").write_text("id\tfile\n" + rows)
        (data.parent / "campaign.yaml").write_text(CAMPAIGN.format(peaks=peaks, sampling=sampling, batch=batch))
        profile = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text())
        (self.workdir / "profile").mkdir()
        (self.workdir / "profile" / "config.yaml").write_text(yaml.safe_dump(profile | self.settings))
        return self

    def start(self, *arguments: str, command: str = "run") -> subprocess.Popen[str]:
        """Start ``bayesbeam run``, or another of its commands."""
        words = [sys.executable, "-P", "-m", "bayesbeam.cli", command, "campaign", "--results", "results", *arguments]
        words += ["--cores", "1"]
        words += ["--profile", str(self.workdir / "profile")] if self.cluster is not None else []
        environment = self.cluster.environment if self.cluster is not None else dict(os.environ)
        return subprocess.Popen(
            words,
            cwd=self.workdir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """Run to the end, see that it succeeds, and return what it says."""
        return finish(self.start(*arguments))

    def content(self) -> dict[str, bytes]:
        """Return the bytes of all results, costs apart."""
        return content(self.results)

    def logs(self) -> dict[str, str]:
        """Return the logs of the sampling jobs, by file."""
        return {str(path): path.read_text() for path in (self.results / "logs" / "sample").glob("*/*.log")}


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a run that succeeds; return what it says."""
    said, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, said
    return said


def content(results: Path) -> dict[str, bytes]:
    """Return the bytes of all results below a folder, costs apart."""
    files = [results / name for name in RESULTS if (results / name).is_file()]
    files += [path for name in RESULTS for path in sorted((results / name).rglob("*")) if path.is_file()]
    kept = [path for path in files if not any(path.match(pattern) for pattern in COSTS)]
    return {str(path.relative_to(results)): path.read_bytes() for path in kept}


def until(happened: Callable[[], Any], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something has happened while a run is at work."""
    end = time.monotonic() + TIMEOUT_S
    while not happened():
        assert process is None or process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hold tests of other processes off while this one uses a cluster: two would share the cores."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a cluster of three nodes with a fake GPU each."""
    try:
        found = start(tmp_path_factory.mktemp("cluster"))
    except ClusterError as error:
        pytest.skip(f"no SLURM here: {error}")
    yield found
    found.stop()
    left = [process.cmdline() for process in found.processes() if process.status() != psutil.STATUS_ZOMBIE]
    assert not left, "the cluster left processes behind"


@pytest.fixture
def idle(alone: None, cluster: Cluster) -> Iterator[Cluster]:
    """Return the cluster with all nodes up and no jobs, before a test and after it."""
    yield cluster
    jobs = cluster.jobs("pending,running,completing,suspended")
    if jobs:
        cluster.command("scancel", *jobs)
        until(lambda: not cluster.jobs("pending,running,completing,suspended"))
    down = cluster.command("sinfo", "--noheader", "--Node", "--states=down,drain", "--format=%N").split()
    if down:
        cluster.command("scontrol", "update", f"nodename={','.join(sorted(set(down)))}", "state=resume")
