"""The warning of a scheduler that a job must end soon, SIGUSR1, on its way to the script that can stop at a checkpoint.

On a cluster each job is a Snakemake of its own that starts the script. Where SLURM keeps processes in cgroups only that
Snakemake gets the signal, else all processes of the job: both end with one wish to the script. Assumes Linux.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

WARNING = signal.SIGUSR1


def pass_on() -> None:
    """Let this process pass the warning on to those below it that listen, and live on."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(WARNING, _tell)


def listens(process: psutil.Process) -> bool:
    """Whether a process has a handler for the warning, which would end any other."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (WARNING - 1) & 1)
    return False


def _tell(number: int, frame: FrameType | None) -> None:
    """Pass the warning on."""
    with suppress(psutil.Error):
        _signal(psutil.Process().children(recursive=True))


def _signal(processes: Iterable[psutil.Process]) -> None:
    """Send the warning to those that listen."""
    for process in processes:
        if listens(process):
            with suppress(psutil.Error):
                process.send_signal(WARNING)
