"""What is true and what is believed in the figures of this campaign: parameters of our own, said in every caption."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesbeam.evidence.mesoscopic import Nested

FloatArray = NDArray[np.float64]
SLOPE, INTERCEPT, HALF = 1.0, 0.3, 10.0
OURS = "a = 1, flat priors from -10 to 10, mean of x² 1: parameters of our own, not of the source"


def selection(points: ArrayLike, intercept: ArrayLike, sigma: ArrayLike) -> Nested:
    """Choice of a x + b against a x, of numbers or arrays of them."""
    n, b, s = (np.asarray(one, dtype=np.float64) for one in (points, intercept, sigma))
    return Nested(n, 1, 1, np.log(n / s**2), math.log(2.0 * HALF), n * np.square(b / s))


def integration_of_two(
    points: tuple[ArrayLike, ArrayLike], sigma: tuple[ArrayLike, ArrayLike], apart: tuple[ArrayLike, ArrayLike]
) -> Nested:
    """Choice of one line against two, of two data sets whose true a and b are so far apart; numbers or arrays."""
    (n1, n2), (s1, s2), (a, b) = (
        [np.asarray(one, dtype=np.float64) for one in pair] for pair in (points, sigma, apart)
    )
    spread = s1**2 / n1 + s2**2 / n2
    return Nested(n1 + n2, 2, 2, -2.0 * np.log(spread), 2.0 * math.log(2.0 * HALF), (a**2 + b**2) / spread)
