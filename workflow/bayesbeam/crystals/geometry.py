"""Angles, spacings and wave numbers of powder lines, and how the geometry weighs their intensities.

The factors are relative: a scale of the pattern takes up any constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bayesbeam.crystals.cell import Floats
from bayesbeam.errors import ModelError

HC_EV_ANGSTROM = 12398.419843320026  # exact in the SI of 2019

Geometry = Literal["bragg_brentano", "debye_scherrer", "none"]


@dataclass(frozen=True)
class Optics:
    """What the intensity of a line depends on besides the crystal.

    Attributes
    ----------
    geometry : str
        ``bragg_brentano`` (flat specimen, divergence fixed), ``debye_scherrer`` (capillary), or ``none`` where the
        intensities are corrected already.
    monochromator_two_theta_deg : float
        Bragg angle 2theta of a crystal in the plane of diffraction, before or behind the specimen; 0 for none.
    polarisation : float or None
        Share of the intensity that is polarised perpendicular to the plane of diffraction, near 1 at a synchrotron
        with a vertical plane; None for a tube, which is not polarised.
    automatic_slits : bool
        Whether the divergence grows with the angle so that a flat specimen is lit over one length: factor sin theta.
    """

    geometry: Geometry = "bragg_brentano"
    monochromator_two_theta_deg: float = 0.0
    polarisation: float | None = None
    automatic_slits: bool = False

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """What ``lorentz_polarisation`` is made of: whether it is not 1; c and s of c + s cos^2 2theta; slits.

        Raises
        ------
        ModelError
            If the share of polarisation is not in 0 to 1.
        """
        crystal = math.cos(math.radians(self.monochromator_two_theta_deg)) ** 2
        if self.polarisation is None:
            constant, slope = 1.0 / (1.0 + crystal), crystal / (1.0 + crystal)
        elif 0.0 <= self.polarisation <= 1.0:
            constant, slope = self.polarisation, (1.0 - self.polarisation) * crystal
        else:
            raise ModelError.at(
                "polarisation", f"a share of {self.polarisation}", "0 to 1", "1 is perpendicular to the plane."
            )
        return float(self.geometry != "none"), constant, slope, float(self.automatic_slits)


def two_theta_deg(spacing: ArrayLike, wavelength: float) -> Floats:
    """Angles 2theta in degrees of spacings d in angstrom, by Bragg's law; nan where d < wavelength / 2."""
    sine = wavelength / (2.0 * np.asarray(spacing, dtype=np.float64))
    return np.degrees(2.0 * np.arcsin(np.where(sine <= 1.0, sine, np.nan)))


def spacing_of_angle(angle_deg: ArrayLike, wavelength: float) -> Floats:
    """Spacings d in angstrom of angles 2theta in degrees."""
    return wavelength / (2.0 * np.sin(np.radians(np.asarray(angle_deg, dtype=np.float64)) / 2.0))


def q_of_spacing(spacing: ArrayLike) -> Floats:
    """Wave numbers Q = 2 pi / d in 1/angstrom; its own inverse."""
    return 2.0 * np.pi / np.asarray(spacing, dtype=np.float64)


def energy_eV(wavelength: float) -> float:
    """Energy of photons in eV of a wavelength in angstrom."""
    return HC_EV_ANGSTROM / wavelength


def lorentz_polarisation(angle_deg: ArrayLike, optics: Optics) -> Floats:
    """Factor of Lorentz, polarisation and slits of lines at angles 2theta in degrees.

    Notes
    -----
    Lorentz: 1/(sin^2 theta cos theta), of a powder in Bragg-Brentano and in Debye-Scherrer geometry. Polarisation of a
    tube: (1 + A cos^2 2theta)/(1 + A), with A = cos^2 2theta_M of an ideally imperfect monochromator, 1 without one
    (Azaroff, Acta Cryst. 8 (1955) 701). Polarised: P + (1 - P) A cos^2 2theta.

    Raises
    ------
    ModelError
        If the share of polarisation is not in 0 to 1.
    """
    theta = np.radians(np.asarray(angle_deg, dtype=np.float64)) / 2.0
    if optics.geometry == "none":
        return np.ones_like(theta)
    _, constant, slope, _ = optics.numbers
    polarised = constant + slope * np.cos(2.0 * theta) ** 2
    lit = np.sin(theta) if optics.automatic_slits else 1.0
    return np.asarray(lit * polarised / (np.sin(theta) ** 2 * np.cos(theta)), dtype=np.float64)
