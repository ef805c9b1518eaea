"""XPS C 1s of PET with free line shapes: number of lines, and areas against the formula."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "pet_c1s", tmp_path_factory.mktemp("pet"))


def test_every_result_is_reliable(results: Shipped) -> None:
    assert results.doubtful() == {}


def test_fewer_than_three_lines_are_out_of_the_question(results: Shipped) -> None:
    for k in (1, 2):
        assert results.gap("pet", f"c1s-k{k}", "c1s-k3")[0] > 500
    assert results.gap("pet", "c1s-k3", "c1s-k4")[0] > 30  # the shake-up


@pytest.mark.parametrize("tag", ["c1s-k3", "c1s-k4"])
def test_areas_of_the_three_carbons_are_near_60_20_20(results: Shipped, tag: str) -> None:
    rows = [parameter(results.records["pet", tag], "line.area_fraction", k) for k in (1, 2, 3)]
    whole = sum(row["mean"] for row in rows)
    shares = [row["mean"] / whole for row in rows]
    print(tag, [f"{share:.3f} +- {row['sd'] / whole:.3f}" for share, row in zip(shares, rows, strict=True)])
    # of the formula; a fortieth for sensitivity, contamination and the form of the background
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.025)
    assert all(row["q975"] - row["q025"] < 0.06 for row in rows)


@pytest.mark.parametrize("tag", ["c1s-k3", "c1s-k4"])
def test_shifts_are_those_of_the_tables(results: Shipped, tag: str) -> None:
    first, second, third = (parameter(results.records["pet", tag], "line.position", k)["mean"] for k in (1, 2, 3))
    assert second - first == pytest.approx(1.6, abs=0.2)
    assert third - first == pytest.approx(4.0, abs=0.1)
