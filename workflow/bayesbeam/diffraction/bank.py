"""Patterns of all phases of a library, each at several sizes of its cell: one pattern a phase, then shifted.

A cell that grows alike along all edges moves its lines by the same step on an axis of ln d.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.line_loops import shift, shift_weights
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.profile import OWN, Beam, pattern

FloatArray = NDArray[np.float64]
_FINER = 2
"""Points of the grid on which patterns are made, for one of the data."""


@dataclass(frozen=True)
class Bank:
    """Patterns (K, S, N) of K phases at S strains, of unit scale, and the strains (S,)."""

    patterns: NDArray[np.float32]
    strains: FloatArray


def bank(
    x: FloatArray, phases: Sequence[Phase], beam: Beam, common: FloatArray, strains: FloatArray, faintest: float = 1e-4,
    threads: int = 1,
) -> Bank:  # fmt: skip
    """Patterns of phases at shared shape of lines and at isotropic strains (S,); threads share out the phases."""
    step = (x[-1] - x[0]) / (len(x) - 1) / _FINER
    largest = float(np.abs(strains).max())
    beyond = np.degrees(2.0 * largest * np.tan(np.radians(0.5 * x[-1]))) + 4.0 * step
    first = max(x[0] - beyond, 2.0 * step)
    fine = first + step * np.arange(int((x[-1] + beyond - first) / step) + 2)
    fine = fine[fine < 179.0]
    place = _places(x, strains, common, first, step)
    start, weight = np.empty(place.shape, dtype=np.int32), np.empty((*place.shape, 4), dtype=np.float32)
    shift_weights(place, len(fine) - 1, start, weight)
    found = np.zeros((len(phases), len(strains), len(x)), dtype=np.float32)

    def fill(k: int) -> None:
        own = np.zeros(phases[k].strains + len(OWN))
        curve = pattern(fine, phases[k], beam, common, own, faintest=faintest)
        shift(curve.astype(np.float32), start, weight, found[k])

    with ThreadPoolExecutor(max_workers=threads) as pool:
        list(pool.map(fill, range(len(phases))))
    return Bank(found, strains)


def _places(x: FloatArray, strains: FloatArray, common: FloatArray, first: float, step: float) -> FloatArray:
    """Where on the fine grid the unstrained pattern has what the strained one has at x: (S, N), in steps."""
    zero, displacement = float(common[0]), float(common[1])
    theta = np.radians(0.5 * (x - zero - displacement * np.cos(np.radians(0.5 * x))))
    sine = np.minimum(np.sin(theta) * (1.0 + strains[:, None]), 0.99999)
    theta = np.arcsin(sine)
    back = np.degrees(2.0 * theta) + zero + displacement * np.cos(theta)
    found: FloatArray = (back - first) / step
    return found
