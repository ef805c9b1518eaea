"""Noise of a pattern: counts, and a model that is wrong by a share of what it predicts, over the width of a line.

A pattern never fits to counting statistics: intensities of lines, their form and their places are off by some per cent.
That misfit is alike within a line, so it is noise with a correlation, and the likelihood stays a normal density.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.noise_loops import add_misfit, whiten, whiten_few

FloatArray = NDArray[np.float64]
_FEW = 24
"""Columns up to which each is whitened by itself."""
Numbers = TypeVar("Numbers", NDArray[np.float32], NDArray[np.float64])


@dataclass(frozen=True)
class Noise:
    """Covariance of the noise (N, B+1), and its Cholesky factor ``band``: column by column, diagonal first."""

    covariance: FloatArray
    band: FloatArray

    @property
    def log_determinant(self) -> float:
        """Logarithm of the determinant of the covariance."""
        return 2.0 * float(np.log(self.band[:, 0]).sum())

    def whitened(self, columns: Numbers, threads: int = 1) -> Numbers:
        """Columns (N,) or (N, C) divided by the factor: of unit, independent noise; threads share out the columns."""
        rows: Any = columns.reshape(len(columns), -1)
        if rows.shape[1] <= _FEW:
            rows = np.array(rows.T, order="C")
            whiten_few(self.band.astype(rows.dtype, copy=False), rows)
            rows = rows.T
        else:
            rows = np.array(rows, order="C")
            self._shared_out(self.band.astype(rows.dtype, copy=False), rows, threads)
        found: Numbers = rows.reshape(columns.shape)
        return found

    @staticmethod
    def _shared_out(band: Any, rows: Any, threads: int) -> None:
        """Divide rows (N, C) in place, each thread some of the columns."""
        if threads == 1:
            whiten(band, rows, 0, rows.shape[1])
            return
        edges = [rows.shape[1] * part // threads for part in range(threads + 1)]
        with ThreadPoolExecutor(max_workers=threads) as pool:
            list(pool.map(whiten, [band] * threads, [rows] * threads, edges[:-1], edges[1:]))

    def in_pairs(self) -> Noise:
        """Noise of sums of two neighbours each; one that is left over at the end is dropped."""
        count = len(self.covariance) // 2 * 2
        wide = np.zeros((count, 2 * ((self.covariance.shape[1] + 2) // 2) + 2))
        wide[:, : self.covariance.shape[1]] = self.covariance[:count]
        first, second = wide[0::2], wide[1::2]
        sums = first[:, 0:-2:2] + first[:, 1:-1:2] + second[:, 0:-2:2]
        sums[:, 0] += first[:, 1]
        sums[:, 1:] += second[:, 1:-3:2]
        return _noise_of(sums)


@dataclass(frozen=True)
class Misfit:
    """What a model is wrong by: standard deviation (N,), alike between points nearer than ``reach`` widths."""

    sd: FloatArray
    reach: float


def noise(counts: FloatArray, misfits: Sequence[Misfit], place: FloatArray) -> Noise:
    """Noise of counts with correlated misfits.

    Parameters
    ----------
    counts : array (N,)
        Variance of counting.
    misfits : sequence of Misfit
        Independent of each other.
    place : array (N,)
        Where the points are, in units of the width of lines there, growing.

    Notes
    -----
    The correlation is Wendland's function of smoothness 2, positive definite in up to three dimensions, and on any
    axis that grows with the angle; beyond its reach it is 0.

    Source
    ------
    Wendland, Advances in Computational Mathematics 4 (1995) 389: phi_{3,1}.
    """
    reach = max((one.reach for one in misfits), default=0.0)
    farthest = np.searchsorted(place, place + reach, side="left") - np.arange(len(place))
    band = np.zeros((len(place), max(int(farthest.max()), 1)))
    for one in misfits:
        add_misfit(place, one.reach, one.sd, band)
    band[:, 0] += counts
    return _noise_of(band)


def _noise_of(covariance: FloatArray) -> Noise:
    """Noise of a covariance (N, B+1), column by column."""
    from scipy.linalg import cholesky_banded

    factor = cholesky_banded(covariance.T, lower=True, check_finite=False)
    return Noise(covariance, np.ascontiguousarray(factor.T))


def in_widths(x: FloatArray, width: FloatArray) -> FloatArray:
    """Places (N,) of points in units of the width of lines there, from 0."""
    step = np.diff(x) / (0.5 * (width[1:] + width[:-1]))
    return np.concatenate([[0.0], np.cumsum(step)])


def log_density(residual: FloatArray, law: Noise) -> float:
    """Logarithm of the density of a residual (N,)."""
    white = law.whitened(residual)
    return -0.5 * float(white @ white) - 0.5 * law.log_determinant - 0.5 * len(residual) * math.log(2.0 * math.pi)
