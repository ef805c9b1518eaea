"""The figures of the solvable model as one command draws them: theory, simulated data and the workflow agree."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

FIGURES = ("posterior", "differences", "campaign", "selection", "criteria", "false_alarms", "integration")


@pytest.mark.nightly
@pytest.mark.figures
def test_one_command_draws_all_figures_and_the_numbers_are_the_known_ones(root: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bayesbeam.cli",
        "figures",
        "mesoscopic",
        "--results",
        str(tmp_path),
        "--cores",
        "2",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    folder = tmp_path / "mesoscopic" / "paper"
    assert {one.name for one in (folder / "figures").iterdir()} == {
        f"{f}.{kind}" for f in FIGURES for kind in ("svg", "pdf")
    }
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("parameters of our own") >= len(FIGURES)
    with (folder / "values.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    known = [row for row in rows if row["figure"] in ("posterior", "differences", "campaign") and row["reference"]]
    assert len(known) == 6 + 18 + 3
    for row in known:  # without a standard error: solved, not sampled
        away = abs(float(row["value"]) - float(row["reference"]))
        assert away < 4.0 * float(row["standard_error"] or 0.0) + 1e-6, row
    for row in rows:
        if row["figure"] in ("selection", "integration") and row["reference"]:
            room = 4.0 * float(row["reference_error"] or 0.0) + 0.0005
            assert abs(float(row["value"]) - float(row["reference"])) < room, row
        if row["quantity"].startswith("largest departure"):
            assert float(row["value"]) < 0.1  # four of the standard errors of 0.02 or so, over 100 data sets
