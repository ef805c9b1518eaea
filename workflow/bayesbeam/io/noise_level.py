"""Noise level of a curve from the curve alone. Decides nothing about the noise model of a candidate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ORDER = 3
_MAD_TO_SD = 1.482602218505602  # 1 / 0.75 quantile of the normal distribution
_CUT = 3.0
_ROUNDING = 64.0 * float(np.finfo(np.float64).eps)
_CUT_VARIANCE = 0.9733369  # variance of a standard normal truncated at +-3


def noise_level(x: Array, y: Array) -> float:
    """Standard deviation of white noise on a smooth curve, in units of y.

    Third divided differences, scaled to the variance of one point, remove any parabola through neighbouring points,
    also on uneven x. Their median absolute value starts; the root mean square of those within three
    standard deviations, corrected for the cut, refines.

    Parameters
    ----------
    x, y : ndarray (N,), N >= 4
        ``x`` ascending; of points with one x it is their differences that tell.

    Returns
    -------
    float
        Zero for a curve without noise. Standard deviation about 5 % for N = 500.

    Notes
    -----
    Where the noise varies along x this is a middle level. Features narrower than about four points count as noise.

    Source
    ------
    Difference-based estimators: Gasser, Sroka, Jennen-Steinmetz, Biometrika 73 (1986) 625, doi:10.1093/biomet/73.3.625
    (there of second order); checked against simulated noise in ``tests/unit/test_io_noise_level.py``.
    """
    difference = _scaled_differences(x, y)
    size = np.abs(difference)
    size[size <= _ROUNDING * float(np.abs(y).max())] = 0.0
    level = _MAD_TO_SD * float(np.median(size))
    if level == 0.0:  # more than half of the differences vanish: integer data with rare counts, or no noise at all
        return float(np.sqrt(np.mean(size**2)))
    for _ in range(3):
        kept = size[size <= _CUT * level]
        level = float(np.sqrt(np.mean(kept**2) / _CUT_VARIANCE))
    return level


def _apart(step: Array) -> Array:
    """Axis from 0 to 1 on which points of one x lie a little apart: weights then fall on them alone."""
    same = np.diff(step) == 0
    if not same.any():
        return step
    first = np.maximum.accumulate(np.where(np.concatenate(([True], ~same)), np.arange(step.size), 0))
    return np.asarray(step + 1e-9 * (np.arange(step.size) - first), dtype=np.float64)


def _scaled_differences(x: Array, y: Array) -> Array:
    """Third divided differences (N - 3,), each scaled so that white noise keeps its variance."""
    count = x.size - ORDER
    step = _apart((x - x[0]) / (x[-1] - x[0]))
    columns = [step[i : count + i] for i in range(ORDER + 1)]
    weights = np.empty((ORDER + 1, count))
    for j, own in enumerate(columns):
        product = np.ones(count)
        for k, other in enumerate(columns):
            if k != j:
                product *= (own - other) * x.size
        weights[j] = 1.0 / product
    weights /= np.sqrt((weights**2).sum(axis=0))
    result = np.zeros(count)
    for j in range(ORDER + 1):
        result += weights[j] * y[j : count + j]
    return result
