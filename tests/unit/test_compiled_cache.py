"""Compiled loops are kept from process to process, also where several compile the same at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = """
from numba import cfunc, types

@cfunc(types.float64(types.float64), cache=True)
def density(x):
    return 2.0 * x
"""
PROGRAM = """
import sys
from bayesbeam.sampling.engines import library
print(library.compiled(sys.argv[1]).density.cache_hits)
"""


def start(home: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-W", "error", "-c", PROGRAM, SOURCE]
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def hits(process: subprocess.Popen[str]) -> int:
    said, problem = process.communicate(timeout=120)
    assert process.returncode == 0, problem
    return int(said)


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    assert hits(start(tmp_path)) == 0
    assert hits(start(tmp_path)) == 1


def test_processes_that_compile_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    together = [start(tmp_path) for _ in range(4)]
    assert all(hits(process) in (0, 1) for process in together)
    assert hits(start(tmp_path)) == 1
