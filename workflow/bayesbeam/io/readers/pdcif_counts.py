"""Counts and counting times behind a rate and its weights: weight = time^2 / (counts + 1), rate = counts / time.

A block of patterns measured region by region, each with a counting time of its own, can be undone exactly where times
are whole seconds. Source: Mendenhall, Powder Diffraction 33 (2018) 266, doi 10.1017/S0885715618000726.
"""

from __future__ import annotations

import numpy as np

from bayesbeam.io.readers.base import Array

_GAP = 3.0
"""A step this many times the one before begins a new region."""

_LEAST_POINTS = 5
_LONGEST_S = 10_000.0
_ROUNDED = 0.006
"""How far a rate that is written with two decimals can be off."""


def regions_of_weights(x: Array, rate: Array, weight: Array) -> tuple[Array, Array] | None:
    """Counts and counting times (N,) in seconds, None unless every region has whole counts of one whole time.

    Parameters
    ----------
    x : ndarray (N,)
        Axis; regions lie apart on it.
    rate, weight : ndarray (N,)
        Counts a second, with two decimals at least, and the weights of a fit.
    """
    if not (np.isfinite(x).all() and np.isfinite(rate).all() and (weight > 0).all() and (rate >= 0).all()):
        return None
    step = np.abs(np.diff(x))
    apart = np.flatnonzero(step[1:] > _GAP * step[:-1]) + 1
    counts, times = np.empty(x.size), np.empty(x.size)
    for region in np.split(np.arange(x.size), apart + 1):
        time = _time(rate[region], weight[region])
        if time is None:
            return None
        counts[region], times[region] = np.round(rate[region] * time), time
    return counts, times


def _time(rate: Array, weight: Array) -> float | None:
    """Whole seconds of a region, by which every rate becomes a whole count."""
    if rate.size < _LEAST_POINTS:
        return None
    product = weight * rate
    each = 0.5 * (product + np.sqrt(product**2 + 4.0 * weight))
    time = float(np.round(np.median(each)))
    if not 1.0 <= time <= _LONGEST_S:
        return None
    counts = rate * time
    whole = np.abs(counts - np.round(counts)) <= np.minimum(_ROUNDED * time, 0.45)
    weighed = np.abs(weight * (counts + 1.0) / time**2 - 1.0) <= 0.05
    return time if whole.all() and weighed.all() else None
