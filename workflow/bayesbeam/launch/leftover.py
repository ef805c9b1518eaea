"""Jobs of a former run that are still queued or running on a cluster: found by their names before anything is planned.

Decides that a job is never submitted twice: a new run waits for them, or cancels them where it is told to.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from bayesbeam.errors import StoreError
from bayesbeam.launch.display import printable
from bayesbeam.launch.snakemake import Order

WAIT, CANCEL = "wait", "cancel"
POLL_S = 5.0
SAY_EVERY_S = 60.0
_PATIENCE_S = 120
_NAMED = 5


@dataclass(frozen=True)
class Job:
    """A job that SLURM has not finished: its number, state, and the rule with its wildcards."""

    number: str
    state: str
    words: str


def say_line(text: str) -> None:
    """Write a line to the terminal."""
    print(printable(text), flush=True)


def settle(order: Order, how: str, say: Callable[[str], None] = say_line) -> int:
    """Wait for jobs of a former run of this results folder, or cancel them; return how many there were.

    Parameters
    ----------
    how : str
        ``wait`` or ``cancel``.
    say : callable
        Receives a line when there are such jobs, and one a minute while they are waited for.

    Raises
    ------
    StoreError
        If SLURM does not answer: then nobody knows whether there are any.
    """
    if not _asked(order):
        return 0
    jobs = queued(order.prefix)
    if not jobs:
        return 0
    doing = "cancelling them" if how == CANCEL else f"waiting for them (--leftover {CANCEL} cancels them)"
    say(f"{_count(jobs)} of a former run still queued or running: {_names(jobs)}; {doing}.")
    if how == CANCEL:
        _ask("scancel", *(job.number for job in jobs))
    found, said = len(jobs), time.monotonic()
    while jobs := queued(order.prefix):
        if time.monotonic() - said >= SAY_EVERY_S:
            said = time.monotonic()
            say(f"Waiting for {_count(jobs)} of a former run: {_names(jobs)}.")
        time.sleep(POLL_S)
    return found


def queued(prefix: str) -> list[Job]:
    """Return the jobs, queued or running, whose names begin with a prefix."""
    said = _ask("squeue", "--noheader", "--user", getpass.getuser(), "--format", "%i|%T|%j|%k")
    rows = [line.split("|", 3) for line in said.splitlines() if line.count("|") >= 3]
    return [Job(number.strip(), state, words) for number, state, name, words in rows if name.startswith(f"{prefix}_")]


def _asked(order: Order) -> bool:
    """Whether SLURM is to be asked: also where this run stays here and an earlier one did not."""
    if not order.prefix or order.profile is None:
        return False
    earlier = (order.place.workdir / ".snakemake" / "slurm_logs").is_dir()
    return order.profile.is_slurm or (earlier and shutil.which("squeue") is not None)


def _ask(*words: str) -> str:
    """Run a command of SLURM and return what it says."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError) as problem:
        stderr = (getattr(problem, "stderr", None) or str(problem)).strip().splitlines()
        found = f"does not answer ({stderr[-1] if stderr else problem})"
        remedy = "Run again where SLURM's commands work, or look whether the cluster is down."
        expected = "the jobs of a former run, so that none is submitted twice"
        raise StoreError.at(words[0], found, expected, remedy) from problem
    return done.stdout


def _count(jobs: list[Job]) -> str:
    """Return how many jobs, in words."""
    return f"{len(jobs)} job{'s' if len(jobs) > 1 else ''}"


def _names(jobs: list[Job]) -> str:
    """Return the numbers of some jobs and what they are."""
    some = [f"{job.number} ({job.words.removeprefix('rule_')}, {job.state.lower()})" for job in jobs[:_NAMED]]
    return ", ".join(some) + (f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else "")
