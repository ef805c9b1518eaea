"""Writes the elimination of a small system without loops, so that a processor keeps all of its numbers at hand."""

from __future__ import annotations

LARGEST = 12
"""Parameters that are integrated out, beyond which a loop does as well."""

_HEAD = '''"""Elimination of a small system, written by bayesbeam; do not edit."""
from numba import cfunc, types
from bayesbeam.sampling.engines.scalars import log_f64
D = types.CPointer(types.float64)
'''


def reduction_source(size: int) -> str:
    """Source of ``reduction(gram, ratio, precision, out)`` for so many columns.

    ``gram`` holds the lower triangle of products of columns, the last of them what is left of the data, in rows of
    ``size + 1``; ``ratio`` the means of their priors over the standard deviations. Returns what is left of the sum of
    squares after elimination of the columns and of their priors; ``out`` gets the logarithm of the determinant, and a
    number that is large or no number where this loses digits: see normal_equations.py.
    """
    n, row = size, size + 1
    head = "@cfunc(types.float64(D, D, types.float64, D), cache=True, error_model='numpy')"
    body = [f"g{i}_{j} = gram[{i * row + j}]" for i in range(n) for j in range(i + 1)]
    body += [f"b{i} = gram[{n * row + i}]" for i in range(n)]
    body += [f"squares = gram[{n * row + n}]", "size = squares"]
    body += [f"r{i} = ratio[{i}]" for i in range(n)]
    for i in range(n):
        products = " + ".join(f"g{max(i, j)}_{min(i, j)} * r{j}" for j in range(n))
        body += [f"m{i} = {products}"]
    body += [f"size += g{i}_{i} + r{i} * r{i} * g{i}_{i}" for i in range(n)]
    body += [f"squares += r{i} * (m{i} - 2.0 * b{i})" for i in range(n)]
    body += [f"b{i} -= m{i}" for i in range(n)]
    body += ["squares *= precision", "determinant = 1.0"]
    body += [f"g{i}_{j} *= precision" for i in range(n) for j in range(i + 1)]
    body += [f"b{i} *= precision" for i in range(n)]
    for j in range(n):
        body += [f"p{j} = max(g{j}_{j} + 1.0, 1.0)", f"determinant *= p{j}", f"v{j} = 1.0 / p{j}"]
        body += [f"squares -= b{j} * b{j} * v{j}"]
        for i in range(j + 1, n):
            body += [f"f = g{i}_{j} * v{j}"]
            body += [f"g{i}_{m} -= f * g{m}_{j}" for m in range(j + 1, i + 1)]
            body += [f"b{i} -= f * b{j}"]
    body += ["out[0] = log_f64(determinant)", "out[1] = size + 0.0 * squares", "return squares"]
    return _HEAD + "\n".join([head, "def reduction(gram, ratio, precision, out):", *(f"    {line}" for line in body)])
