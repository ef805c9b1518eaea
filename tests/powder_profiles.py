"""Profiles of stick patterns, and stick patterns of pymatgen with the scattering factors that it uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.geometry import Optics, lorentz_polarisation, spacing_of_angle, two_theta_deg
from bayesbeam.crystals.lines import Lines, Physics, lines_of
from bayesbeam.crystals.structure import Structure

FWHM_DEG = 0.1
STEP_DEG = 0.01
GRID_DEG = 5.0 + STEP_DEG * np.arange(11501)
REACH = 200  # points: 2 deg
MOTT_BETHE = 41.78214  # 8 pi^2 m e^2 / h^2 in the units of the table: de Graef and McHenry, Structure of Materials


@dataclass(frozen=True)
class PymatgenFactors:
    """f0 = Z - 41.78 s^2 sum a exp(-b s^2) of pymatgen's table; nothing anomalous."""

    table: Mapping[str, Any]

    def f0(self, element: str, s: Floats) -> Floats:
        number, pairs = self.table[element]
        heights, widths = np.array(pairs).T
        squares = s**2
        return number - MOTT_BETHE * squares * (np.exp(-np.multiply.outer(squares, widths)) @ heights)

    def dispersion(self, element: str) -> complex:
        return 0j


@dataclass(frozen=True)
class Reference:
    """What ``make.py`` has written: sticks and contents of cells by name."""

    wavelength: float
    physics: Physics
    sticks: dict[str, tuple[Floats, Floats]]
    contents: dict[str, dict[str, float]]
    refused: dict[str, str]


def reference(root: Path) -> Reference:
    with np.load(root / "tests/data/powder_patterns/pymatgen.npz", allow_pickle=False) as arrays:
        told = json.loads(arrays["told"].tobytes())
        cuts = np.cumsum(arrays["count"])[:-1]
        angles = np.split(arrays["two_theta_deg"], cuts)
        heights = np.split(arrays["intensity"].astype(np.float64), cuts)
    sticks = {name: pair for name, *pair in zip(told["names"], angles, heights, strict=True)}
    physics = Physics(PymatgenFactors(told["table"]), displacements=False)
    contents = dict(zip(told["names"], told["contents"], strict=True))
    return Reference(told["wavelength"], physics, sticks, contents, told["refused"])  # type: ignore[arg-type]


def profile(angles: Floats, intensities: Floats) -> Floats:
    """Pseudo-Voigt profile, half Lorentzian, of FWHM 0.1 deg, 2 deg to both sides; height 1 a unit of stick."""
    places = np.round((angles - GRID_DEG[0]) / STEP_DEG).astype(np.int64)[:, None] + np.arange(-REACH, REACH + 1)
    offsets = 2.0 * (GRID_DEG[0] + STEP_DEG * places - angles[:, None]) / FWHM_DEG
    values = 0.5 * (np.exp(-np.log(2.0) * offsets**2) + 1.0 / (1.0 + offsets**2)) * intensities[:, None]
    inside = (places >= 0) & (places < len(GRID_DEG))
    return np.bincount(places[inside], weights=values[inside], minlength=len(GRID_DEG)).astype(np.float64)


def sticks_of(lines: Lines, wavelength: float) -> tuple[Floats, Floats]:
    """Angles and intensities from 5 to 120 deg, Bragg-Brentano without monochromator."""
    angles = two_theta_deg(lines.spacing(), wavelength)
    inside = (angles >= 5.0) & (angles <= 120.0)
    intensities = lines.multiplicity * lines.squared_factor
    return angles[inside], intensities[inside] * lorentz_polarisation(angles[inside], Optics())


def own_profile(structure: Structure, wavelength: float, physics: Physics) -> Floats:
    lines = lines_of(structure, float(spacing_of_angle(120.0, wavelength)), physics)
    return profile(*sticks_of(lines, wavelength))


def difference(ours: Floats, theirs: Floats) -> float:
    """Largest difference over the largest value of theirs."""
    return float(np.abs(ours - theirs).max() / theirs.max())
