"""PANalytical .xrdml: one scan, or several that are added or joined; raw counts or intensities, with attenuation.

Decides which scans are meant; ``xrdml_scan`` reads one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from bayesbeam.errors import DataError
from bayesbeam.io.readers.base import RawData, ReadOptions
from bayesbeam.io.readers.counted import counted
from bayesbeam.io.readers.named import chosen
from bayesbeam.io.readers.xml_tree import read_xml
from bayesbeam.io.readers.xrdml_scan import Scan, scan_points

MOST_LISTED = 12
_SAME_DEG = 1e-6


def read_xrdml(path: Path, options: ReadOptions, label: str) -> RawData:
    """Columns of an .xrdml file.

    Raises
    ------
    DataError
        If it is no such file, is truncated, or has several scans and ``read.dataset`` does not say which.
    """
    root = read_xml(path, label)
    if root.tag != "xrdMeasurements":
        remedy = "Export the measurement as .xrdml, or as two columns of text."
        raise DataError.at(label, f"XML of <{root.tag[:60]}>", "an .xrdml file of <xrdMeasurements>", remedy)
    places = [(measured, scan) for measured in root.findall("xrdMeasurement") for scan in measured.findall("scan")]
    if not places:
        raise DataError.at(label, "no scan", "a scan with data points", "Copy the file again, or export the scan.")
    if options.dataset in _TOGETHER:
        scans = [scan_points(root, *place, k, label) for k, place in enumerate(places, 1)]
        how, together = _TOGETHER[options.dataset]
        scan, words = together(scans, label), f", {len(scans)} scans {how}"
    else:
        number = _which(places, options.dataset, label)
        scan = scan_points(root, *places[number - 1], number, label)
        words = f", scan {number} of {len(places)}" if len(places) > 1 else ""
    found = counted(
        scan.axes, scan.units, scan.main, scan.counts, scan.attenuation, scan.seconds, f"xrdml{words}", scan.stated
    )
    return chosen(found, options, label)


def _which(places: list[tuple[Element, Element]], asked: str | None, label: str) -> int:
    """Number of the scan that is meant, from 1."""
    if asked is None and len(places) == 1:
        return 1
    number = int(asked) if asked is not None and asked.isascii() and asked.isdigit() and len(asked) < 8 else 0
    if 1 <= number <= len(places):
        return number
    listed = [_words(scan, k) for k, (_, scan) in enumerate(places[:MOST_LISTED], 1)]
    more = ", ..." if len(places) > MOST_LISTED else ""
    remedy = f"Set read.dataset to a number, or to sum (equal positions) or join. Scans: {'; '.join(listed)}{more}."
    found = f"{len(places)} scans" if asked is None else f"read.dataset {asked!r} of {len(places)} scans"
    raise DataError.at(label, found, f"one scan, 1 to {len(places)}", remedy)


def _words(scan: Element, number: int) -> str:
    """How an error lists a scan."""
    axis = scan.find("dataPoints/positions")
    ends = (
        [axis.findtext(name, "?").strip()[:20] for name in ("startPosition", "endPosition")] if axis is not None else []
    )
    name = scan.get("scanAxis", "") or ("" if axis is None else axis.get("axis", ""))
    return f"{number} {name[:40]} {' to '.join(ends)}".strip()


def _added(scans: list[Scan], label: str) -> Scan:
    """Scans over equal positions as one: counts and times are added."""
    first = scans[0]
    for one in scans[1:]:
        there, here = first.axes[first.main], one.axes.get(first.main)
        if here is None or here.size != there.size or np.abs(here - there).max() > _SAME_DEG:
            ends = "none" if here is None else f"{here.size} points from {here[0]:g} to {here[-1]:g}"
            expected = f"{there.size} points from {there[0]:g} to {there[-1]:g}, as scan {first.number} has"
            raise DataError.at(
                f"{label}: scan {one.number}", ends, expected, "Set read.dataset to join, or to one scan."
            )
        if not np.array_equal(one.attenuation, first.attenuation):
            found = "other attenuation factors than in scan 1"
            raise DataError.at(f"{label}: scan {one.number}", found, "equal ones, to be added", "Read one scan a row.")
    seconds = [one.seconds for one in scans if one.seconds is not None]
    total = np.sum(seconds, axis=0) if len(seconds) == len(scans) else None
    counts = np.sum([one.counts for one in scans], axis=0)
    return Scan(first.number, first.axes, first.units, first.main, counts, first.attenuation, total, first.stated)


def _joined(scans: list[Scan], label: str) -> Scan:
    """Scans over different ranges one after the other."""
    first = scans[0]
    names = [name for name in first.axes if all(name in one.axes for one in scans)]
    if first.main not in names or any(one.units[first.main] != first.units[first.main] for one in scans):
        raise DataError.at(label, "scans of different axes", f"{first.main} in each", "Set read.dataset to one scan.")
    seconds = [one.seconds for one in scans if one.seconds is not None]
    return Scan(
        first.number,
        {name: np.concatenate([one.axes[name] for one in scans]) for name in names},
        first.units,
        first.main,
        np.concatenate([one.counts for one in scans]),
        np.concatenate([one.attenuation for one in scans]),
        np.concatenate(seconds) if len(seconds) == len(scans) else None,
        first.stated,
    )


_TOGETHER: dict[str, tuple[str, Callable[[list[Scan], str], Scan]]] = {
    "sum": ("added", _added),
    "join": ("joined", _joined),
}
