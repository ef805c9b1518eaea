"""Data and columns as the likelihood sees them: noise divided out and the background taken out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.noise import Noise, Numbers

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """Noise and background of one pattern.

    ``basis`` (N, T) is orthonormal and spans the white background, ``triangle`` (T, T) makes it of that; ``white`` and
    ``target`` (N,) are the data ``y``, the latter without what a background can have.
    """

    law: Noise
    basis: FloatArray
    triangle: FloatArray
    white: FloatArray
    target: FloatArray
    background: FloatArray
    y: FloatArray

    @cached_property
    def in_pairs(self) -> Frame:
        """Frame of sums of two neighbours each: a first look at many columns takes a quarter of the time."""
        return frame_of(self.law.in_pairs(), pairs(self.background), pairs(self.y))

    @property
    def misfit(self) -> float:
        """Half the sum of squares that a background alone leaves: the free energy of no phase."""
        return 0.5 * float(self.target @ self.target)

    def columns(self, columns: Numbers) -> Numbers:
        """White columns (N, C) without what a background can have."""
        white: Any = self.law.whitened(columns)
        basis = self.basis.astype(white.dtype, copy=False)
        # In the order in which the columns lie: else most of the time goes into strides.
        along = basis.T @ white
        white -= (along.T @ basis.T).T if white.flags.f_contiguous else basis @ along
        found: Numbers = white
        return found

    def coefficients(self, white_rest: FloatArray) -> FloatArray:
        """Coefficients (T,) of the background that goes best with white data (N,)."""
        return np.asarray(np.linalg.solve(self.triangle, self.basis.T @ white_rest))


def frame_of(law: Noise, background: FloatArray, y: FloatArray) -> Frame:
    """Frame of a pattern; the background's coefficients have priors so wide that they pull nothing.

    Their integral is the same for every set of phases, and is left out.
    """
    basis, triangle = np.linalg.qr(law.whitened(background))
    white = law.whitened(y)
    return Frame(law, basis, triangle, white, white - basis @ (basis.T @ white), background, y)


def pairs(values: Numbers) -> Numbers:
    """Sums of two neighbours (N/2, ...) each; one that is left over at the end is dropped."""
    count = len(values) // 2 * 2
    found: Numbers = values[0:count:2] + values[1:count:2]
    return found
