"""Several patterns together: a weak phase is believed in all, and one sample is told from several."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.complete import complete_fit
from bayesbeam.diffraction.greedy import Question, question_of, settled
from bayesbeam.diffraction.members import member_of
from bayesbeam.diffraction.one_sample import (
    complete_fits,
    counting_covariance,
    names_of,
    one_sample,
    shared_evidence,
    with_all,
    with_common_errors,
)
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.several import Together, find_in_all, from_neighbour
from bayesbeam.diffraction.unexplained import unknown_lines
from bayesbeam.errors import DataError, ModelError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import mixture, phases

CANDIDATES = 6


def question(
    shares: dict[int, float],
    seed: int,
    counts: float = 3e4,
    beam: Beam | None = None,
    scan: int = 0,
    error: float = 0.02,
) -> Question:
    data = powder(*mixture(shares, seed, phases(CANDIDATES), error, counts, scan))
    return question_of(data, phases(CANDIDATES), beam or Beam(), log_prior_of_sets(CANDIDATES, 4))


@cache
def series() -> Together:
    """Four patterns: phase 0 in all, phase 2 in the last two, a trace of phase 4 in all."""
    made = [
        question({0: 0.975 if k < 2 else 0.605, 4: 0.025, **({2: 0.37} if k >= 2 else {})}, 40 + k) for k in range(4)
    ]
    return find_in_all(made)


def test_phases_of_a_series_and_the_patterns_they_are_in() -> None:
    found = series()
    assert found.found() == ("phase 0", "phase 2", "phase 4")
    assert found.present[:, 0] == pytest.approx(np.ones(4), abs=1e-3)
    assert found.present[:2, 2].max() < 0.2
    assert found.present[2:, 2].min() > 0.95
    assert found.probability[[1, 3, 5]].max() < 0.1


def test_a_trace_that_most_patterns_leave_open_is_seen_in_all() -> None:
    found = series()
    alone = found.log_odds[:, 4] + question({0: 1.0}, 1).odds(1)
    assert np.median(1.0 / (1.0 + np.exp(-alone))) < 0.95
    assert found.probability[4] > 0.99


def test_probabilities_are_the_closed_sum_over_patterns() -> None:
    found, asked = series(), question({0: 1.0}, 1)
    size = len({one.phase.name for fit in found.fits for one in fit.members})
    for k in (1, 4):
        inside = any(one.phase.name == f"phase {k}" for fit in found.fits for one in fit.members)
        odds = asked.odds(size - 1 if inside else size)
        odds += sum(math.log(0.5 + 0.5 * math.exp(min(one, 500.0))) for one in found.log_odds[:, k])
        assert found.probability[k] == pytest.approx(1.0 / (1.0 + math.exp(-odds)), rel=1e-9)


def test_a_fit_in_the_wrong_place_is_mended_by_its_neighbour() -> None:
    asked = question({0: 0.6, 2: 0.4}, 3, 4e5)
    fit = find_in_all([asked], shared_instrument=False).fits[0]
    wrong = replace(fit, members=tuple(replace(one, own=one.own + 0.012) for one in fit.members))
    lost = replace(wrong, model=wrong.background)
    mended = from_neighbour(asked, lost, fit)
    assert [one.own[0] for one in mended.members] == pytest.approx([one.own[0] for one in fit.members], abs=2e-4)


def test_the_evidence_of_one_vector_for_all_is_that_of_a_linear_model() -> None:
    """Two data sets, y = A theta + unit noise: F of one theta less those of two, by dense normal densities."""
    rng = np.random.default_rng(4)
    prior_sd = np.array([0.7, 1.3])
    parts, values, spreads = [], [], []
    for _ in range(3):
        design = rng.standard_normal((6, 2))
        y = design @ np.array([0.4, -0.9]) + rng.standard_normal(6)
        precision = design.T @ design + np.diag(1.0 / prior_sd**2)
        values.append(np.linalg.solve(precision, design.T @ y))
        spreads.append(np.linalg.inv(precision))
        parts.append((design, y))

    def log_evidence(design: np.ndarray, y: np.ndarray) -> float:
        covariance = design @ np.diag(prior_sd**2) @ design.T + np.eye(len(y))
        return -0.5 * float(y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2.0 * math.pi * covariance)[1])

    whole = log_evidence(np.vstack([a for a, _ in parts]), np.concatenate([y for _, y in parts]))
    expected = whole - sum(log_evidence(*one) for one in parts)
    found, mean, covariance = shared_evidence(np.array(values), np.array(spreads), prior_sd)
    assert found == pytest.approx(expected, abs=1e-9)
    design, y = np.vstack([a for a, _ in parts]), np.concatenate([y for _, y in parts])
    precision = design.T @ design + np.diag(1.0 / prior_sd**2)
    assert mean == pytest.approx(np.linalg.solve(precision, design.T @ y))
    assert covariance == pytest.approx(np.linalg.inv(precision))


def test_two_scans_of_one_sample_are_told_from_two_samples() -> None:
    """Cells of a mixture are drawn with its seed: the same for two scans of one, off by 0.1 % for another."""
    first, again, other = (
        question({0: 0.6, 2: 0.4}, 5, 1e5),
        question({0: 0.6, 2: 0.4}, 5, 4e5),
        question({0: 0.3, 2: 0.7}, 6),
    )
    same = [first, again]
    fits = find_in_all(same, shared_instrument=False).fits
    told = one_sample(same, complete_fits(same, fits))
    assert told.log_odds > 3.0
    assert told.names[:2] == ("phase 0.share", "phase 0.a")
    apart = [first, other]
    fits = find_in_all(apart, shared_instrument=False).fits
    assert one_sample(apart, complete_fits(apart, fits)).log_odds < -3.0


def test_errors_that_all_scans_have_do_not_average_out() -> None:
    """Scans y = A theta + e + counting noise with one e: covariance of the estimator by dense propagation."""
    rng, count = np.random.default_rng(6), 4
    design, prior_sd = rng.standard_normal((7, 3)), np.array([0.5, 2e-3, 3.0])
    design = design / prior_sd
    root = rng.standard_normal((7, 7))
    wrong, counting = 0.2 * root @ root.T, np.diag(rng.uniform(0.1, 2.0, 7))
    weight, prior = np.linalg.inv(wrong + counting), np.diag(1.0 / prior_sd**2)
    whole = np.linalg.inv(design.T @ weight @ design + prior)
    pull = design.T @ weight
    counted = whole @ pull @ counting @ pull.T @ whole
    _, _, apart = shared_evidence(rng.standard_normal((count, 3)), np.array([whole] * count), prior_sd)
    found = with_common_errors(apart, np.array([whole] * count), np.array([counted] * count), prior_sd)
    right = apart @ (prior + pull @ (count**2 * wrong + count * counting) @ pull.T) @ apart
    assert found == pytest.approx(right, rel=1e-9)
    # The mistake to be seen: as if errors were another in each scan.
    assert (np.sqrt(np.diag(right)) > 1.2 * np.sqrt(np.diag(apart))).all()


def test_one_scan_alone_keeps_its_covariance() -> None:
    rng = np.random.default_rng(3)
    root = rng.standard_normal((4, 4))
    whole = np.linalg.inv(root @ root.T + 2.0 * np.eye(4))
    found = with_common_errors(whole, whole[None], 0.2 * whole[None], np.ones(4))
    assert found == pytest.approx(whole, rel=1e-9)


def test_what_scans_scatter_by_is_the_part_of_counting() -> None:
    """Thirty scans of one sample with lines off by 8 %: ratios of standard deviations have an sd of 13 % each."""
    made = []
    for scan in range(1, 31):
        asked = question({0: 0.6, 2: 0.4}, 11, 8e4, scan=scan, error=0.08)
        asked = replace(asked, phases=(asked.phases[0], asked.phases[2]))
        begun = (member_of(phase, asked.data, asked.beam, asked.common_mean) for phase in asked.phases)
        members = [one for one in begun if one is not None]
        fit = settled(asked, asked.common_mean, members, asked.frame(asked.common_mean))
        done = complete_fit(asked, fit, estimate=False)
        scale = done.fit.parts.sum(1)
        made.append((done.fit.heights * scale, np.sqrt(np.diag(counting_covariance(asked, done)))[-2:] * scale,
                     done.fit.height_sd * scale))  # fmt: skip
    values, counted, whole = (np.array(one) for one in zip(*made, strict=True))
    ratio = values.std(0, ddof=1) / counted.mean(0)
    assert (ratio > 0.6).all(), ratio
    assert (ratio < 1.45).all(), ratio
    # The whole standard deviation, which the errors of lines are in, is that of another question.
    assert (values.std(0, ddof=1) < 0.7 * whole.mean(0)).all()


def test_many_scans_of_one_sample_say_no_more_of_structures_than_one() -> None:
    shares = {0: 0.6, 2: 0.4}
    asked = [question(shares, 11, 1e5, scan=scan, error=0.08) for scan in range(1, 5)]
    done = complete_fits(asked, find_in_all(asked).fits)
    told = one_sample(asked, done)
    alone = one_sample(asked[:1], done[:1])
    share = [k for k, name in enumerate(told.names) if name.endswith(".share")]
    assert told.sd_apart[share] == pytest.approx(0.5 * alone.sd[share], rel=0.1)
    fit = done[0].fit
    by_counts = np.diag(counting_covariance(asked[0], done[0]))[-2:] / np.square(fit.height_sd)
    by_counts = by_counts[np.argsort([one.phase.name for one in fit.members])]
    assert told.sd[share] == pytest.approx(alone.sd[share] * np.sqrt(1.0 - 0.75 * by_counts), rel=0.05)
    assert by_counts.max() < 0.5


def test_a_phase_that_a_short_scan_does_not_show_is_taken_from_the_long_one() -> None:
    long, short = question({0: 0.97, 2: 0.03}, 7, 2e5), question({0: 0.97, 2: 0.03}, 7, 1.5e4)
    both = [replace(one, phases=(one.phases[0], one.phases[2])) for one in (long, short)]
    fits = [settled(one, one.common_mean, [member for phase in one.phases[: 2 - k]
                                           if (member := member_of(phase, one.data, one.beam, one.common_mean))],
                    one.frame(one.common_mean)) for k, one in enumerate(both)]  # fmt: skip
    with pytest.raises(ModelError, match="2 sets of phases"):
        one_sample(both, [complete_fit(one, fit) for one, fit in zip(both, fits, strict=True)])
    nothing = [settled(one, one.common_mean, [], one.frame(one.common_mean)) for one in both]
    with pytest.raises(ModelError, match="none of the candidates; expected a phase that they have"):
        one_sample(both, [complete_fit(one, fit) for one, fit in zip(both, nothing, strict=True)])
    whole = with_all(both, fits)
    assert [sorted(names_of(one)) for one in whole] == [["phase 0", "phase 2"]] * 2
    assert whole[1].heights[1] == pytest.approx(0.03, abs=0.03)


def test_patterns_that_do_not_belong_together_are_refused() -> None:
    one = question({0: 1.0}, 1)
    with pytest.raises(DataError, match="one wavelength"):
        find_in_all([one, replace(one, beam=Beam((0.7093,), (1.0,)))])
    with pytest.raises(ModelError, match="the same candidates"):
        find_in_all([one, replace(one, phases=one.phases[:3])])
    with pytest.raises(ModelError, match="no pattern"):
        find_in_all([])


def test_a_line_that_is_unknown_in_one_scan_counts_for_nothing_in_all() -> None:
    """Phase 4 is none of the candidates: its lines stand out in the long scan only."""
    shares = {0: 0.58, 2: 0.4, 4: 0.02}
    both = [replace(one, phases=(one.phases[0], one.phases[2]))
            for one in (question(shares, 8, 4e5), question(shares, 8, 1.5e4))]  # fmt: skip
    fits = with_all(both, find_in_all(both).fits)
    long, short = (unknown_lines(one.data, fit.model, fit.background, one.tolerance)
                   for one, fit in zip(both, fits, strict=True))  # fmt: skip
    assert len(long.position) > 0
    assert len(short.position) == 0
    settled_fits = [one.fit for one in complete_fits(both, fits)]
    alone = complete_fit(both[1], fits[1]).fit
    assert np.abs(settled_fits[1].heights - alone.heights).max() > 1e-4
    expected = complete_fit(both[1], fits[1], unknown=long).fit
    assert settled_fits[1].heights == pytest.approx(expected.heights)
