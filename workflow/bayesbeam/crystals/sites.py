"""Sites of a CIF: element, place, occupancy and displacement of each atom, with words where something was put right."""

from __future__ import annotations

import math

import gemmi
import numpy as np

from bayesbeam.crystals.cell import metric
from bayesbeam.crystals.structure import Site
from bayesbeam.errors import DataError

U_TO_B = 8.0 * math.pi**2
MOST_B = 15.0  # angstrom^2, an rms of 0.44 angstrom: more is a B written as a U, or "unknown" written as a number


def sites_of(
    block: gemmi.cif.Block, small: gemmi.SmallStructure, file: str
) -> tuple[tuple[Site, ...], tuple[str, ...]]:
    """Sites of a block, and words about them.

    Raises
    ------
    DataError
        If there are no atoms, or one has no element, no place or an occupancy that is no number.
    """
    dummies = {
        row.str(0) for row in block.find(["_atom_site_label", "_atom_site_calc_flag"]) if row.str(1).lower() == "dum"
    }
    notes: list[str] = []
    sites = tuple(_site(site, small.cell, file, notes) for site in small.sites if site.label not in dummies)
    if not any(site.occupancy > 0.0 for site in sites):
        raise DataError.at(file, "no atoms", "at least one site with an occupancy", "Complete the CIF.")
    return sites, tuple(notes)


def _site(site: gemmi.SmallStructure.Site, cell: gemmi.UnitCell, file: str, notes: list[str]) -> Site:
    """One site; what is put right is added to the notes."""
    element = "H" if site.element.name == "D" else site.element.name
    position = (site.fract.x, site.fract.y, site.fract.z)
    if site.element.atomic_number == 0:
        raise DataError.at(file, f"an atom {site.label} of no element", "a chemical symbol", "Correct the CIF.")
    if not all(math.isfinite(value) for value in (*position, site.occ)):
        raise DataError.at(
            file, f"an atom {site.label} without a place", "three coordinates and an occupancy", "Correct the CIF."
        )
    occupancy = min(max(site.occ, 0.0), 1.0)
    if occupancy != site.occ:
        notes.append(f"occupancy of {site.label} {site.occ:g} taken as {occupancy:g}")
    return Site(site.label, element, position, occupancy, _b_iso(site, cell, notes))


def _b_iso(site: gemmi.SmallStructure.Site, cell: gemmi.UnitCell, notes: list[str]) -> float | None:
    """B in angstrom^2: isotropic, or the mean of an anisotropic one; None where there is none to believe."""
    u_iso = site.u_iso if site.u_iso != 0.0 else _mean(site.aniso, cell)
    b_iso = U_TO_B * u_iso
    if u_iso == 0.0:
        return None
    if not 0.0 < b_iso <= MOST_B:
        notes.append(f"displacement of {site.label}, U = {u_iso:g} A^2, not believed")
        return None
    return float(b_iso)


def _mean(tensor: gemmi.SMat33d, cell: gemmi.UnitCell) -> float:
    """Equivalent U: (1/3) sum_ij U_ij a*_i a*_j a_i . a_j (Fischer and Tillmanns, Acta Cryst. C44 (1988) 775)."""
    if not tensor.nonzero():
        return 0.0
    products = metric(cell.parameters)
    reciprocal = np.sqrt(np.diag(np.linalg.inv(products)))
    values = np.array(tensor.as_mat33().tolist())
    return float(np.sum(values * np.outer(reciprocal, reciprocal) * products) / 3.0)
