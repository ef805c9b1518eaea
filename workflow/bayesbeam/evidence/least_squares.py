"""Least squares by orthogonal factors, and the normal distribution of coefficients that it stands for.

Columns are scaled first; normal equations would lose twice the digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]
# A column, scaled to length 1, of which less than this is left beside those before it is one that they make up.
_SINGULAR = 1e-14


@dataclass(frozen=True)
class Normal:
    """Normal distribution of coefficients: mean (P,), and an upper triangle R (P, P) of which R'R is the precision."""

    mean: FloatArray
    triangle: FloatArray

    @property
    def root(self) -> FloatArray:
        """Upper triangle (P, P) of which root root' is the covariance."""
        return np.asarray(np.linalg.inv(self.triangle), dtype=np.float64)

    @property
    def covariance(self) -> FloatArray:
        """Covariance (P, P)."""
        root = self.root
        found: FloatArray = root @ root.T
        return found

    @property
    def sd(self) -> FloatArray:
        """Standard deviations (P,)."""
        found: FloatArray = np.sqrt(np.square(self.root).sum(1))
        return found

    def predict(self, design: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (M,) of the curve at the rows of a design (M, P), without noise."""
        rows = np.asarray(design, dtype=np.float64)
        return rows @ self.mean, np.sqrt(np.square(rows @ self.root).sum(1))

    def draw(self, count: int, generator: np.random.Generator) -> FloatArray:
        """Independent draws (count, P)."""
        found: FloatArray = self.mean + generator.standard_normal((count, len(self.mean))) @ self.root.T
        return found


@dataclass(frozen=True)
class Fit:
    """Least squares: coefficients as a :class:`Normal` for unit noise, and the least sum of squares."""

    normal: Normal
    squares: float

    @property
    def log_determinant(self) -> float:
        """Logarithm of the determinant of the triangle."""
        return float(np.log(np.abs(np.diag(self.normal.triangle))).sum())


def least_squares(design: ArrayLike, y: ArrayLike, names: Sequence[str] = ()) -> Fit:
    """Least squares by Householder's factors of the scaled design, refined in longer arithmetic.

    Parameters
    ----------
    design : array (N, P)
        Columns of the model, of full rank.
    y : array (N,)
    names : sequence of str
        Of the columns, for the error.

    Raises
    ------
    ModelError
        If columns are zero, not finite, or made up of others; it says which.

    Notes
    -----
    Residuals of the four rounds are in the processor's longest numbers, so that what rounding has cost in the first
    solution comes back (Bjorck, BIT 7 (1967) 257, equations 3.1 to 3.4). Checked against: NIST StRD in
    ``tests/exact/test_closed_form.py``.
    """
    matrix, values = numbers_of(design, y)
    scale = np.sqrt(np.square(matrix).sum(0))
    scale[scale == 0.0] = 1.0
    scaled = matrix / scale
    q, triangle = np.linalg.qr(scaled)
    _check_rank(triangle, names)
    solution = np.linalg.solve(triangle, q.T @ values)
    wide, residual = scaled.astype(np.longdouble), values - scaled @ solution
    total, rest = solution.astype(np.longdouble), residual.astype(np.longdouble)
    for _ in range(4):
        # Of [I X; X' 0] [rest; total] = [values; 0] what is not fulfilled yet, and the solution for that.
        lack = np.asarray(values.astype(np.longdouble) - rest - wide @ total, dtype=np.float64)
        slope = np.asarray(-(wide.T @ rest), dtype=np.float64)
        bound = np.linalg.solve(triangle.T, slope)
        step = np.linalg.solve(triangle, q.T @ lack - bound)
        total += step
        rest += lack - scaled @ step
    squares = float((rest * rest).sum())
    return Fit(Normal(np.asarray(total / scale, dtype=np.float64), triangle * scale), squares)


def numbers_of(design: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Design (N, P) and data (N,), finite and of one length."""
    matrix, values = np.asarray(design, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if matrix.ndim != 2 or values.shape != matrix.shape[:1] or 0 in matrix.shape:
        found = f"arrays {matrix.shape} and {values.shape}"
        raise ModelError.at("linear regression", found, "a design (N, P) and data (N,)", "")
    for name, one in (("design", matrix), ("y", values)):
        if not np.isfinite(one).all():
            place = np.argwhere(~np.isfinite(one))[0].tolist()
            raise ModelError.at(f"{name} at {place}", "a number that is not finite", "finite ones", "Leave it out.")
    return matrix, values


def _check_rank(triangle: FloatArray, names: Sequence[str]) -> None:
    """Refuse a design in which columns, scaled to length 1, are made up of those before them."""
    left = np.abs(np.diag(triangle))
    if len(left) == len(triangle.T) and (left > _SINGULAR).all():
        return
    words = [names[j] if j < len(names) else f"column {j + 1}" for j in range(triangle.shape[1])]
    bad = int(np.argmax(left <= _SINGULAR)) if (left <= _SINGULAR).any() else len(left)
    made_of = [words[j] for j in _made_of(triangle, bad)]
    found = f"{words[bad]}, which is made up of {', '.join(made_of)}" if made_of else f"{words[bad]}, which is zero"
    raise ModelError.at("design", found, "columns that differ", f"Leave {words[bad]} out, or give it a prior.")


def _made_of(triangle: FloatArray, bad: int) -> list[int]:
    """Columns that a column is a sum of, as far as those before it are regular."""
    if bad == 0:
        return []
    shares = np.linalg.solve(triangle[:bad, :bad], triangle[:bad, bad])
    return [j for j in range(bad) if abs(shares[j]) > 1e-9]


__all__ = ["Fit", "Normal", "least_squares", "numbers_of"]
