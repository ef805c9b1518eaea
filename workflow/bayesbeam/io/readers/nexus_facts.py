"""What an HDF5 file says of the instrument: scalars with their units in the entry of the data.

A quantity that two places give differently is not taken.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import h5py
import numpy as np

from bayesbeam.io.readers import inside
from bayesbeam.io.readers.base import Facts
from bayesbeam.io.readers.instrument import angstrom, angstrom_of_energy, kelvin, kept

_MOST_VISITED = 2000
_ELECTRONVOLTS = {"ev": 1e-3, "kev": 1.0, "mev": 1e-6}
_LENGTHS = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_AXES = {
    **dict.fromkeys(("polar_angle", "two_theta", "twotheta", "2theta", "tth", "2th"), "2theta"),
    **dict.fromkeys(("q", "scattering_vector"), "Q"),
    **dict.fromkeys(("d", "d_spacing", "dspacing"), "d"),
}

Value = float | None


def _energy(value: float, unit: str) -> Value:
    """Wavelength of an energy of photons, where its unit is known."""
    factor = _ELECTRONVOLTS.get(unit.strip().lower() if unit.strip() != "MeV" else "")
    return None if factor is None else angstrom(angstrom_of_energy(value * factor), "angstrom")


def _millimetres(value: float, unit: str) -> Value:
    """Length in millimetres."""
    factor = _LENGTHS.get(unit.strip())
    return None if factor is None else value * factor


def _seconds(value: float, unit: str) -> Value:
    """Time in seconds."""
    return value if unit.strip() in ("s", "sec", "second", "seconds", "") else None


_NUMBERS: dict[str, dict[str, Callable[[float, str], Value]]] = {
    "wavelength_angstrom": {
        "wavelength": angstrom,
        "incident_wavelength": angstrom,
        "energy": _energy,
        "incident_energy": _energy,
    },
    "temperature_K": {"temperature": kelvin},
    "counting_time_s": {"count_time": _seconds, "counting_time": _seconds},
    "radius_mm": {"goniometer_radius": _millimetres},
}
_PARTS = {
    "wavelength_angstrom": ("NXmonochromator", "NXbeam", "NXcrystal", "NXsource", "NXinstrument"),
    "temperature_K": ("NXsample", "NXenvironment"),
    "counting_time_s": ("NXdetector",),
    "radius_mm": ("NXinstrument", "NXdetector"),
}
"""In which groups a quantity is looked for."""


def facts(file: h5py.File, signal: h5py.Dataset, axis: h5py.Dataset | None) -> Facts:
    """Facts that the entry of a signal states."""
    entry = _entry(file, signal)
    found: dict[str, set[float]] = {name: set() for name in _NUMBERS}
    stated: dict[str, float | str | None] = {}
    for member in islice(inside.walk(entry), _MOST_VISITED):
        if not isinstance(member, h5py.Dataset) or member.is_virtual or member.external or member.size != 1:
            continue
        name = str(member.name).rsplit("/", 1)[-1].lower()
        part = inside.text(member.parent.attrs.get("NX_class"))
        for word, names in _NUMBERS.items():
            if name in names and part in _PARTS[word] and member.dtype.kind in "iuf":
                number = float(np.ravel(member[()])[0])
                value = names[name](number, inside.text(member.attrs.get("units")))
                found[word] |= set() if value is None else {value}
        if part == "NXsource" and name == "probe":
            stated["radiation"] = inside.text(member[()])
        if part == "NXsample" and name == "name":
            stated["sample"] = inside.text(member[()])
    stated |= {name: values.pop() for name, values in found.items() if len(values) == 1}
    if axis is not None:
        stated["axis"] = _AXES.get(str(axis.name).rsplit("/", 1)[-1].lower())
    return kept(stated)


def _entry(file: h5py.File, signal: h5py.Dataset) -> h5py.Group:
    """Nearest NXentry above a signal, else the file."""
    group = signal.parent
    while group != file["/"] and inside.text(group.attrs.get("NX_class")) not in ("NXentry", "NXsubentry"):
        group = group.parent
    return group
