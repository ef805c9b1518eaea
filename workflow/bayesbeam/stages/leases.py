"""Which GPU a job takes on a machine with several: one job a device, or so many as were asked for, and never one more.

A lease is a file that the kernel locks (``flock``) for as long as the process lives, however it ends, in a folder of
this machine. Jobs of SLURM have a folder each: SLURM gives every one its devices, and numbers them anew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bayesbeam.errors import SamplingError

JOBS, VISIBLE = "BAYESBEAM_JOBS_PER_GPU", "CUDA_VISIBLE_DEVICES"
MOST_JOBS = 64
POLL_S = 0.5
_BUSY = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)
_held: dict[Path, tuple[int, int]] = {}
_jobs: list[bool] = []


def this_is_a_job() -> None:
    """Let this process take a device when it wants one; a library in another program takes none from others."""
    _jobs.append(True)


def lease_device(count: int, say: Callable[[str], None]) -> int | None:
    """Take a device for the life of this process, and wait until one is free; the same one at every call.

    Parameters
    ----------
    count : int
        Devices that this process sees.
    say : callable
        Receives a line where all are taken.

    Returns
    -------
    int or None
        Index of the device among those that this process sees; None where this is no job of the workflow.

    Raises
    ------
    SamplingError
        If the number of jobs a device, from the environment, is none.
    """
    if not _jobs:
        return None
    return take(folder(), visible(count), jobs_a_device(), say)


def jobs_a_device() -> int:
    """Return how many jobs may share a device: one, or what the environment says."""
    text = os.environ.get(JOBS, "1")
    if not text.isdecimal() or not 1 <= int(text) <= MOST_JOBS:
        raise SamplingError.at(JOBS, repr(text), f"a whole number, 1 to {MOST_JOBS}", "Correct it, or leave it out: 1.")
    return int(text)


def visible(count: int) -> list[str]:
    """Return names of the devices that a process sees, the same in processes that see others of them."""
    names = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return names[:count] if len(names) >= count else [str(index) for index in range(count)]


def folder() -> Path:
    """Return the folder of leases on this machine: one for all its users, or that of a job of SLURM."""
    job = os.environ.get("SLURM_JOB_ID")
    return Path(tempfile.gettempdir()) / (f"bayesbeam-gpus-{job}" if job else "bayesbeam-gpus")


def take(place: Path, devices: Sequence[str], jobs: int, say: Callable[[str], None]) -> int:
    """Take one of the devices, those with the fewest jobs first, and wait until one is free.

    Returns
    -------
    int
        Index of the device.
    """
    if place in _held:
        return _held[place][0]
    if not devices:
        return 0
    _make(place)
    waits = False
    while True:
        # The first job of every device before the second of any.
        for slot in range(jobs):
            for index, name in enumerate(devices):
                descriptor = _lock(place / f"{name.replace('/', '_')}.{slot}")
                if descriptor is not None:
                    _held[place] = index, descriptor
                    return index
        if not waits:
            say(f"All {len(devices)} GPUs are taken by other jobs, {jobs} each ({JOBS}): waiting for one.")
            waits = True
        time.sleep(POLL_S)


def release(place: Path) -> None:
    """Give a device back before the process ends."""
    if place in _held:
        os.close(_held.pop(place)[1])


def _make(place: Path) -> None:
    """Make the folder; on one machine users take devices from each other, so all may write there."""
    place.mkdir(exist_ok=True)
    if place.stat().st_uid == os.getuid():
        place.chmod(0o1777)


def _open(path: Path) -> int:
    """Open a file that another user may have made: kernels refuse to open such a one with the wish to make it."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o666)


def _lock(path: Path) -> int | None:
    """Return the open file if its lock could be taken; None where a living process has it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(descriptor)
        if problem.errno in _BUSY:
            return None
        raise
    if os.fstat(descriptor).st_uid == os.getuid():
        os.fchmod(descriptor, 0o666)
    return descriptor
