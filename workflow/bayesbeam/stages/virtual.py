"""Data of measurements that nobody made: drawn from a model, or thinned from measured counts.

Decides the numbers alone, each fixed by the seed and the id, so that more replicates leave the others as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from bayesbeam.config.sheet import MeasurementRow
from bayesbeam.config.truth import Truth
from bayesbeam.errors import DataError
from bayesbeam.io.readers import RawData
from bayesbeam.rng import stream_key, uniforms

FloatArray = NDArray[np.float64]
_BELOW_ONE = 1.0 - 2.0**-53


def simulated(row: MeasurementRow, truth: Truth, x: FloatArray) -> RawData:
    """Columns of a simulated measurement, as a reader would have found them.

    Parameters
    ----------
    row : MeasurementRow
        Says which level and replicate.
    truth : Truth
        The model that is true.
    x : ndarray (N,)
        Axis.
    """
    made = row.made
    assert made is not None
    curve, u = truth.curve(x), random_numbers(made.seed, row.id, x.size)
    if made.column == "exposure":
        y = stats.poisson.ppf(u, made.level * curve)
    else:
        y = curve + made.level * stats.norm.ppf(u)
    places = np.arange(1, x.size + 1)
    return RawData(
        x=x, y=np.asarray(y, dtype=np.float64), uncertainty=None, places=places, place_word="point", x_name="x",
        y_name="y", uncertainty_name="", x_unit="", y_unit="", dialect="simulated",
    )  # fmt: skip


def simulated_sentence(row: MeasurementRow, truth: Truth) -> str:
    """Return what was done, for the treatment record."""
    made = row.made
    assert made is not None
    what = "Poisson counts at exposure" if made.column == "exposure" else "Normal noise of standard deviation"
    return f"Simulated from {truth.expanded.tag}: {what} {made.level:g}, replicate {made.replicate}, seed {made.seed}."


def thinned(raw: RawData, row: MeasurementRow, label: str) -> RawData:
    """Measured columns with each count kept by chance, as a shorter measurement would have given them.

    Parameters
    ----------
    raw : RawData
        The whole measurement.
    row : MeasurementRow
        Says which share of the time.
    label : str
        What messages call the file.

    Raises
    ------
    DataError
        If y are no counts.

    Notes
    -----
    y ~ Poisson(a) and z | y ~ Binomial(y, p) give z ~ Poisson(p a), exactly (Kingman, Poisson Processes, 1993, ch. 5).
    """
    assert row.made is not None
    good = np.isfinite(raw.y)
    if np.any(raw.y[good] < 0) or np.any(raw.y[good] != np.round(raw.y[good])):
        place = int(np.flatnonzero(good & ((raw.y < 0) | (raw.y != np.round(raw.y))))[0])
        where, found = f"{label} {raw.place_word} {raw.places[place]}", f"y = {raw.y[place]:g}, which is no count"
        raise DataError.at(where, found, "whole numbers of at least 0, to be thinned", "Thin raw counts only.")
    u = random_numbers(row.made.seed, row.id, raw.y.size)
    kept = np.where(good, stats.binom.ppf(u, np.where(good, raw.y, 0.0), row.made.share), raw.y)
    return replace(raw, y=kept)


def thinned_sentence(row: MeasurementRow) -> str:
    """Return what was done, for the treatment record."""
    made = row.made
    assert made is not None
    return f"Kept each count with probability {made.share:g}: replicate {made.replicate}, seed {made.seed}."


def random_numbers(seed: int, identifier: str, count: int) -> FloatArray:
    """Return uniform numbers (N,) in (0, 1) with 53 random bits, fixed by seed and id alone."""
    key = torch.tensor(stream_key(seed, "virtual measurement", identifier), dtype=torch.int64)
    first, second = uniforms(key, 1, 1, torch.arange(count), torch.zeros(1, dtype=torch.int64), words=2).reshape(2, -1)
    return np.minimum((first + (second - 0.5) * 2.0**-32).numpy(), _BELOW_ONE)
