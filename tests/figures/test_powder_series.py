"""The campaigns lab6 and cucr2o4_cooling: a certified cell, and an oxide beside a spinel that is warmed."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.report.changes import switch_along
from shipped_results import analyse


@pytest.mark.nightly
@pytest.mark.figures
def test_lab6_alone_is_found_with_the_edge_of_the_certificate(root: Path, tmp_path: Path) -> None:
    results = analyse(root / "config" / "campaigns" / "lab6", tmp_path)
    (record,) = results.records.values()
    rows = [row for row in record["phases"]["phases"] if row["probability"] > 0.05]
    assert [row["name"] for row in rows] == ["LaB6-cod1000055"]
    (edge,) = rows[0]["cell"]
    assert abs(edge["value"] - 4.156780) < 1.5e-4
    assert abs(edge["value"] - 4.156780) < 3.0 * edge["sd"]
    # By the geometry of the instrument: what the file states, with both parts of the error apart.
    told = record["phases"]["cell_report"]
    (edge,) = told["edges"]
    off = abs(edge["value"] - 4.156780)
    assert off < 5e-5
    assert off < 3.0 * np.hypot(edge["statistical"], edge["systematic"])
    assert edge["statistical"] < 1e-5 < edge["systematic"] < 5e-5
    assert told["described"][0]["name"] == "lengths x 0.65"


@pytest.mark.nightly
@pytest.mark.figures
def test_the_oxide_is_found_and_the_axis_grows(root: Path, tmp_path: Path) -> None:
    results = analyse(root / "config" / "campaigns" / "cucr2o4_cooling", tmp_path)
    axis, amount = [], []
    for _, record in sorted(results.records.items()):
        rows = {row["name"]: row for row in record["phases"]["phases"]}
        oxide = rows.get("CuO-Tenorite", {"probability": 0.0})
        if oxide["probability"] > 0.95:
            amount.append(oxide["weight_fraction"]["mean"])
        spinel = rows["CuCr2O4-tetragonal"]
        assert spinel["probability"] > 0.95
        axis.append(next(one["value"] for one in spinel["cell"] if one["edge"] == "a"))
        assert record["phases"]["fit"]["rwp"] < 0.25  # edges that change against each other are found
    assert len(axis) == 17
    assert len(amount) >= 15  # at 75 K its lines are taken for unknown ones
    assert 0.008 < min(amount) < max(amount) < 0.025
    # Where edges b and c become equal, by free energies: literature has 125 to 135 K, and a scan warms by 5 K.
    frames = results.edges["spinel"]["frames"]
    assert len(frames) == 17
    along = np.array([frame["x"] for frame in frames]), np.array([frame["by_scale"] for frame in frames]).T
    turn = switch_along(*along)
    assert turn.probability["first below second"] > 0.99
    assert turn.interval() in ((111.43, 122.73), (111.43, 134.02))
    gaps = [frame["gap"] for frame in frames]
    assert 0.006 < gaps[0][0] < 0.0075
    assert all(high < 0.0016 for _, _, high in gaps[6:])
    # In the series, any pattern of which may have the oxide, it has a log odds of hundreds.
    worth = np.array([frame["worth"]["CuO-Tenorite"] for frame in frames])
    assert (np.logaddexp(0.0, worth) - np.log(2.0)).sum() > 200.0
    # The first two are within 0.0007 of each other; all later ones are longer than the one before.
    assert all(later > earlier for earlier, later in pairwise(axis[1:]))
    assert axis[-1] - axis[0] == pytest.approx(0.065, abs=0.003)
