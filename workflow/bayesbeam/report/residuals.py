"""Whether residuals look like noise: the check that a predictive p-value of squares cannot make."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_MAX_LAG = 24
ALIKE = 0.3  # autocorrelation of neighbours that matters: the data hold half as many independent points
_SIGNIFICANT = 5.0  # times its standard error 1/sqrt(N): never by chance


def autocorrelation(residuals: Array) -> tuple[Array, Array]:
    """Lags from one on and the autocorrelation of residuals there."""
    finite = residuals[np.isfinite(residuals)]
    centred = finite - finite.mean() if finite.size else finite
    power = float(centred @ centred)
    lags = np.arange(1, min(_MAX_LAG, finite.size // 4) + 1)
    if power == 0 or lags.size == 0:
        return np.empty(0), np.empty(0)
    return lags.astype(np.float64), np.array([float(centred[lag:] @ centred[:-lag]) / power for lag in lags])


def alike(residuals: Array) -> float | None:
    """Autocorrelation of neighbouring residuals where it is too large to be chance or to be ignored, else None."""
    lags, values = autocorrelation(residuals)
    if lags.size == 0 or values[0] < max(ALIKE, _SIGNIFICANT / np.sqrt(residuals.size)):
        return None
    return float(values[0])
