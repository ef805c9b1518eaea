"""Columns of a counting experiment: counts as detected, attenuation, counting times, and what follows from them.

y is the counts where they all are on one scale; behind attenuators the intensity (counts times attenuation), and with
unequal counting times the rate. The standard deviation is that of a Poisson rate with a flat prior, sqrt(counts + 1).

Source: Mendenhall, Powder Diffraction 33 (2018) 266, doi 10.1017/S0885715618000726: weight = time^2 / (counts + 1).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayesbeam.io.readers.base import Array
from bayesbeam.io.readers.instrument import kept
from bayesbeam.io.readers.named import Named


def counted(
    axes: Mapping[str, Array],
    units: Mapping[str, str],
    x: str,
    counts: Array,
    attenuation: Array | None,
    seconds: Array | None,
    dialect: str,
    stated: Mapping[str, float | str | None],
) -> Named:
    """Columns by their names.

    Parameters
    ----------
    axes, units : dict
        Positions and further columns, and their units; ``x`` is the one that is x.
    counts : ndarray (N,)
        As detected.
    attenuation, seconds : ndarray (N,) or None
        Factor by which an attenuator weakened the beam, and counting time of each point.
    dialect : str
        How the file was read, for the record.
    stated : dict
        Facts of the instrument, without those of attenuation and counting time.
    """
    factor = np.ones(counts.size) if attenuation is None else attenuation
    weakened, uneven = bool((factor != 1.0).any()), seconds is not None and bool((seconds != seconds[0]).any())
    columns, unit = {**axes, "counts": counts}, {**units, "counts": "counts"}
    not_counts: dict[str, str] = {}
    sd, y = factor * np.sqrt(np.maximum(counts, 0.0) + 1.0), "counts"
    if weakened:
        columns["attenuation"], columns["intensity"], unit["intensity"] = factor, counts * factor, "counts"
        not_counts["intensity"] = f"counts times attenuation factors up to {factor.max():g}"
        y = "intensity"
    if seconds is not None:
        columns["counting_time"], unit["counting_time"] = seconds, "s"
    if seconds is not None and uneven and (seconds > 0).all():
        columns["rate"], unit["rate"] = counts * factor / seconds, "counts/s"
        not_counts["rate"] = f"counts a second, of {seconds.min():g} to {seconds.max():g} s"
        sd, y = sd / seconds, "rate"
    facts: dict[str, float | str | None] = {"attenuation": float(factor.max()) if weakened else None}
    if seconds is not None:
        times = f"{seconds.min():g} to {seconds.max():g} s"
        facts |= {"counting_times": times} if uneven else {"counting_time_s": float(seconds[0])}
    columns["sd"], unit["sd"] = sd, unit[y]
    return Named(columns, unit, x, y, "sd", dialect, kept({**stated, **facts}), not_counts)
