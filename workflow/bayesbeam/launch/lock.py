"""One run at a time in a results folder, and a dead run's lock cleared by the next.

The kernel holds the lock (``flock``) and lets it go when the last process of a run is gone, however it ended. Decides
which of Snakemake's own lock files were left by a dead run.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bayesbeam.errors import StoreError

NAME = ".running"
_BUSY = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)


@dataclass(frozen=True)
class RunLock:
    """A held lock.

    Attributes
    ----------
    descriptor : int
        Open lock file; a child that inherits it holds the lock as well.
    after_crash : bool
        Whether the run before this one did not come to its end.
    """

    descriptor: int
    after_crash: bool

    def record(self, pid: int) -> None:
        """Write down which process is the run, for whoever is refused, and which one watches it."""
        me, now = psutil.Process(), time.strftime("%Y-%m-%d %H:%M:%S")
        words = {"pid": pid, "host": socket.gethostname(), "since": now}
        _write(self.descriptor, json.dumps(words | {"main": me.pid, "main_started": me.create_time()}))


@contextmanager
def run_lock(folder: Path, gone: bool = False) -> Iterator[RunLock]:
    """Hold the lock of a results folder for the length of the block.

    Parameters
    ----------
    folder : Path
        Results of a campaign.
    gone : bool
        Somebody has seen that a run on another machine is gone, which cannot be seen from here.

    Raises
    ------
    StoreError
        If a live run holds it; the message names its process.
    """
    path = folder / NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as problem:
        found = f"cannot be written ({problem.strerror})"
        raise StoreError.at(str(path), found, "a folder for results", "Change its permissions.") from problem
    try:
        held = _take(descriptor)
        earlier = _read(descriptor)
        if not held or (earlier and _may_live(earlier) and not gone):
            raise _busy(folder, earlier)
        lock = RunLock(descriptor, after_crash=bool(earlier))
        lock.record(os.getpid())
        try:
            yield lock
        except BaseException:
            _write(descriptor, json.dumps(earlier) if earlier else "")
            raise
        _write(descriptor, "")
    finally:
        os.close(descriptor)


def check_lock(lock: RunLock, folder: Path) -> None:
    """See that the locked file is still the one in the results folder.

    Raises
    ------
    StoreError
        If the folder was removed, or its disk is gone.
    """
    try:
        there = os.path.samestat(os.fstat(lock.descriptor), os.stat(folder / NAME))
    except OSError:
        there = False
    if not there:
        remedy = "Bring it back and run again: it goes on from where it was."
        raise StoreError.at(str(folder), "the folder is gone, or was replaced, during the run", "the same one", remedy)


def campaign_locks(workdir: Path, folder: str) -> list[Path]:
    """Return Snakemake's lock files in a working directory that name results in ``folder`` (relative to it)."""
    prefix = folder.rstrip("/") + "/"
    locks = sorted((workdir / ".snakemake" / "locks").glob("*.lock"))
    return [path for path in locks if path.is_file() and _names(path, prefix)]


def clear_locks(paths: list[Path]) -> None:
    """Remove lock files that nobody holds any more."""
    for path in paths:
        path.unlink(missing_ok=True)


def live_snakemake(workdir: Path) -> int | None:
    """Return the process of a Snakemake that works in a directory on this machine, if there is one.

    Snakemakes that are jobs of another, as on a cluster, hold no lock.
    """
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if process.info["cwd"] != str(workdir) or "--mode" in words:
            continue
        if any("snakemake" in Path(word).parts[-2:] for word in words[:6]):
            return int(process.pid)
    return None


def foreign_lock(folder: Path, pid: int | None) -> StoreError:
    """Error for lock files that are held, or were left, by a Snakemake that was started by hand."""
    if pid is not None:
        found, remedy = f"locked by a snakemake that was started by hand (process {pid})", "Wait for it or stop it."
    else:
        found = "locked by a snakemake that was started by hand, here or on another machine"
        remedy = "Wait for it; if it is gone, `bayesbeam unlock` with this campaign removes its lock."
    return StoreError.at(str(folder), found, "one run at a time", remedy)


def _take(descriptor: int) -> bool:
    """Take the kernel's lock; where a file system has none, the record alone decides."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        return problem.errno not in _BUSY
    return True


def _may_live(earlier: dict[str, Any]) -> bool:
    """Whether a recorded run may be alive although its lock is free: on another machine, nobody can tell from here."""
    return earlier.get("host") != socket.gethostname()


def _busy(folder: Path, earlier: dict[str, Any]) -> StoreError:
    """Error that names the live run."""
    pid, host, since = (earlier.get(key, "unknown") for key in ("pid", "host", "since"))
    found = f"another run is at work (process {pid} on {host}, since {since})"
    remedy = "Wait for it or stop it; if it is gone, `bayesbeam unlock` with this campaign lets the next run begin."
    return StoreError.at(str(folder), found, "one run at a time", remedy)


def _names(path: Path, prefix: str) -> bool:
    """Whether a lock file names a file below ``prefix``."""
    try:
        return any(line.startswith(prefix) for line in path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return False


def _read(descriptor: int) -> dict[str, Any]:
    """Record in an open lock file; empty after a run that came to its end."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 4096).decode("utf-8", "replace")
    try:
        record = json.loads(text) if text else {}
    except ValueError:
        return {"host": socket.gethostname()}
    return record if isinstance(record, dict) else {}


def _write(descriptor: int, text: str) -> None:
    """Replace the record in an open lock file."""
    try:
        _replace(descriptor, text)
    except OSError as problem:
        found = f"cannot be written ({problem.strerror})"
        raise StoreError.at(
            NAME, found, "a results folder with free space", "Free some space on its disk."
        ) from problem


def _replace(descriptor: int, text: str) -> None:
    """Write over what is in an open file."""
    # In this order: what a kill leaves between the two is not empty, so it is not taken for a run that came to its end.
    os.pwrite(descriptor, text.encode(), 0)
    os.ftruncate(descriptor, len(text.encode()))
    os.fsync(descriptor)
