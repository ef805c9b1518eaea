"""What words about an instrument mean for intensities: geometry, polarisation, monochromators."""

from __future__ import annotations

import numpy as np
import pytest

from bayesbeam.errors import DataError
from bayesbeam.io.store import Measurement
from bayesbeam.stages.beams import beam_of, crystal_spacing, left_out

COPPER = 1.5405929


def measured(**instrument: float | str) -> Measurement:
    return Measurement("a", x=np.arange(3.0), y=np.ones(3), x_unit="degree", instrument=instrument)


@pytest.mark.parametrize(
    ("words", "angle"),
    [
        # International Tables for Crystallography C, table 4.2.2.4 and spacings: 2theta for copper K alpha 1.
        ("graphite, diffracted beam", 26.55),
        ("26.6 degree graphite mosaic, diffracted beam", 26.55),
        ("Ge 111", 27.28),
        ("Johansson Ge(111), incident beam", 27.28),
        ("germanium", 27.28),
        ("Ge 220 4x, incident beam", 45.31),
        ("Si (1 1 1)", 28.44),
        ("Si 220", 47.30),
        ("LiF", 44.98),
        ("none", 0.0),
        ("", 0.0),
    ],
)
def test_a_monochromator_has_the_angle_of_its_planes(words: str, angle: float) -> None:
    m = measured(wavelength_angstrom=COPPER, monochromator=words)
    beam = beam_of(m)
    assert beam.optics.monochromator_two_theta_deg == pytest.approx(angle, abs=0.02)
    assert left_out(m, beam) == ""


@pytest.mark.parametrize("words", ["Johansson, incident beam", "double bounce", "gold"])
def test_a_monochromator_that_names_no_crystal_is_told(words: str) -> None:
    m = measured(wavelength_angstrom=COPPER, monochromator=words)
    beam = beam_of(m)
    assert crystal_spacing(words) is None
    assert beam.optics.monochromator_two_theta_deg == 0.0
    assert left_out(m, beam) == words


@pytest.mark.parametrize(
    ("said", "geometry", "polarisation"),
    [
        ({}, "bragg_brentano", None),
        ({"geometry": "Reflection-Transmission Spinner, transmission"}, "debye_scherrer", None),
        ({"geometry": "theta-2theta"}, "bragg_brentano", None),
        ({"wavelength_angstrom": 0.4133}, "debye_scherrer", 0.99),
    ],
)
def test_where_nothing_is_said_a_tube_has_a_flat_specimen_and_a_synchrotron_a_thin_one(
    said: dict[str, float | str], geometry: str, polarisation: float | None
) -> None:
    optics = beam_of(measured(**{"wavelength_angstrom": COPPER, **said})).optics
    assert (optics.geometry, optics.polarisation) == (geometry, polarisation)


def test_shares_of_a_doublet_are_of_the_whole() -> None:
    beam = beam_of(measured(wavelength_angstrom=COPPER, wavelength_2_angstrom=1.5444274, ratio=0.5))
    assert beam.shares == pytest.approx((2.0 / 3.0, 1.0 / 3.0))


def test_neutrons_and_patterns_without_a_wavelength_are_refused() -> None:
    with pytest.raises(DataError, match="a pattern of neutrons"):
        beam_of(measured(wavelength_angstrom=1.5, radiation="neutron"))
    with pytest.raises(DataError, match="no wavelength in its file"):
        beam_of(measured())
