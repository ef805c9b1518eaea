"""Columns of a file on their way to a measurement, and the words for what is wrong with some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import DataError

# The fewest that a level of noise can be estimated from (four) and one more.
MIN_POINTS = 5

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """Columns on their way, with the place of each point in the file for messages.

    Attributes
    ----------
    x, y, uncertainty
        As in a measurement.
    places : ndarray (N,), int
        Line or point in the file.
    segment : ndarray (N,), int
        Number of the stretch between masks that a point lies in.
    label, place_word : str
        File and ``line`` or ``point``.
    columns : dict of str to ndarray (N,)
        Further columns by their names.
    """

    x: Array
    y: Array
    uncertainty: Array | None
    places: NDArray[np.int64]
    segment: NDArray[np.int64]
    label: str
    place_word: str
    columns: Mapping[str, Array] = field(default_factory=dict)

    def take(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Points:
        """Points chosen by a mask or an order."""
        uncertainty = None if self.uncertainty is None else self.uncertainty[kept]
        chosen = (self.x[kept], self.y[kept], uncertainty, self.places[kept], self.segment[kept])
        columns = {name: values[kept] for name, values in self.columns.items()}
        return Points(*chosen, self.label, self.place_word, columns)

    def at(self, indices: Sequence[int] | NDArray[np.intp]) -> str:
        """Names the lines of some points: ``line 17`` or ``lines 17, 18 and 4 more``."""
        places = [str(self.places[i]) for i in indices[:5]]
        more = f" and {len(indices) - 5} more" if len(indices) > 5 else ""
        return f"{self.place_word}{'s' if len(indices) > 1 else ''} {', '.join(places)}{more}"


def check_left(points: Points, left: int, step: str, unit: str) -> None:
    """Refuse a step that leaves too few points, and say where the axis runs."""
    if left < MIN_POINTS:
        axis = f"the axis runs from {number(points.x[0])} to {number(points.x[-1], unit)}"
        found = f"{step} leaves {left} of {points.x.size} points"
        raise DataError.at(points.label, found, f"at least {MIN_POINTS}", f"Check {step.split()[0]}: {axis}.")


def refuse(points: Points, bad: NDArray[np.bool_], name: str, values: Array, expected: str, remedy: str = "") -> None:
    """Refuse points with a fault, naming their lines and the first value."""
    hits = np.flatnonzero(bad)
    if hits.size:
        where = f"{points.label}: {points.at(hits)}"
        remedy = remedy or "Mend or remove these rows, or mask this part of the axis."
        raise DataError.at(where, f"{name} = {values[hits[0]]:.8g} at x = {points.x[hits[0]]:.8g}", expected, remedy)


def number(value: float, unit: str = "", digits: int = 8) -> str:
    """Number with its unit, for a sentence."""
    return f"{value:.{digits}g} {unit}".strip()
