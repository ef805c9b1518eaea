"""How many peaks and how much noise at once: the spectrum of 2012, whose noise of 0.1 is stated as 0.05.

A level that is too small asks for more peaks than the three there are, with one that is too large fewer do as well, and
the lowest free energy over both is at the truth.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Row, analyse

TRUE = 0.1


@pytest.fixture(scope="module")
def records(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Row]:
    found = analyse(root / "config" / "campaigns" / "noise_and_peaks", tmp_path_factory.mktemp("noise_and_peaks"))
    return {int(one["count"]): one for one in found.records.values()}


def chosen(records: dict[int, Row], place: int) -> int:
    """Number of peaks of the lowest free energy at one of the levels."""
    return min(records, key=lambda count: float(records[count]["noise_curve"]["free_energy"][place]))


@pytest.mark.nightly
@pytest.mark.figures
def test_the_lowest_free_energy_is_at_the_true_level_and_number(records: dict[int, Row]) -> None:
    best = min(records, key=lambda count: float(records[count]["noise_curve"]["lowest"]))
    curve = records[best]["noise_curve"]
    level, sd = curve["best"] * curve["sigma"], curve["best_sd"] * curve["sigma"]
    print(f"K = {best}, sigma = {level:.4f} +- {sd:.4f} (Monte Carlo {curve['best_error'] * curve['sigma']:.4f})")
    assert best in (3, 4)
    assert abs(level - TRUE) < 3.0 * sd
    # 301 points know their level to 1 / sqrt(602), a little less for nine parameters
    assert sd / level == pytest.approx(602**-0.5, rel=0.05)
    likely = sum(float(records[count]["noise_curve"]["marginal_probability"]) for count in (3, 4))
    print({count: round(float(one["noise_curve"]["marginal_probability"]), 3) for count, one in records.items()})
    assert likely > 0.8


@pytest.mark.nightly
@pytest.mark.figures
def test_too_small_a_level_asks_for_more_peaks_and_with_too_large_a_one_fewer_do_as_well(
    records: dict[int, Row],
) -> None:
    levels = np.array(records[1]["noise_curve"]["factor"]) * records[1]["noise_curve"]["sigma"]
    counts = [chosen(records, place) for place in range(len(levels))]
    print(dict(zip(levels.round(3).tolist(), counts, strict=True)))
    assert counts[0] > 4
    assert all(3 <= count <= 4 for count, level in zip(counts, levels, strict=True) if 0.08 < level < 0.2)
    free = {count: np.array(one["noise_curve"]["free_energy"]) for count, one in records.items()}
    # Five peaks are better than three by 7 nats at 0.05 and worse by 2 at 0.1; standard errors are below 0.5.
    assert free[5][0] - free[3][0] < -4.0
    assert 1.0 < free[5][6] - free[3][6] < 4.0
    # Two are excluded by 97 nats at 0.1, and at 1.58, larger than the peaks, by nothing; standard errors are 0.1.
    assert 90.0 < free[2][6] - free[3][6] < 104.0
    assert abs(free[2][-1] - free[3][-1]) < 1.0
    assert free[1][-1] - free[3][-1] < 3.0
