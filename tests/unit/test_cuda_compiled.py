"""Kernels compile for GPUs that are not here: registers and what does not fit them are bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("triton")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from operator_cases import CASES

HERE = Path(__file__).resolve().parents[1]
CAPABILITIES = ("75", "80", "90")
# Registers that a kernel may take, a thread: 65536 divided by this is how many threads a multiprocessor holds.
MOST_REGISTERS = {"propose": 64, "rebuild": 128, "move": 168, "exchange": 80}
# Bytes that may go to slow memory, a thread: some addresses (72 at most were seen), no curve.
MOST_SPILLED = 128


def compiled(cases: str, folder: Path) -> list[dict[str, Any]]:
    """What compiling takes, of all kernels for all capabilities."""
    surroundings = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, HERE / "compiled_kernels.py", cases, *CAPABILITIES],
        capture_output=True, text=True, timeout=900, check=False, env=surroundings | {"TRITON_CACHE_DIR": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    print(done.stdout)
    return [json.loads(line) for line in done.stdout.splitlines()]


OTHERS = (
    "counts,rates,shared,long,voigt,tails,double,split_pseudo_voigt,asymmetric_pseudo_voigt,moessbauer_sextet,"
    "moessbauer_voigt_sextet,spline,avrami"
)
# A long curve takes what there is, and so do a Voigt peak beside a Fermi edge, six Voigt lines, and a spline.
LARGE = ("long", "voigt", "moessbauer_voigt_sextet", "spline")


@pytest.mark.parametrize("cases", ["peaks", pytest.param(OTHERS, marks=pytest.mark.nightly)])
def test_kernels_compile_and_fit_the_registers(cases: str, tmp_path: Path) -> None:
    found = compiled(cases, tmp_path)
    assert len(found) == 4 * len(CAPABILITIES) * len(cases.split(","))
    for one in found:
        most = 255 if one["case"] in LARGE else MOST_REGISTERS[one["kernel"]]
        assert 16 <= one["registers"] <= most, one
        assert one["spilled"] <= MOST_SPILLED, one
        assert one["shared"] <= 1024, one


# Loops within a move keep a curve's sums beside what a move has already, of the old and of the new curve.
MOST_SPILLED_IN_LOOPS = 512


ACTING = [f"acting {case}" for case in CASES]


@pytest.mark.parametrize("cases", ["acting tougaard", pytest.param(",".join(ACTING), marks=pytest.mark.nightly)])
def test_kernels_with_loops_compile(cases: str, tmp_path: Path) -> None:
    found = compiled(cases, tmp_path)
    assert len(found) == 4 * len(CAPABILITIES) * len(cases.split(","))
    assert max(one["spilled"] for one in found) <= MOST_SPILLED_IN_LOOPS
    assert max(one["shared"] for one in found) <= 1024
