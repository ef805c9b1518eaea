"""Starts the processes of contenders, asks them, and ends them: a call that takes too long or dies is an answer too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.worker import CORES

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Worker:
    """A fresh process in which functions are called by name.

    Parameters
    ----------
    python : str
        Its Python.
    cores : int
        Cores it may use.
    empty_cache : bool
        Give it a home folder of its own, so that it finds nothing compiled.
    """

    def __init__(self, python: str = sys.executable, cores: int = 1, empty_cache: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self._said = Path(self._folder.name, "stderr")
        words = dict.fromkeys(ONE_THREAD, str(cores)) | {CORES: str(cores), "PYTHONPATH": str(ROOT)}
        if empty_cache:
            words["HOME"] = self._folder.name
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [python, "-m", "bench.worker"],
                cwd=ROOT,
                env=os.environ | words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
            )

    def __enter__(self) -> Self:
        """Return the worker, to be ended when left."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """End the process."""
        self.close()

    def ask(self, module: str, function: str, *arguments: Any, limit_s: float = 3600.0) -> dict[str, Any]:
        """Answer of a call: ``value`` and ``peak_mib``, or ``failed`` with the reason."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(limit_s, stop)
        timer.start()
        try:
            asked = {"module": module, "function": function, "arguments": arguments}
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        return {"failed": f"not done after {limit_s:.0f} s" if late.is_set() else self._last_words()}

    def close(self) -> None:
        """End the process and remove its folder."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        self._folder.cleanup()

    def _last_words(self) -> str:
        """Why the process died, as far as it said."""
        code = self._process.wait()
        lines = self._said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"the process ended with code {code}: {lines[-1][:200] if lines else 'no word'}"
