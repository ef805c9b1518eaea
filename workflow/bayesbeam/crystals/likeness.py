"""How alike the patterns of structures are: the largest cosine of two profiles while one cell is stretched.

A phase that is isotropically stretched has its profile moved along ln d, so profiles are made on a grid of ln d and
compared at shifts. What to make of likeness (merge, keep as a family) is decided in groups.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayesbeam.crystals.cell import Floats
from bayesbeam.crystals.geometry import Optics, lorentz_polarisation, spacing_of_angle, two_theta_deg
from bayesbeam.crystals.lines import Lines

STEP = 5e-4  # of ln d
LARGEST_STRAIN = 0.012
WIDTH_DEG = 0.1  # FWHM of a line in 2theta
WIDTH_OF_SPACING = 1.5e-3  # FWHM in ln d besides: three steps, so that narrow lines are seen by the grid
SIGMAS_OF_FWHM = 2.3548200450309493


@dataclass(frozen=True)
class Window:
    """What of a pattern is seen: wavelength in angstrom, range of 2theta in degrees, and the geometry."""

    wavelength: float
    least_deg: float
    most_deg: float
    optics: Optics = field(default_factory=Optics)


def cosines(lines: Sequence[Lines], window: Window) -> Floats:
    """Likeness of all pairs of phases, (K, K): 1 on the diagonal, 0 for a phase without lines in the window.

    Notes
    -----
    Profiles y(2theta) are Gaussian with ``WIDTH_DEG``. On the grid of u = ln d, y sqrt(2 tan theta) has the scalar
    products of y on 2theta, and a strain e of one phase is a shift by e, to first order, of up to 1.2 %.
    """
    rows = profiles(lines, window)
    best = rows @ rows.T
    for shift in range(1, round(LARGEST_STRAIN / STEP) + 1):
        moved = rows[:, shift:] @ rows[:, :-shift].T
        best = np.maximum(best, np.maximum(moved, moved.T))
    result = np.clip(best.astype(np.float64), 0.0, 1.0)
    seen = np.any(rows > 0.0, axis=1)
    np.fill_diagonal(result, np.where(seen, 1.0, 0.0))
    return result


def profiles(lines: Sequence[Lines], window: Window) -> NDArray[np.float32]:
    """Profiles of unit length on a grid of ln d, (K, G), weighed as they count on a grid of 2theta."""
    low, high = np.log(spacing_of_angle([window.most_deg, window.least_deg], window.wavelength))
    count = max(int(np.ceil((high - low) / STEP)) + 1, 2)
    grid = low + STEP * np.arange(count)
    angles = np.radians(two_theta_deg(np.exp(np.minimum(grid, high)), window.wavelength)) / 2.0
    rows = np.zeros((len(lines), count), dtype=np.float64)
    for row, phase in zip(rows, lines, strict=True):
        row += _profile(phase, window, low, count)
    rows *= np.sqrt(2.0 * np.tan(angles))
    lengths = np.sqrt(np.einsum("kg,kg->k", rows, rows))
    return np.asarray(rows / np.where(lengths > 0.0, lengths, 1.0)[:, None], dtype=np.float32)


def _profile(phase: Lines, window: Window, low: float, count: int) -> Floats:
    """Profile of one phase on the grid, heights as on 2theta."""
    spacings = phase.spacing()
    angles = two_theta_deg(spacings, window.wavelength)
    kept = (angles >= window.least_deg) & (angles <= window.most_deg)
    if not kept.any():
        return np.zeros(count)
    angles, centres = angles[kept], np.log(spacings[kept])
    weights = (phase.multiplicity * phase.squared_factor)[kept] * lorentz_polarisation(angles, window.optics)
    instrument = np.radians(WIDTH_DEG) / 2.0 / np.tan(np.radians(angles) / 2.0)
    sigma = np.hypot(instrument, WIDTH_OF_SPACING) / SIGMAS_OF_FWHM
    heights = weights * instrument / (sigma * SIGMAS_OF_FWHM)
    reach = int(np.ceil(4.0 * sigma.max() / STEP))
    places = np.round((centres - low) / STEP).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    offsets = (low + STEP * places - centres[:, None]) / sigma[:, None]
    values = heights[:, None] * np.exp(-0.5 * offsets**2)
    inside = (places >= 0) & (places < count)
    return np.bincount(places[inside], weights=values[inside], minlength=count).astype(np.float64)
