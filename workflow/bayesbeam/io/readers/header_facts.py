"""Facts of the instrument in the lines above a table of numbers: ``# Calibrated wavelength = 0.413263``.

Takes only a name that is known, a sign or blanks, and one value; a length without a unit is in angstrom.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bayesbeam.io.readers.instrument import angstrom, kelvin, number

_MOST_LINES = 400
_VALUE = r"[\s:=,;\"']*(?P<value>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)[\s\"']*(?P<unit>°?[A-Za-zÅ]*)"
_BRACKET = r"(?:\s*[(\[](?P<bracket>[^()\[\]]{1,20})[)\]])?"
_SECOND = r"(?:k[\s_-]?alpha[\s_-]?2|ka2|wavelength_?2|wl2|lambda_?2)"
_NAMES = {
    "ratio": r"(?:ratio[\s_]*k[\s_-]?alpha[\s_-]?2\s*/\s*k[\s_-]?alpha[\s_-]?1|ka2\s*/\s*ka1|wl_?ratio)",
    "wavelength_2_angstrom": rf"(?:{_SECOND}(?:\s*wavelength)?)",
    "wavelength_angstrom": r"(?:(?:k[\s_-]?alpha[\s_-]?1|ka1)(?:\s*wavelength)?|wl1|lambda_?1?"
    r"|(?:calibrated |used )?wavelength_?1?)",
    "temperature_K": r"(?:sample )?temp(?:erature)?",
    "counting_time_s": r"(?:time per step|scan step time|step ?time|count(?:ing)? time)",
    "radius_mm": r"(?:goniometer radius(?: \[mm\])?|gonio\.? radius)",
}
_LINES = {
    name: re.compile(rf"[\s#!%;/'\"*_]*{words}(?![\d.]){_BRACKET}{_VALUE}(?![\w.])", re.IGNORECASE)
    for name, words in _NAMES.items()
}
_ANODE = re.compile(r"[\s#!%;/'\"*_]*anode(?: material)?[\s:=,;\"']+([A-Z][a-z]?)\b", re.IGNORECASE)


def header_facts(lines: Sequence[str]) -> dict[str, float | str | None]:
    """Facts that the lines of a header state; of several lines on one the first that makes sense."""
    found: dict[str, float | str | None] = {}
    for line in lines[:_MOST_LINES]:
        text = line[:300]
        if (anode := _ANODE.match(text)) and "anode" not in found:
            found["anode"] = anode[1].capitalize()
        for name, pattern in _LINES.items():
            if match := pattern.match(text):
                value = _value(name, number(match["value"]), match["unit"] or match["bracket"] or "")
                if value is not None and name not in found:
                    found[name] = value
                break
    return found


def _value(name: str, value: float | None, unit: str) -> float | None:
    """Value of a fact in its unit; None if its unit is another, or it cannot be."""
    word = unit.strip().lower()
    if name.endswith("_angstrom"):
        return angstrom(value, unit)
    if name == "temperature_K":
        return kelvin(value, unit)
    wanted = {"counting_time_s": ("", "s", "sec", "seconds"), "radius_mm": ("", "mm"), "ratio": ("",)}[name]
    return value if word in wanted and value is not None and value > 0 else None
