"""Units: conversion of an axis (energy, wavelength and wavenumber included) and units of derived parameters.

A unit is a product of words with powers: ``eV``, ``1/cm``, ``cm-1``, ``counts/s``, ``1/angstrom^2``. Conversions are
done by pint, which is loaded at the first one; its own parser only ever sees single words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DataError, nearest

Factors = dict[str, int]

_TERM = re.compile(
    r"(?P<word>[^\W\d_][^\W\d]*\.?|[°%]C?)(?:\s*(?:\*\*|\^)?\s*(?P<power>[+-]?\d{1,2})(?![\w.]))?|1(?![\w.])"
)
_BETWEEN = re.compile(r"\s*([*/·\s])\s*")
_FAMILIAR = (
    "eV meV keV MeV J nm angstrom pm um mm cm m Hz kHz MHz GHz THz s ms us ns ps fs min h degree radian mrad "
    "K degC V mV mA T mT counts cps Pa bar mol"
).split()
_ALIASES = {"Ang": "angstrom", "Angstrom": "angstrom", "°C": "degC", "°": "degree", "ev": "eV", "kev": "keV"}
_MAX_LENGTH = 64


def resolve_unit(unit: str, x_unit: str, y_unit: str) -> str:
    """Unit of a parameter for display, from its expression in the words ``x`` and ``y``.

    Parameters
    ----------
    unit : str
        ``x``, ``y``, ``1/x^2``, ``x*y``, ``1`` ...; other words stay as they are, and so does ``/[name]`` at the end,
        over the unit of a column of the data that has this name.
    x_unit, y_unit : str
        Units of the measurement, in any spelling; a text that is no product of units is kept in brackets.

    Returns
    -------
    str
        E.g. ``1/eV^2``, ``counts eV``, ``1``.
    """
    unit, over, column = unit.partition("/[")
    total: Factors = {}
    meaning = {"x": factors_of(x_unit), "y": factors_of(y_unit)}
    for word, power in factors_of(unit).items():
        for factor, inner in meaning.get(word, {word: 1}).items():
            total[factor] = total.get(factor, 0) + power * inner
    return _spelled(total) + over + column


def convert(values: NDArray[np.float64], from_unit: str, to_unit: str, where: str = "unit") -> NDArray[np.float64]:
    """Values in another unit; photon energy, wavelength, wavenumber and frequency are converted into each other.

    Parameters
    ----------
    values : ndarray
        Numbers in ``from_unit``.
    from_unit, to_unit : str
        Units as in the module docstring.
    where : str
        Place for the error message.

    Raises
    ------
    DataError
        If a unit is unknown, the two do not fit each other, or a value has no finite counterpart.
    """
    if factors_of(from_unit) == factors_of(to_unit):
        return np.asarray(values, dtype=np.float64)
    source, target = _pint_unit(from_unit, where), _pint_unit(to_unit, where)
    import pint

    try:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            converted = _registry().Quantity(np.array(values, dtype=np.float64), source).to(target, "spectroscopy")
    except (pint.PintError, ZeroDivisionError) as problem:
        remedy = "Check axis.unit and axis.convert_to."
        found = f"{from_unit} cannot become {to_unit}"
        raise DataError.at(where, found, "two units of the same kind", remedy) from problem
    result = np.asarray(converted.magnitude, dtype=np.float64)
    photon = bool(source.dimensionality != target.dimensionality)
    _check_counterparts(np.asarray(values), result, from_unit, to_unit, where, photon)
    return result


def check_unit(unit: str, where: str = "unit") -> None:
    """Raise DataError, with the nearest valid word, if a unit is not known."""
    _pint_unit(unit, where)


def same_unit(one: str, other: str) -> bool:
    """Whether two spellings mean the same known unit, or are the same text."""
    if factors_of(one) == factors_of(other):
        return True
    try:
        return bool(_pint_unit(one, "") == _pint_unit(other, ""))
    except DataError:
        return False


def _check_counterparts(
    values: NDArray[np.float64], result: NDArray[np.float64], from_unit: str, to_unit: str, where: str, photon: bool
) -> None:
    """Refuse values without counterpart, such as a photon energy of zero or less as a wavelength."""
    bad = np.flatnonzero(~np.isfinite(result) | (photon & (values <= 0)))
    if bad.size:
        found = f"{values[bad[0]]:g} {from_unit} has no counterpart in {to_unit}"
        raise DataError.at(where, found, "positive values", "Check axis.offset, or take these points out of the file.")


def _factors(text: str) -> Factors:
    """Words and powers of a product of units; ValueError if it is none."""
    if len(text) > _MAX_LENGTH:
        raise ValueError("too long")
    factors: Factors = {}
    position, sign = 0, 1
    text = text.strip()
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None:
            raise ValueError(text)
        word = term["word"]
        if word:
            factors[word] = factors.get(word, 0) + sign * int(term["power"] or 1)
        position = term.end()
        between = _BETWEEN.match(text, position)
        if between is None and position < len(text):
            raise ValueError(text)
        if between is not None:
            position, sign = between.end(), -1 if between[1] == "/" else 1
            if position == len(text):
                raise ValueError(text)
    return {word: power for word, power in factors.items() if power}


def factors_of(text: str) -> Factors:
    """Words of a unit with their powers; a text that is no product of units is one word."""
    try:
        return _factors(text)
    except ValueError:
        return {text.strip(): 1}


def _spelled(factors: Factors) -> str:
    """Text of a product of units."""
    alone = sum(power != 0 for power in factors.values()) == 1
    above = " ".join(_power(word, power, alone) for word, power in factors.items() if power > 0)
    below = "".join(f"/{_power(word, -power, False)}" for word, power in factors.items() if power < 0)
    return (above or "1") + below


def _power(word: str, power: int, alone: bool) -> str:
    """Text of one factor; a word that is no unit goes into brackets unless it stands alone."""
    if not (alone and power == 1) and not _TERM.fullmatch(word):
        word = f"({word})"
    return word if power == 1 else f"{word}^{power}"


@lru_cache(maxsize=1)
def _registry() -> Any:
    """Pint's registry, made at the first conversion."""
    import pint

    return pint.UnitRegistry()


def _pint_unit(unit: str, where: str) -> Any:
    """Pint's unit for a product of words."""
    import pint

    try:
        factors = _factors(unit)
    except ValueError as problem:
        remedy = "Write it like eV, 1/cm, angstrom^-1 or counts/s."
        raise DataError.at(where, f"unit {unit!r}", "a product of units", remedy) from problem
    registry = _registry()
    result = registry.Unit("")
    for word, power in factors.items():
        try:
            result = result * registry.parse_units(_ALIASES.get(word, word)) ** power
        except (pint.PintError, AttributeError, ValueError, TypeError) as problem:
            raise DataError.at(where, f"unknown unit {word!r}", "a unit", nearest(word, _FAMILIAR)) from problem
    return result
