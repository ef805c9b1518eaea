"""How strongly a phase absorbs: attenuation of X-rays, which makes grains of strong absorbers count too little.

Attenuation is that of atoms, from Chantler's table in the database of xraydb; near edges that of a solid differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

import gemmi
import numpy as np

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.geometry import energy_eV
from bayesbeam.crystals.scattering import missing_element, row_of
from bayesbeam.crystals.structure import CUBIC_CENTIMETRE, GRAM_PER_DALTON
from bayesbeam.errors import DataError


def linear_attenuation(content: Mapping[str, float], volume: float, wavelength: float) -> float:
    """Linear attenuation coefficient of a crystal, 1/cm.

    Parameters
    ----------
    content : mapping
        Number of atoms of each element in the cell.
    volume : float
        Volume of the cell, angstrom^3.
    wavelength : float
        Angstrom.

    Raises
    ------
    DataError
        If an element is not tabulated, or not at this wavelength.
    """
    grams = {element: number * gemmi.Element(element).weight * GRAM_PER_DALTON for element, number in content.items()}
    total = sum(mass * mass_attenuation(element, wavelength) for element, mass in grams.items())
    return total * CUBIC_CENTIMETRE / volume


def mass_attenuation(element: str, wavelength: float) -> float:
    """Mass attenuation coefficient of an element, cm^2/g, photoabsorption and scattering together."""
    energies, values = _attenuation(element)
    energy = energy_eV(wavelength)
    if not energies[0] <= energy <= energies[-1]:
        raise DataError.at(
            f"wavelength {wavelength} A",
            f"{energy:.0f} eV",
            f"{energies[0]:.0f} to {energies[-1]:.0f} eV, where attenuation by {element} is tabulated",
            "Give the wavelength in angstrom.",
        )
    return float(np.exp(np.interp(np.log(energy), np.log(energies), np.log(values))))


@lru_cache(maxsize=128)
def _attenuation(element: str) -> tuple[Floats, Floats]:
    """Energies in eV and mass attenuation in cm^2/g."""
    row = row_of("SELECT energy, mu_total FROM Chantler WHERE element = ?", element)
    if row is None:
        raise missing_element(element, "Chantler's table of attenuation")
    energies, values = (np.array(json.loads(text), dtype=np.float64) for text in row)
    return energies, values
