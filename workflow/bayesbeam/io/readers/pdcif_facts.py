"""What a pdCIF says of the instrument: in the block of the pattern, else in the one other block that says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bayesbeam.io.readers.instrument import angstrom, number

if TYPE_CHECKING:
    from gemmi import cif

_ANODES = ("Ag", "Mo", "Cu", "Ni", "Co", "Fe", "Cr", "W", "Ga", "In", "Rh")


def facts(block: cif.Block, others: Sequence[cif.Block], axis: str) -> dict[str, float | str | None]:
    """Facts, None where the file does not state one.

    Parameters
    ----------
    block : Block
        The block of the pattern.
    others : sequence of Block
        The others of the file.
    axis : str
        What x is.
    """
    line = _said(block, others, "_diffrn_radiation_type") or ""
    first = line.split()[0].strip("\\").capitalize() if line.split() else ""
    monochromator = [
        (_said(block, others, "_pd_instr_monochr_pre_spec"), "incident beam"),
        (_said(block, others, "_pd_instr_monochr_post_spec"), "diffracted beam"),
    ]
    stood = [f"{name}, {beam}" for name, beam in monochromator if name and name.lower() not in ("none", "no")]
    return {
        "axis": axis,
        "radiation": _said(block, others, "_diffrn_radiation_probe"),
        "anode": first if first in _ANODES else None,
        **_wavelengths(block, others),
        "intended": line.replace("\\a", "alpha") or None,
        "geometry": _said(block, others, "_pd_instr_geometry"),
        "radius_mm": number(_said(block, others, "_pd_instr_dist_spec/detc")),
        "monochromator": "; ".join(stood) or _said(block, others, "_diffrn_radiation_monochromator"),
        "displacement_mm": number(_said(block, others, "_pd_spec_vertical_displacement_mm")),
        "temperature_K": number(_said(block, others, "_diffrn_ambient_temperature")),
        "sample": _said(block, others, "_pd_phase_name") or _said(block, others, "_pd_spec_description"),
        "started": _said(block, others, "_pd_meas_datetime_initiated"),
    }


def _said(block: cif.Block, others: Sequence[cif.Block], name: str) -> str | None:
    """Text of an item: of the block itself, else of the others if they agree."""
    from gemmi import cif

    for blocks in ([block], others):
        raw = {text for one in blocks if (text := one.find_value(name)) and text not in ("?", ".")}
        if len(raw) == 1:
            return " ".join(cif.as_string(raw.pop()).split())
        if raw:
            return None
    return None


def _wavelengths(block: cif.Block, others: Sequence[cif.Block]) -> dict[str, float | str | None]:
    """One wavelength, or the two strongest of a loop with their ratio."""
    single = angstrom(number(_said(block, others, "_diffrn_radiation_wavelength")), "")
    if single is not None:
        return {"wavelength_angstrom": single}
    for one in (block, *others):
        waves = [number(text) for text in one.find_loop("_diffrn_radiation_wavelength")]
        weights = [number(text) for text in one.find_loop("_diffrn_radiation_wavelength_wt")]
        pairs = [(w, v) for v, w in zip(waves, weights or [1.0] * len(waves), strict=False) if v and w and w > 0]
        if len(waves) == 1 and pairs:
            return {"wavelength_angstrom": angstrom(pairs[0][1], "")}
        if len(pairs) > 1 and len(weights) == len(waves):
            (top, strong), (next_, weak) = sorted(pairs, reverse=True)[:2]
            both = angstrom(strong, ""), angstrom(weak, "")
            return {"wavelength_angstrom": both[0], "wavelength_2_angstrom": both[1], "ratio": next_ / top}
    return {}
