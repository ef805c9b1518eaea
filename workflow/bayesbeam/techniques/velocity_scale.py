"""Velocity of every channel of a Moessbauer spectrometer, from a raw spectrum of alpha-iron over both branches.

The twelve lines are fitted where they are, unfolded, by least squares with counting noise. The velocity is a straight
line in each branch and a smooth departure from it, a Gaussian process whose size and reach the lines tell. Where there
are no lines the departure goes back to nothing and its uncertainty to its size: no axis is drawn out by a curve.
The spectrum cannot tell the sign: it looks the same with the drive turned round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from bayesbeam.errors import DataError
from bayesbeam.models.iron57 import ALPHA_IRON_LINES

Floats = NDArray[np.float64]

LINES = np.array([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0]) * np.array([*ALPHA_IRON_LINES, *ALPHA_IRON_LINES[::-1]])
PAIR = np.array([0, 1, 2, 2, 1, 0])
MIN_CHANNELS = 128
LEAST_DEPTH = 8.0
"""Lowest mean significance of the twelve lines, in standard deviations of their depths."""
MOST_DEPARTURE = 0.3
"""Furthest that a line may lie off the straight line through its branch, in mm/s."""
MOST_LEFT = 0.05
"""Largest part of the chi-square of the dips that may be left beside counting noise."""
REFERENCE_SD = 0.001
"""Uncertainty of the lines of alpha-iron in mm/s: they are known to three decimals."""
SIZES, REACHES = np.geomspace(5e-4, 0.2, 27), np.array([2.0, 3.0, 4.0, 6.0])
"""Departures from a straight line that are tried, in mm/s, and how far along the axis they keep their sign, in mm/s."""


@dataclass(frozen=True, eq=False)
class VelocityScale:
    """Velocity of channels from 1.

    Attributes
    ----------
    velocity, uncertainty : ndarray (N,)
        In mm/s, and its standard uncertainty.
    chi_square : float
        Of the fit of the twelve lines, with counting noise.
    degrees_of_freedom : int
    centre : float
        Channel about which the two branches are each other's mirror image.
    positions, position_sd : ndarray (2, 6)
        Channels of the lines in the order of the channels, a row a branch.
    departure : float
        Size of the departure from a straight line, in mm/s.
    widths : ndarray (3,)
        Full widths of the outer, middle and inner lines, in mm/s.
    """

    velocity: Floats
    uncertainty: Floats
    chi_square: float
    degrees_of_freedom: int
    centre: float
    positions: Floats
    position_sd: Floats
    departure: float
    widths: Floats


def velocity_scale(counts: Floats, rising: bool, label: str = "spectrum") -> VelocityScale:
    """Velocity scale of a raw spectrum of alpha-iron.

    Parameters
    ----------
    counts : ndarray (N,)
        Counts of all channels in their order, both branches.
    rising : bool
        Whether the velocity rises along the first branch.
    label : str
        What messages call the spectrum.

    Raises
    ------
    DataError
        If these are no counts, too few channels, or no twelve lines are found.
    """
    _check(counts, label)
    channel = np.arange(1.0, counts.size + 1.0)
    theta = _start(channel, counts)
    # Weights from the curve, not from the counts, so that low counts are not preferred.
    for _ in range(4):
        theta, jacobian, chi_square = _fitted(channel, counts, theta)
    covariance: Floats = np.linalg.pinv(jacobian.T @ jacobian).astype(np.float64)
    _check_lines(theta, np.sqrt(np.diag(covariance)), counts, chi_square, label)
    return _scaled(channel, theta, covariance, chi_square, rising)


def _fitted(channel: Floats, counts: Floats, theta: Floats) -> tuple[Floats, Floats, float]:
    """Parameters of least squares, the slopes of the weighted curve and chi-square, by the noise of a curve given."""
    deviation = np.sqrt(np.maximum(_curve(channel, theta), 1.0))

    def residuals(p: Floats) -> Floats:
        """Distances in standard deviations."""
        result: Floats = (counts - _curve(channel, p)) / deviation
        return result

    found = least_squares(residuals, theta, x_scale=_scale(theta))
    return found.x, np.asarray(found.jac, dtype=np.float64), 2.0 * float(found.cost)


def _check(counts: Floats, label: str) -> None:
    """Refuse what are no counts of a whole spectrum."""
    if counts.size < MIN_CHANNELS:
        found, remedy = f"{counts.size} channels", "Give the raw spectrum, both branches."
        raise DataError.at(label, found, f"at least {MIN_CHANNELS}", remedy)
    bad = np.flatnonzero(~((counts >= 0) & (counts == np.round(counts))))
    if bad.size:
        found = f"{counts[bad[0]]:g} in channel {bad[0] + 1}"
        raise DataError.at(label, found, "whole numbers of at least 0", "Give the counts as they were recorded.")


def _check_lines(theta: Floats, sd: Floats, counts: Floats, chi_square: float, label: str) -> None:
    """Refuse a fit that did not find the sextet in both branches."""
    depth, positions = theta[15:18], theta[:12].reshape(2, 6)
    significance = float((depth / np.maximum(sd[15:18], 1e-12)).mean())
    inside = bool((np.diff(theta[:12]) > 0).all()) and theta[0] >= 1.0 and theta[11] <= counts.size
    found = f"no twelve lines (depths of {significance:.1f} standard deviations in the mean)"
    if inside and significance > LEAST_DEPTH and (depth > 0).all():
        residuals = [LINES - np.polyval(np.polyfit(places, LINES, 1), places) for places in positions]
        furthest = float(np.abs(residuals).max())
        without = float(((counts - theta[18]) ** 2 / theta[18]).sum())
        left = (chi_square - counts.size) / (without - counts.size)
        if furthest < MOST_DEPARTURE and left < MOST_LEFT:
            return
        found = (
            f"twelve lines that leave {left:.0%} of the dips, and of which one lies {furthest:.2g} mm/s off its place"
        )
    remedy = "Give the raw spectrum of an iron foil over both branches, not folded, with all six lines in each."
    raise DataError.at(label, found, "the sextet of alpha-iron twice, mirrored", remedy)


def _curve(channel: Floats, theta: Floats) -> Floats:
    """Counts expected: 12 places and 3 widths in channels, 3 depths, the baseline and its change with the distance.

    The source comes nearer in one branch and goes away in the other: a parabola in each, of opposite signs.
    """
    places, widths, depths, level, near = theta[:12], theta[12:15][PAIR], theta[15:18][PAIR], theta[18], theta[19]
    widths, depths = np.tile(widths, 2), np.tile(depths, 2)
    dips = (depths / (1.0 + (2.0 * (channel[:, None] - places) / widths) ** 2)).sum(1)
    half = 0.5 * (channel[0] + channel[-1])
    first = channel <= half
    t = (channel - np.where(first, 0.5 * half, 1.5 * half)) / (0.5 * half)
    result: Floats = level * (1.0 + near * (1.0 - t * t) * np.where(first, 1.0, -1.0)) * (1.0 - dips)
    return result


def _scale(theta: Floats) -> Floats:
    """Usual sizes of steps of the fit."""
    return np.concatenate([np.ones(12), np.ones(3), np.full(3, 0.01), [1e-3 * theta[18] + 1.0], [1e-3]])


def _start(channel: Floats, counts: Floats) -> Floats:
    """Where the fit begins: the mirrored pattern that fits best on a grid of centres, places and slopes."""
    level = float(np.median(counts))
    signal = level - counts
    n = counts.size
    centres = np.arange(0.46 * n, 0.54 * n, 0.5)
    mirrored = [float(np.sum(signal * np.interp(2.0 * c - channel, channel, signal, 0.0, 0.0))) for c in centres]
    centre = float(centres[int(np.argmax(mirrored))])
    best, width = (-np.inf, 0.0, 0.0), max(4.0, n / 250.0)
    for slope in np.geomspace(LINES[-1] / (0.24 * n), LINES[-1] / (0.05 * n), 60):
        reach = LINES[-1] / slope
        for zero in np.arange(reach + 1.0, centre - reach, max(1.0, 0.25 * width)):
            places = zero + LINES / slope
            both = np.concatenate([places, 2.0 * centre - places])
            score = float(np.interp(both, channel, signal).sum())
            best = max(best, (score, zero, slope))
    _, zero, slope = best
    places = np.concatenate([zero + LINES / slope, np.sort(2.0 * centre - zero - LINES / slope)])
    depth = max(float(np.interp(places, channel, signal).mean()) / max(level, 1.0), 1e-3)
    return np.concatenate([places, np.full(3, width), np.full(3, depth), [level], [0.0]])


def _scaled(channel: Floats, theta: Floats, covariance: Floats, chi_square: float, rising: bool) -> VelocityScale:
    """Velocities of all channels from the places of the lines."""
    positions = theta[:12].reshape(2, 6)
    signs = (1.0, -1.0) if rising else (-1.0, 1.0)
    slopes = [sign * float(np.polyfit(places, LINES, 1)[0]) for sign, places in zip(signs, positions, strict=True)]
    centre = float((positions[0] + positions[1][::-1]).mean() / 2.0)
    noise = [slopes[b] ** 2 * covariance[6 * b : 6 * b + 6, 6 * b : 6 * b + 6] for b in (0, 1)]
    noise = [one + REFERENCE_SD**2 * np.eye(6) for one in noise]
    data = [(places, sign * LINES, one) for places, sign, one in zip(positions, signs, noise, strict=True)]
    choices = [(size, reach) for size in SIZES for reach in REACHES]
    size, reach = max(choices, key=lambda c: sum(_branch(*one, *c)[0] for one in data))
    velocity, variance = np.empty(channel.size), np.empty(channel.size)
    first = channel <= centre
    for inside, one in zip((first, ~first), data, strict=True):
        velocity[inside], variance[inside] = _at(channel[inside], *one, size, reach)
    sd = np.sqrt(np.diag(covariance))
    return VelocityScale(
        velocity, np.sqrt(variance), chi_square, channel.size - theta.size, centre, positions, sd[:12].reshape(2, 6),
        float(size), np.abs(theta[12:15]) * float(np.abs(slopes).mean()),
    )  # fmt: skip


def _kernel(a: Floats, b: Floats, size: float, reach: float) -> Floats:
    """Covariance of the departure at two velocities."""
    result: Floats = size**2 * np.exp(-0.5 * ((a[:, None] - b) / reach) ** 2)
    return result


def _branch(places: Floats, lines: Floats, noise: Floats, size: float, reach: float) -> tuple[float, Floats, Floats]:
    """Restricted log-likelihood of a size and a reach, the straight line, and its residuals weighted."""
    design = np.column_stack([np.ones(6), places - places.mean()])
    total = _kernel(lines, lines, size, reach) + noise
    inverse = np.linalg.inv(total)
    normal = design.T @ inverse @ design
    line = np.linalg.solve(normal, design.T @ inverse @ lines)
    weighted = inverse @ (lines - design @ line)
    log_determinants = np.linalg.slogdet(total)[1] + np.linalg.slogdet(normal)[1]
    return -0.5 * float((lines - design @ line) @ weighted + log_determinants), line, weighted


def _at(
    channel: Floats, places: Floats, lines: Floats, noise: Floats, size: float, reach: float
) -> tuple[Floats, Floats]:
    """Velocity and its variance: straight line, departure, and the uncertainty of both."""
    _, line, weighted = _branch(places, lines, noise, size, reach)
    design = np.column_stack([np.ones(channel.size), channel - places.mean()])
    straight = design @ line
    cross = _kernel(straight, lines, size, reach)
    inverse = np.linalg.inv(_kernel(lines, lines, size, reach) + noise)
    known = np.column_stack([np.ones(6), places - places.mean()])
    rest = design - cross @ inverse @ known
    slack = np.linalg.inv(known.T @ inverse @ known)
    variance = size**2 - np.einsum("ij,jk,ik->i", cross, inverse, cross) + np.einsum("ij,jk,ik->i", rest, slack, rest)
    return straight + cross @ weighted, np.maximum(variance, 0.0)
