"""Starting Snakemake, listening to it, stopping it.

Decides its command line and what happens to its jobs when a run is stopped.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

from bayesbeam.launch.display import Display
from bayesbeam.launch.orphans import MARK
from bayesbeam.launch.places import Place
from bayesbeam.launch.profiles import LOCAL, Profile
from bayesbeam.launch.watch import Run

if TYPE_CHECKING:
    from bayesbeam.launch.record import Record

REFRESH_S = 0.5
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Order:
    """What to run: the repository, the campaign, where, on how many cores, with which further arguments.

    Jobs run where the profile says, on this machine if none is given; on a cluster their names begin with ``prefix``.
    What to make is all of the campaign, if no ``targets`` are given.
    """

    root: Path
    campaign: Path
    place: Place
    cores: int
    extra: tuple[str, ...] = ()
    profile: Profile | None = None
    prefix: str = ""
    targets: tuple[str, ...] = ()

    @property
    def elsewhere(self) -> bool:
        """Whether jobs run on other machines than this one."""
        return self.profile is not None and self.profile.executor != LOCAL

    @property
    def command(self) -> list[str]:
        """Words of Snakemake's command line."""
        words = [sys.executable, "-P", "-m", "snakemake", *self.targets, "--snakefile", str(self.root / "Snakefile")]
        words += ["--directory", str(self.place.workdir)]
        profile = self.profile or Profile(self.root / "workflow" / "profiles" / LOCAL)
        words += profile.words(self.cores, self.prefix)
        words += ["--configfile", str(self.campaign)]
        if self.place.results != self.place.workdir / "results":
            words += ["--config", f"results={self.place.results}"]
        return [*words, *self.extra]


class Log(Protocol):
    """Whatever keeps the lines of a run."""

    def write(self, text: str) -> None:
        """Keep a line."""


def start(order: Order, inherit: Sequence[int], folder: Path) -> subprocess.Popen[str]:
    """Start Snakemake with its output in a pipe; it inherits the open files ``inherit``, and is known by ``folder``."""
    return subprocess.Popen(
        order.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        pass_fds=list(inherit),
        env=environment(order.place.workdir) | {MARK: str(folder)},
    )


def environment(workdir: Path) -> dict[str, str]:
    """Environment for Snakemake, which wants a cache folder; where the home has none to write to, ours is used.

    Jobs on a cluster get it too: no file of the working directory shall stand in for a module there.
    """
    given = {**os.environ, "PYTHONSAFEPATH": "1"}
    cache = Path(given.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parent = next(path for path in (cache, *cache.parents) if path.exists())
    if parent.is_dir() and os.access(parent, os.W_OK):
        return given
    return {**given, "XDG_CACHE_HOME": str(workdir / ".snakemake" / "cache")}


def follow(
    process: subprocess.Popen[str], display: Display, log: Log, check: Callable[[], None], record: Record | None = None
) -> Run:
    """Show a run until it ends, and keep all that Snakemake says in ``log``, and what that means in ``record``.

    ``check`` is called every now and then, and raises where the run cannot go on.
    """
    run = Run()
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=REFRESH_S)
        except queue.Empty:
            check()
            display.status(run, record.tick(run) if record else None)
            continue
        if line is None:
            display.end()
            process.wait()
            return run
        log.write(line)
        words = run.take(line.rstrip("\n"))
        if record:
            record.take(run)
        if words is not None:
            display.finished(run, words)


def stop(process: subprocess.Popen[str]) -> None:
    """End Snakemake and its jobs, gently first.

    A terminal's Ctrl-C has reached all of them already; after a signal to this process alone they are told here.
    """
    with suppress(subprocess.TimeoutExpired):
        process.wait(2.0)
        return
    with suppress(psutil.Error):
        family = psutil.Process(process.pid)
        jobs = family.children(recursive=True)
        for job in jobs:
            with suppress(psutil.Error):
                job.terminate()
        family.send_signal(2)
        _, alive = psutil.wait_procs([family, *jobs], timeout=PATIENCE_S)
        for member in alive:
            with suppress(psutil.Error):
                member.kill()
    process.wait()


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    """Pass on the lines of a process, and None at their end."""
    if process.stdout is not None:
        with suppress(ValueError, OSError):
            for line in process.stdout:
                lines.put(line)
    lines.put(None)
