"""Fermi edge of gold and O 1s of indium tin oxide: zero of energy, resolution, and lines on the step they make."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "fermi_edge_gold", tmp_path_factory.mktemp("gold"))


def test_every_result_is_reliable(results: Shipped) -> None:
    for (measurement, tag), record in results.records.items():
        print(measurement, tag, round(record["free_energy"], 2), round(record["standard_error"], 2))
    assert results.doubtful() == {}


def test_edge_and_resolution_are_narrowed_down(results: Shipped) -> None:
    edge, width = (parameter(results.records["gold", "room"], f"edge.{n}", None) for n in ("position", "gaussian_fwhm"))
    for row in (edge, width):
        print(row["parameter"], row["mean"], row["sd"], row["q025"], row["q975"])
    # least squares of scipy with a convolution by quadrature give 0.0292(46) and 0.216(13) eV: see docs/results.md
    assert edge["mean"] == pytest.approx(0.030, abs=0.01)
    assert width["mean"] == pytest.approx(0.215, abs=0.03)
    assert edge["q975"] - edge["q025"] < 0.03
    assert width["q975"] - width["q025"] < 0.08


def test_a_perfect_resolution_is_out_of_the_question_and_the_temperature_is_not_told(results: Shipped) -> None:
    assert results.gap("gold", "sharp", "room")[0] > 30
    # the edge of 0.2 eV may be one of temperature alone: the data are not what excludes 650 K
    gap, error = results.gap("gold", "any", "room")
    assert abs(gap) < 4 + 3 * error


def test_a_straight_line_wants_a_false_second_line(results: Shipped) -> None:
    """On Shirley's background one line will do; without it a second, at the end of its prior, stands for the step."""
    assert results.best("ito")["tag"] == "lines-k1"
    assert results.gap("ito", "ramp-k2", "lines-k1")[0] > 15
    assert results.gap("ito", "ramp-k1", "ramp-k2")[0] > 8
    second = parameter(results.records["ito", "ramp-k2"], "line.position", 2)
    assert second["q975"] > 534.9


def test_the_step_is_that_of_lost_energy(results: Shipped) -> None:
    step = parameter(results.records["ito", "lines-k1"], "step.strength", None)
    area = parameter(results.records["ito", "lines-k1"], "line.area")
    print("step", step["mean"], step["sd"], "area", area["mean"], area["sd"])
    # the data rise by 1.6 from 528 to 538 eV, of which the line accounts for all but the ramp of 0.4
    assert step["mean"] * area["mean"] == pytest.approx(1.0, abs=0.3)
    assert math.isfinite(step["q975"])
