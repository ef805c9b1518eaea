"""What is said of phases after a search: present with enough own lines, else a trace; families; unknown lines."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bayesbeam.diffraction.greedy import Question, question_of
from bayesbeam.diffraction.law import Tolerance
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.search import Answer, find_phases
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.unexplained import unknown_lines
from bayesbeam.diffraction.verdict import ABSENT, PRESENT, TRACE, any_of, kind_of, verdict_of, with_error

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import mixture, phases

FloatArray = NDArray[np.float64]
CANDIDATES = phases(8)
FAMILIES = [["phase 4", "twin"], ["phase 1", "phase 2"]]


def searched(candidates: list[Phase], shares: dict[int, float]) -> tuple[Question, Answer]:
    data = powder(*mixture(shares, 3, CANDIDATES))
    asked = question_of(data, candidates, Beam(), log_prior_of_sets(len(candidates), 6))
    return asked, find_phases(asked)


@pytest.fixture(scope="module")
def twins() -> tuple[Question, Answer]:
    twin = replace(CANDIDATES[4], name="twin", strength=CANDIDATES[4].strength * 1.0001)
    return searched([*CANDIDATES, twin], {0: 0.6, 4: 0.4})


def test_a_phase_of_many_lines_is_present_and_the_rest_is_not(twins: tuple[Question, Answer]) -> None:
    verdict = verdict_of(*twins, FAMILIES)
    kinds = {one.name: one for one in verdict.phases}
    first = kinds["phase 0"]
    assert first.kind == PRESENT
    assert first.lines_seen >= 3
    assert first.lines_in_range >= first.lines_seen
    assert first.share == pytest.approx(0.6, abs=0.06)
    assert first.worth > 10.0
    assert all(one.kind == ABSENT for one in verdict.phases if one.name not in {"phase 0", "phase 4", "twin"})


def test_a_family_is_as_probable_as_any_of_its_members(twins: tuple[Question, Answer]) -> None:
    asked, answer = twins
    family = verdict_of(asked, answer, FAMILIES).families[0]
    members = answer.probability[[4, 8]]
    assert family.members == ("phase 4", "twin")
    assert family.probability == pytest.approx(1.0, abs=0.02)
    # Taking the larger of the two, as if they were one question each, misses by a half.
    assert family.probability > members.max() + 0.2
    assert any_of(asked, answer, ["phase 7"]) < 0.05


def test_one_line_of_many_makes_a_trace_and_all_of_two_are_enough() -> None:
    assert kind_of(0.99, 5, 9, 0.2) == PRESENT
    assert kind_of(0.99, 2, 9, 0.2) == TRACE
    assert kind_of(0.99, 2, 2, 0.2) == PRESENT
    assert kind_of(0.99, 0, 0, 0.2) == TRACE
    assert kind_of(0.99, 5, 9, 0.003) == TRACE
    assert kind_of(0.4, 5, 9, 0.2) == ABSENT


def test_lines_of_no_candidate_are_told_with_their_spacing() -> None:
    asked, answer = searched([one for k, one in enumerate(CANDIDATES) if k != 4], {0: 0.6, 4: 0.4})
    verdict = verdict_of(asked, answer)
    assert verdict.unknown.is_open
    edge = CANDIDATES[4].cell[:3]
    true = 1.0 / np.sqrt(np.square(CANDIDATES[4].planes / edge).sum(1))
    nearest = np.abs(verdict.spacing[:, None] / true - 1.0).min(1)
    # The cell is off by 0.1 %, and the second wavelength may be what is seen.
    assert np.median(nearest) < 0.003


def test_with_errors_twice_as_large_what_is_plain_stays_so(twins: tuple[Question, Answer]) -> None:
    asked, answer = twins
    for factor in (0.5, 2.0):
        changed = with_error(asked, answer, factor)
        assert changed[0] > 0.95
        assert changed[[4, 8]].sum() == pytest.approx(1.0, abs=0.05)
        assert changed[[1, 2, 3, 5, 6, 7]].max() < 0.5


def test_a_line_counts_as_unknown_where_the_data_are_far_above_the_model_and_clear_of_noise() -> None:
    x = np.linspace(20.0, 60.0, 2000)
    ground = np.full(len(x), 400.0)

    def line(centre: float, height: float) -> FloatArray:
        found: FloatArray = height * np.exp(-0.5 * np.square((x - centre) / 0.06))
        return found

    known = line(30.0, 5000.0) + line(42.0, 3000.0)
    for extra, count in (
        (0.4 * line(30.0, 5000.0), 0),  # a line too high by 40 %
        (1.5 * line(30.0, 5000.0), 1),  # far too high
        (line(50.0, 25.0), 0),  # within noise
        (line(50.0, 900.0), 1),
        (line(50.0, 900.0) + line(55.0, 900.0), 2),
    ):
        y = np.random.default_rng(2).poisson(ground + known + extra).astype(np.float64)
        data = powder(x, y)
        # The pattern made ready has fewer points, each the sum of some.
        model = np.interp(data.x, x, ground + known) * len(y) / len(data.y)
        told = unknown_lines(data, model, np.full(len(data.x), model.min()), Tolerance())
        assert len(told.position) == count, extra.max()
        assert told.is_open == (count == 2 or told.share > 0.05)


def test_a_cell_far_from_that_of_a_structure_is_no_match() -> None:
    stretched = {}
    for percent in (0.4, 1.2):
        cell = CANDIDATES[4].cell.copy()
        cell[:3] *= 1.0 + 0.01 * percent
        offered = [replace(one, cell=cell) if k == 4 else one for k, one in enumerate(CANDIDATES)]
        asked, answer = searched(offered, {0: 0.6, 4: 0.4})
        stretched[percent] = float(answer.probability[4]), verdict_of(asked, answer).unknown.is_open
    assert stretched[0.4][0] > 0.95
    assert not stretched[0.4][1]
    assert stretched[1.2][0] < 0.5
    assert stretched[1.2][1]
