"""Where to measure next on a measured spectrum: points as advised, and what they tell against evenly spread ones."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]
R1 = "lines.position_2"


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "ruby_next_points", tmp_path_factory.mktemp("next"))


def points(root: Path, name: str) -> NDArray[np.float64]:
    return np.loadtxt(root / "config" / "campaigns" / "ruby_next_points" / "data" / f"{name}.txt")


def test_every_scan_is_a_choice_of_rows_of_the_spectrum(root: Path) -> None:
    whole = np.loadtxt(root / "config" / "campaigns" / "ruby_luminescence" / "data" / "ruby.txt")
    rows = {tuple(row) for row in whole[(whole[:, 0] >= 690) & (whole[:, 0] <= 699)]}
    assert {tuple(row) for row in points(root, "whole")} == rows
    for name in ("start", "first", "second", "even"):
        assert {tuple(row) for row in points(root, name)} < rows


@pytest.mark.parametrize(("name", "then"), [("start", "first"), ("first", "second")])
def test_points_were_measured_where_the_report_says(root: Path, results: Shipped, name: str, then: str) -> None:
    """The nearest ones of the spectrum that were not measured yet."""
    whole, taken = points(root, "whole")[:, 0], points(root, name)[:, 0].tolist()
    for one in results.advised[name]["points"]:
        free = [x for x in whole if x not in taken]
        taken.append(min(free, key=lambda x: abs(x - one["x"])))
    assert sorted(taken) == points(root, then)[:, 0].tolist()


def test_chosen_points_tell_what_was_expected_and_more_than_even_ones(results: Shipped) -> None:
    found = {name: parameter(results.best(name), R1) for name in ("start", "first", "second", "even", "whole")}
    for name, row in found.items():
        print(f"{name}: R1 {row['mean']:.4f} +- {row['sd']:.4f} nm")
    for name, then in (("start", "first"), ("first", "second")):
        advice = results.advised[name]
        expected = advice["points"][-1]["sd_after"]
        print(
            f"{then}: expected {expected:.4f}, evenly {advice['even']['sd_after']:.4f}, found {found[then]['sd']:.4f}"
        )
        assert found[then]["sd"] == pytest.approx(expected, rel=0.2)
        assert expected < advice["even"]["sd_after"]
    # As many points, half the error; and where R1 is by the whole spectrum.
    assert found["second"]["sd"] < 0.6 * found["even"]["sd"]
    for name in ("start", "first", "second", "even"):
        error = np.hypot(found[name]["sd"], found["whole"]["sd"])
        assert abs(found[name]["mean"] - found["whole"]["mean"]) < 3 * error


def test_scans_are_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}
