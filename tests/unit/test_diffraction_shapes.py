"""Shapes of a set: found where they are, with errors that hold, and integrated out as quadrature does."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.background import chebyshev
from bayesbeam.diffraction.gram import frame_of
from bayesbeam.diffraction.law import Tolerance, law_of
from bayesbeam.diffraction.members import Spread, member_of, positive_heights, weight_fractions
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import SHARE_SD
from bayesbeam.diffraction.shapes import COMMON_SD, Setting, common_start, refine

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import mixture, phases


def setting_of(seed: int, shares: dict[int, float], spread: Spread | None = None, shared: bool = True) -> Setting:
    data = powder(*mixture(shares, seed, phases(3), error=0.0))
    common = common_start(data.width)
    law = law_of(data, common, Tolerance(line=0.05, form=0.05, unknown=0.0))
    frame = frame_of(law, data.background, data.y)
    return Setting(data, Beam(), frame, common, COMMON_SD * shared, spread or Spread())


def start(setting: Setting, numbers: list[int]) -> list:
    return [member_of(phases(3)[k], setting.data, setting.beam, setting.common_mean) for k in numbers]


@pytest.mark.parametrize("seed", [1, 2])
def test_shares_and_cells_are_found_within_their_errors(seed: int) -> None:
    setting = setting_of(seed, {0: 0.7, 2: 0.3})
    fit = refine(setting, setting.common_mean, start(setting, [0, 2]), rounds=12)
    share = fit.heights / fit.heights.sum()
    # The misfit that is allowed for is not in the data, so errors are wide: 5 sd of counting alone would be 0.02.
    assert share == pytest.approx([0.7, 0.3], abs=0.03)
    truth = np.random.default_rng(seed)
    for member, place in zip(fit.members, (0, 2), strict=True):
        truth.normal(1.0, 0.0, len(phases(3)[place].strength))
        strain = truth.normal(0.0, 0.001, member.phase.strains)
        assert member.own[: member.phase.strains] == pytest.approx(strain, abs=4e-4)
    before = refine(setting, setting.common_mean, start(setting, [0, 2]), rounds=0)
    assert fit.misfit < before.misfit - 10.0
    left = setting.data.y - fit.model
    assert float(np.mean(np.square(left) / setting.data.variance)) < 1.5


def test_the_laplace_integral_is_that_of_quadrature_over_a_cell() -> None:
    narrow = Spread(edge=0.004, angle=1e-6, width=1e-6, texture=1e-6)
    setting = setting_of(3, {0: 0.7, 2: 0.3}, narrow, shared=False)
    fit = refine(setting, setting.common_mean, start(setting, [0, 2]), 12, movable=[True, False])
    centre, others = fit.members[0].own, fit.members[1]
    step = 1e-5
    strains = centre[0] + step * np.arange(-100, 101)
    values = []
    for strain in strains:
        own = centre.copy()
        own[0] = strain
        at = refine(setting, fit.common, [replace(fit.members[0], own=own), others], 0, movable=[False, False])
        pull = 0.5 * float(np.square(own / narrow.of(fit.members[0].phase)).sum())
        values.append(-(at.free_energy - at.shape_cost) - 0.5 * (strain / narrow.edge) ** 2)
        assert at.shape_cost == pytest.approx(pull + 0.5 * float(np.square(
            others.own / narrow.of(others.phase)).sum()))  # fmt: skip
    top = max(values)
    area = math.fsum(math.exp(value - top) for value in values) * step / (narrow.edge * math.sqrt(2.0 * math.pi))
    # Laplace: third orders of a line's place are left out.
    assert fit.free_energy == pytest.approx(-top - math.log(area), abs=0.2)


def test_a_phase_that_is_not_there_has_no_height_and_costs_little() -> None:
    setting = setting_of(4, {0: 1.0})
    alone = refine(setting, setting.common_mean, start(setting, [0]), 8)
    both = refine(setting, setting.common_mean, start(setting, [0, 1]), 8)
    assert both.heights[1] < 0.02
    assert both.free_energy > alone.free_energy


def test_heights_are_the_best_that_are_not_negative() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        design = rng.normal(size=(12, 4))
        gram, moment = design.T @ design, design.T @ rng.normal(size=12)
        found = positive_heights(gram, moment)
        slope = (gram + np.eye(4) / SHARE_SD**2) @ found - moment
        assert (found >= 0.0).all()
        assert slope[found > 0.0] == pytest.approx(0.0, abs=1e-9)
        assert (slope[found == 0.0] > -1e-9).all()


def test_weights_go_with_scale_mass_and_volume() -> None:
    setting = setting_of(5, {0: 0.5, 2: 0.5})
    first, second = start(setting, [0, 2])
    heavy = replace(second, phase=replace(second.phase, mass_volume=3.0 * second.phase.mass_volume))
    light = weight_fractions([replace(first, height=0.5), replace(second, height=0.5)])
    found = weight_fractions([replace(first, height=0.5), replace(heavy, height=0.5)])
    assert found[1] / found[0] == pytest.approx(3.0 * light[1] / light[0])
    assert [light.sum(), found.sum()] == pytest.approx([1.0, 1.0])  # each to rounding
    assert weight_fractions([first]).tolist() == [0.0]


def test_a_phase_without_a_line_in_range_is_no_member() -> None:
    setting = setting_of(5, {0: 0.5, 2: 0.5})
    tiny = replace(phases(3)[0], cell=np.array([0.5, 0.5, 0.5, 90.0, 90.0, 90.0]))
    assert member_of(tiny, setting.data, setting.beam, setting.common_mean) is None


@pytest.mark.parametrize(("first", "last"), [(5.0, 120.0), (25.0, 70.0), (36.0, 39.0)])
def test_columns_of_a_background_are_told_apart_over_any_range(first: float, last: float) -> None:
    """Over a short range 1/x is a polynomial to the last digits; what is left of it still is a column."""
    x = np.linspace(first, last, 900)
    columns = chebyshev(x, 14)
    assert np.linalg.cond(columns) < 100.0
    air = x[0] / x
    left = air - columns @ np.linalg.lstsq(columns, air)[0]
    assert np.abs(left).max() < 1e-10
