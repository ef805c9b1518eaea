"""Loops over rows of points in double precision, for parameters that are integrated out."""

from __future__ import annotations

import numpy as np
from numba import njit

from bayesbeam.sampling.engines.arrays import BLOCK
from bayesbeam.sampling.engines.calls import reals, singles
from bayesbeam.sampling.engines.scalars import FLAGS

_loop = njit(
    nogil=True, fastmath=FLAGS | {"reassoc"}, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
)


@_loop
def product(first: int, second: int, count: int) -> float:
    """Sum of the products of two rows."""
    x, y = reals(first, count), reals(second, count)
    total = 0.0
    for i in range(count // BLOCK * BLOCK):
        total += x[i] * y[i]
    return total


@_loop
def add_times(out: int, row: int, factor: float, count: int) -> None:
    """Add a row times a factor."""
    x, y = reals(out, count), reals(row, count)
    for i in range(count // BLOCK * BLOCK):
        x[i] += factor * y[i]


@_loop
def over_noise_single(out: int, shape: int, inverse_sd: int, size: float, count: int) -> None:
    """A curve of single precision over the noise; nothing at points that do not count."""
    x, y, w = reals(out, count), singles(shape, count), singles(inverse_sd, count)
    for i in range(count // BLOCK * BLOCK):
        x[i] = size * np.float64(y[i]) * np.float64(w[i]) if w[i] > 0 else 0.0


@_loop
def over_noise_double(out: int, shape: int, inverse_sd: int, size: float, count: int) -> None:
    """A curve of double precision over the noise; nothing at points that do not count."""
    x, y, w = reals(out, count), reals(shape, count), reals(inverse_sd, count)
    for i in range(count // BLOCK * BLOCK):
        x[i] = size * y[i] * w[i] if w[i] > 0 else 0.0


@_loop
def copied(out: int, row: int, count: int) -> None:
    """Copy numbers."""
    x, y = reals(out, count), reals(row, count)
    for i in range(count):
        x[i] = y[i]


@_loop
def cleared(out: int, count: int) -> None:
    """Set numbers to zero."""
    x = reals(out, count)
    for i in range(count):
        x[i] = 0.0
