"""The figures of the 2012 paper as one command draws them: every number beside a known one is within its errors."""

from __future__ import annotations

import csv
import importlib.util
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FIGURES = ("data", "fits", "free_energy", "posterior", "noise_level", "exchange")


@pytest.fixture(scope="module")
def metropolis(root: Path) -> ModuleType:
    """The campaign's own Metropolis and exchange."""
    path = root / "config" / "campaigns" / "nagata2012" / "metropolis.py"
    spec = importlib.util.spec_from_file_location("metropolis_of_nagata2012", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def data(root: Path) -> tuple[np.ndarray, np.ndarray]:
    table = np.loadtxt(
        root / "config" / "campaigns" / "nagata2012" / "data" / "nagata2012.csv", delimiter=",", skiprows=1
    )
    return table[:, 0], table[:, 1]


def test_the_energy_kept_by_moves_and_swaps_is_that_of_the_state(root: Path, metropolis: ModuleType) -> None:
    x, y = data(root)
    trace = metropolis.run(x, y, metropolis.starts(3, 5), 40, metropolis.LADDER, 6)
    for energy, peaks in zip(trace.energy[-1], trace.last, strict=True):
        curve = sum(a * np.exp(-0.5 * b * (x - mu) ** 2) for a, mu, b in peaks)
        assert energy == pytest.approx(((y - curve) ** 2).sum() / (2.0 * 0.1**2), rel=1e-9)
    assert len(trace.exchange_rate) == 23
    assert ((trace.exchange_rate > 0.0) & (trace.exchange_rate <= 1.0)).all()


def test_without_likelihood_draws_follow_the_prior(root: Path, metropolis: ModuleType) -> None:
    x, y = data(root)
    begin = metropolis.starts(400, 7)
    last = metropolis.run(x, y, begin, 30, np.array([0.0]), 8).last.reshape(-1, 3)
    # means of 1200 draws of gamma(5, 5), normal(1.5, 0.447) and gamma(5, 0.04); 4.5 standard errors
    for column, mean, sd in zip(last.T, (1.0, 1.5, 125.0), (0.4472, 0.4472, 55.9), strict=True):
        assert abs(column.mean() - mean) < 4.5 * sd / math.sqrt(len(last))
        assert column.std() == pytest.approx(sd, rel=0.12)
    # and they have moved: what is left of the start after 30 walks of one prior sd is little
    assert np.corrcoef(begin.reshape(-1, 3)[:, 0], last[:, 0])[0, 1] < 0.5


@pytest.mark.nightly
@pytest.mark.figures
def test_one_command_draws_all_figures_and_the_numbers_are_the_known_ones(root: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bayesbeam.cli",
        "figures",
        "nagata2012",
        "--results",
        str(tmp_path),
        "--cores",
        "2",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Figures: {tmp_path}" in done.stdout
    folder = tmp_path / "nagata2012" / "paper"
    assert {one.name for one in (folder / "figures").iterdir()} == {
        f"{f}.{kind}" for f in FIGURES for kind in ("svg", "pdf")
    }
    with (folder / "values.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["figure"] for row in rows} == set(FIGURES)
    known = [row for row in rows if row["standard_error"] and row["reference"]]
    assert len(known) > 25
    for row in known:
        error = math.hypot(float(row["standard_error"]), float(row["reference_error"] or 0.0))
        # the known moments have three or four digits
        error += 0.003 * abs(float(row["reference"])) if row["figure"] == "posterior" else 0.0
        print(row["quantity"], row["value"], row["reference"])
        assert abs(float(row["value"]) - float(row["reference"])) < 4.0 * error, row
    exchange = {row["quantity"]: float(row["value"]) for row in rows if row["figure"] == "exchange"}
    stuck = {name.split(":")[0]: value for name, value in exchange.items() if "stuck" in name}
    assert stuck["exchange Monte Carlo"] == 0
    assert stuck["plain Metropolis"] >= 1
    assert exchange["sum of rejection rates"] == pytest.approx(7.2, abs=0.1)
    assert exchange["smallest exchange rate"] == pytest.approx(0.55, abs=0.03)
