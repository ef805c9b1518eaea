"""Scattering factors of atoms: f0 of sin(theta)/lambda, f' and f'' of the wavelength, by element.

f0 by default from Waasmaier and Kirfel, Acta Cryst. A51 (1995) 416, which is good to s = 6 per angstrom, where the
table of International Tables C ("itc92") ends at 2. f' and f'' from Chantler, J. Phys. Chem. Ref. Data 24 (1995) 71,
whose grid resolves edges. Both are read from the database file of the package xraydb, without the package's own
machinery, which takes a second to import. Charges are left out: atoms are neutral. Hydrogen is bonded (Stewart et
al., J. Chem. Phys. 42 (1965) 3175, as in the International Tables), whatever the table.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import gemmi
import numpy as np

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.geometry import energy_eV
from bayesbeam.errors import DataError, ModelError

Table = Literal["waasmaier_kirfel", "itc92"]
DATABASE = "xraydb.sqlite"


class Factors(Protocol):
    """What a table of scattering factors answers."""

    def f0(self, element: str, s: Floats) -> Floats:
        """Normal scattering of an atom at s = sin(theta)/lambda = 1/(2 d), electrons."""
        ...

    def dispersion(self, element: str) -> complex:
        """Anomalous terms f' + i f'', electrons."""
        ...


@dataclass(frozen=True)
class TabulatedFactors:
    """Tabulated factors at a wavelength in angstrom; without one there is no anomalous scattering."""

    wavelength: float | None = None
    table: Table = "waasmaier_kirfel"

    def f0(self, element: str, s: Floats) -> Floats:
        """Normal scattering of a neutral atom at s = sin(theta)/lambda, electrons.

        Raises
        ------
        DataError
            If the table has no such element.
        """
        squares = np.asarray(s, dtype=np.float64) ** 2
        offset, heights, widths = _sum_of_gaussians(element, self.table)
        return np.asarray(offset + np.exp(-np.multiply.outer(squares, widths)) @ heights, dtype=np.float64)

    def dispersion(self, element: str) -> complex:
        """Anomalous terms f' + i f'' of an element, electrons; 0 where there is no wavelength.

        Raises
        ------
        DataError
            If the table has no such element or the wavelength is outside of it.
        """
        if self.wavelength is None:
            return 0j
        energies, first, second = _chantler(element)
        energy = energy_eV(self.wavelength)
        if not energies[0] <= energy <= energies[-1]:
            raise DataError.at(
                f"wavelength {self.wavelength} A",
                f"{energy:.0f} eV",
                f"{energies[0]:.0f} to {energies[-1]:.0f} eV, where f' and f'' of {element} are tabulated",
                "Give the wavelength in angstrom.",
            )
        above = float(np.exp(np.interp(np.log(energy), np.log(energies), np.log(second))))
        return complex(float(np.interp(energy, energies, first)), above)


@lru_cache(maxsize=512)
def _sum_of_gaussians(element: str, table: Table) -> tuple[float, Floats, Floats]:
    """Offset, heights and exponents of f0."""
    if table == "itc92" or (element == "H" and table == "waasmaier_kirfel"):
        listed = gemmi.Element(element).it92
        if listed is None:
            raise missing_element(element, "International Tables C")
        return float(listed.c), np.array(listed.a), np.array(listed.b)
    if table != "waasmaier_kirfel":
        raise ModelError.at("scattering factors", f"table {table}", "waasmaier_kirfel or itc92")
    row = row_of("SELECT offset, scale, exponents FROM Waasmaier WHERE ion = ?", element)
    if row is None:
        raise missing_element(element, "the table of Waasmaier and Kirfel")
    return float(row[0]), np.array(json.loads(row[1])), np.array(json.loads(row[2]))


@lru_cache(maxsize=128)
def _chantler(element: str) -> tuple[Floats, Floats, Floats]:
    """Energies in eV, f' and f''; zeros of f'' lifted to the smallest number."""
    row = row_of("SELECT energy, f1, f2 FROM Chantler WHERE element = ?", element)
    if row is None:
        raise missing_element(element, "Chantler's table of f' and f''")
    energies, first, second = (np.array(json.loads(text), dtype=np.float64) for text in row)
    return energies, first, np.maximum(second, 1e-99)


def row_of(question: str, element: str) -> tuple[str, ...] | None:
    """First row of an answer of the database."""
    with closing(sqlite3.connect(f"{_database()}?mode=ro&immutable=1", uri=True)) as database:
        found: tuple[str, ...] | None = database.execute(question, (element,)).fetchone()
    return found


@lru_cache(maxsize=1)
def _database() -> str:
    """Address of the database of xraydb."""
    package = find_spec("xraydb")
    folders = [] if package is None else list(package.submodule_search_locations or [])
    files = [Path(folder) / DATABASE for folder in folders]
    if not files or not files[0].is_file():
        raise ModelError.at(
            "scattering factors", "no package xraydb", "its tables", "Run: pip install 'bayesbeam[workflow]'."
        )
    return files[0].as_uri()


def missing_element(element: str, table: str) -> DataError:
    """Error that names an element without scattering factors."""
    return DataError.at(f"element {element}", f"nothing in {table}", "a listed element", "Leave the structure out.")
