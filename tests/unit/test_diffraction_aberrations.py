"""Lines as an instrument shows them: against means of the geometry, and the width that a spectrum has."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.aberrations import Diffractometer, bundles
from bayesbeam.diffraction.profile import Beam, pattern, places
from bayesbeam.diffraction.shapes import common_start

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import phases

CENTRE = np.array([20.0, 60.0, 90.0, 140.0])


def mean_shift(of: Diffractometer) -> np.ndarray:
    seen, share = bundles(CENTRE, of)
    assert share.sum() == pytest.approx(1.0, rel=1e-12)
    return np.asarray(seen @ share - CENTRE)


def test_a_flat_specimen_shifts_lines_by_wilsons_mean() -> None:
    shift = mean_shift(Diffractometer(divergence_deg=1.0))
    expected = -np.degrees(np.radians(1.0) ** 2 / 6.0 / np.tan(np.radians(0.5 * CENTRE)))
    assert shift == pytest.approx(expected, rel=1e-9)


def test_a_beam_that_comes_in_straight_has_the_mean_of_its_cone() -> None:
    """To second order 2 phi is b^2 / 2 cot(2 theta) too low, b with the mean square of a specimen and a detector."""
    shift = mean_shift(Diffractometer(specimen=0.01, detector=0.02))
    square = (0.01**2 + 0.02**2) / 3.0
    expected = -np.degrees(0.5 * square / np.tan(np.radians(CENTRE)))
    assert shift == pytest.approx(expected, rel=2e-3, abs=1e-9)
    assert shift[0] < 0.0 < shift[-1]


def test_rays_that_come_in_askew_count_too() -> None:
    """The same with a^2 + b^2, and a b / sin(2 theta), of which the specimen has a mean of -1/3 its square."""
    source, specimen, detector = 0.01, 0.012, 0.02
    shift = mean_shift(Diffractometer(source=source, specimen=specimen, detector=detector))
    square = (source**2 + 2.0 * specimen**2 + detector**2) / 3.0
    double = np.radians(CENTRE)
    expected = -np.degrees(0.5 * square / np.tan(double) + specimen**2 / 3.0 / np.sin(double))
    assert shift == pytest.approx(expected, rel=2e-3, abs=1e-7)


def test_soller_slits_take_away_what_is_far_off() -> None:
    bare = Diffractometer(source=0.03, specimen=0.03, detector=0.03)
    assert abs(mean_shift(replace(bare, soller_deg=3.0))[0]) < 0.6 * abs(mean_shift(bare)[0])


def test_a_slit_widens_and_does_not_shift() -> None:
    assert mean_shift(Diffractometer(slit=1e-3)) == pytest.approx(np.zeros(4), abs=1e-12)
    seen, share = bundles(CENTRE, Diffractometer(slit=1e-3))
    spread = np.square(seen - CENTRE[:, None]) @ share
    assert spread == pytest.approx(np.full(4, np.degrees(1e-3) ** 2 / 12.0), rel=1e-9)


def test_an_instrument_of_no_size_changes_nothing() -> None:
    phase, x, common = phases(1)[0], np.linspace(15.0, 100.0, 4000), common_start(0.1)
    own = np.zeros(phase.strains + 3)
    plain = pattern(x, phase, Beam(), common, own)
    assert pattern(x, phase, Beam(instrument=Diffractometer()), common, own) == pytest.approx(
        plain, rel=1e-9, abs=1e-12
    )


def test_a_spectrum_widens_lines_by_twice_the_tangent() -> None:
    phase, common = phases(1)[0], common_start(0.1)
    common[2], common[5], common[6] = -20.0, -20.0, -20.0
    own = np.zeros(phase.strains + 3)
    lines = places(phase, Beam((1.5406,), (1.0,), spectrum=(3e-4,)), common, own, (10.0, 140.0))
    expected = np.degrees(2.0 * 3e-4 * np.tan(np.radians(0.5 * lines.centre)))
    assert lines.width == pytest.approx(expected, rel=1e-5)
    assert lines.mixing == pytest.approx(np.ones(len(expected)), abs=1e-4)
