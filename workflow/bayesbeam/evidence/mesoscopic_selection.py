"""Whether b of a line y = a x + b is selected: of data sets, of their mesoscopic variables, and in finite boxes.

Above 0 the line with b has the lower free energy. With wide boxes the distribution is that of ``Line.nested``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from bayesbeam.errors import ModelError
from bayesbeam.evidence.mesoscopic_lines import (
    Box,
    Line,
    Summary,
    draw_variables,
    free_energy,
    least_free_energy,
    summary_of_data,
    summary_of_variables,
)
from bayesbeam.evidence.normal_box import log_difference

FloatArray = NDArray[np.float64]
_BLOCK, _HALVINGS = 4096, 200


def selection_difference(data: Summary, box: Box, sigma: float | None = None) -> FloatArray:
    """Free energies of a x less those of a x + b, nats; above 0: b is selected.

    Parameters
    ----------
    data : Summary
    box : Box
        Flat priors of a and b.
    sigma : number, optional
        Known level of the noise; left out, each model has that of its least free energy.
    """
    if sigma is None:
        origin = least_free_energy(data, box.through_origin).free_energy
        return np.asarray(origin - least_free_energy(data, box).free_energy)
    return np.asarray(free_energy(data, sigma, box.through_origin) - free_energy(data, sigma, box))


def draw_selection(
    line: Line, box: Box, count: int, generator: np.random.Generator, known: bool = False
) -> FloatArray:  # fmt: skip
    """Differences (count,) by independent draws of the mesoscopic variables; ``known``: of noise of known level."""
    data = summary_of_variables(line, draw_variables(line.points, count, generator))
    return selection_difference(data, box, line.sigma if known else None)


def simulate(line: Line, x: ArrayLike, count: int, generator: np.random.Generator) -> Summary:
    """What ``count`` data sets say whose every point is drawn, at centred x (N,): the long way, for comparison.

    Raises
    ------
    ModelError
        If x is of another number or mean square than the line.
    """
    place = np.asarray(x, dtype=np.float64)
    if len(place) != line.points or not math.isclose(float(np.mean(place**2)), line.mean_square, rel_tol=1e-9):
        found = f"{len(place)} places of mean square {np.mean(place**2):g}"
        raise ModelError.at("x", found, f"{line.points} of mean square {line.mean_square:g}", "")
    curve, blocks = line.slope * place + line.intercept, []
    for first in range(0, count, _BLOCK):
        noise = generator.standard_normal((min(_BLOCK, count - first), line.points))
        blocks.append(summary_of_data(place, curve + line.sigma * noise))
    slope, intercept, squares = (
        np.concatenate([getattr(one, name) for one in blocks]) for name in ("slope", "intercept", "squares")
    )
    return Summary(line.points, line.mean_square, slope, intercept, squares)


def places(points: int, mean_square: float = 1.0) -> FloatArray:
    """Equally spaced centred x (N,) of a mean square."""
    x = np.linspace(-1.0, 1.0, points)
    found: FloatArray = x * math.sqrt(mean_square / float(np.mean(x * x)))
    return found


def selection_cdf_in_box(line: Line, half_intercept: float, difference: ArrayLike = 0.0) -> FloatArray:
    """Probability that the difference is at most so large, with b in a finite box, at known noise: exactly.

    Notes
    -----
    ``exp(F_ax - F_ax+b)`` is the mean over b's prior of ``exp((b_hat b - b^2 / 2) / s_b^2)``: convex in ``b_hat`` and
    even, so that the smaller model is selected between two opposite values of it. What is at the ends of the box of a
    is in both free energies.
    """
    sd = math.sqrt(line.variances[1])
    value = np.asarray(difference, dtype=np.float64)
    half = np.full_like(value, half_intercept / sd)

    def at(z: FloatArray) -> FloatArray:
        found: FloatArray = 0.5 * z * z + log_difference(-half - z, half - z) - np.log(2.0 * half)
        return found + 0.5 * math.log(2.0 * math.pi)

    low, high = np.zeros_like(value), np.ones_like(value)
    for _ in range(_HALVINGS):
        high = np.where(at(high) < value, 2.0 * high, high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        above = at(middle) > value
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    shift = line.intercept / sd
    inside = special.ndtr(high - shift) - special.ndtr(-high - shift)
    return np.where(at(np.zeros_like(value)) > value, 0.0, inside)
