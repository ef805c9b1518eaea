"""Shapes of the lines of a set of phases, found together with heights and background, and integrated out by Laplace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.gram import Frame
from bayesbeam.diffraction.members import Member, Spread, parts_of, positive_heights, steps_of
from bayesbeam.diffraction.powder import Powder
from bayesbeam.diffraction.profile import Asked, Beam, patterns
from bayesbeam.diffraction.sets import SHARE_SD

FloatArray = NDArray[np.float64]
Flags = NDArray[np.bool_]

COMMON_STEPS = np.array([5e-4, 5e-4, 1e-2, 1e-2, 2e-2, 2e-2, 2e-2, 1e-2, 1e-3])
"""Of finite differences of the shared parameters."""
COMMON_SD = np.array([0.05, 0.1, 0.25, 0.25, 0.5, 0.4, 0.4, 0.2, 0.1])
"""Standard deviations of their priors; what is lost at low angles is so uncertain with a flat specimen only."""
LOSS = 8
"""Place of what is lost at low angles among them."""
_TRIES, _DAMPING, _LEAST_DAMPING = 6, 1e-3, 1e-6


@dataclass(frozen=True)
class Setting:
    """What fits of all sets have in common; shared parameters of which the prior has no spread are fixed."""

    data: Powder
    beam: Beam
    frame: Frame
    common_mean: FloatArray
    common_sd: FloatArray
    spread: Spread = field(default_factory=Spread)

    @property
    def open(self) -> Flags:
        """Shared parameters that are not fixed."""
        found: Flags = self.common_sd > 0.0
        return found


def common_start(width: float) -> FloatArray:
    """Shared parameters as they are before anything is fitted: lines of a width that does not change much."""
    return np.array([0.0, 0.0, math.log(0.7 * width), -0.25, math.log(0.5), math.log(0.4 * width),
                     math.log(0.4 * width), 0.0, 0.0])  # fmt: skip


def common_sd(beam: Beam, low_angle_loss: float = float(COMMON_SD[LOSS])) -> FloatArray:
    """Standard deviations of the priors of shared parameters; with a capillary nothing is lost at low angles."""
    found = COMMON_SD.copy()
    found[LOSS] = low_angle_loss if beam.optics.geometry == "bragg_brentano" else 0.0
    return found


@dataclass(frozen=True)
class Fit:
    """The best shapes of a set.

    Attributes
    ----------
    misfit : float
        Half the sum of squares of the white residual, plus that of all priors.
    free_energy : float
        By Laplace, noise's normaliser and the background's integral left out: those of all sets are the same.
    shape_cost : float
        The part of it that is not that of heights at these shapes.
    covariance : array
        Of shared parameters that are open, own ones of members that may move, and heights.
    model, background : arrays (N,)
    parts : array (K, N)
        Patterns of unit height.
    free : array of bool
        Shared parameters that are in the covariance.
    """

    common: FloatArray
    members: tuple[Member, ...]
    misfit: float
    free_energy: float
    shape_cost: float
    covariance: FloatArray
    model: FloatArray
    background: FloatArray
    parts: FloatArray
    free: Flags

    @property
    def heights(self) -> FloatArray:
        """Heights of all members."""
        return np.array([one.height for one in self.members])

    @property
    def height_sd(self) -> FloatArray:
        """Their standard deviations, shapes integrated out."""
        sd: FloatArray = np.sqrt(np.diag(self.covariance)[len(self.covariance) - len(self.members) :])
        return sd

    @property
    def whole_covariance(self) -> FloatArray:
        """Covariance with all shared parameters in it, nothing for those that are fixed."""
        kept = np.flatnonzero(np.concatenate([self.free, np.ones(len(self.covariance) - self.free.sum(), dtype=bool)]))
        found = np.zeros((len(self.free) + len(self.covariance) - int(self.free.sum()),) * 2)
        found[np.ix_(kept, kept)] = self.covariance
        return found

    def share_of_height(self, data: Powder) -> FloatArray:
        """What heights are multiplied by to be shares of the intensity above the background: (K,)."""
        # Below 0 too: what noise adds to one point it takes from another.
        whole = float((data.y - self.background).sum())
        found: FloatArray = self.parts.sum(1) / max(whole, 1e-300)
        return found


def refine(
    setting: Setting, common: FloatArray, members: Sequence[Member], rounds: int = 5, shared: bool = True,
    movable: Sequence[bool] | None = None, tolerance: float = 0.02,
) -> Fit:  # fmt: skip
    """Best shapes of a set by Gauss-Newton on everything at once, heights solved for at every place.

    Parameters
    ----------
    shared : bool
        Whether shared parameters move.
    movable : sequence of bool
        Whether each member's own parameters move; all by default.
    tolerance : float
        Nats of a round at which to stop.
    """
    may = [True] * len(members) if movable is None else list(movable)
    free = setting.open & shared
    place = _place(setting, common, list(members))
    damping = _DAMPING
    for _ in range(rounds):
        slope = _slope(setting, place, free, may)
        if slope.shapes == 0:
            break
        better = None
        for _ in range(_TRIES):
            better = _moved(setting, place, slope.step(damping), free, may)
            if better.misfit < place.misfit + 1e-9:
                break
            better, damping = None, 10.0 * damping
        if better is None:
            break
        damping = max(0.2 * damping, _LEAST_DAMPING)
        gain, place = place.misfit - better.misfit, better
        if gain < tolerance:
            break
    return _fit(setting, place, _slope(setting, place, free, may), free)


def white_slopes(setting: Setting, fit: Fit) -> FloatArray:
    """White derivatives (N, P) of the model of a fit of which everything may move, in the order of its covariance."""
    place = _place(setting, fit.common, list(fit.members))
    return _slope(setting, place, setting.open, [True] * len(fit.members)).jacobian


@dataclass(frozen=True)
class _Place:
    """A set at one place: members with their best heights there, and what is left."""

    common: FloatArray
    members: list[Member]
    parts: FloatArray
    white: FloatArray
    residual: FloatArray
    misfit: float
    pull: float


def _place(
    setting: Setting, common: FloatArray, members: list[Member], old: _Place | None = None, same: Sequence[bool] = ()
) -> _Place:  # fmt: skip
    """A set at a place; parts of an old one are kept where they are the same."""
    x = setting.data.x
    parts, white = np.empty((len(members), len(x))), np.empty((len(members), len(x))).T
    new = [k for k in range(len(members)) if old is None or not same[k]]
    if old is not None:
        kept = np.setdiff1d(np.arange(len(members)), new)
        parts[kept], white[:, kept] = old.parts[kept], old.white[:, kept]
    if new:
        parts[new] = parts_of(x, setting.beam, common, [members[k] for k in new])
        white[:, new] = setting.frame.columns(parts[new].T)
    target = setting.frame.target
    heights = positive_heights(white.T @ white, white.T @ target) if members else np.zeros(0)
    residual = target - white @ heights
    placed = [replace(one, height=float(height)) for one, height in zip(members, heights, strict=True)]
    is_open = setting.open
    away = (common - setting.common_mean)[is_open] / setting.common_sd[is_open]
    pull = 0.5 * float(away @ away)
    for one in placed:
        pull += 0.5 * float(np.square(one.own / setting.spread.of(one.phase)).sum())
    misfit = 0.5 * float(residual @ residual) + 0.5 * float(heights @ heights) / SHARE_SD**2 + pull
    return _Place(common, placed, parts, white, residual, misfit, pull)


def _moved(setting: Setting, place: _Place, step: FloatArray, free: Flags, may: Sequence[bool]) -> _Place:
    """The set a step away, within bounds far out in the priors."""
    common = place.common.copy()
    at = int(free.sum())
    common[free] += step[:at]
    shared = at > 0
    members, same = [], []
    for one, moves in zip(place.members, may, strict=True):
        same.append(not (moves or shared))
        if not moves:
            members.append(one)
            continue
        limit = setting.spread.farthest(one.phase)
        members.append(replace(one, own=np.clip(one.own + step[at : at + len(one.own)], -limit, limit)))
        at += len(one.own)
    return _place(setting, common, members, place, same)


@dataclass(frozen=True)
class _Slope:
    """White derivatives (N, P) of the model by [shared, own, heights], precisions of priors and where they pull."""

    jacobian: FloatArray
    precision: FloatArray
    gradient: FloatArray
    shapes: int

    @property
    def hessian(self) -> FloatArray:
        """Second derivatives of the misfit, as Gauss and Newton have them."""
        return np.asarray(self.jacobian.T @ self.jacobian + np.diag(self.precision))

    def step(self, damping: float) -> FloatArray:
        """Step of the shapes, as Levenberg and Marquardt have it."""
        damped = self.hessian
        shape = np.arange(self.shapes)
        damped[shape, shape] *= 1.0 + damping
        return np.asarray(np.linalg.solve(damped, self.gradient)[: self.shapes])


def _slope(setting: Setting, place: _Place, free: Flags, may: Sequence[bool]) -> _Slope:
    """Derivatives by finite differences of patterns."""
    changes = _changes(setting, place, np.flatnonzero(free), may)
    precision = [1.0 / np.square(setting.common_sd[free])]
    pull = [(setting.common_mean - place.common)[free] * precision[0]]
    for one, moves in zip(place.members, may, strict=True):
        if moves:
            precision.append(1.0 / np.square(setting.spread.of(one.phase)))
            pull.append(-one.own * precision[-1])
    white = place.white
    if len(changes):
        white = np.vstack([setting.frame.columns(changes.T).T, place.white.T]).T
    precision.append(np.full(len(place.members), 1.0 / SHARE_SD**2))
    pull.append(-np.array([one.height for one in place.members]) * precision[-1])
    gradient = white.T @ place.residual + np.concatenate(pull)
    return _Slope(white, np.concatenate(precision), gradient, len(changes))


def _changes(setting: Setting, place: _Place, free: NDArray[np.intp], may: Sequence[bool]) -> FloatArray:
    """Derivatives (P, N) of the model by some shared parameters, then by own ones of members that move."""
    asked, steps = [], []
    for one, moves in zip(place.members, may, strict=True):
        steps.append(steps_of(one.phase) if moves else np.zeros(0))
        own = np.tile(one.own, (len(free) + len(steps[-1]), 1))
        common = np.tile(place.common, (len(own), 1))
        common[np.arange(len(free)), free] += COMMON_STEPS[free]
        own[len(free) :] += np.diag(steps[-1])[:, : own.shape[1]] if moves else 0.0
        asked.append(Asked(one.phase, common, own, one.axis))
    curves = patterns(setting.data.x, setting.beam, asked)
    at, found = len(free), np.zeros((len(free) + sum(map(len, steps)), len(setting.data.x)))
    for one, part, curve, step in zip(place.members, place.parts, curves, steps, strict=True):
        curve *= one.unit
        curve -= part
        curve *= one.height
        found[: len(free)] += curve[: len(free)]
        np.divide(curve[len(free) :], step[:, None], out=found[at : at + len(step)])
        at += len(step)
    found[: len(free)] /= COMMON_STEPS[free][:, None]
    return found


def _fit(setting: Setting, place: _Place, slope: _Slope, free: Flags) -> Fit:
    """Everything that is told of a fit."""
    from scipy.special import log_ndtr

    hessian = slope.hessian
    covariance = np.asarray(np.linalg.inv(hessian), dtype=np.float64)
    heights = np.array([one.height for one in place.members])
    block = slice(slope.shapes, len(hessian))
    log_det, alone = (float(np.linalg.slogdet(matrix)[1]) for matrix in (hessian, hessian[block, block]))
    shape_cost = 0.5 * (log_det - alone - float(np.log(slope.precision[: slope.shapes]).sum())) + place.pull
    sd = np.sqrt(np.diag(covariance)[block])
    free_energy = place.misfit - place.pull + shape_cost + 0.5 * alone
    free_energy += len(heights) * math.log(SHARE_SD / 2.0) - float(log_ndtr(heights / sd).sum())
    coefficients = setting.frame.coefficients(setting.frame.white - setting.frame.law.whitened(heights @ place.parts))
    background = setting.data.background @ coefficients
    return Fit(place.common, tuple(place.members), place.misfit, free_energy, shape_cost, covariance,
               background + heights @ place.parts, background, place.parts, free)  # fmt: skip
