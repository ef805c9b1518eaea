"""What is said of phases after a search: present with enough own lines, else a trace; families; unknown lines."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.greedy import Question, question_of
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.search import Answer, find_phases
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.verdict import ABSENT, PRESENT, TRACE, any_of, kind_of, verdict_of, with_error

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import mixture, phases

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
