"""What data files say of the instrument: the words, which values are kept, and the sentence of the record.

Decides no default: a fact that a file does not state is absent, and a wavelength is never guessed from an anode.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bayesbeam.io.readers.base import Facts

WORDS = {
    "axis": "axis",
    "radiation": "radiation",
    "anode": "anode",
    "wavelength_angstrom": "wavelength",
    "wavelength_2_angstrom": "second wavelength",
    "ratio": "intensity of the second over the first",
    "intended": "intended wavelength",
    "geometry": "geometry",
    "radius_mm": "radius",
    "monochromator": "monochromator",
    "filter": "filter",
    "divergence": "divergence",
    "soller_rad": "Soller slits",
    "detector": "detector",
    "source_mm": "length of the source",
    "specimen_mm": "length of the specimen",
    "detector_mm": "length of the detector",
    "slit_mm": "slit before the detector",
    "divergence_deg": "divergence",
    "soller_deg": "Soller slits",
    "zero_sd_deg": "zero known to",
    "counting_time_s": "counting time of a point",
    "counting_times": "counting time of a point",
    "attenuation": "strongest attenuation, undone in y",
    "displacement_mm": "displacement of the sample",
    "temperature_K": "temperature",
    "sample": "sample",
    "status": "status of the scan",
    "started": "start",
}
"""Words of facts, in the order of the record; the unit, if any, stands behind the last underscore."""

_UNITS = ("angstrom", "mm", "rad", "deg", "s", "K")
_LENGTHS = {
    "": 1.0,
    "a": 1.0,
    "å": 1.0,
    "ang": 1.0,
    "angstrom": 1.0,
    "angstroms": 1.0,
    "nm": 10.0,
    "pm": 0.01,
    "m": 1e10,
}
_LONGEST = 200
_HC = 12.398419843320026
"""Planck's constant times the speed of light in keV angstrom (SI 2019, exact constants)."""


def kept(stated: Mapping[str, float | str | None]) -> dict[str, float | str]:
    """Facts that a file does state, in the order of the words: finite numbers, and texts that are not empty."""
    found: dict[str, float | str] = {}
    for name in WORDS:
        value = stated.get(name)
        if isinstance(value, str):
            value = re.sub(r"\s+", " ", re.sub(r"[^\x20-\x7e\xa0-\uffef]", " ", value)).strip()[:_LONGEST]
        if value not in (None, "") and not (isinstance(value, float) and not math.isfinite(value)):
            found[name] = value
    for name in ("wavelength_angstrom", "wavelength_2_angstrom", "radius_mm", "counting_time_s", "temperature_K"):
        if isinstance(value := found.get(name), float) and value <= 0:
            del found[name]
    return found


def sentence(facts: Facts, who: str = "file") -> str:
    """Return the facts as one sentence of who says so, for the treatment record; empty if there are none."""
    parts = []
    for name, value in facts.items():
        unit = name.rsplit("_", 1)[-1] if "_" in name else ""
        text = f"{value:.8g} {unit if unit in _UNITS else ''}".strip() if isinstance(value, float) else value
        parts.append(f"{WORDS.get(name, name)} {text}")
    return f"The {who} says of the instrument: {', '.join(parts)}." if parts else ""


def angstrom(value: float | None, unit: str) -> float | None:
    """Length in angstrom; None if there is none, its unit is unknown, or it is no wavelength that diffracts."""
    factor = _LENGTHS.get(unit.strip().lower().rstrip("."))
    if value is None or factor is None:
        return None
    length = value * factor
    return length if 0.01 <= length <= 100.0 else None


def angstrom_of_energy(energy_kev: float | None) -> float | None:
    """Wavelength of photons of an energy in keV."""
    return None if energy_kev is None or energy_kev <= 0 else _HC / energy_kev


def kelvin(value: float | None, unit: str) -> float | None:
    """Temperature in kelvin; without a unit, or with one that is unknown, None."""
    word = unit.strip().lower().lstrip("°")
    if value is None or word not in ("k", "kelvin", "c", "degc", "celsius", "deg c"):
        return None
    return value if word in ("k", "kelvin") else value + 273.15


def number(text: str | None) -> float | None:
    """Finite number of a text, without an uncertainty in brackets behind it; None if it is none."""
    match = re.fullmatch(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)(?:\(\d+\))?\s*", text or "", re.ASCII)
    value = float(match[1]) if match else math.nan
    return value if math.isfinite(value) else None
