"""Cells of which edges change by different amounts are found where lines are narrow; others begin where they did."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.candidates import gains, raw_columns, white_columns
from bayesbeam.diffraction.cell_start import begun
from bayesbeam.diffraction.greedy import Question, first_set, question_of
from bayesbeam.diffraction.members import member_of
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam, pattern
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.shapes import common_start

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import phases

NARROW = 0.03
CHANGES = {0: (0.00475,), 1: (0.005, -0.0045), 2: (-0.004, 0.005, 0.0)}


def asked_about(number: int, changes: tuple[float, ...]) -> Question:
    """A pattern of narrow lines of one phase with changed edges, and that phase."""
    phase = phases(3)[number]
    x = 15.0 + 0.006 * np.arange(8000)
    own = np.concatenate([changes, np.zeros(3)])
    curve = pattern(x, phase, Beam(), common_start(NARROW), own)
    y = np.random.default_rng(number).poisson(50.0 + 4e5 * curve / curve.sum()).astype(np.float64)
    return question_of(powder(x, y), [phase], Beam(), log_prior_of_sets(1, 1))


@pytest.mark.parametrize("number", CHANGES)
def test_edges_that_change_against_each_other_are_found(number: int) -> None:
    asked = asked_about(number, CHANGES[number])
    (one,) = first_set(asked).fit.members
    assert one.own[: len(CHANGES[number])] == pytest.approx(CHANGES[number], abs=2e-4)


def test_narrow_lines_between_two_coarse_strains_are_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a phase adds at the best of the strains that are tried: with steps twice as long it is a fifth."""
    asked = asked_about(0, (-0.0005,))
    frame = asked.frame(asked.common_mean)

    def gain() -> float:
        raw = raw_columns(asked.data, asked.phases, asked.beam, asked.common_mean, asked.spread.edge)
        return float(gains(raw, white_columns(raw, frame), frame, [], np.zeros((0, len(asked.data.x))))[0][0])

    found = gain()
    monkeypatch.setattr("bayesbeam.diffraction.candidates.FINEST_STEP", 1e-3)
    assert gain() < 0.2 * found


@pytest.mark.parametrize("number", [1, 2])
def test_without_a_look_at_each_edge_they_are_not(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesbeam.diffraction.greedy.begun", lambda setting, common, member, parts: member)
    members = first_set(asked_about(number, CHANGES[number])).fit.members
    found = [one.own[: len(CHANGES[number])] for one in members]
    assert not found or np.abs(found[0] - CHANGES[number]).max() > 5e-4


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_cell_that_is_right_stays_as_it_is(number: int) -> None:
    phase = phases(3)[number]
    asked = asked_about(number, (0.0,) * phase.strains)
    member = member_of(phase, asked.data, asked.beam, asked.common_mean)
    assert member is not None
    setting = replace(asked.setting(asked.frame(asked.common_mean)))
    assert begun(setting, asked.common_mean, member, np.zeros((0, len(asked.data.x)))) is member
