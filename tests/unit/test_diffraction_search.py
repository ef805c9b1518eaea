"""From a pattern and candidates to phases: what is there is found, what is in no library is told, twins share."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

from bayesbeam.diffraction.candidates import gains, raw_columns, strains_of, white_columns
from bayesbeam.diffraction.greedy import Question, question_of
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.search import Answer, find_phases
from bayesbeam.diffraction.sets import Columns, free_energy_of, log_prior_of_sets
from bayesbeam.diffraction.unexplained import Unknown, lines_seen, unknown_lines

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import mixture, phases

SHARES = {0: 0.55, 4: 0.35, 8: 0.1}


def asked_of(candidates: list[Phase], seed: int = 1) -> Question:
    data = powder(*mixture(SHARES, seed, phases(12)))
    return question_of(data, candidates, Beam(), log_prior_of_sets(len(candidates), 8))


def names(answer: Answer) -> set[str]:
    return {one.phase.name for one in answer.fit.members}


def left_of(asked: Question, answer: Answer) -> Unknown:
    return unknown_lines(asked.data, answer.fit.model, answer.fit.background, asked.tolerance)


@pytest.fixture(scope="module")
def complete() -> tuple[Question, Answer]:
    asked = asked_of(phases(12))
    return asked, find_phases(asked)


def test_the_phases_of_a_mixture_are_found_and_no_other(complete: tuple[Question, Answer]) -> None:
    asked, answer = complete
    assert names(answer) == {"phase 0", "phase 4", "phase 8"}
    true = np.array([k in SHARES for k in range(12)])
    assert (answer.probability[true] > 0.95).all()
    assert (answer.probability[~true] < 0.05).all()
    assert not left_of(asked, answer).is_open
    share = {one.phase.name: one.height for one in answer.fit.members}
    assert share["phase 8"] == pytest.approx(0.1, abs=0.03)  # strengths are off by 5 % a line
    seen = [
        lines_seen(asked.data, answer.frame, asked.beam, answer.fit.common, answer.fit.members, j) for j in range(3)
    ]
    assert min(seen) >= 3


def test_answers_repeat_byte_for_byte_on_one_thread_and_on_two(complete: tuple[Question, Answer]) -> None:
    asked, answer = complete
    again = find_phases(replace(asked, threads=2))
    assert again.probability.tobytes() == answer.probability.tobytes()
    assert again.fit.model.tobytes() == answer.fit.model.tobytes()


@pytest.mark.parametrize(("width", "sd", "steps"), [(0.4, 0.002, 6), (0.1, 0.002, 9), (0.01, 0.002, 12),
                                                    (0.4, 0.02, 10), (0.1, 1e-4, 1)])  # fmt: skip
def test_strains_are_as_near_as_lines_are_narrow(
    complete: tuple[Question, Answer], width: float, sd: float, steps: int
) -> None:  # fmt: skip
    """No line between two of them is missed, and none is tried where the prior has nothing."""
    found = strains_of(replace(complete[0].data, width=width), sd)
    assert len(found) == 2 * steps + 1
    assert found[-1] == pytest.approx(min(0.01, 3.0 * sd))
    assert found[steps] == 0.0
    assert found == pytest.approx(-found[::-1])


@pytest.mark.parametrize("size", [0, 2])
def test_what_a_phase_would_add_is_the_change_of_the_free_energy(
    complete: tuple[Question, Answer], size: int
) -> None:  # fmt: skip
    asked, answer = complete
    chosen, common = answer.fit.members[:size], answer.fit.common
    raw = raw_columns(asked.data, asked.phases, asked.beam, common, asked.spread.edge)
    parts = answer.fit.parts[:size]
    found, strain = gains(raw, white_columns(raw, answer.frame), answer.frame, chosen, parts)
    white = answer.frame.columns(np.vstack([parts, raw.patterns.reshape(-1, len(asked.data.x))]).T.copy())
    gram, moment = white.T @ white, white.T @ answer.frame.target
    owner = np.array([*range(12, 12 + size), *np.repeat(np.arange(12), len(raw.strains))])
    columns = Columns(gram, moment, np.zeros(len(moment)), owner, np.zeros(size + 2))
    base = tuple(range(size))
    energy = [
        free_energy_of(columns, (*base, size + j)) - free_energy_of(columns, base) for j in range(12 * len(raw.strains))
    ]
    gain = raw.log_weight - np.reshape(energy, (12, -1))
    exact = logsumexp(gain, axis=1)
    others = [k for k in range(12) if asked.phases[k].name not in {one.phase.name for one in chosen}]
    # Strains that are left out count for less than 25 exp(-7) in all; heights beside each other are taken as positive
    # one by one, which for phases that nearly cancel is less.
    clear = [k for k in others if exact[k] > 0.0]
    assert clear
    np.testing.assert_allclose(found[clear], exact[clear], atol=0.05)
    assert [strain[k] for k in clear] == [raw.strains[np.argmax(gain[k])] for k in clear]


def test_a_phase_that_no_candidate_has_is_told_and_not_made_up_for() -> None:
    asked = asked_of([one for k, one in enumerate(phases(12)) if k != 4])
    answer = find_phases(asked)
    assert names(answer) == {"phase 0", "phase 8"}
    found = left_of(asked, answer)
    assert found.is_open
    assert found.share > 0.15


def test_twins_share_the_probability_of_a_phase() -> None:
    candidates = phases(12)
    twin = replace(candidates[4], name="twin", strength=candidates[4].strength * 1.0001)
    answer = find_phases(asked_of([*candidates, twin]))
    pair = answer.probability[[4, 12]]
    assert pair.sum() == pytest.approx(1.0, abs=0.05)
    # Both are refined the same way, so neither has the better of the other.
    assert pair.min() > 0.3
