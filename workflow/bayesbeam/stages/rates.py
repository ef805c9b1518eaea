"""What a measurement is to a candidate whose curve is a rate: its exposure, and words and units in rates."""

from __future__ import annotations

import re

from bayesbeam.config.sharing import elsewhere_words
from bayesbeam.config.specs import CandidateSpec
from bayesbeam.errors import DataError
from bayesbeam.io.store import Measurement

_IN_UNITS_OF_Y = ("y_min", "y_max", "y_span", "y_mid", "noise")


def exposure_of(spec: CandidateSpec, m: Measurement) -> float:
    """What the curve is multiplied with to be in units of the data: 1, or the exposure of the noise.

    Raises
    ------
    DataError
        If the measurement does not state it.
    """
    if not spec.noise.rates:
        return 1.0
    value = spec.noise.value if spec.noise.value is not None else m.metadata.get(spec.noise.sheet)
    if not isinstance(value, float) or not value > 0:
        found = f"no exposure in the column {spec.noise.sheet} of the sheet"
        raise DataError.at(f"measurement {m.id}", found, "a number above 0", "Fill the column.")
    return value


def data_words(spec: CandidateSpec, m: Measurement) -> dict[str, float]:
    """Words that a prior of a candidate may use, and columns of numbers of the sheet, which dark counts may be.

    Those of the signal are in rates where the curve is one.
    """
    exposure = exposure_of(spec, m)
    columns = {name: value for name, value in m.metadata.items() if isinstance(value, float)}
    words = {word: value / exposure if word in _IN_UNITS_OF_Y else value for word, value in m.words().items()}
    return columns | words | elsewhere_words(spec, m.id)


def signal_unit(spec: CandidateSpec, m: Measurement) -> str:
    """Unit of the curve of a candidate: a rate says of which column of the sheet."""
    if not spec.noise.rates:
        return m.y_unit
    per = re.sub(r"\W+", "_", spec.noise.sheet) or "exposure"
    return f"{m.y_unit}/{per}" if m.y_unit not in ("", "1") else f"1/{per}"
