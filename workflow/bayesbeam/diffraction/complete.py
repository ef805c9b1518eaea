"""The fit of a set that is settled on: errors are shares of what the set itself predicts, and are estimated.

While phases are sought, a line that the set has not may be that of an unknown phase, and costs little; a line that it
has and the data have not costs much. That tells phases apart, and makes those of imperfect structures too weak. Once
the set is settled a line may be off to either side, by errors that the pattern itself tells; only around lines that
stay unknown the data count for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.gram import Frame, frame_of
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.law import Tolerance, places_of
from bayesbeam.diffraction.noise import Misfit, Noise, log_density, noise
from bayesbeam.diffraction.powder import smooth
from bayesbeam.diffraction.shapes import Fit, refine
from bayesbeam.diffraction.unexplained import Unknown, unknown_lines

FloatArray = NDArray[np.float64]

FACTORS = tuple(2.0 ** (k / 2.0) for k in range(-6, 5))
"""By which stated errors are changed when they are estimated: an eighth to four times."""
_CYCLES, _ROUNDS, _SETTLED = 4, 6, 1e-3
_LEFT_OUT, _FREE = 2.0, 3.0
"""Widths to each side of an unknown line that count for nothing, and by how many times what is seen there."""


@dataclass(frozen=True)
class Complete:
    """A set with the noise that goes with it.

    ``tolerance`` has the errors, ``estimated`` tells whether from the pattern; ``unknown`` are the lines left out.
    """

    fit: Fit
    frame: Frame
    tolerance: Tolerance
    estimated: bool
    unknown: Unknown


def complete_fit(asked: Question, fit: Fit, estimate: bool = True, unknown: Unknown | None = None) -> Complete:
    """Fit of the members of a fit, begun at their shapes, under errors that are shares of what they predict.

    Where something is open, errors stay as stated: they would grow to what the lines of unknown phases are. What all
    phases share stays too, for flanks of these lines would pull at it; it was found where any line may be of no phase.

    Parameters
    ----------
    estimate : bool
        Whether the errors of intensities and of forms are estimated, each by maximum likelihood among ``FACTORS``
        times those stated.
    unknown : Unknown, optional
        Lines that count for nothing; those that the fit leaves, if not given.
    """
    if unknown is None:
        unknown = unknown_lines(asked.data, fit.model, fit.background, asked.tolerance)
    tolerance, estimate = asked.tolerance, estimate and not unknown.is_open and bool(fit.members)
    frame = _frame(asked, fit, tolerance, unknown)
    for _ in range(_CYCLES if fit.members else 0):
        if estimate:
            tolerance = _estimated(asked, fit, unknown, tolerance)
        frame = _frame(asked, fit, tolerance, unknown)
        before, setting = fit.heights, asked.setting(frame)
        fit = refine(setting, fit.common, fit.members, _ROUNDS, shared=not unknown.is_open)
        if np.abs(fit.heights - before).max() < _SETTLED * max(float(fit.heights.max()), 1e-300):
            break
    if unknown.is_open and fit.members:
        # Nothing moves any more: covariances are those with what all share in doubt.
        fit = refine(asked.setting(frame), fit.common, fit.members, rounds=0)
    return Complete(fit, frame, tolerance, estimate, unknown)


def _estimated(asked: Question, fit: Fit, unknown: Unknown, start: Tolerance) -> Tolerance:
    """Errors under which what a fit leaves is most probable, uphill from a start, by steps of ``FACTORS``."""
    left, known = asked.data.y - fit.model, {}

    def told(line: int, form: int) -> float:
        if not (0 <= line < len(FACTORS) and 0 <= form < len(FACTORS)):
            return -math.inf
        if (line, form) not in known:
            known[line, form] = log_density(left, complete_law(asked, fit, _times(asked, line, form), unknown))
        return known[line, form]

    at = tuple(int(np.argmin(np.abs(np.log(FACTORS) - math.log(value / stated)))) for value, stated in
               ((start.line, asked.tolerance.line), (start.form, asked.tolerance.form)))  # fmt: skip
    while True:
        line, form = at
        near = [(line + i, form + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        best = max(near, key=lambda one: told(*one))
        if told(*best) <= told(line, form):
            return _times(asked, line, form)
        at = best


def _times(asked: Question, line: int, form: int) -> Tolerance:
    """Errors that are so many steps of ``FACTORS`` away from those stated."""
    stated = asked.tolerance
    return replace(stated, line=stated.line * FACTORS[line], form=stated.form * FACTORS[form])


def complete_law(asked: Question, fit: Fit, tolerance: Tolerance, unknown: Unknown | None = None) -> Noise:
    """Noise in which errors are shares of what a fit has above its background; unknown lines count for nothing."""
    data = asked.data
    told = np.maximum(smooth(fit.model - fit.background, data.half_width), 0.0)
    misfits = [Misfit(tolerance.line * told, tolerance.reach), Misfit(tolerance.form * told, tolerance.form_reach)]
    place = places_of(data, fit.common)
    variance = data.variance
    if unknown is not None and len(unknown.position):
        distance = np.abs(place[:, None] - np.interp(unknown.position, data.x, place))
        shown = np.maximum(data.y - fit.background, 0.0) + np.sqrt(variance)
        variance = variance + np.where(distance.min(1) < _LEFT_OUT, np.square(_FREE * shown), 0.0)
    return noise(variance, misfits, place)


def _frame(asked: Question, fit: Fit, tolerance: Tolerance, unknown: Unknown) -> Frame:
    """The data under that noise."""
    return frame_of(complete_law(asked, fit, tolerance, unknown), asked.data.background, asked.data.y)
