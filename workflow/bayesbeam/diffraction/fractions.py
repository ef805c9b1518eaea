"""Weights of phases from scales of their lines, with what the fit cannot know: true structures, and sizes of grains.

Scales are in proportion to volume seen by the beam. A grain that absorbs more than its surroundings shades itself, so
that its phase looks like less than there is: microabsorption, by Brindley's factor for spheres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.crystals.absorption import linear_attenuation

FloatArray = NDArray[np.float64]

_ROUNDS, _SMALL = 40, 0.02
_CENTIMETRE = 1e-4  # of a micrometre


@dataclass(frozen=True)
class Doubt:
    """What weights may be wrong by beyond the fit.

    Attributes
    ----------
    structure : float
        Relative standard deviation of a phase's scale by its structure: occupancies, displacements, texture.
    radius : float
        Micrometres; the radii of the grains of each phase have a half-normal prior of this scale, mean 0.8 times it.
    """

    structure: float = 0.05
    radius: float = 2.0


@dataclass(frozen=True)
class Matter:
    """Of each phase (K,): mass times volume of the cell, its squared volume, and linear attenuation in 1/cm.

    Times the scale of the lines they go as mass and as volume of the phase.
    """

    mass_volume: FloatArray
    squared_volume: FloatArray
    attenuation: FloatArray


def matter_of(
    mass_volume: Sequence[float], volumes: Sequence[float], contents: Sequence[Mapping[str, float]], wavelength: float
) -> Matter:  # fmt: skip
    """What weights depend on, from volumes (cubic angstrom) and contents (atoms by element) of cells.

    Raises
    ------
    DataError
        If an element's attenuation is not tabulated.
    """
    attenuation = [linear_attenuation(one, v, wavelength) for one, v in zip(contents, volumes, strict=True)]
    return Matter(np.asarray(mass_volume, dtype=np.float64), np.square(np.asarray(volumes, dtype=np.float64)),
                  np.array(attenuation))  # fmt: skip


def weight_draws(scales: FloatArray, matter: Matter, doubt: Doubt, normal: FloatArray) -> FloatArray:
    """Weight fractions (D, K) for scales of lines (D, K), with what the fit cannot know drawn as well.

    Parameters
    ----------
    scales : array (D, K)
        None below 0; a row without any gives fractions of 0.
    normal : array (2, D, K)
        Independent standard normal numbers.
    """
    told = scales * np.exp(doubt.structure * normal[0] - 0.5 * doubt.structure**2)
    return weights(told, matter, doubt.radius * np.abs(normal[1]))


def weights(scales: FloatArray, matter: Matter, radius: FloatArray | float = 0.0) -> FloatArray:
    """Weight fractions (..., K) for scales of lines (..., K) and radii of grains, micrometres.

    Source
    ------
    Hill and Howard, Journal of Applied Crystallography 20 (1987) 467: equation 10, and Brindley, Philosophical Magazine
    36 (1945) 347, for microabsorption. The mean attenuation is by volume, and found together with the fractions.
    """
    shaded = np.ones(np.broadcast_shapes(scales.shape, np.shape(radius)))
    length = np.asarray(radius) * _CENTIMETRE
    for _ in range(_ROUNDS if np.any(length > 0.0) else 0):
        mean = _shares(scales * matter.squared_volume / shaded) @ matter.attenuation
        # Strongly shaded phases would swing: half a step on a logarithmic scale.
        shaded = np.sqrt(shaded * brindley((matter.attenuation - mean[..., None]) * length))
    return _shares(scales * matter.mass_volume / shaded)


def brindley(depth: FloatArray) -> FloatArray:
    """Share of its lines that a grain lets out, relative to its surroundings.

    ``depth``: attenuation beyond that of the surroundings, times radius. Rays go straight through a sphere here, for
    which the mean is closed; to first order, 1 - 1.5 depth, they may turn anywhere.
    """
    small = np.abs(depth) < _SMALL
    z = np.where(small, 1.0, depth)
    closed = 0.375 * (2.0 / z**3 - np.exp(-2.0 * z) * (4.0 / z + 4.0 / z**2 + 2.0 / z**3))
    found: FloatArray = np.where(small, 1.0 - 1.5 * depth + 1.2 * depth**2 - depth**3 * (2.0 / 3.0), closed)
    return found


def _shares(values: FloatArray) -> FloatArray:
    """Values (..., K) as shares of their sum, 0 where that is 0."""
    total = values.sum(-1, keepdims=True)
    found: FloatArray = values / np.where(total > 0.0, total, 1.0)
    return found
