"""Linear equations: right, and the same bytes with any number of threads of the library."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from bayesbeam.evidence.equations import solve


@pytest.mark.parametrize("size", [1, 5, 64, 65, 104, 129, 300])
@pytest.mark.parametrize("columns", [None, 10])
def test_solutions_are_right(size: int, columns: int | None) -> None:
    generator = np.random.default_rng(size)
    root = generator.normal(size=(size, size))
    matrix = root @ root.T + np.diag(generator.uniform(0.1, 10.0, size))
    right = generator.normal(size=size if columns is None else (size, columns))
    found = solve(matrix, right)
    assert found.shape == right.shape
    # Rounding times the condition number, 1e5 at most here.
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-8, atol=1e-10)


CHILD = """
import hashlib, sys
import numpy as np
from bayesbeam.evidence.equations import solve
work = {"ours": solve, "library": np.linalg.solve}[sys.argv[1]]
generator = np.random.default_rng(1)
words = []
for size in (60, 104, 200, 340):
    matrix = generator.normal(size=(size, size)) * 0.01
    matrix = matrix + matrix.T + np.diag(generator.uniform(5.0, 9.0, size))
    for right in (generator.normal(size=size), generator.normal(size=(size, 10))):
        words.append(hashlib.sha256(np.ascontiguousarray(work(matrix, right)).tobytes()).hexdigest())
print(" ".join(words))
"""


def said(work: str, threads: int) -> str:
    """Hashes of solutions by a process whose library has some threads."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    call = [sys.executable, "-c", CHILD, work]
    return subprocess.run(call, env=environment, capture_output=True, text=True, check=True).stdout


def test_threads_of_the_library_change_no_byte() -> None:
    assert said("ours", 1) == said("ours", 4)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a library uses no more threads than there are cores")
def test_solutions_of_the_library_alone_would_be_seen_to_change() -> None:
    """The case that must be caught, where the library is one that shares its work out."""
    if "openblas" not in str(np.show_config(mode="dicts")).lower():
        pytest.skip("another library")
    assert said("library", 1) != said("library", 4)
