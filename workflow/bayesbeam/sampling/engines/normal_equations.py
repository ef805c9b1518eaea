"""The marginal likelihood from products of columns, for the fused sweep; see targets.marginal_linear."""

from __future__ import annotations

import math

from numba import njit

from bayesbeam.sampling.engines.arrays import BLOCK, Problem, Scratch
from bayesbeam.sampling.engines.calls import call_reduction, call_total, put_real, real, whole
from bayesbeam.sampling.engines.row_loops import add_times, copied, product
from bayesbeam.sampling.engines.scalars import log_f64

# Sum of squares of the data over the noise, beyond which a difference of sums is not good to 1e-5.
LARGE_SQUARES = 1e10

_helper = njit(nogil=True, forceinline=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
_plain = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_helper
def entry(gram: int, p: Problem, i: int, j: int) -> int:
    """Address of a product of the columns i and j; that of number ``linear`` is what is left of the data."""
    return gram + 8 * (i * (p.linear + 1) + j) if i >= j else gram + 8 * (j * (p.linear + 1) + i)


@_helper
def _matrix(p: Problem, w: Scratch, d: int) -> int:
    """Address of a matrix to work in, and of two vectors behind it."""
    return w.small + 8 * d * (p.linear * (p.linear + 2) + 2)


@_helper
def likelihood_of(
    p: Problem, w: Scratch, member: int, d: int, columns: int, fresh: int, k: int, span: int, rest: int, gram: int,
    phi: int,
) -> float:  # fmt: skip
    """Logarithm of the marginal likelihood from products of columns; see targets.marginal_linear.

    Columns, those of term k in ``fresh`` and between the blocks of a span, are looked at only where the difference of
    sums would lose digits.
    """
    if p.reduction_at != 0:
        level = real(phi, 0) if p.level != 0 else 1.0
        level = level if level > 0.0 else 1.0
        out = _matrix(p, w, d)
        found = call_reduction(p.reduction_at, gram, p.linear_ratio + 8 * member * p.linear, 1.0 / (level * level), out)
        # What is no number, infinite or too large for it is looked at with care.
        if real(out, 1) < LARGE_SQUARES:
            power, constant = found * level * level, real(p.constant, member)
            return call_total(p.total_at, power, constant, real(p.effective, member), phi) - 0.5 * real(out, 0)
    return _with_care(p, w, member, d, columns, fresh, k, span, rest, gram, phi)


@_plain
def _with_care(
    p: Problem, w: Scratch, member: int, d: int, columns: int, fresh: int, k: int, span: int, rest: int, gram: int,
    phi: int,
) -> float:  # fmt: skip
    """Logarithm of the marginal likelihood of any number of columns, with all digits."""
    n = p.linear
    level = real(phi, 0) if p.level != 0 else 1.0
    level = level if level > 0.0 else 1.0
    precision = 1.0 / (level * level)
    a, b = _matrix(p, w, d), _matrix(p, w, d) + 8 * n * n
    squares, largest = real(entry(gram, p, n, n), 0), 0.0
    sound = squares == squares
    for i in range(n):
        onto, own = real(entry(gram, p, n, i), 0), real(entry(gram, p, i, i), 0)
        sound = sound and own == own
        largest += own
        for j in range(i + 1):
            put_real(a, i * n + j, real(entry(gram, p, i, j), 0) * precision)
        put_real(b, i, onto)
    if sound and not largest + squares < math.inf:
        return -math.inf
    largest = squares
    for i in range(n):
        ratio = real(p.linear_ratio, member * n + i)
        if ratio != 0.0:
            # What is left of the data, less the curve at the means of the priors.
            squares -= 2.0 * ratio * real(entry(gram, p, n, i), 0)
            for j in range(n):
                product_ij = real(entry(gram, p, i, j), 0)
                squares += ratio * real(p.linear_ratio, member * n + j) * product_ij
                put_real(b, j, real(b, j) - ratio * product_ij)
            largest += ratio * ratio * real(entry(gram, p, i, i), 0)
    squares, log_determinant, determinant = squares * precision, 0.0, 1.0
    for j in range(n):
        # One at least, which no rounding undoes.
        pivot = max(real(a, j * n + j) + 1.0, 1.0)
        determinant *= pivot
        if not determinant < 1e200:
            log_determinant += log_f64(pivot) if pivot < math.inf else math.inf
            determinant /= pivot
        inverse, ahead = 1.0 / pivot, real(b, j) * precision
        put_real(a, j * n + j, inverse)
        squares -= ahead * ahead * inverse
        for i in range(j + 1, n):
            factor = real(a, i * n + j) * inverse
            for m in range(j + 1, i + 1):
                put_real(a, i * n + m, real(a, i * n + m) - factor * real(a, m * n + j))
            put_real(b, i, real(b, i) - factor * real(b, j))
    if largest > LARGE_SQUARES:
        squares = _squares(p, w, member, d, columns, fresh, k, span, rest, precision)
    total = call_total(p.total_at, squares * level * level, real(p.constant, member), real(p.effective, member), phi)
    return total - 0.5 * (log_determinant + log_f64(determinant))


@_plain
def _squares(
    p: Problem, w: Scratch, member: int, d: int, columns: int, fresh: int, k: int, span: int, rest: int,
    precision: float,
) -> float:  # fmt: skip
    """Sum of squares where it is least, without a difference of large numbers."""
    n, row = p.linear, 8 * p.points
    a, b = _matrix(p, w, d), _matrix(p, w, d) + 8 * n * n
    best, tried, total = b + 8 * n, w.tried + d * row, 0.0
    copied(tried, rest, p.points)
    for i in range(n - 1, -1, -1):
        value = real(b, i) * precision
        for m in range(i + 1, n):
            # Below the diagonal are the columns before they were divided by their pivots.
            value -= real(a, m * n + i) * real(best, m)
        value *= real(a, i * n + i)
        put_real(best, i, value)
        total += value * value
        value += real(p.linear_ratio, member * n + i)
        if k >= 0 and whole(p.linear_first, k) <= i < whole(p.linear_first, k + 1):
            at, count = 8 * BLOCK * whole(span, 0), BLOCK * (whole(span, 1) - whole(span, 0))
            add_times(tried + at, fresh + (i - whole(p.linear_first, k)) * row + at, -value, count)
        else:
            add_times(tried, columns + i * row, -value, p.points)
    return total + product(tried, tried, p.points) * precision
