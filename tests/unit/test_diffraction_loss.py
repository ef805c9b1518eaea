"""Intensity that a flat specimen loses at low angles: found, and amounts are right where it is; fixed where none is."""

from __future__ import annotations

import dataclasses
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bayesbeam.crystals.geometry import Optics
from bayesbeam.crystals.lines import Lines
from bayesbeam.diffraction.complete import complete_fit
from bayesbeam.diffraction.greedy import Question, first_set, question_of
from bayesbeam.diffraction.phase import phase_of
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam, pattern, places
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.shapes import LOSS, Fit, common_start
from made_up_phases import WIDTH, lines, phases

Array = NDArray[np.float64]
CAPILLARY = Beam(optics=Optics("debye_scherrer"))
X = 12.0 + 0.03 * np.arange(2900)
Q = 0.12


def sided() -> list[Lines]:
    """A phase of which all strong lines are at low angles, and one that has none there."""
    low = lines("low", (5.1, 5.1, 7.3, 90.0, 90.0, 90.0), (0, 0, 1), 1)
    high = lines("high", (3.3, 3.3, 4.1, 90.0, 90.0, 90.0), (0, 0, 1), 2)
    spacing = [one.spacing(np.zeros(3)) for one in (low, high)]
    return [
        dataclasses.replace(low, squared_factor=low.squared_factor * np.where(spacing[0] > 2.6, 1.0, 0.05)),
        dataclasses.replace(high, squared_factor=high.squared_factor * np.where(spacing[1] < 2.2, 1.0, 0.0)),
    ]


@cache
def counted(q: float, seed: int, beam: Beam = Beam()) -> tuple[Array, Array, tuple[float, float]]:  # noqa: B008
    """Angles, counts, and scales of both phases relative to the first, of a specimen that loses so much."""
    common = common_start(WIDTH)
    common[LOSS] = q
    y = 60.0 + 40.0 * np.exp(-(X - 12.0) / 20.0)
    scales = []
    for phase in map(phase_of, sided()):
        whole = pattern(X, phase, Beam(), common_start(WIDTH), np.zeros(phase.strains + 3))
        scales.append(3e4 / whole.sum())
        y = y + scales[-1] * pattern(X, phase, beam, common, np.zeros(phase.strains + 3))
    return X, np.random.default_rng(seed).poisson(y).astype(np.float64), (1.0, scales[1] / scales[0])


def asked_of(x: Array, y: Array, beam: Beam, **more: float) -> Question:
    return question_of(powder(x, y), list(map(phase_of, sided())), beam, log_prior_of_sets(2, 2), **more)


def ratio(fit: Fit) -> float:
    """Scale of the second phase over that of the first."""
    low, high = sorted(fit.members, key=lambda one: one.phase.name, reverse=True)
    return (high.height * high.unit) / (low.height * low.unit)


def test_areas_of_lines_are_lost_as_the_formula_says() -> None:
    phase, common = phases(1)[0], common_start(WIDTH)
    own = np.zeros(phase.strains + 3)
    whole = places(phase, Beam(), common, own, (10.0, 120.0))
    common[LOSS] = Q
    less = places(phase, Beam(), common, own, (10.0, 120.0))
    sine = np.sin(np.radians(0.5 * whole.centre))
    assert less.centre == pytest.approx(whole.centre, rel=1e-14)
    assert less.area / whole.area == pytest.approx(np.exp(Q * (3.0 - 1.0 / sine)), rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loss_is_found_and_amounts_are_right(seed: int) -> None:
    """Where nothing may be lost, the phase of low angles comes out a tenth too weak at least: the test would see it."""
    x, y, scales = counted(Q, seed)
    asked = asked_of(x, y, Beam())
    fit = complete_fit(asked, first_set(asked).fit).fit
    sd = np.sqrt(fit.whole_covariance[LOSS, LOSS])
    assert abs(fit.common[LOSS] - Q) < 4.0 * sd < 0.2
    assert ratio(fit) == pytest.approx(scales[1], rel=0.06)
    fixed = asked_of(x, y, Beam(), low_angle_loss=0.0)
    wrong = complete_fit(fixed, first_set(fixed).fit).fit
    assert wrong.common[LOSS] == 0.0
    assert ratio(wrong) > 1.1 * scales[1]


def test_shares_are_of_the_intensity_that_is_there() -> None:
    """Lines that are lost are no part of it: shares are areas, whatever the loss, and sum to 1."""
    asked = asked_of(*counted(Q, 1)[:2], Beam())
    fit = complete_fit(asked, first_set(asked).fit).fit
    share = fit.heights * fit.share_of_height(asked.data)
    area = fit.heights * fit.parts.sum(1)
    assert share / share.sum() == pytest.approx(area / area.sum(), rel=1e-12)
    # The background is lower by a count a point, as weights by what was counted make it: 3000 of 57000 here.
    assert share.sum() == pytest.approx(1.0, abs=0.08)


def test_nothing_is_lost_with_a_capillary() -> None:
    asked = asked_of(*counted(0.0, 1, CAPILLARY)[:2], CAPILLARY)
    assert asked.common_sd[LOSS] == 0.0
    fit = complete_fit(asked, first_set(asked).fit).fit
    assert fit.common[LOSS] == 0.0
    whole = fit.whole_covariance
    count = len(fit.common) + sum(len(one.own) for one in fit.members) + len(fit.members)
    assert whole.shape == (count, count)
    assert not whole[LOSS].any()
    assert not whole[:, LOSS].any()
    kept = np.delete(np.arange(count), LOSS)
    assert (whole[np.ix_(kept, kept)] == fit.covariance).all()
