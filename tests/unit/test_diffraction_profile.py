"""Patterns of single phases: form, place and area of lines, each against an independent evaluation."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate

from bayesbeam.crystals.geometry import Optics, lorentz_polarisation
from bayesbeam.diffraction.aberrations import Diffractometer
from bayesbeam.diffraction.bank import bank
from bayesbeam.diffraction.line_loops import bragg_angles, march
from bayesbeam.diffraction.phase import changed_cell, inverse_squares, isotropic, phase_of, tilt
from bayesbeam.diffraction.profile import Asked, Beam, pattern, patterns, places, widths
from bayesbeam.diffraction.shapes import common_start

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import lines, phases

X = 15.0 + 0.02 * np.arange(4000)
COMMON = common_start(0.15)


def slow(x: np.ndarray, common: np.ndarray, own: np.ndarray, number: int, optics: Optics) -> np.ndarray:
    """Pattern by formulas for whole rows, tails and all."""
    phase = phases()[number]
    d = 1.0 / np.sqrt(inverse_squares(phase, own[: phase.strains]))
    total = np.zeros(len(x))
    for wavelength, share in zip(Beam().wavelengths, Beam().shares, strict=True):
        for spacing, strength in zip(d, phase.strength, strict=True):
            if wavelength / (2.0 * spacing) >= 0.9999:
                continue
            theta = math.asin(wavelength / (2.0 * spacing))
            centre = 2.0 * math.degrees(theta) + common[0] + common[1] * math.cos(theta)
            full, eta = (float(v[0]) for v in widths(np.array([math.tan(theta)]), common, own))
            skew = 0.8 * math.tanh(common[7] / math.tan(2.0 * theta) / 0.8)
            half = 0.5 * full * np.where(x < centre, 1.0 + skew, 1.0 - skew)
            t = (x - centre) / half
            shape = eta / (math.pi * 0.5 * full) / (1.0 + t * t)
            shape += (1.0 - eta) * math.sqrt(math.log(2.0) / math.pi) / (0.5 * full) * np.exp(-math.log(2.0) * t * t)
            area = share * strength * float(lorentz_polarisation(2.0 * math.degrees(theta), optics))
            total += area * shape
    return total


@pytest.mark.parametrize(
    ("number", "optics"),
    [
        (0, Optics()),
        (1, Optics()),
        (2, Optics()),
        (0, Optics(monochromator_two_theta_deg=26.6, automatic_slits=True)),
        (1, Optics("debye_scherrer", polarisation=0.9)),
        (2, Optics("none")),
    ],
)
def test_a_pattern_is_the_sum_of_its_lines(number: int, optics: Optics) -> None:
    common = COMMON + np.array([0.03, -0.05, 0.1, 0.1, 0.0, 0.2, -0.1, 0.1, 0.0])
    own = np.concatenate([np.linspace(-0.002, 0.003, phases()[number].strains), [0.3, -0.2, 0.0]])
    exact = slow(X, common, own, number, optics)
    found = pattern(X, phases()[number], Beam(optics=optics), common, own, faintest=1e-9)
    # The fit cuts normal parts at six half widths and tails at a share of the strongest line.
    assert np.abs(found - exact).max() < 1e-4 * exact.max()


def test_patterns_at_many_places_are_those_at_each() -> None:
    """Bytes too: a fit that is made again at one place may have been made with others."""
    phase, rng = phases()[1], np.random.default_rng(4)
    common = COMMON + 0.05 * rng.standard_normal((5, len(COMMON)))
    own = 0.002 * rng.standard_normal((5, phase.strains + 3))
    for beam in (Beam(), Beam(instrument=Diffractometer(slit=1e-3))):
        together, alone = patterns(X, beam, [Asked(phase, common, own), Asked(phase, common[:1], own[:1])])
        each = [pattern(X, phase, beam, *one) for one in zip(common, own, strict=True)]
        assert together.tobytes() == np.array(each).tobytes()
        assert alone[0].tobytes() == each[0].tobytes()


def test_tails_are_cut_where_they_are_faint() -> None:
    phase, own = phases()[0], np.zeros(4)
    whole, cut = (pattern(X, phase, Beam(), COMMON, own, faintest=share) for share in (1e-9, 1e-3))
    assert 0.0 < np.abs(whole - cut).max() < 1e-2 * whole.max()


def test_widths_are_those_of_normal_and_lorentz_lines_at_the_ends() -> None:
    tangent = np.array([0.2, 0.6, 1.0])
    normal, lorentz = COMMON.copy(), COMMON.copy()
    normal[[5, 6]] = -40.0
    lorentz[2] = -40.0
    full, eta = widths(tangent, normal, np.zeros(3))
    assert full == pytest.approx(np.exp(normal[2]) * np.hypot(1.0 - 0.25 * tangent, 0.5 * tangent))
    assert eta == pytest.approx(0.0, abs=1e-9)
    full, eta = widths(tangent, lorentz, np.zeros(3))
    assert full == pytest.approx(np.exp(lorentz[5]) * np.sqrt(1.0 + tangent**2) + np.exp(lorentz[6]) * tangent)
    assert eta == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("r", [0.5, 1.0, 1.4])
def test_preferred_orientation_moves_intensity_and_makes_none(r: float) -> None:
    mean = integrate.quad(lambda c: float(march(r, c * c)), 0.0, 1.0)[0]
    assert mean == pytest.approx(1.0, abs=1e-9)


def test_planes_lie_by_angles_of_the_lattice() -> None:
    phase = phases()[2]
    whole = sum(tilt(phase, axis) for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    assert whole == pytest.approx(1.0)  # three right angles: squared cosines add up


@pytest.mark.parametrize(
    ("cell", "ties", "strains"),
    [
        ((4.0, 4.0, 4.0, 90.0, 90.0, 90.0), (0, 0, 0), 1),
        ((4.0, 4.0, 4.0, 55.0, 55.0, 55.0), (0, 0, 0), 2),
        ((4.0, 4.0, 6.0, 90.0, 90.0, 120.0), (0, 0, 1), 2),
        ((4.0, 5.0, 6.0, 90.0, 101.0, 90.0), (0, 1, 2), 4),
        ((4.0, 5.0, 6.0, 80.0, 101.0, 95.0), (0, 1, 2), 6),
    ],
)
def test_a_cell_changes_as_its_symmetry_allows(
    cell: tuple[float, ...], ties: tuple[int, int, int], strains: int
) -> None:
    made = lines("one", cell, ties, 1)
    phase = phase_of(made)
    assert phase.strains == strains
    edges = np.linspace(-0.003, 0.004, len(phase.edges))
    own = np.concatenate([edges, np.zeros(len(phase.angles))])
    by_axis = np.array([edges[tie] for tie in ties])
    assert inverse_squares(phase, own) == pytest.approx(1.0 / made.spacing(by_axis) ** 2, rel=1e-12)
    theta = np.empty((2, len(made.hkl)))
    bragg_angles(phase.planes, changed_cell(phase, own), np.array([0.9, 1.3]), theta)
    sine = 0.5 * np.array([[0.9], [1.3]]) / made.spacing(by_axis)
    assert np.sin(theta) == pytest.approx(np.where(sine < 0.9999, sine, np.nan), rel=1e-12, nan_ok=True)
    if phase.angles:
        own[-1] = 0.01
        moved = np.array(cell)
        moved[list(phase.angles[-1])] += math.degrees(0.01)
        other = lines("other", tuple(moved), ties, 1, least=0.9)
        strained = {tuple(h): s for h, s in zip(other.hkl, other.spacing(by_axis), strict=True)}
        found = 1.0 / np.sqrt(inverse_squares(phase, own))
        expected = [strained[tuple(h)] for h in made.hkl]
        assert found == pytest.approx(expected, rel=1e-12)


def test_the_bank_has_what_patterns_of_strained_cells_have() -> None:
    strains = np.array([-0.008, -0.0005, 0.0, 0.006])
    found = bank(X, phases(3), Beam(), COMMON, strains)
    for phase, rows in zip(phases(3), found.patterns, strict=True):
        for strain, row in zip(strains, rows, strict=True):
            exact = pattern(X, phase, Beam(), COMMON, np.concatenate([isotropic(phase, strain), np.zeros(3)]),
                            faintest=1e-4)  # fmt: skip
            # Width and intensity of a line change by twice the strain or so, which a shift does not know of.
            assert np.abs(row - exact).max() < (3e-3 + 5.0 * abs(strain)) * exact.max()


def test_lines_outside_are_left_out() -> None:
    phase = phases()[0]
    assert len(places(phase, Beam(), COMMON, np.zeros(4), (3.0, 4.0)).centre) == 0
    assert not pattern(np.linspace(3.0, 4.0, 60), phase, Beam(), COMMON, np.zeros(4)).any()
