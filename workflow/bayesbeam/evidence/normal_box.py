"""What a normal distribution has within a box: its probability, and mean and covariance of what is left of it there.

Of one coefficient, and of any that do not depend on each other, in closed form; of two by quadrature in one dimension,
to 1e-12; of more by the recursions of Tallis, of which SciPy's probabilities of boxes are the limit, 1e-5 or so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]
_FAR = 40.0
"""Standard deviations beyond the nearest corner of a box within which all is that matters."""
_DROP, _COARSE, _PANELS, _NODES = 45.0, 4001, 24, 20
# How far from an end of the second of two, in its standard deviations given the first, more panels are laid; how many.
_PASSING, _STEPS = 10.0, 8
# Least standard deviation of the second given the first: a correlation close to 1 tells no smaller one.
_OWN = 1e-8
_ALONE, _NEAR = 1e-12, 1e-3
# Width of a box below which, and distance beyond which, differences of densities at its ends lose digits of moments.
_NARROW, _BEYOND, _MOMENT_NODES = 1.0, 3.0, 48
_LEAST = 1e-12


@dataclass(frozen=True)
class Inside:
    """Logarithm of the probability of the box, and mean (P,) and covariance (P, P) within it."""

    log_probability: float
    mean: FloatArray
    covariance: FloatArray


def inside(mean: FloatArray, covariance: FloatArray, low: FloatArray, high: FloatArray) -> Inside:
    """Probability and moments of a normal distribution within a box.

    Parameters
    ----------
    mean : array (P,)
    covariance : array (P, P)
    low, high : array (P,)
        Ends of the box, which may be infinite.

    Raises
    ------
    ModelError
        If the box holds nothing that numbers can tell (three coefficients or more: below 1e-12).

    Source
    ------
    Tallis, Journal of the Royal Statistical Society B 23 (1961) 223: moments of the truncated normal distribution.
    """
    sd = np.sqrt(np.diag(covariance))
    a, b, correlation = (low - mean) / sd, (high - mean) / sd, covariance / np.outer(sd, sd)
    if np.abs(correlation - np.eye(len(sd))).max() < _ALONE:
        log_probability, centre, spread = _independent(a, b)
    elif len(sd) == 2:
        log_probability, centre, spread = _two(a, b, float(correlation[0, 1]))
    else:
        log_probability, centre, spread = _several(a, b, correlation)
    return Inside(log_probability, mean + sd * centre, spread * np.outer(sd, sd))


def log_difference(a: FloatArray, b: FloatArray) -> FloatArray:
    """Logarithm of a standard normal's probability between a and b > a, however far out or close together."""
    from scipy.special import log_ndtr

    finite = np.isfinite(a) & np.isfinite(b)
    first, last = np.where(finite, a, 0.0), np.where(finite, b, 1.0)
    width, middle = last - first, 0.5 * (first + last)
    # To the fourth power of what is below a thousandth; a difference of two would lose as many digits.
    near = finite & (width < _NEAR) & (np.abs(middle) * width < _NEAR)
    inner = np.where(near, middle, 0.0)
    close = -0.5 * np.square(inner) - 0.5 * math.log(2.0 * math.pi) + np.log(np.maximum(width, 1e-300))
    close += np.log1p((np.square(inner) - 1.0) * np.square(np.where(near, width, 0.0)) / 24.0)
    a, b = np.where(near, 0.0, a), np.where(near, 1.0, b)
    swap = a > 0.0
    low, high = np.where(swap, -b, a), np.where(swap, -a, b)
    above, below = log_ndtr(high), log_ndtr(low)
    found: FloatArray = np.where(near, close, above + np.log1p(-np.exp(np.minimum(below - above, -1e-300))))
    return found


def truncated(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log probability, mean and variance of standard normals between a and b > a, each alone; ends may be infinite.

    By differences of the densities at the ends; where these would cancel, for ends close together and for those far
    out, by Gauss' rule over the distance from the nearer end.
    """
    log_probability = log_difference(a, b)
    cancels = (b - a < _NARROW) | (np.maximum(a, -b) > _BEYOND)
    first, last = np.where(cancels, 0.0, a), np.where(cancels, _NARROW, b)
    at_a, at_b = (
        np.exp(-0.5 * np.square(e) - 0.5 * math.log(2.0 * math.pi) - np.where(cancels, 0.0, log_probability))
        for e in (first, last)
    )
    mean = at_a - at_b
    moment = np.where(np.isfinite(first), np.nan_to_num(first) * at_a, 0.0) - np.where(
        np.isfinite(last), np.nan_to_num(last) * at_b, 0.0
    )
    variance = 1.0 + moment - np.square(mean)
    if cancels.any():
        mean[cancels], variance[cancels] = _from_the_nearer_end(a[cancels], b[cancels])
    return log_probability, mean, variance


def _from_the_nearer_end(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance, arrays (K,), by the distance from the nearer end, for which nothing cancels."""
    turned = a + b < 0.0
    near, width = np.where(turned, -b, a), b - a
    # Where the density has fallen by 45 nats there is nothing more.
    reach = np.minimum(width, 2.0 * _DROP / (near + np.sqrt(np.square(near) + 2.0 * _DROP)))
    nodes, weights = np.polynomial.legendre.leggauss(_MOMENT_NODES)
    distance = 0.5 * reach[:, None] * (1.0 + nodes)
    share = weights * np.exp(-distance * (near[:, None] + 0.5 * distance))
    share /= share.sum(1, keepdims=True)
    further = (share * distance).sum(1)
    variance = (share * np.square(distance - further[:, None])).sum(1)
    mean = near + further
    return np.where(turned, -mean, mean), variance


def _independent(a: FloatArray, b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Of coefficients that do not depend on each other."""
    log_probability, mean, variance = truncated(a, b)
    return float(log_probability.sum()), mean, np.diag(variance)


def _two(a: FloatArray, b: FloatArray, correlation: float) -> tuple[float, FloatArray, FloatArray]:
    """Of two, by quadrature over the first of what the second has, which is log-concave: one region matters."""
    rest = math.sqrt(max((1.0 - correlation) * (1.0 + correlation), _OWN**2))

    def ends(z: FloatArray) -> tuple[FloatArray, FloatArray]:
        return (a[1] - correlation * z) / rest, (b[1] - correlation * z) / rest

    def log_density(z: FloatArray) -> FloatArray:
        found: FloatArray = -0.5 * z * z - 0.5 * math.log(2.0 * math.pi) + log_difference(*ends(z))
        return found

    # The mode is no further out than the nearest corner, and the density is as narrow as a standard normal's at least.
    reach = _FAR + float(np.maximum(a, -b).max(initial=0.0))
    low, high = max(a[0], -reach), min(b[0], reach)
    for _ in range(12):
        z = np.linspace(low, high, _COARSE)
        values = log_density(z)
        near = np.flatnonzero(values > values.max() - _DROP)
        first, last = max(near[0] - 1, 0), min(near[-1] + 1, _COARSE - 1)
        narrower = z[last] - z[first] < 0.5 * (high - low)
        low, high = float(z[first]), float(z[last])
        if not narrower:
            break
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = _edges(low, high, np.array([a[1], b[1]]), correlation, rest)
    half = 0.5 * np.diff(edges)[:, None]
    z = (0.5 * (edges[:-1] + edges[1:])[:, None] + half * nodes).ravel()
    values = log_density(z)
    top = float(values.max())
    share = np.exp(values - top) * (half * weights).ravel()
    total = float(share.sum())
    share /= total
    _, inner, spread = truncated(*ends(z))
    second = correlation * z + rest * inner
    mean = np.array([share @ z, share @ second])
    off = z - mean[0], second - mean[1]
    covariance = np.array([[share @ (p * q) for q in off] for p in off])
    covariance[1, 1] += rest * rest * float(share @ spread)
    return top + math.log(total), mean, covariance


def _edges(low: float, high: float, ends: FloatArray, correlation: float, rest: float) -> FloatArray:
    """Edges of panels between low and high, closer together where the second of two passes one of its ends."""
    passing = np.linspace(-_PASSING, _PASSING, _STEPS + 1) * rest
    places = ((ends[np.isfinite(ends), None] + passing) / correlation).ravel()
    inner = places[(places > low) & (places < high)]
    return np.unique(np.concatenate([np.linspace(low, high, _PANELS + 1), inner]))


def _several(a: FloatArray, b: FloatArray, correlation: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Of three or more, by the recursions of Tallis."""
    count, whole = len(a), _box(a, b, correlation)
    if not whole > _LEAST:
        found, expected = f"a probability of {whole:.2g} within the box", "a box that holds some of the posterior"
        raise ModelError.at("linear regression with a box", found, expected, "Widen the box.")
    # Densities of each coefficient at its ends, times what the others have there.
    at = np.zeros((2, count))
    for i in range(count):
        others = [j for j in range(count) if j != i]
        given = correlation[np.ix_(others, others)] - np.outer(correlation[others, i], correlation[others, i])
        for side, end in enumerate((a[i], b[i])):
            if math.isfinite(end):
                shift = correlation[others, i] * end
                density = math.exp(-0.5 * end * end) / math.sqrt(2.0 * math.pi)
                at[side, i] = density * _box(a[others] - shift, b[others] - shift, given) / whole
    mean = correlation @ (at[0] - at[1])
    own = (
        np.where(np.isfinite(a), np.nan_to_num(a), 0.0) * at[0]
        - np.where(np.isfinite(b), np.nan_to_num(b), 0.0) * at[1]
    )
    second = np.diag(own)
    for i, j in combinations(range(count), 2):
        pair = _corner(a, b, correlation, i, j) / whole
        second[i, j] = second[j, i] = pair
    # E[z z'] = R + R H R with H's diagonal such that its rows fit the one-dimensional ends.
    curvature = second.copy()
    for i in range(count):
        others = [j for j in range(count) if j != i]
        curvature[i, i] = own[i] - float(correlation[i, others] @ second[i, others])
    moments = correlation + correlation @ curvature @ correlation
    return math.log(whole), mean, moments - np.outer(mean, mean)


def _corner(a: FloatArray, b: FloatArray, correlation: FloatArray, i: int, j: int) -> float:
    """Sum over corners of two coefficients of their density, with sign, times what the others have there."""
    r, total = float(correlation[i, j]), 0.0
    rest = [k for k in range(len(a)) if k not in (i, j)]
    pair = correlation[np.ix_([i, j], [i, j])]
    slopes = np.linalg.solve(pair, correlation[np.ix_([i, j], rest)]) if rest else np.zeros((2, 0))
    given = correlation[np.ix_(rest, rest)] - correlation[np.ix_(rest, [i, j])] @ slopes
    for sign_i, end_i in ((1.0, a[i]), (-1.0, b[i])):
        for sign_j, end_j in ((1.0, a[j]), (-1.0, b[j])):
            if math.isfinite(end_i) and math.isfinite(end_j):
                form = (end_i**2 - 2.0 * r * end_i * end_j + end_j**2) / (1.0 - r * r)
                density = math.exp(-0.5 * form) / (2.0 * math.pi * math.sqrt(1.0 - r * r))
                shift = np.array([end_i, end_j]) @ slopes
                total += sign_i * sign_j * density * _box(a[rest] - shift, b[rest] - shift, given)
    return total


def _box(a: FloatArray, b: FloatArray, covariance: FloatArray) -> float:
    """Probability of a box of a normal distribution of mean 0."""
    if len(a) == 0:
        return 1.0
    sd = np.sqrt(np.diag(covariance))
    low, high, correlation = a / sd, b / sd, covariance / np.outer(sd, sd)
    if len(a) == 1 or np.abs(correlation - np.eye(len(a))).max() < _ALONE:
        return float(np.exp(log_difference(low, high).sum()))
    if len(a) == 2:
        return math.exp(_two(low, high, float(correlation[0, 1]))[0])
    from scipy.stats import multivariate_normal

    size = 200_000 * len(a)
    return float(
        multivariate_normal.cdf(high, np.zeros(len(a)), correlation, maxpts=size, abseps=1e-9, releps=1e-9,
                                lower_limit=low, rng=np.random.default_rng(1))
    )  # fmt: skip
