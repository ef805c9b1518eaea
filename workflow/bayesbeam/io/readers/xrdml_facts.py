"""What an .xrdml file says of the instrument: wavelengths, geometry, radius, optics, temperature."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from bayesbeam.io.readers.instrument import angstrom, kelvin, number


def facts(root: Element, measured: Element, scan: Element, main: str) -> dict[str, float | str | None]:
    """Facts of one scan, None where the file does not state one.

    Parameters
    ----------
    root, measured, scan : Element
        The file, the measurement and the scan in it.
    main : str
        Name of the axis that is x.
    """
    wave = measured.find("usedWavelength")
    incident, diffracted = measured.find("incidentBeamPath"), measured.find("diffractedBeamPath")
    header = scan.find("header")
    return {
        "axis": {"2Theta": "2theta", "Gonio": "2theta"}.get(main, main),
        "radiation": "x-ray",
        "anode": _text(incident, "xRayTube/anodeMaterial"),
        "wavelength_angstrom": _length(wave, "kAlpha1"),
        "wavelength_2_angstrom": _length(wave, "kAlpha2"),
        "ratio": number(_text(wave, "ratioKAlpha2KAlpha1")),
        "intended": None if wave is None else wave.get("intended"),
        "geometry": _geometry(measured, scan, incident),
        "radius_mm": _measured(incident if diffracted is None else diffracted, "radius", "mm"),
        "monochromator": _monochromator(incident, diffracted),
        "filter": _text(diffracted, "filter/material") or _text(incident, "filter/material"),
        "divergence": _divergence(incident, scan),
        "soller_rad": _measured(incident, "sollerSlit/opening", "rad"),
        "detector": _name(diffracted, "detector"),
        "temperature_K": _temperature(scan),
        "sample": _text(root, "sample/id") or _text(root, "sample/name"),
        "status": None if scan.get("status") in (None, "Completed") else scan.get("status"),
        "started": _text(header, "startTimeStamp"),
    }


def _text(place: Element | None, path: str) -> str | None:
    """Text of an element, None if there is none."""
    text = None if place is None else place.findtext(path)
    return text.strip() if text and text.strip() else None


def _length(wave: Element | None, name: str) -> float | None:
    """One of the wavelengths, which is 0 where the anode was not known."""
    place = None if wave is None else wave.find(name)
    return None if place is None else angstrom(number(place.text), place.get("unit", "Angstrom"))


def _measured(place: Element | None, path: str, unit: str) -> float | None:
    """Number with the unit that is expected."""
    found = None if place is None else place.find(path)
    return None if found is None or found.get("unit", unit) != unit else number(found.text)


def _name(place: Element | None, path: str) -> str | None:
    """Name of a part of the instrument."""
    found = None if place is None else place.find(path)
    return None if found is None else found.get("name")


def _geometry(measured: Element, scan: Element, incident: Element | None) -> str | None:
    """Geometry in words; reflection with coupled axes and no mirror is Bragg-Brentano."""
    mode = (measured.get("sampleMode") or "").strip()
    if mode == "Reflection" and scan.get("scanAxis") in ("Gonio", "2Theta-Omega", "Omega-2Theta"):
        mirror = incident is not None and incident.find("xRayMirror") is not None
        return "parallel beam, reflection" if mirror else "Bragg-Brentano"
    return f"{mode.lower()}, scan of {scan.get('scanAxis', '?')}" if mode else None


def _monochromator(incident: Element | None, diffracted: Element | None) -> str | None:
    """Name of a monochromator and the beam that it stands in."""
    for beam, words in ((incident, "incident beam"), (diffracted, "diffracted beam")):
        found = None if beam is None else beam.find("monochromator")
        if found is not None:
            return f"{found.get('name') or _text(found, 'crystal/material') or 'unnamed'}, {words}"
    return None


def _divergence(incident: Element | None, scan: Element) -> str | None:
    """Divergence slit by its name; corrections of an automatic one are said, and not applied."""
    texts = [
        scan.findtext(f"dataPoints/{name}", "") for name in ("divergenceCorrections", "commonDivergenceCorrection")
    ]
    corrected = any(number(word) != 1.0 for text in texts for word in text.split())
    words = [_name(incident, "divergenceSlit"), "its corrections in the file are not applied" if corrected else None]
    return ", ".join(word for word in words if word) or None


def _temperature(scan: Element) -> float | None:
    """Mean temperature of the sample during the scan, in kelvin where no unit stands there."""
    for place in scan.iter("nonAmbientPoints"):
        values = place.find("nonAmbientValues")
        kind = place.get("type") or (None if values is None else values.get("type"))
        numbers = [number(word) for word in ((values.text or "") if values is not None else "").split()]
        known = [value for value in numbers if value is not None]
        if kind == "Temperature" and values is not None and known:
            return kelvin(float(np.mean(known)), values.get("unit", place.get("unit", "K")))
    return None
