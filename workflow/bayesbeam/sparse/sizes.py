"""Prior of supports: a distribution of their size, and every support of a size as likely as any other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]


def supports_of_size(columns: int, most: int) -> list[int]:
    """Numbers of supports of 0 to ``most`` columns, exact."""
    if not 1 <= most <= columns:
        expected = f"1 to {columns}, the number of columns that may be in or not"
        raise ModelError.at("most", f"supports of up to {most} columns", expected, "")
    return [math.comb(columns, size) for size in range(most + 1)]


def log_choices(columns: int, most: int) -> FloatArray:
    """Logarithms of the numbers of supports of 0 to ``most`` columns."""
    return np.array([math.log(count) for count in supports_of_size(columns, most)])


def equal_sizes(columns: int, most: int) -> FloatArray:
    """Log prior probabilities of sizes 0 to ``most``, all the same."""
    return np.full(len(supports_of_size(columns, most)), -math.log(most + 1.0))


def each_column(columns: int, most: int, probability: float) -> FloatArray:
    """Log prior probabilities of sizes where each column is in with a probability, given that at most ``most`` are.

    All sizes up to the number of columns, or fewer: then it is the distribution cut off and normalised again.
    """
    if not 0.0 < probability < 1.0:
        raise ModelError.at("probability of a column", repr(probability), "a number between 0 and 1", "")
    size = np.arange(most + 1)
    log = log_choices(columns, most) + size * math.log(probability) + (columns - size) * math.log1p(-probability)
    return normalised(log)


def falling_sizes(columns: int, most: int, ratio: float) -> FloatArray:
    """Log prior probabilities of sizes of which each is ``ratio`` times as likely as the one before it."""
    if not (math.isfinite(ratio) and ratio > 0.0):
        raise ModelError.at("ratio of sizes", repr(ratio), "a number above 0", "")
    size = np.arange(len(supports_of_size(columns, most)), dtype=np.float64)
    return normalised(size * math.log(ratio))


def normalised(log: FloatArray) -> FloatArray:
    """Logarithms of weights that add up to 1."""
    found: FloatArray = log - log_sum(log)
    return found


def log_sum(log: FloatArray) -> float:
    """Logarithm of the sum of exponentials."""
    top = float(np.max(log))
    return top if math.isinf(top) else top + math.log(float(np.exp(log - top).sum()))


def log_prior_of_one(log_size: FloatArray, columns: int) -> FloatArray:
    """Log prior probability of one support of each size, from those of the sizes (K+1,).

    Raises
    ------
    ModelError
        If the sizes' probabilities do not add up to 1.
    """
    if not abs(math.expm1(log_sum(log_size))) < 1e-9:
        found = f"probabilities of sizes that add up to {math.exp(log_sum(log_size)):.6g}"
        raise ModelError.at("prior of sizes", found, "1", "")
    found_one: FloatArray = log_size - log_choices(columns, len(log_size) - 1)
    return found_one
