"""Axes of diffraction into each other, and what a campaign says of an instrument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.treatment import Instrument, Treatment
from bayesbeam.errors import DataError
from bayesbeam.io.bragg import axis_of, by_bragg, is_bragg
from bayesbeam.stages.preprocess import preprocess

WAVE = 1.5405929
# LaB6, cell 4.156826 angstrom (SRM 660c): d of 100, 110 and 111, and 2 asin(wavelength / 2d) in degrees
SPACING = 4.156826 / np.sqrt([1.0, 2.0, 3.0])
ANGLE = 2.0 * np.degrees(np.arcsin(WAVE / (2.0 * SPACING)))


def test_lines_of_lab6_on_all_three_axes() -> None:
    """From the certified cell, to the angles that tables have for LaB6 and Cu K alpha 1."""
    np.testing.assert_allclose(ANGLE, [21.358, 30.385, 37.442], atol=6e-4)
    places = {"degree": ANGLE, "angstrom": SPACING, "1/angstrom": 2.0 * np.pi / SPACING}
    places |= {"radian": np.radians(ANGLE), "nm": 0.1 * SPACING, "1/nm": 20.0 * np.pi / SPACING}
    for before, x in places.items():
        for after, expected in places.items():
            if axis_of(before) != axis_of(after):
                np.testing.assert_allclose(by_bragg(x, before, after, WAVE, "a"), expected, rtol=1e-13)
    np.testing.assert_allclose(by_bragg(SPACING, "angstrom", "1/nm", None, "a"), places["1/nm"], rtol=1e-14)


@pytest.mark.parametrize(
    ("unit", "to_unit", "axis", "expected"),
    [
        ("degree", "1/angstrom", "", True),
        ("angstrom", "degree", "", True),
        ("angstrom", "1/angstrom", "d", True),
        ("angstrom", "1/angstrom", "", False),
        ("nm", "1/cm", "", False),
        ("degree", "radian", "2theta", False),
        ("eV", "nm", "", False),
        ("angstrom^2", "degree", "", False),
    ],
)
def test_what_needs_bragg(unit: str, to_unit: str, axis: str, expected: bool) -> None:
    """Wavelengths of light stay wavelengths: 1/x of them is no Q unless x is known to be a spacing."""
    assert is_bragg(unit, to_unit, axis) is expected


@pytest.mark.parametrize(
    ("x", "unit", "to_unit", "words"),
    [
        (0.0, "degree", "angstrom", "2theta = 0 degree has no d"),
        (180.0, "degree", "1/angstrom", "2theta = 180 degree has no Q"),
        (0.0, "angstrom", "degree", "d = 0 angstrom has no 2theta"),
        (0.7, "angstrom", "degree", "d = 0.7 angstrom has no 2theta"),
        (-1.0, "1/angstrom", "angstrom", "Q = -1 1/angstrom has no d"),
        (9.0, "1/angstrom", "degree", "Q = 9 1/angstrom has no 2theta"),
    ],
)
def test_values_without_a_counterpart(x: float, unit: str, to_unit: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        by_bragg(np.array([2.0, x]), unit, to_unit, WAVE, "a")


def row(file: Path, **treatment: Any) -> MeasurementRow:
    return MeasurementRow("m1", file, file.name, "default", Treatment(**treatment), {})


def test_a_treatment_takes_a_pattern_to_q(root: Path) -> None:
    m = preprocess(row(root / "tests/data/diffraction/cucr2o4_7K_start.fxye", axis={"convert_to": "1/angstrom"}), "k")
    assert (m.status, m.x_unit, m.instrument["axis"]) == ("ok", "1/angstrom", "Q")
    assert m.x[0] == pytest.approx(4.0 * np.pi * np.sin(np.radians(0.25)) / 0.413263, rel=1e-14)
    assert "Converted x from 2theta to Q with the wavelength 0.413263 angstrom, in 1/angstrom." in m.treatment


def test_without_a_wavelength_the_campaign_has_to_state_it(root: Path) -> None:
    file = root / "tests/data/diffraction/cpd_1e_start.prn"
    axis = {"unit": "degree", "convert_to": "angstrom"}
    reason = preprocess(row(file, axis=axis), "k").reason
    assert "2theta to d without a wavelength; expected the wavelength." in reason
    assert "instrument.wavelength_angstrom of the treatment" in reason
    cpd = {"wavelength_angstrom": WAVE, "wavelength_2_angstrom": 1.5444274, "ratio": 0.5, "radius_mm": 173}
    m = preprocess(row(file, axis=axis, instrument=cpd), "k")
    assert dict(m.instrument) == {**cpd, "axis": "d"}
    assert m.x[-1] == pytest.approx(WAVE / (2.0 * np.sin(np.radians(2.5))), rel=1e-13)
    assert "The campaign says of the instrument: wavelength 1.5405929 angstrom, second wavelength" in m.treatment[1]


def test_a_wavelength_of_the_campaign_replaces_all_of_the_file(root: Path) -> None:
    file = root / "tests/data/diffraction/v2o5_zro2_2min.xrdml"
    m = preprocess(row(file, instrument={"wavelength_angstrom": 1.54056, "monochromator": "Ge 111"}), "k")
    assert m.instrument["wavelength_angstrom"] == 1.54056
    assert not {"wavelength_2_angstrom", "ratio", "intended"} & set(m.instrument)
    assert (m.instrument["monochromator"], m.instrument["radius_mm"]) == ("Ge 111", 145.0)
    assert m.treatment[1].startswith("The file says of the instrument: axis 2theta")
    assert m.treatment[2].startswith("The campaign says of the instrument: wavelength 1.54056 angstrom, mono")


@pytest.mark.parametrize(
    "given",
    [
        {"wavelength_2_angstrom": 1.5444},
        {"wavelength_angstrom": 1.5406, "ratio": 0.5},
        {"wavelength_angstrom": -1.0},
        {"radius_mm": 0},
        {"geometry": ""},
        {"wavelength": 1.5406},
    ],
    ids=str,
)
def test_what_a_campaign_cannot_say(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Instrument(**given)
