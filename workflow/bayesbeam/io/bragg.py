"""Axes of diffraction into each other by Bragg's law: scattering angle 2theta, spacing d, scattering vector Q.

Q = 2 pi / d = 4 pi sin(theta) / wavelength. Decides what a unit means on such an axis, not what a treatment asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DataError
from bayesbeam.units import convert, factors_of

Array = NDArray[np.float64]

_ANGLES = ("degree", "degrees", "deg", "°", "radian", "rad", "mrad")
_LENGTHS = ("angstrom", "Angstrom", "Ang", "nm", "pm")
_PER = "1/angstrom"


def axis_of(unit: str) -> str:
    """``2theta``, ``d`` or ``Q`` for a unit that such an axis can have, empty for others."""
    factors = factors_of(unit)
    word, power = next(iter(factors.items()), ("", 0))
    if len(factors) != 1:
        return ""
    if word in _ANGLES and power == 1:
        return "2theta"
    return {1: "d", -1: "Q"}.get(power, "") if word in _LENGTHS else ""


def is_bragg(unit: str, to_unit: str, axis: str) -> bool:
    """Whether a change of units needs Bragg's law; of a length that x is a spacing must be known."""
    before, after = axis_of(unit), axis_of(to_unit)
    if not before or not after or before == after:
        return False
    return "2theta" in (before, after) or axis in ("d", "Q")


def by_bragg(x: Array, unit: str, to_unit: str, wavelength_angstrom: float | None, where: str) -> Array:
    """Values of an axis in another unit.

    Parameters
    ----------
    x : ndarray (N,)
        2theta, d or Q in ``unit``.
    wavelength_angstrom : float or None
        Needed if either axis is 2theta.

    Raises
    ------
    DataError
        If there is no wavelength, or a value has no counterpart: 2theta of 0 or of 180 degrees, d or Q of 0, or Q above
        4 pi / wavelength.
    """
    before, after = axis_of(unit), axis_of(to_unit)
    if wavelength_angstrom is None and "2theta" in (before, after):
        remedy = "The file states none: write it as instrument.wavelength_angstrom of the treatment."
        raise DataError.at(where, f"{before} to {after} without a wavelength", "the wavelength", remedy)
    wavelength = wavelength_angstrom or 1.0
    q = _vector(x, before, unit, wavelength, where)
    sine = q * wavelength / (4.0 * np.pi)
    bad = np.flatnonzero(~((q > 0) & ((sine <= 1.0) | (after != "2theta"))))
    if bad.size:
        found = f"{before} = {x[bad[0]]:g} {unit} has no {after}"
        remedy = "Leave such points out of the file, or check the wavelength."
        raise DataError.at(where, found, "values that can diffract", remedy)
    if after == "2theta":
        return convert(2.0 * np.arcsin(sine), "radian", to_unit, where)
    return convert(2.0 * np.pi / q, "angstrom", to_unit, where) if after == "d" else convert(q, _PER, to_unit, where)


def _vector(x: Array, axis: str, unit: str, wavelength: float, where: str) -> Array:
    """Q in 1/angstrom; nan or not positive where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if axis == "2theta":
            angle = convert(x, unit, "radian", where)
            return np.where((angle > 0) & (angle < np.pi), 4.0 * np.pi * np.sin(0.5 * angle) / wavelength, np.nan)
        return 2.0 * np.pi / convert(x, unit, "angstrom", where) if axis == "d" else convert(x, unit, _PER, where)


def after_conversion(facts: Mapping[str, float | str], unit: str, to_unit: str) -> dict[str, float | str]:
    """Facts of the instrument with what x is now."""
    changed = is_bragg(unit, to_unit, str(facts.get("axis", "")))
    return {**facts, "axis": axis_of(to_unit)} if changed else dict(facts)
