"""Columns of the data and powers of x against the data they are taken of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import DataError, nearest
from bayesbeam.io.store import Measurement

FloatArray = NDArray[np.float64]
Members = Sequence[Sequence[Measurement]]


def is_regression(spec: CandidateSpec) -> bool:
    """Whether a candidate has columns of the data or powers of x."""
    return any(part.column or part.exponent is not None for part in spec.parts)


def column_names(spec: CandidateSpec) -> tuple[str, ...]:
    """Columns of the data that a candidate needs, each once."""
    return tuple(dict.fromkeys(part.column for part in spec.parts if part.column))


def column_of(m: Measurement, name: str) -> FloatArray:
    """Column of a measurement.

    Raises
    ------
    DataError
        If it does not have it.
    """
    if name not in m.columns:
        known = ", ".join(m.columns) or "none"
        remedy = nearest(name, list(m.columns)) if m.columns else "Name it under read.columns of its treatment."
        raise DataError.at(f"measurement {m.id}", f"no column {name!r} (its columns: {known})", "one", remedy)
    return m.columns[name]


def check_powers(spec: CandidateSpec, members: Members) -> None:
    """Refuse powers that x does not have.

    Raises
    ------
    DataError
        Naming part, exponent and the first such x.
    """
    for part in spec.parts:
        if part.exponent is None:
            continue
        whole = part.exponent == int(part.exponent)
        for m in (one for group in members for one in group):
            bad = m.x <= 0.0 if not whole else m.x == 0.0 if part.exponent < 0 else np.zeros_like(m.x, dtype=np.bool_)
            if bad.any():
                found = f"x = {m.x[bad][0]:g} to the power {part.exponent:g}"
                expected = "x other than 0" if whole else "x above 0"
                remedy = "Cut these points off with range or mask, or choose another exponent."
                raise DataError.at(f"measurement {m.id}: {part.name}", found, expected, remedy)
            with np.errstate(over="ignore"):
                largest = float(np.max(np.abs(m.x) ** part.exponent))
            if not np.isfinite(largest) or largest > 1e150:
                found = f"x = {np.max(np.abs(m.x)):g} to the power {part.exponent:g}"
                remedy = "Shift or scale x (axis.offset, axis.convert_to), or lower the exponent."
                raise DataError.at(f"measurement {m.id}: {part.name}", found, "powers below 1e150", remedy)


__all__ = ["check_powers", "column_names", "column_of", "is_regression"]
