"""A search for phases gives the same bytes on any number of threads, its own and those of linear algebra."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
CHILD = """
import hashlib, json, sys, tempfile
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import numpy as np
import torch
from bayesbeam.io.store import read_measurement
from bayesbeam.sampling.settings import Settings
from bayesbeam.stages.phases import find
from phase_lab import SHARES, WHICH, counts, lab, library_in
from stage_fixture import rows

torch.set_num_threads(int(sys.argv[3]))
threads, x = int(sys.argv[2]), 25.0 + 0.0125 * np.arange(3600)
shares = {"ZnO-Zincite": 0.5, "NiO-Bunsenite": 0.3, "TiO2-Rutile": 0.1, "CaF2-Fluorite": 0.05, "Si-Silicon": 0.05}
with tempfile.TemporaryDirectory() as folder:
    library_in(Path(folder))
    made = lab(Path(folder), {"a": rows(x, counts(1, shares, x))}, WHICH.replace("most: 4", "most: 6"))
    made.preprocess()
    spec = made.campaign.by_tag("which").spec.phases
    found = find(spec, read_measurement(made.measurements / "a.h5"), "a", Settings(7, threads=threads), None, print)
assert set(found.facts["best"]) == set(shares), found.facts["best"]
told = {key: value for key, value in found.facts.items() if key != "seconds"}
arrays = found.arrays | {"theta": found.run.theta}
words = [hashlib.sha256(values.tobytes()).hexdigest()[:12] for _, values in sorted(arrays.items())]
print(*words, hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest())
"""


def said(own: int, algebra: int) -> str:
    """Hashes of what a process finds whose search, and whose linear algebra, have so many threads."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(algebra), "MKL_NUM_THREADS": str(algebra)}
    call = [sys.executable, "-c", CHILD, str(TESTS), str(own), str(algebra)]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a library uses no more threads than there are cores")
def test_threads_change_no_byte_of_a_search() -> None:
    alone = said(1, 1)
    assert said(2, 1) == alone
    assert said(1, 2) == alone
