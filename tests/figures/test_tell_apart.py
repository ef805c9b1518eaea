"""The shipped question of an offset: every simulated measurement against regression, shares against theory."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from bayesbeam.config.load import load_campaign
from bayesbeam.evidence.closed_form import known_noise_in_a_box
from bayesbeam.stages.report import facts_of

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import analyse


@pytest.mark.nightly
@pytest.mark.figures
def test_an_offset_is_told_as_often_as_the_theory_says(root: Path, tmp_path: Path) -> None:
    folder = root / "config" / "campaigns" / "tell_apart"
    question, peaks = facts_of(load_campaign(folder)).distinguished
    assert question.theory is not None
    assert question.theory.needed == (63, 252)
    assert peaks.theory is None
    assert "peaks-k2 is not linear" in peaks.reason
    found = analyse(folder, tmp_path)
    for points, study in zip(question.points, question.studies, strict=True):
        for place, level in enumerate(question.levels):
            members = [one.id for one in study.members if one.level == level]
            gaps = [found.gap(one, "origin", "line") for one in members]
            for one, (gap, error) in zip(members, gaps, strict=True):
                assert abs(gap - exact(tmp_path, one, level)) < 5.0 * error + 1e-6, one
            expected = question.theory.curves[place][question.theory.points.index(points)]
            share = float(np.mean([gap > 0.0 for gap, _ in gaps]))
            # Six cells at four standard deviations: with other seeds one in some 2000 runs would be called wrong.
            assert abs(share - expected) <= 4.0 * math.sqrt(expected * (1.0 - expected) / len(gaps)) + 1e-6


def exact(results: Path, measurement: str, level: float) -> float:
    """F(ax) - F(ax+b) by regression in a box."""
    (file,) = results.rglob(f"{measurement}.h5")
    with h5py.File(file) as store:
        x, y = (np.asarray(store[f"entry/data/{name}"]) for name in ("x", "y"))
    both = known_noise_in_a_box(np.stack([x, np.ones_like(x)], 1), y, level, -10.0, 10.0).free_energy
    return known_noise_in_a_box(x[:, None], y, level, -10.0, 10.0).free_energy - both
