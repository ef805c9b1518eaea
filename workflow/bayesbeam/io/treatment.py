"""From the columns of a file to the points of a measurement: which steps, in which order.

Order: convert, offset, sort, range, mask, checks, rebin, uncertainty, normalise, logarithm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesbeam.io import steps as do
from bayesbeam.io.noise_level import noise_level
from bayesbeam.io.points import Points
from bayesbeam.io.readers.base import RawData
from bayesbeam.units import resolve_unit

Interval = tuple[float, float]


@dataclass(frozen=True)
class Steps:
    """What is to be done; the words are those of a treatment in a campaign.

    Attributes
    ----------
    unit, convert_to : str or None
        Unit of x in the file, and the unit wanted.
    offset : float
        Added to x, in the unit after conversion.
    range, mask
        Kept interval and removed intervals of x, ends included, after conversion and offset.
    repeats : bool
        Whether several points may have the same x.
    rebin : int
        Neighbouring points joined into one: counts are added, other signals averaged.
    counts : bool
        Whether y are counted events.
    source, value
        Where the uncertainty comes from: ``none column counts value estimate``; ``value`` is that of a point after
        rebinning.
    normalise : str
        ``none maximum area mean``.
    transform : str
        ``none log``.
    columns : tuple of str
        Names of the further columns; those of joined points are averaged.
    """

    unit: str = ""
    convert_to: str | None = None
    offset: float = 0.0
    range: Interval | None = None
    mask: tuple[Interval, ...] = ()
    repeats: bool = False
    rebin: int = 1
    counts: bool = False
    source: str = "none"
    value: float | None = None
    normalise: str = "none"
    transform: str = "none"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Treated:
    """Treated points, their units, whether they still are counts, the noise level, and the sentences."""

    points: Points
    x_unit: str
    y_unit: str
    counts: bool
    noise_estimate: float
    sentences: tuple[str, ...]


def treat(raw: RawData, steps: Steps, y_unit: str, label: str) -> Treated:
    """Do all steps in their fixed order.

    Raises
    ------
    DataError
        For data that cannot be used: not finite, repeated x, too few points, negative counts, bad uncertainties ...
    """
    uncertainty = raw.uncertainty if steps.source == "column" else None
    segment = np.zeros(raw.x.size, dtype=np.int64)
    columns = dict(zip(steps.columns, raw.columns, strict=True))
    points = Points(raw.x, raw.y, uncertainty, raw.places, segment, label, raw.place_word, columns)
    x_unit = steps.convert_to or steps.unit
    sentences: list[str] = []
    todo: list[Callable[[Points], do.Result]] = [
        do.check_axis,
        lambda p: do.convert_axis(p, steps.unit, steps.convert_to, raw.instrument),
        lambda p: do.shift_axis(p, steps.offset, x_unit),
        do.sort_axis,
        lambda p: do.keep_range(p, steps.range, x_unit),
        lambda p: do.mask_out(p, steps.mask, x_unit),
        lambda p: do.check_values(p, steps.repeats),
        lambda p: do.check_counts(p, steps.counts),
        lambda p: do.rebin(p, steps.rebin, steps.counts),
        lambda p: do.attach_uncertainty(p, steps.source, steps.value, y_unit),
        lambda p: do.normalise(p, steps.normalise),
        lambda p: do.transform(p, steps.transform),
    ]
    for step in todo:
        points, sentence = step(points)
        if sentence:
            sentences.append(sentence)
    units_after = {"none": y_unit, "area": resolve_unit("1/x", x_unit, "")}
    return Treated(
        points=points,
        x_unit=x_unit,
        y_unit="1" if steps.transform == "log" else units_after.get(steps.normalise, "1"),
        counts=steps.counts and steps.normalise == "none" and steps.transform == "none",
        noise_estimate=noise_level(points.x, points.y),
        sentences=tuple(sentences),
    )
