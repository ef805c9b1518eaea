"""A measurement as the workflow knows it: points, units, treatment, provenance. Knows no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import StoreError

Array = NDArray[np.float64]


def _nothing() -> Array:
    """Return an empty column."""
    return np.empty(0, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Measurement:
    """One data set with units, treatment and provenance.

    Attributes
    ----------
    id : str
        Name of the measurement, a valid file name.
    x, y : ndarray (N,), float64
        Axis, strictly ascending, and signal; empty in a refused measurement.
    uncertainty : ndarray (N,), float64, or None
        Standard deviation of each ``y``, positive, same unit.
    x_quantity, x_unit, y_quantity, y_unit : str
        Names and units for display, e.g. ``binding energy``, ``eV``.
    counts : bool
        Whether ``y`` are counts as they were detected, so that Poisson noise makes sense.
    decreasing : bool
        Whether the axis is customarily drawn from right to left.
    noise_estimate : float
        Robust estimate of the standard deviation of ``y`` from the data alone, in units of ``y``.
    metadata : dict
        Columns of the sheet that are not ours.
    treatment : tuple of str
        One sentence for each step that was done to the data, in order.
    provenance : dict
        Input file name, its sha256, key, code version, format version.
    status : str
        ``ok`` or ``refused``.
    reason : str
        Why it was refused, empty when ok.
    columns : dict of str to ndarray (N,)
        Further columns of the file, by the names that the campaign gives them.
    instrument : dict
        What the data file says of the instrument, such as ``wavelength_angstrom``; empty if it says nothing.
    """

    id: str
    x: Array = field(default_factory=_nothing)
    y: Array = field(default_factory=_nothing)
    uncertainty: Array | None = None
    x_quantity: str = "x"
    x_unit: str = "1"
    y_quantity: str = "intensity"
    y_unit: str = "1"
    counts: bool = False
    decreasing: bool = False
    noise_estimate: float = float("nan")
    metadata: Mapping[str, str | float] = field(default_factory=dict)
    treatment: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    status: str = "ok"
    reason: str = ""
    columns: Mapping[str, Array] = field(default_factory=dict)
    instrument: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether this measurement has no usable data."""
        return self.status == "refused"

    def words(self) -> dict[str, float]:
        """Words that a prior may use, from the data themselves (``x_step`` is the median step) and their exposure."""
        return dict(self._words)

    @cached_property
    def _words(self) -> dict[str, float]:
        """The same, found once: every prior of every candidate asks for them."""
        x, y = self.x, self.y
        if x.size == 0:
            raise StoreError.at(f"measurement {self.id}", "has no data points", "a measurement that was not refused")
        exposure = self.metadata.get("exposure")
        return {
            **({"exposure": exposure} if isinstance(exposure, float) else {}),
            "x_min": float(x[0]),
            "x_max": float(x[-1]),
            "x_span": float(x[-1] - x[0]),
            "x_mid": float(0.5 * (x[0] + x[-1])),
            "x_step": float(np.median(np.diff(np.unique(x)))) if np.ptp(x) > 0 else 0.0,
            "y_min": float(y.min()),
            "y_max": float(y.max()),
            "y_span": float(y.max() - y.min()),
            "y_mid": float(0.5 * (y.max() + y.min())),
            "noise": float(self.noise_estimate),
            "n_points": float(x.size),
        }
