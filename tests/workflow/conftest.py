"""A tiny campaign, the workflow run on it as a user would, and one finished run that the tests copy."""

from __future__ import annotations

import fcntl
import math
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ("--profile", str(ROOT / "workflow" / "profiles" / "local"))
TIMEOUT_S = 240

CAMPAIGN = """\
campaign: tiny
candidates:
  peaks:
    measurements: [a, b]
    parts:
      - component: gaussian
        name: peaks
        count: 1..2
        priors: {amplitude: "log_uniform(0.05, 10)", position: "uniform(0, 3)", sd: "log_uniform(0.02, 2)"}
    noise: {family: normal, sigma: 0.1}
  flat:
    solve: sample
    parts: [{component: constant}]
    noise: {family: normal, sigma: 0.1}
sampling: {target_standard_error: 10, seed: 1, max_sweeps: 200, chains: 4, replicas: 8, draws: 100, batch: 2}
integration:
  - {group: pair, measurements: [a, b], candidate: peaks, shared: [peaks.position]}
report: {title: A tiny campaign}
"""


@dataclass(frozen=True)
class Lab:
    """A working directory with a campaign in it, and the ways to run it."""

    workdir: Path
    root: Path = ROOT
    timeout_s: float = TIMEOUT_S

    @property
    def campaign(self) -> Path:
        return self.workdir / "campaign" / "campaign.yaml"

    @property
    def results(self) -> Path:
        return self.workdir / "results" / "tiny"

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake in the working directory, as someone who knows it would."""
        words = ["-P", "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(self.campaign)]
        return self.python(*words, *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run all that is to be done, and see that it succeeds."""
        done = self.snakemake("--cores", "2", *PROFILE, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``bayesbeam`` with the campaign and all results in the working directory."""
        return self.python(*self.cli_words(*arguments))

    def cli_words(self, action: str, *arguments: str) -> list[str]:
        results = ["--results", str(self.workdir / "results")]
        return ["-P", "-m", "bayesbeam.cli", action, str(self.campaign.parent), *results, *arguments]

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.workdir,
            capture_output=True,
            text=True,
            timeout=self.timeout_s,
            check=False,
        )

    def planned(self, *arguments: str) -> set[str]:
        """Return the jobs that a dry run plans, in the words of their rules."""
        dry = self.snakemake("--dry-run", *arguments)
        assert dry.returncode == 0, dry.stdout + dry.stderr
        said = dry.stdout + dry.stderr
        jobs = set(re.findall(r"^Job \d+: (.*)$", said, flags=re.MULTILINE))
        assert jobs or "Nothing to be done" in said, said
        return jobs

    def replace(self, old: str, new: str) -> None:
        """Change the campaign file."""
        text = self.campaign.read_text()
        assert old in text
        self.campaign.write_text(text.replace(old, new))

    def data(self, name: str, seed: int) -> Path:
        """Write a data file: one peak and noise."""
        path = self.campaign.parent / "data" / f"{name}.txt"
        path.write_text(spectrum(seed))
        return path

    def sheet(self, *ids: str) -> None:
        """Write the sheet anew."""
        rows = "".join(f"{name}\tdata/{name}.txt\n" for name in ids)
        (self.campaign.parent / "measurements.tsv").write_text("id\tfile\n" + rows)


def spectrum(seed: int) -> str:
    """Return the text of a data file: one peak and noise."""
    source = random.Random(seed)
    points = [(i / 10, math.exp(-((i / 10 - 1.5) ** 2) / 0.1) + source.gauss(0, 0.1)) for i in range(31)]
    return "".join(f"{x:.2f} {y:.5f}\n" for x, y in points)


def make_lab(workdir: Path) -> Lab:
    """Make a working directory with the tiny campaign."""
    lab = Lab(workdir)
    (workdir / "campaign" / "data").mkdir(parents=True)
    for seed, name in enumerate("abcd"):
        lab.data(name, seed)
    lab.campaign.write_text(CAMPAIGN)
    lab.sheet("a", "b", "c")
    return lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Return a working directory with the tiny campaign, and a space in its path."""
    return make_lab(tmp_path / "a lab")


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a working directory with a finished run; made once, also where tests run in parallel."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        workdir = shared / "finished run"
        if not (workdir / "done").exists():
            make_lab(workdir).run()
            (workdir / "done").touch()
    return workdir


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Lab:
    """Return a copy, elsewhere, of a working directory with a finished run."""
    return Lab(Path(shutil.copytree(finished_once, tmp_path / "another place")))
