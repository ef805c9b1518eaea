"""Steps of the treatment, each a pure function from points to points that also says in one sentence what it did.

A step that changes nothing says nothing. Their order is decided in ``treatment``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam import units
from bayesbeam.errors import DataError
from bayesbeam.io.bragg import axis_of, by_bragg, is_bragg
from bayesbeam.io.noise_level import noise_level
from bayesbeam.io.points import MIN_POINTS, Points, check_left, number, refuse

Interval = tuple[float, float]
Result = tuple[Points, str]


def check_axis(points: Points) -> Result:
    """Refuse x that is not finite, and too few points to begin with."""
    bad = np.flatnonzero(~np.isfinite(points.x))
    if bad.size:
        where = f"{points.label}: {points.at(bad)}"
        raise DataError.at(where, f"x = {points.x[bad[0]]}", "finite numbers", "Remove these rows or mend them.")
    if points.x.size < MIN_POINTS:
        found = f"{points.x.size} points"
        raise DataError.at(points.label, found, f"at least {MIN_POINTS}", "Check that the whole spectrum was exported.")
    return points, ""


def convert_axis(points: Points, unit: str, convert_to: str | None, facts: Mapping[str, float | str]) -> Result:
    """Convert x to another unit; 2theta, d and Q into each other with the wavelength of the instrument."""
    if convert_to is None or convert_to == unit:
        return points, ""
    where = f"{points.label}: axis"
    if not unit:
        remedy = "Set axis.unit to the unit of x in the file."
        raise DataError.at(where, f"convert_to {convert_to} without a unit", "the unit of x in the file", remedy)
    if not is_bragg(unit, convert_to, str(facts.get("axis", ""))):
        x = units.convert(points.x, unit, convert_to, where)
        return replace(points, x=x), f"Converted x from {unit} to {convert_to}."
    wavelength = facts.get("wavelength_angstrom")
    used = wavelength if isinstance(wavelength, float) else None
    x = by_bragg(points.x, unit, convert_to, used, where)
    words = f" with the wavelength {number(used, 'angstrom')}" if used and "2theta" in _axes(unit, convert_to) else ""
    return replace(points, x=x), f"Converted x from {' to '.join(_axes(unit, convert_to))}{words}, in {convert_to}."


def _axes(unit: str, convert_to: str) -> tuple[str, str]:
    """What x was and is, for a sentence."""
    return axis_of(unit), axis_of(convert_to)


def shift_axis(points: Points, offset: float, unit: str) -> Result:
    """Add a constant to x."""
    if offset == 0.0:
        return points, ""
    return replace(points, x=points.x + offset), f"Added {number(offset, unit)} to x."


def sort_axis(points: Points) -> Result:
    """Put points into ascending order of x; equal x keep the order of the file."""
    step = np.diff(points.x)
    if (step >= 0).all():
        return points, ""
    order = np.argsort(points.x, kind="stable")
    ordered = points.take(order)
    if (step < 0).all():
        return ordered, "Reversed the order of the points: x descends in the file."
    return ordered, f"Sorted the points by x: {int((step < 0).sum())} of {step.size} steps in the file go down."


def keep_range(points: Points, interval: Interval | None, unit: str) -> Result:
    """Keep the points of an interval, ends included."""
    if interval is None:
        return points, ""
    low, high = interval
    kept = (points.x >= low) & (points.x <= high)
    words = f"[{number(low)}, {number(high, unit)}]"
    check_left(points, int(kept.sum()), f"range {words}", unit)
    return points.take(kept), f"Kept the range {words}: {int(kept.sum())} of {kept.size} points."


def mask_out(points: Points, mask: Sequence[Interval], unit: str) -> Result:
    """Remove the points of some intervals, ends included, and number the stretches that remain."""
    if not mask:
        return points, ""
    inside = np.zeros(points.x.size, dtype=np.bool_)
    segment = points.segment.copy()
    for low, high in mask:
        inside |= (points.x >= low) & (points.x <= high)
        segment += points.x > high
    words = ", ".join(f"[{number(low)}, {number(high, unit)}]" for low, high in mask)
    check_left(points, int((~inside).sum()), f"mask {words}", unit)
    kept = replace(points, segment=segment).take(~inside)
    return kept, f"Masked {words}: removed {int(inside.sum())} of {inside.size} points."


def check_values(points: Points, repeats: bool = False) -> Result:
    """Refuse values that are not finite, uncertainties that are not positive, and repeated x unless they are wanted."""
    refuse(points, ~np.isfinite(points.y), "y", points.y, "finite numbers")
    if points.uncertainty is not None:
        refuse(points, ~np.isfinite(points.uncertainty), "uncertainty", points.uncertainty, "finite numbers")
        refuse(points, points.uncertainty <= 0, "uncertainty", points.uncertainty, "positive numbers")
    for name, column in points.columns.items():
        refuse(points, ~np.isfinite(column), f"column {name}", column, "finite numbers")
    same = np.flatnonzero(np.diff(points.x) <= 0)
    if repeats and same.size == points.x.size - 1:
        found = f"x = {points.x[0]:.8g} at all of its {points.x.size} points"
        raise DataError.at(points.label, found, "at least two different x", "Check read.x, range and mask.")
    if same.size and not repeats:
        values = ", ".join(f"{value:.8g}" for value in np.unique(points.x[same])[:5])
        where = f"{points.label}: {points.at(np.unique([same, same + 1]))}"
        remedy = "Average them, keep overlapping scans as two measurements, or write repeats: keep in the treatment."
        raise DataError.at(where, f"x = {values} more than once", "every x once", remedy)
    return points, f"Kept {same.size} points at an x that an earlier one has too." if same.size else ""


def check_counts(points: Points, counts: bool) -> Result:
    """Refuse negative or broken counts where the signal is said to be counts."""
    if not counts:
        return points, ""
    remedy = "Set signal.counts to false if these are not detected events as counted."
    refuse(points, points.y < 0, "counts", points.y, "counts of at least 0", remedy)
    whole = np.round(points.y)
    broken = np.abs(points.y - whole) > 1e-6 * np.maximum(1.0, np.abs(points.y))
    refuse(points, broken, "counts", points.y, "whole numbers", remedy)
    return replace(points, y=whole), ""


def rebin(points: Points, size: int, counts: bool) -> Result:
    """Join neighbouring points; bins never cross a mask, and what does not fill a bin is left out."""
    if size == 1:
        return points, ""
    starts: list[NDArray[np.intp]] = []
    for segment in np.unique(points.segment):
        inside = np.flatnonzero(points.segment == segment)
        starts.append(inside[: inside.size // size * size : size])
    first = np.concatenate(starts)
    if first.size < MIN_POINTS:
        found = f"{first.size} points after rebin {size}, of {points.x.size} before"
        raise DataError.at(points.label, found, f"at least {MIN_POINTS}", "Choose a smaller rebin.")
    members = first[:, None] + np.arange(size)[None, :]
    divisor = 1 if counts else size
    y = points.y[members].sum(axis=1) / divisor
    uncertainty = points.uncertainty
    if uncertainty is not None:
        uncertainty = np.sqrt((uncertainty[members] ** 2).sum(axis=1)) / divisor
    x = points.x[members].mean(axis=1)
    columns = {name: values[members].mean(axis=1) for name, values in points.columns.items()}
    places, segment = points.places[first], points.segment[first]
    joined = replace(points, x=x, y=y, uncertainty=uncertainty, places=places, segment=segment, columns=columns)
    left = points.x.size - members.size
    rest = f", {left} left out because they do not fill a bin" if left else ""
    how = "counts added" if counts else "y averaged"
    return joined, f"Joined every {size} neighbouring points ({how}): {points.x.size} points became {first.size}{rest}."


def attach_uncertainty(points: Points, source: str, value: float | None, unit: str) -> Result:
    """Give every point its standard deviation, or none."""
    if source == "column":
        if points.uncertainty is None:
            remedy = "Set read.uncertainty to the column, or choose another uncertainty.from."
            raise DataError.at(points.label, "no column of uncertainties", "one, for uncertainty.from column", remedy)
        return points, "Took the uncertainty of y from the file."
    if source == "counts":
        refuse(points, points.y < 0, "y", points.y, "counts of at least 0", "Choose another uncertainty.from.")
        sentence = "Set the uncertainty of y to sqrt(max(y, 1)), as for counts."
        return replace(points, uncertainty=np.sqrt(np.maximum(points.y, 1.0))), sentence
    if source == "value" and value is not None:
        same = np.full(points.x.size, float(value))
        return replace(points, uncertainty=same), f"Set the uncertainty of y to {number(value, unit)} for every point."
    if source == "estimate":
        level = noise_level(points.x, points.y)
        if not level > 0:
            remedy = "State it with uncertainty.from value."
            raise DataError.at(points.label, "no noise to estimate", "noise that differs between points", remedy)
        words = number(level, unit, digits=4)
        sentence = f"Set the uncertainty of y to {words} for every point, estimated from third differences."
        return replace(points, uncertainty=np.full(points.x.size, level)), sentence
    return points, ""


def normalise(points: Points, how: str) -> Result:
    """Divide y and its uncertainty by the maximum, the mean or the area of y."""
    if how == "none":
        return points, ""
    if how == "maximum":
        divisor = float(points.y.max())
    elif how == "mean":
        divisor = float(points.y.mean())
    else:
        divisor = float(np.sum(0.5 * (points.y[1:] + points.y[:-1]) * np.diff(points.x)))
    if not (np.isfinite(divisor) and divisor > 0):
        found = f"the {how} of y is {divisor:.6g}"
        raise DataError.at(points.label, found, "a positive number", "Choose another normalise, or none.")
    uncertainty = None if points.uncertainty is None else points.uncertainty / divisor
    done = replace(points, y=points.y / divisor, uncertainty=uncertainty)
    what = "y" if uncertainty is None else "y and its uncertainty"
    return done, f"Divided {what} by the {how} of y, {number(divisor)}."


def transform(points: Points, how: str) -> Result:
    """Natural logarithm of y; its uncertainty is the relative one of y, to first order."""
    if how == "none":
        return points, ""
    remedy = "Mask these points (mask, range), join neighbours (rebin), or leave out signal.transform."
    refuse(points, points.y <= 0, "y", points.y, "y above 0, for signal.transform log", remedy)
    uncertainty = None if points.uncertainty is None else points.uncertainty / points.y
    also = "" if uncertainty is None else "; its uncertainty is that of y over y"
    return replace(points, y=np.log(points.y), uncertainty=uncertainty), f"Took the natural logarithm of y{also}."
