"""Whether data sets of straight lines are integrated: free energy of one line for all, less those of one each.

Of noise that is known, the choice of two nested models; of noise whose levels are those of the least free energies, by
quadrature for two data sets over like places, and otherwise by draws. Below 0 data are integrated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bayesbeam.errors import ModelError
from bayesbeam.evidence.mesoscopic import Nested, chi_square_above
from bayesbeam.evidence.mesoscopic_lines import (
    Box,
    Line,
    Summary,
    draw_variables,
    free_energy,
    least_free_energy,
    summary_of_variables,
)

FloatArray = NDArray[np.float64]
_TAIL, _NODES, _PANELS, _HALVINGS = 1e-8, 10, 3, 32


def integration(lines: Sequence[Line], box: Box, shared: Sequence[str] = ("slope", "intercept")) -> Nested:
    """Choice between a coefficient each and shared ones, at known noise: that of two nested models.

    Parameters
    ----------
    lines : sequence of Line
        What is true of each data set; two or more.
    box : Box
        Flat priors of the coefficients of each.
    shared : sequence of "slope", "intercept"

    Notes
    -----
    ``difference`` and its distribution are those of F_int - sum F_sep; ``cdf`` at 0 is P(integrate). For two data sets
    that share both, ``log_information`` is ``-ln S_a - ln S_b`` of the source.

    Source
    ------
    Katakami et al., arXiv 2406.02869, for two data sets; here for any number.
    """
    names = [name for name in ("slope", "intercept") if name in shared]
    if len(lines) < 2 or len(names) != len(shared) or not names:
        found = f"{len(lines)} data sets that share {', '.join(shared) or 'nothing'}"
        raise ModelError.at("integration", found, "two or more that share slope, intercept or both", "")
    information = noncentrality = volume = 0.0
    halves = {"slope": box.half_slope, "intercept": box.half_intercept or math.nan}
    for name in names:
        weight = 1.0 / np.array([one.variances[("slope", "intercept").index(name)] for one in lines])
        value = np.array([getattr(one, name) for one in lines])
        information += float(np.log(weight).sum() - math.log(weight.sum()))
        noncentrality += float(weight @ np.square(value - weight @ value / weight.sum()))
        volume += (len(lines) - 1) * math.log(2.0 * halves[name])
    added = (len(lines) - 1) * len(names)
    points = sum(one.points for one in lines)
    return Nested(points, 2 * len(lines) - added, added, information, volume, noncentrality)


def integration_difference(data: Sequence[Summary], box: Box, sigma: Sequence[float] | None = None) -> FloatArray:
    """Free energy of one line for all data sets, less those of one line each, nats; below 0: integrate.

    Parameters
    ----------
    data : sequence of Summary
        Every one of as many data sets.
    box : Box
    sigma : sequence of numbers, optional
        Known levels of the noise; left out, each free energy is the least over its levels.
    """
    if sigma is None:
        apart = sum((least_free_energy(one, box).free_energy for one in data), start=np.float64(0.0))
        return np.asarray(least_free_energy(data, box).free_energy - apart)
    apart = sum((free_energy(one, s, box) for one, s in zip(data, sigma, strict=True)), start=np.float64(0.0))
    return np.asarray(free_energy(data, np.asarray(sigma), box) - apart)


def draw_integration(
    lines: Sequence[Line], box: Box, count: int, generator: np.random.Generator, known: bool = False
) -> FloatArray:
    """Differences (count,) of independent draws of the mesoscopic variables of every data set.

    Parameters
    ----------
    lines, box
        As in :func:`integration`.
    count : int
    generator : numpy Generator
    known : bool
        Whether the levels of the noise are known; else each free energy is the least over its levels.
    """
    data = [summary_of_variables(one, draw_variables(one.points, count, generator)) for one in lines]
    return integration_difference(data, box, [one.sigma for one in lines] if known else None)


def integration_cdf(lines: Sequence[Line], box: Box, difference: ArrayLike = 0.0) -> FloatArray:
    """Probability that F_int - F_sep is at most so large, each F least over its levels: two data sets, by quadrature.

    Both are over places of one mean square, so that only ``W = xx (a_1 - a_2)^2 + (b_1 - b_2)^2`` counts beside the two
    sums of squares; it has a noncentral chi-square distribution of 2 degrees, and the difference grows with it. Boxes
    are taken as wide.

    Raises
    ------
    ModelError
        For more data sets, other places, or fewer than four points each.
    """
    if len(lines) != 2 or lines[0].mean_square != lines[1].mean_square or min(one.points for one in lines) < 4:
        found = f"{len(lines)} data sets of mean squares {', '.join(f'{one.mean_square:g}' for one in lines)}"
        raise ModelError.at("integration", found, "two of one mean square, of 4 points or more", "Use draws.")
    nodes, weights = zip(*(_nodes(one.points - 2) for one in lines), strict=True)
    first, second = (one.ravel() for one in np.meshgrid(*nodes, indexing="ij"))
    weight = np.outer(*weights).ravel()
    square = lines[0].mean_square
    scatter = sum(one.variances[1] for one in lines)
    apart = square * (lines[0].slope - lines[1].slope) ** 2 + (lines[0].intercept - lines[1].intercept) ** 2
    wide = Box(box.half_slope, box.half_intercept, wide=True)
    zero = np.zeros_like(first)

    def differences(distance: FloatArray) -> FloatArray:
        data = [
            Summary(one.points, square, zero, place, one.sigma**2 * upsilon)
            for one, place, upsilon in zip(lines, (zero, np.sqrt(distance)), (first, second), strict=True)
        ]
        return integration_difference(data, wide)

    probabilities: list[float] = []
    for value in np.ravel(difference):
        low, high = np.full_like(first, -40.0), np.full_like(first, 12.0)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            above = differences(scatter * np.exp(middle)) > value
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        inside = 1.0 - chi_square_above(np.exp(low), 2, apart / scatter)
        probabilities.append(float(weight @ np.where(low < -39.0, 0.0, inside)))
    return np.reshape(probabilities, np.shape(difference))


def _nodes(freedom: int) -> tuple[FloatArray, FloatArray]:
    """Places and weights of Gauss' rule for a chi-square variable, in its logarithm."""
    low, high = math.log(stats.chi2.ppf(_TAIL, freedom)), math.log(stats.chi2.isf(_TAIL, freedom))
    z, w = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(low, high, _PANELS + 1)
    half = 0.5 * (edges[1] - edges[0])
    log_u = (0.5 * (edges[1:] + edges[:-1])[:, None] + half * z).ravel()
    return np.exp(log_u), np.exp(stats.chi2.logpdf(np.exp(log_u), freedom) + log_u) * np.tile(half * w, _PANELS)
