"""What a powder pattern was measured with, from what its file and its treatment say of the instrument.

Decides what words about an instrument mean for intensities. A wavelength is never guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bayesbeam.config.treatment import GEOMETRY
from bayesbeam.crystals.geometry import Geometry, Optics
from bayesbeam.crystals.radiation import TUBES
from bayesbeam.diffraction.aberrations import Diffractometer
from bayesbeam.diffraction.profile import Beam
from bayesbeam.errors import DataError
from bayesbeam.io.store import Measurement

SPACINGS = {r"graphite|\bhopg\b|\bpg\b": 3.354, r"quartz": 3.343, r"\blif\b": 2.0138}
"""Spacings (angstrom) of the planes that crystals of monochromators reflect by: 002, 10-11, 200."""
CUBIC = {r"\bge(?:rmanium)?\b": 5.6579, r"\bsi(?:licon)?\b": 5.4310}
"""Edges (angstrom) of crystals of which several planes are used, 111 where none is named."""
PLANES = ("111", "220", "311", "400", "422", "333", "440")
_NONE = ("", "none", "no", "without")
SYNCHROTRON = 0.99
"""Share of polarisation perpendicular to the plane of diffraction, where the beam is not that of a tube."""
_SAME = 1e-3
_WORDS: tuple[tuple[Geometry, tuple[str, ...]], ...] = (
    ("debye_scherrer", ("debye", "capillary", "transmission")),
    ("bragg_brentano", ("bragg", "brentano", "reflection", "theta-2theta", "theta/2theta")),
)


def beam_of(m: Measurement) -> Beam:
    """Wavelengths and geometry of a measurement.

    Raises
    ------
    DataError
        If no wavelength is stated, or the radiation is not X-rays.
    """
    said = m.instrument
    if "neutron" in str(said.get("radiation", "")).lower():
        remedy = "Leave phases out of the candidates of this measurement."
        raise DataError.at(f"measurement {m.id}", "a pattern of neutrons", "X-rays, for a search for phases", remedy)
    first, second, ratio = (_number(said, name) for name in ("wavelength_angstrom", "wavelength_2_angstrom", "ratio"))
    if first is None:
        raise DataError.at(
            f"measurement {m.id}", "no wavelength in its file", "the wavelength of the pattern",
            "Write instrument: {wavelength_angstrom: 1.5405929, wavelength_2_angstrom: 1.5444274, ratio: 0.5} in the "
            "treatment: these are those of copper.",
        )  # fmt: skip
    optics = _optics(said, first)
    if second is None or ratio is None:
        return Beam((first,), (1.0,), optics)
    return Beam((first, second), (1.0 / (1.0 + ratio), ratio / (1.0 + ratio)), optics)


def diffractometer_of(m: Measurement) -> Diffractometer:
    """Geometry of the instrument as it shows in the form and the place of lines.

    Raises
    ------
    DataError
        If the radius or all lengths are not known.
    """
    number = {word: _number(m.instrument, word) or 0.0 for word in GEOMETRY}
    radius = _number(m.instrument, "radius_mm")
    if radius is None or not any(number[word] for word in ("source_mm", "specimen_mm", "detector_mm")):
        found = "no radius of the goniometer" if radius is None else "no lengths of the instrument"
        remedy = (
            "Write instrument: {radius_mm: 217.5, source_mm: 12, specimen_mm: 15, detector_mm: 15} in the treatment."
        )
        raise DataError.at(f"measurement {m.id}", found, "both, for a report of its cell", remedy)
    half = {word: 0.5 * number[f"{word}_mm"] / radius for word in ("source", "specimen", "detector")}
    return Diffractometer(
        **half,
        divergence_deg=number["divergence_deg"],
        slit=number["slit_mm"] / radius,
        soller_deg=number["soller_deg"],
    )


def zero_sd_of(m: Measurement, otherwise: float) -> float:
    """How well the zero of 2theta is known, degrees."""
    return _number(m.instrument, "zero_sd_deg") or otherwise


def _optics(said: Mapping[str, float | str], wavelength: float) -> Optics:
    """Geometry as it counts for intensities; where none is stated, that of a tube or of a synchrotron."""
    words = str(said.get("geometry", "")).lower()
    tube = any(abs(wavelength / one.alpha1 - 1.0) < _SAME for one in TUBES.values())
    usual: Geometry = "bragg_brentano" if tube else "debye_scherrer"
    geometry = next((name for name, marks in _WORDS if any(mark in words for mark in marks)), usual)
    return Optics(
        geometry,
        _monochromator(str(said.get("monochromator", "")), wavelength),
        None if tube else SYNCHROTRON,
        "automatic" in str(said.get("divergence", "")).lower(),
    )


def _monochromator(words: str, wavelength: float) -> float:
    """Angle 2theta of a monochromator, degrees; 0 where there is none, or its crystal is not said."""
    spacing = crystal_spacing(words)
    if spacing is None or wavelength >= 2.0 * spacing:
        return 0.0
    return math.degrees(2.0 * math.asin(wavelength / (2.0 * spacing)))


def crystal_spacing(words: str) -> float | None:
    """Spacing (angstrom) of the planes of a monochromator by its name, None where that names no crystal."""
    text = words.lower()
    for name, edge in CUBIC.items():
        if re.search(name, text):
            named = re.findall(r"(?<!\d)(\d)\s*(\d)\s*(\d)(?!\d)", text)
            plane = next((one for one in map("".join, named) if one in PLANES), PLANES[0])
            return edge / math.sqrt(sum(int(index) ** 2 for index in plane))
    return next((spacing for name, spacing in SPACINGS.items() if re.search(name, text)), None)


def left_out(m: Measurement, beam: Beam) -> str:
    """What is said of a monochromator that intensities do not account for; empty where they do."""
    words = str(m.instrument.get("monochromator", "")).strip()
    is_none = words.lower() in _NONE or beam.optics.monochromator_two_theta_deg > 0.0
    return "" if is_none else words


def _number(said: Mapping[str, float | str], name: str) -> float | None:
    """A fact that is a number."""
    value = said.get(name)
    return value if isinstance(value, float) else None
