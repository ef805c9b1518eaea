"""The library page says what happens: its code runs by itself, without what the workflow needs, and gives true answers.

Each block runs in a process of its own, warnings as errors, with the packages of the `workflow` extra refused as if
they were not installed. Free energies are held to 6 standard errors (1e-4 by Student's t with 9 degrees of freedom).
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKED = "snakemake pydantic yaml jinja2 matplotlib pandas h5py xarray h5netcdf pint psutil numba".split()
MOST_SIGMA = 6.0

PROGRAM = """
import json, sys
sys.modules.update(dict.fromkeys({blocked!r}))
{code}
found = result.free_energy
print("FOUND", json.dumps([found.value, found.standard_error, result.verdict.word, sorted(result.draws)]))
"""


@dataclass(frozen=True)
class Told:
    """What a block printed, and what its last result holds."""

    text: str
    value: float
    standard_error: float
    verdict: str
    names: list[str]


def blocks(language: str) -> list[str]:
    return [code for kind, code in FENCED.findall(PAGE.read_text("utf-8")) if kind == language]


@cache
def told(number: int) -> Told:
    """Run the block of this number."""
    program = PROGRAM.format(blocked=BLOCKED, code=blocks("python")[number])
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    text, _, found = done.stdout.rpartition("FOUND ")
    return Told(text, *json.loads(found))


def free_energies(text: str) -> list[tuple[float, float]]:
    """Free energies and standard errors of the summaries in a text."""
    return [(float(f), float(e)) for f, e in re.findall(r"^free energy (\S+) \+- (\S+) nats", text, re.MULTILINE)]


def line_truth() -> float:
    """Free energy of the straight line: level in closed form, slope by quadrature to 1e-10."""
    x = np.linspace(-1, 1, 20)
    y = 0.3 + 1.2 * x + 0.2 * np.random.default_rng(1).standard_normal(20)
    variance, n = 0.04, len(x)

    def density(slope: float) -> float:
        rest = y - slope * x
        square = (rest @ rest - rest.sum() ** 2 / (n + variance)) / variance
        scale = (n - 1) * math.log(variance) + math.log(variance + n) + n * math.log(2 * math.pi)
        return math.exp(-0.5 * (square + scale)) / 10

    return -math.log(quad(density, -5, 5, points=[1.0, 1.2], epsabs=0, epsrel=1e-10, limit=200)[0])


def test_the_page_has_the_blocks_that_are_tested() -> None:
    assert len(blocks("python")) == 5
    # "A dozen lines": without blank ones.
    assert len([line for line in blocks("python")[0].splitlines() if line]) <= 12


@pytest.mark.parametrize("number", [0, 1])
def test_a_log_likelihood_of_ones_own(number: int) -> None:
    found = told(number)
    assert abs(found.value - line_truth()) < MOST_SIGMA * found.standard_error
    assert found.standard_error < 0.3
    assert found.verdict == "reliable"
    assert found.names == ["level", "slope"]


def test_the_output_shown_is_that_of_the_first_block() -> None:
    """Numbers to within the errors, words and layout to the letter."""
    shown, printed = blocks("text")[0], told(0).text
    (value, error), (now, error_now) = *free_energies(shown), *free_energies(printed)
    assert abs(value - now) < MOST_SIGMA * math.hypot(error, error_now)
    number = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
    assert re.sub(r" +", " ", number.sub("#", shown)).strip() == re.sub(r" +", " ", number.sub("#", printed)).strip()
    means = [[float(line.split()[1]) for line in text.strip().splitlines()[-2:]] for text in (shown, printed)]
    # A tenth of the posterior standard deviations is 3 errors of a mean of 1000 effective draws.
    assert np.abs(np.subtract(*means)).max() < 0.02


def test_two_peaks_are_found_and_told_from_one() -> None:
    """The data were made with two peaks, at -0.7 and 0.6, areas 5 : 3."""
    found = told(2)
    (one, _), (two, error) = free_energies(found.text)
    assert one - two > 20 + 10 * error
    assert found.names == [f"peaks.{n}" for n in ("amplitude", "area", "area_fraction", "fwhm", "position", "sd")]
    rows = {
        line.split()[0]: [float(word) for word in line.split()[1:]] for line in found.text.splitlines() if "[" in line
    }
    for name, truth in (("position[1]", -0.7), ("position[2]", 0.6), ("area_fraction[1]", 0.625)):
        mean, sd, low, high = rows[f"peaks.{name}"]
        assert abs(mean - truth) < 4 * sd
        assert low < mean < high


def test_points_that_were_chosen_find_the_peak() -> None:
    """It was made at 1.3; of 13 points on the grid the nearest are 0.37 and 0.47 away."""
    found = re.findall(r"^(\d+) points: position (\S+) \+- (\S+)$", told(3).text, re.MULTILINE)
    assert [int(points) for points, _, _ in found] == [13, 15, 17]
    for _, mean, sd in found:
        assert abs(float(mean) - 1.3) < 4 * float(sd)
    assert float(found[2][2]) < 0.7 * float(found[0][2])  # half, in the many replicates of results.md


def test_a_system_whose_answer_is_known() -> None:
    found = told(4)
    exact = float(found.text.split("exactly ")[1])
    assert "linear_gaussian" in found.text
    assert abs(found.value - exact) < MOST_SIGMA * found.standard_error + 0.005


def test_packages_of_the_workflow_are_refused_in_the_blocks() -> None:
    """The case that the blocking must detect."""
    program = PROGRAM.format(blocked=BLOCKED, code="import bayesbeam.config")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert "ModuleNotFoundError" in done.stderr


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, bayesbeam; assert 'torch' not in sys.modules; assert 'numpy' not in sys.modules; "
        "assert 'sample' in dir(bayesbeam); bayesbeam.sample; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=100)
