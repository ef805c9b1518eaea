"""The fit of a settled set: errors are estimated as they were planted, and lines may be off to either side."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bayesbeam.diffraction.complete import Complete, complete_fit
from bayesbeam.diffraction.estimated import searched
from bayesbeam.diffraction.greedy import Question, first_set, question_of
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.shapes import Fit, refine
from made_up_phases import mixture, phases

SHARES = {2: 0.6, 4: 0.4}


@cache
def found(seed: int, error: float, left_out: float = 0.0) -> tuple[Question, Fit]:
    """Search of a mixture of two phases, and a third that is no candidate, among its own two."""
    known = phases(6)
    shares = SHARES | ({3: left_out} if left_out else {})
    x, y = mixture(shares, seed, known, error=error)
    few = [known[k] for k in SHARES]
    asked = question_of(powder(x, y), few, Beam(), log_prior_of_sets(2, 2))
    return asked, first_set(asked).fit


def shares(fit: Fit) -> dict[str, float]:
    """Share of each member in the intensity of all members."""
    total = float(fit.heights.sum())
    return {one.phase.name: one.height / total for one in fit.members}


@pytest.mark.parametrize("error", [0.05, 0.25])
def test_errors_of_lines_are_estimated(error: float) -> None:
    """Lines that overlap are off by less than each, so that what is told is somewhat less than what was planted."""
    told = [complete_fit(*found(seed, error)).tolerance for seed in (1, 2, 3)]
    assert 0.4 < np.exp(np.mean([np.log(one.line) for one in told])) / error < 1.2
    # Forms are those of the model.
    assert max(one.form for one in told) < 0.04


def test_a_search_is_done_again_under_errors_that_are_estimated() -> None:
    """Lines are off by 5 %, where 15 % are stated: phases that are there are the same, and no other comes in."""
    asked, _ = found(1, 0.05)
    assert searched(asked)[0] is asked
    again, answer = searched(asked, estimate=True)
    assert again.tolerance.line < 0.6 * asked.tolerance.line
    assert again.tolerance.form < 0.4 * asked.tolerance.form
    assert again.tolerance == complete_fit(asked, searched(asked)[1].fit).tolerance
    assert {one.phase.name for one in answer.fit.members} == {one.name for one in asked.phases}


def test_where_something_is_open_errors_stay_as_stated() -> None:
    asked, _ = found(1, 0.05, left_out=0.2)
    assert searched(asked, estimate=True)[0] is asked


def test_without_estimation_errors_are_those_stated() -> None:
    asked, fit = found(1, 0.05)
    assert complete_fit(asked, fit, estimate=False).tolerance == asked.tolerance


def test_shares_of_wrong_structures_are_nearer_than_in_a_search() -> None:
    """With lines off by 40 % a search makes a phase as weak as its weakest lines; a settled set does not."""
    before, after = [], []
    for seed in range(2, 6):
        asked, fit = found(seed, 0.4)
        settled = complete_fit(asked, fit).fit
        for key, share in SHARES.items():
            name = f"phase {key}"
            before.append(shares(fit)[name] - share)
            after.append(shares(settled)[name] - share)
    assert np.abs(after).mean() < np.abs(before).mean()


def test_unknown_lines_are_left_out_and_errors_not_estimated() -> None:
    asked, fit = found(1, 0.05, left_out=0.5)
    settled = complete_fit(asked, fit)
    assert settled.unknown.is_open
    assert settled.tolerance == asked.tolerance
    # What all share stays, and is in doubt all the same.
    assert settled.fit.common.tobytes() == fit.common.tobytes()
    assert (np.diag(settled.fit.whole_covariance)[: len(fit.common)] > 0.0).all()
    told = shares(settled.fit)
    assert told["phase 2"] == pytest.approx(0.6, abs=0.08)
    # Had those lines counted, the misfit would be that of whole lines.
    white = settled.frame.law.whitened(asked.data.y - settled.fit.model)
    assert float(np.square(white).mean()) < 2.0


def test_a_set_of_nothing_stays_one() -> None:
    asked, fit = found(1, 0.05)
    empty = refine(asked.setting(asked.frame(fit.common)), fit.common, [], 0, shared=False)
    settled: Complete = complete_fit(asked, empty)
    assert settled.fit.members == ()
