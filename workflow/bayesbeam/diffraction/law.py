"""What a set of phases may be wrong by, point by point, and how unknown lines are borne.

A line that a model has may be off by a share of it. Where a model has nothing, or far too little, the line may be that
of a phase that is in no library: it then counts for a few nats, whatever its height, so that no candidate is called
in only to explain it. A line that a candidate has and the data have not is judged by counting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.noise import Misfit, Noise, in_widths, noise
from bayesbeam.diffraction.powder import Powder, smooth
from bayesbeam.diffraction.profile import OWN, widths

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Tolerance:
    """Relative errors of a model of a pattern.

    Attributes
    ----------
    line : float
        Of the intensity of a line, alike over the whole line.
    form : float
        Of its form and place, alike over about a width.
    unknown : float
        Of a line as far as the model does not have it.
    free : float
        Of a line that may be anything, in the likelihood with open lines.
    reach, form_reach : float
        Over which errors are alike, in widths of a line.
    """

    line: float = 0.15
    form: float = 0.10
    unknown: float = 0.25
    free: float = 1.0
    reach: float = 4.0
    form_reach: float = 1.5

    def times(self, factor: float) -> Tolerance:
        """Errors of what a model has so many times as large."""
        return replace(self, line=factor * self.line, form=factor * self.form, unknown=factor * self.unknown)


def law_of(
    data: Powder, common: FloatArray, tolerance: Tolerance, model: FloatArray | None = None,
    background: FloatArray | None = None,
) -> Noise:  # fmt: skip
    """Noise of a pattern, given what is known of it: a model (N,) and its background, or nothing.

    The errors are shares of what the data show above the background, and so the same for all sets that are compared.
    """
    shown = np.maximum(smooth(data.y - (data.envelope if background is None else background), data.half_width), 0.0)
    missing = np.ones(len(data.x))
    if model is not None:
        wide = 2 * data.half_width
        all_of_it = np.maximum(smooth(shown, wide), 1e-3 * np.sqrt(data.variance))
        missing = np.minimum(np.abs(smooth(data.y - model, wide)) / all_of_it, 1.0)
    line = np.hypot(tolerance.line, tolerance.unknown * missing) * shown
    misfits = [Misfit(line, tolerance.reach), Misfit(tolerance.form * shown, tolerance.form_reach)]
    return noise(data.variance, misfits, places_of(data, common))


def places_of(data: Powder, common: FloatArray) -> FloatArray:
    """Places of points in widths of a line."""
    width, _ = widths(np.tan(np.radians(0.5 * data.x)), common, np.zeros(len(OWN)))
    return in_widths(data.x, width)
