"""Points of one scan of an .xrdml file: positions of its axes, counts, attenuation factors, counting times.

Versions 1 of the format keep intensities already multiplied by the attenuation factors, versions 2 raw counts that are
not; both become counts as detected.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.readers.base import MAX_POINTS, Array
from bayesbeam.io.readers.xrdml_facts import facts

_UNITS = {"deg": "degree", "rad": "radian", "mm": "mm"}


@dataclass(frozen=True, eq=False)
class Scan:
    """Points of one scan: positions of the axes that move, counts as detected, attenuation, seconds a point."""

    number: int
    axes: dict[str, Array]
    units: dict[str, str]
    main: str
    counts: Array
    attenuation: Array
    seconds: Array | None
    stated: dict[str, float | str | None]


def scan_points(root: Element, measured: Element, scan: Element, number: int, label: str) -> Scan:
    """Points of one scan."""
    label = f"{label}: scan {number}"
    points = scan.find("dataPoints")
    kind = next(
        (name for name in ("counts", "intensities") if points is not None and points.find(name) is not None), ""
    )
    if points is None or not kind:
        raise DataError.at(label, "neither counts nor intensities", "measured points", "Choose another scan.")
    values = _list(points.findtext(kind), kind, label)
    count = values.size
    if not 1 < count <= MAX_POINTS:
        raise DataError.at(label, f"{count} points", f"2 to {MAX_POINTS}", "Choose another scan.")
    axes, units = {}, {}
    for place in points.findall("positions"):
        name = place.get("axis", "")[:40]
        moved = _positions(place, count, f"{label}: axis {name}")
        if moved is not None and name not in axes:
            axes[name], units[name] = moved, _UNITS.get(place.get("unit", ""), "")
    main = _main_axis(axes, scan.get("scanAxis", ""), label)
    factors = _each(points, "commonBeamAttenuationFactor", "beamAttenuationFactors", count, label)
    attenuation = np.ones(count) if factors is None else factors
    if (attenuation <= 0).any():
        remedy = "Copy the file again; it is damaged."
        raise DataError.at(label, f"an attenuation factor of {attenuation.min():g}", "factors above 0", remedy)
    counts = values if kind == "counts" else values / attenuation
    seconds = _each(points, "commonCountingTime", "countingTimes", count, label)
    return Scan(number, axes, units, main, counts, attenuation, seconds, facts(root, measured, scan, main))


def _list(text: str | None, name: str, label: str) -> Array:
    """Numbers of a list in an element."""
    words = (text or "").split()
    try:
        return np.array(words, dtype=np.float64)
    except ValueError as problem:
        bad = next((word for word in words if not _is_number(word)), "")
        where = f"{label}: <{name}>"
        raise DataError.at(where, repr(bad[:40]), "numbers", "Copy the file again; it is damaged.") from problem


def _is_number(word: str) -> bool:
    """Whether numpy takes a word for a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def _each(points: Element, common: str, listed: str, count: int, label: str) -> Array | None:
    """A quantity of every point, given once or as a list; None if the file does not have it."""
    name = listed if points.find(listed) is not None else common
    values = _list(points.findtext(name), name, label)
    if values.size == 0:
        return None
    if not np.isfinite(values).all():
        raise DataError.at(f"{label}: <{name}>", "a value that is not finite", "numbers", "Copy the file again.")
    if name == common:
        return np.full(count, values[0])
    if values.size != count:
        remedy = "Copy the file again; it is truncated."
        raise DataError.at(f"{label}: <{name}>", f"{values.size} values", f"one for each of {count} points", remedy)
    return values


def _positions(place: Element, count: int, label: str) -> Array | None:
    """Positions of an axis at every point, None of an axis that stands still."""
    if place.find("listPositions") is not None:
        values = _list(place.findtext("listPositions"), "listPositions", label)
        if values.size != count:
            remedy = "Copy the file again; it is truncated."
            raise DataError.at(label, f"{values.size} positions", f"one for each of {count} points", remedy)
        return values
    if place.find("startPosition") is None:
        return None
    ends = [_list(place.findtext(name), name, label) for name in ("startPosition", "endPosition")]
    if any(end.size != 1 or not np.isfinite(end).all() for end in ends):
        raise DataError.at(label, "no start or no end", "both positions", "Copy the file again; it is damaged.")
    return None if ends[0][0] == ends[1][0] else np.linspace(ends[0][0], ends[1][0], count)


def _main_axis(axes: dict[str, Array], scan_axis: str, label: str) -> str:
    """The axis that is x: 2Theta where it moves, else the one that the scan is named after, else the only one."""
    for name in ("2Theta", scan_axis):
        if name in axes:
            return name
    if len(axes) == 1:
        return next(iter(axes))
    found = f"no axis that moves, or none called 2Theta or {scan_axis!r}"
    names = f"Axes: {', '.join(axes)}." if axes else ""
    raise DataError.at(label, found, "positions of the points", f"Choose another scan. {names}".strip())
