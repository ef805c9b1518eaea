"""What a run that was killed leaves on this machine: processes that go on without it, and files half written.

Decides which processes are of a run in a results folder, how they are ended, and which files nobody will finish. Jobs
of a cluster's scheduler are not looked at: they are found by their names there.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from contextlib import suppress
from pathlib import Path

import psutil

from bayesbeam.launch.lock import NAME

# In the environment of Snakemake and of all that it starts: the results folder of the run.
MARK = "BAYESBEAM_RUN"
PATIENCE_S = 20.0
_SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
_HALF_WRITTEN = re.compile(r"\..+\.\d+-[0-9a-f]{8}\.tmp")


def end_orphans(folder: Path) -> list[int]:
    """End what is still at work for a run whose main process is gone, gently first; return the process ids.

    Sampling jobs stop at a checkpoint, from which the next run goes on.
    """
    # In this order: a run writes itself down before it starts anything, so what is found is of the run that is read.
    found = processes_of(folder)
    return [] if _main_lives(folder) else _end(found)


def end_processes(folder: Path) -> list[int]:
    """End all that was started by a run in a results folder, gently first; return the process ids."""
    return _end(processes_of(folder))


def _end(found: list[psutil.Process]) -> list[int]:
    """End processes, a Snakemake among them at once; return their ids."""
    if not found:
        return []
    # Snakemake first, and at once: it would start the next job in place of one that is stopped.
    first = [process for process in found if _is_snakemake(process)]
    _send(first, signal.SIGKILL)
    _send([process for process in found if process not in first], signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=PATIENCE_S)
    _send(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=PATIENCE_S)
    return sorted(process.pid for process in found)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes on this machine that were started by a run in a results folder, but for schedulers' jobs."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    here = {name: os.environ.get(name) for name in _SCHEDULERS}
    found = []
    for process in psutil.process_iter(["environ"]):
        environment = process.info["environ"] or {}
        if environment.get(MARK) != str(folder) or process.pid in mine:
            continue
        if all(environment.get(name) == value for name, value in here.items()):
            found.append(process)
    return found


def sweep(folder: Path) -> int:
    """Remove files that processes which are gone had begun to write, and return how many; no job may be at work."""
    count = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if _HALF_WRITTEN.fullmatch(name):
                with suppress(OSError):
                    Path(place, name).unlink()
                    count += 1
    return count


def _main_lives(folder: Path) -> bool:
    """Whether the run that is written down in a results folder is alive, or on another machine."""
    try:
        record = json.loads((folder / NAME).read_text(encoding="utf-8") or "{}")
    except (OSError, ValueError):
        return False
    if not isinstance(record, dict) or "main" not in record:
        return False
    if record.get("host") != socket.gethostname():
        return True
    with suppress(psutil.Error, TypeError, ValueError):
        main = psutil.Process(int(record["main"]))
        return main.is_running() and abs(main.create_time() - float(record["main_started"])) < 1.0
    return False


def _is_snakemake(process: psutil.Process) -> bool:
    """Whether a process is a Snakemake and not a job."""
    with suppress(psutil.Error):
        return "snakemake" in process.cmdline()[:5]
    return False


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those that are still there."""
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
