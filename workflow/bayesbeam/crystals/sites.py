"""Sites of a CIF: element, place, occupancy and displacement of each atom, with words where something was put right."""

from __future__ import annotations

import math

import gemmi
import numpy as np

from bayesbeam.crystals.cell import Floats, metric
from bayesbeam.crystals.structure import Site
from bayesbeam.errors import DataError

U_TO_B = 8.0 * math.pi**2
MOST_SITES = 2000
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
    if len(small.sites) > MOST_SITES:
        raise DataError.at(file, f"{len(small.sites)} sites", f"up to {MOST_SITES}", "Take a smaller structure.")
    notes: list[str] = []
    stated = _anisotropic_b(block, small.cell)
    sites = tuple(
        _site(site, small.cell, stated.get(site.label), file, notes)
        for site in small.sites
        if site.label not in dummies
    )
    if not any(site.occupancy > 0.0 for site in sites):
        raise DataError.at(file, "no atoms", "at least one site with an occupancy", "Complete the CIF.")
    return sites, tuple(notes)


def _site(
    site: gemmi.SmallStructure.Site, cell: gemmi.UnitCell, stated: float | None, file: str, notes: list[str]
) -> Site:
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
    return Site(site.label, element, position, occupancy, _b_iso(site, cell, stated, notes))


def _b_iso(
    site: gemmi.SmallStructure.Site, cell: gemmi.UnitCell, stated: float | None, notes: list[str]
) -> float | None:
    """B in angstrom^2: isotropic, or the mean of an anisotropic one; None where there is none to believe."""
    b_iso = U_TO_B * site.u_iso
    if b_iso == 0.0 and site.aniso.nonzero():
        b_iso = U_TO_B * _mean(np.array(site.aniso.as_mat33().tolist()), cell)
    elif b_iso == 0.0:
        b_iso = stated or 0.0
    if b_iso == 0.0:
        return None
    if not 0.0 < b_iso <= MOST_B:
        notes.append(f"displacement of {site.label}, B = {b_iso:.3g} A^2, not believed")
        return None
    return float(b_iso)


def _anisotropic_b(block: gemmi.cif.Block, cell: gemmi.UnitCell) -> dict[str, float]:
    """Mean of anisotropic B by label, which gemmi reads as U only."""
    found: dict[str, float] = {}
    for row in block.find("_atom_site_aniso_", ["label", "B_11", "B_22", "B_33", "B_12", "B_13", "B_23"]):
        b11, b22, b33, b12, b13, b23 = (gemmi.cif.as_number(row[number]) for number in range(1, 7))
        tensor = np.array([[b11, b12, b13], [b12, b22, b23], [b13, b23, b33]])
        if np.isfinite(tensor).all():
            found[row.str(0)] = _mean(tensor, cell)
    return found


def _mean(tensor: Floats, cell: gemmi.UnitCell) -> float:
    """Equivalent U or B: (1/3) sum_ij U_ij a*_i a*_j a_i . a_j (Fischer, Tillmanns, Acta Cryst. C44 (1988) 775)."""
    products = metric(cell.parameters)
    reciprocal = np.sqrt(np.diag(np.linalg.inv(products)))
    return float(np.sum(tensor * np.outer(reciprocal, reciprocal) * products) / 3.0)
