"""The process of one contender: calls functions by name, one JSON line in, one JSON line out.

Importing is over before a call is timed. Whatever libraries print goes to standard error.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import resource
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

CORES = "BENCH_CORES"


def versions(packages: list[str]) -> dict[str, str]:
    """Version of Python and of every package; one that is missing is left out."""
    found = {"python": sys.version.split()[0]}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def device() -> str:
    """Name of the CUDA device; empty where there is none."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def imports(module: str) -> float:
    """Import a module; returns what this process then holds, MiB."""
    importlib.import_module(module)
    return memory_mib(peak=False)


def memory_mib(peak: bool = True) -> float:
    """Resident memory of this process so far, its peak or what it is now, MiB.

    Linux hands the peak that getrusage knows down to children, so the process's own record comes first.
    """
    word = "VmHWM:" if peak else "VmRSS:"
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(word)) / 1024.0
    except (OSError, StopIteration):
        unit = 1024.0**2 if sys.platform == "darwin" else 1024.0
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Value of a call with the memory it took, or why there is none."""
    try:
        module = importlib.import_module(asked["module"])
        value = getattr(module, asked["function"])(*asked["arguments"])
    except ModuleNotFoundError as error:
        return {"failed": f"needs {error.name}, which is not installed"}
    except Exception as error:  # in whatever way: the tables say how
        return {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    return {"value": value, "peak_mib": memory_mib()}


def stay_on_cores() -> None:
    """Keep to the last cores of this machine, as many as asked: threads that only wait cost CPU seconds too."""
    if hasattr(os, "sched_setaffinity"):
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, set(usable[-int(os.environ.get(CORES, "1")) :]))


def main() -> None:
    """Answer calls until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    stay_on_cores()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
