"""Background of a pattern: Chebyshev polynomials, and the scatter of air at low angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def chebyshev(x: FloatArray, terms: int, inverse: bool = True) -> FloatArray:
    """Columns (N, terms) of Chebyshev polynomials over the range of x; the last is 1/x instead if asked.

    Of 1/x what the polynomials have is taken out: over a short range that is nearly all of it.
    """
    scaled = (2.0 * x - x[0] - x[-1]) / (x[-1] - x[0])
    columns = np.polynomial.chebyshev.chebvander(scaled, terms - 1 - int(inverse))
    if inverse:
        basis = np.linalg.qr(columns)[0]
        own = x[0] / x
        for _ in range(2):  # once more, for what rounding left
            own = own - basis @ (basis.T @ own)
        columns = np.column_stack([columns, own / np.abs(own).max()])
    return np.asarray(columns, dtype=np.float64)


def lower_envelope(x: FloatArray, y: FloatArray, terms: int, gain: float = 1.0, rounds: int = 30) -> FloatArray:
    """Smooth curve (N,) below the lines, for a first look: a polynomial from which what lies above is left out.

    Points above the curve by more than a standard deviation of counting are pulled down to it, again and again;
    ``gain`` is what one count is in the units of ``y``.
    """
    columns = chebyshev(x, terms)
    basis = np.linalg.qr(columns)[0]
    kept = y.astype(np.float64)
    curve = kept
    for _ in range(rounds):
        curve = basis @ (basis.T @ kept)
        kept = np.minimum(y, curve + np.sqrt(gain * np.maximum(curve, gain)))
    return np.asarray(curve)
