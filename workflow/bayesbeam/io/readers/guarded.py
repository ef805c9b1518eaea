"""Reading files of others in a second process where a library of compiled code does it, which can crash or hang.

Text is read in this process. The second process starts at the first other file, serves all, and is replaced if it dies.
Requests and answers are JSON lines and plain arrays.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.readers import RawData, ReadOptions, check_file, kind_of, read_raw, unreadable

TIME_LIMIT_S = 60.0
MEMORY_LIMIT = 8 << 30
_COLUMNS = ("x", "y", "uncertainty")
_LIBRARIES = {
    "nexus": ("the HDF5 library", "HDF5 data"),
    "cif": ("the CIF library", "CIF data"),
    "image": ("the library of images", "image"),
}

Reader = Callable[[Path, ReadOptions, str], RawData]


@contextmanager
def guarded_reader(time_limit_s: float = TIME_LIMIT_S) -> Iterator[Reader]:
    """Yield a function like ``read_raw`` that survives every file.

    Parameters
    ----------
    time_limit_s : float
        Seconds for one such file, after which it is refused.
    """
    helper = _Helper(time_limit_s)
    try:
        yield helper.read
    finally:
        helper.stop()


class _Helper:
    """The second process and the conversation with it."""

    def __init__(self, time_limit_s: float) -> None:
        self.time_limit_s = time_limit_s
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path, options: ReadOptions, label: str) -> RawData:
        """Columns of a file; see ``read_raw``."""
        label = label or path.name
        try:
            check_file(path, label)
            kind = kind_of(path, options.format, label)
        except OSError as problem:
            raise unreadable(label, problem) from problem
        if kind not in _LIBRARIES:
            return read_raw(path, options, label)
        request = {"path": str(path), "options": asdict(options), "label": label}
        try:
            return self._ask(request, label)
        except (OSError, EOFError, TimeoutError) as problem:
            self.stop()
            slow = isinstance(problem, TimeoutError)
            found = f"not read after {self.time_limit_s:g} s" if slow else f"{_LIBRARIES[kind][0]} crashed on this file"
            remedy = "Copy the file again; it is damaged."
            raise DataError.at(label, found, f"intact {_LIBRARIES[kind][1]}", remedy) from problem

    def stop(self) -> None:
        """End the second process."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _ask(self, request: dict[str, Any], label: str) -> RawData:
        """Send a request and return the columns of the answer."""
        process = self.process = self.process or _start()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        deadline = time.monotonic() + self.time_limit_s
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        length = int.from_bytes(_receive(process.stdout, 8, deadline), "little")
        answer = json.loads(_receive(process.stdout, length, deadline))
        if "error" in answer:
            raise DataError(str(answer["error"]))
        arrays: dict[str, Any] = {
            name: np.frombuffer(_receive(process.stdout, 8 * answer["points"], deadline), dtype="<f8").copy()
            if name in answer["columns"]
            else None
            for name in _COLUMNS
        }
        arrays["columns"] = tuple(
            np.frombuffer(_receive(process.stdout, 8 * answer["points"], deadline), dtype="<f8").copy()
            for _ in range(answer["further"])
        )
        places = np.arange(1, answer["points"] + 1, dtype=np.int64)
        return RawData(**arrays, places=places, place_word="point", **answer["words"])


def _start() -> subprocess.Popen[bytes]:
    """Start the second process with the package of this one."""
    package = str(Path(__file__).resolve().parents[3])
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "bayesbeam.io.readers.guarded"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def _receive(pipe: IO[bytes], length: int, deadline: float) -> bytes:
    """Bytes from the second process; EOFError if it died, TimeoutError if it is too slow."""
    parts: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while length > 0:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(pipe.fileno(), min(length, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            length -= len(part)
    return b"".join(parts)


def _serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer requests until there are no more; runs in the second process."""
    for line in source:
        request = json.loads(line)
        try:
            raw = read_raw(Path(request["path"]), ReadOptions(**request["options"]), request["label"])
        except DataError as problem:
            _send(sink, {"error": str(problem)}, [])
            continue
        arrays = {name: getattr(raw, name) for name in _COLUMNS if getattr(raw, name) is not None}
        names = ("x_name", "y_name", "uncertainty_name", "x_unit", "y_unit", "dialect", "not_counts")
        words = {name: getattr(raw, name) for name in names} | {"instrument": dict(raw.instrument)}
        answer = {"points": raw.x.size, "columns": list(arrays), "further": len(raw.columns), "words": words}
        blocks = [*arrays.values(), *raw.columns]
        _send(sink, answer, [np.ascontiguousarray(values, dtype="<f8").tobytes() for values in blocks])


def _send(sink: IO[bytes], answer: dict[str, Any], blocks: list[bytes]) -> None:
    """Write one answer and its columns."""
    head = json.dumps(answer).encode()
    sink.write(len(head).to_bytes(8, "little") + head)
    for block in blocks:
        sink.write(block)
    sink.flush()


def _limit_memory() -> None:
    """Bound the memory of this process where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit_memory()
    _serve(sys.stdin.buffer, sys.stdout.buffer)
