"""A first set of phases: one after the other, with shapes fitted and noise told anew after each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.candidates import Raw, gains, raw_columns, white_columns
from bayesbeam.diffraction.cell_start import begun
from bayesbeam.diffraction.gram import Frame, frame_of
from bayesbeam.diffraction.law import Tolerance, law_of
from bayesbeam.diffraction.members import Member, Spread, member_of
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.powder import Powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.shapes import COMMON_SD, LOSS, Fit, Setting, common_sd, common_start, refine

FloatArray = NDArray[np.float64]

_ROUNDS, _SETTLE = 3, 1
_REMADE = (0, 1, 3)
"""Numbers of phases at which coarse patterns are made again, with the shapes that are then known."""


@dataclass(frozen=True)
class Question:
    """What is asked: a pattern, its candidates, and what is taken for granted.

    ``log_prior`` (M+1,) is that of one set of 0 to M phases; ``threads`` share out the work and change no number.
    """

    data: Powder
    phases: tuple[Phase, ...]
    beam: Beam
    log_prior: FloatArray
    tolerance: Tolerance
    spread: Spread
    common_mean: FloatArray
    common_sd: FloatArray
    threads: int = 1

    def frame(self, common: FloatArray, fit: Fit | None = None) -> Frame:
        """Noise and background as they are with a fit, or with nothing known."""
        known = (None, None) if fit is None else (fit.model, fit.background)
        return frame_of(law_of(self.data, common, self.tolerance, *known), self.data.background, self.data.y)

    def setting(self, frame: Frame) -> Setting:
        """What fits under one frame have in common."""
        return Setting(self.data, self.beam, frame, self.common_mean, self.common_sd, self.spread)

    def odds(self, size: int) -> float:
        """Log prior odds of one more phase beside so many."""
        if size + 1 >= len(self.log_prior):
            return -math.inf
        return float(self.log_prior[size + 1] - self.log_prior[size])


def question_of(
    data: Powder, phases: Sequence[Phase], beam: Beam, log_prior: FloatArray, tolerance: Tolerance | None = None,
    spread: Spread | None = None, threads: int = 1, low_angle_loss: float = float(COMMON_SD[LOSS]),
) -> Question:  # fmt: skip
    """A question with the usual priors of shapes, and that of the intensity that a flat specimen loses."""
    return Question(data, tuple(phases), beam, log_prior, tolerance or Tolerance(), spread or Spread(),
                    common_start(data.width), common_sd(beam, low_angle_loss), threads)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A set with its fit, the frame that goes with it, and coarse patterns at its shapes."""

    fit: Fit
    frame: Frame
    raw: Raw

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its phases."""
        return tuple(one.phase.name for one in self.fit.members)


def first_set(asked: Question) -> Found:
    """Phases that are added, one after the other, as long as each gains more than its prior costs."""
    frame = asked.frame(asked.common_mean)
    fit = refine(asked.setting(frame), asked.common_mean, [], rounds=0, shared=False)
    raw, made_at = _raw(asked, fit.common), 0
    barred: set[int] = set()
    while True:
        gain, strain = gains(raw, white_columns(raw, frame), frame, fit.members, fit.parts)
        size = len(fit.members)
        names = {one.phase.name for one in fit.members}
        for k, phase in enumerate(asked.phases):
            if phase.name in names or k in barred:
                gain[k] = -np.inf
        best = int(gain.argmax())
        if not gain[best] + asked.odds(size) > 0.0:
            return Found(fit, frame, raw)
        new = member_of(asked.phases[best], asked.data, asked.beam, fit.common, float(strain[best]))
        if new is None:
            barred.add(best)
            continue
        new = begun(asked.setting(frame), fit.common, new, fit.parts)
        tried = settled(asked, fit.common, [*fit.members, new], frame)
        # The frame in which each was judged before it came in is not that of the set; all must hold their own in it.
        weakest, worth = weakest_member(asked, tried)
        if worth + asked.odds(len(tried.members) - 1) < 0.0:
            barred.add(_number(asked, tried.members[weakest].phase.name))
            rest = [one for j, one in enumerate(tried.members) if j != weakest]
            if weakest < size:
                fit = settled(asked, tried.common, rest, frame)
                frame = asked.frame(fit.common, fit)
            continue
        fit, frame = tried, asked.frame(tried.common, tried)
        if len(fit.members) in _REMADE and len(fit.members) > made_at:
            raw, made_at = _raw(asked, fit.common), len(fit.members)


def _number(asked: Question, name: str) -> int:
    """Number of the phase of a name."""
    return [phase.name for phase in asked.phases].index(name)


def _raw(asked: Question, common: FloatArray) -> Raw:
    """Coarse patterns of all candidates."""
    return raw_columns(asked.data, asked.phases, asked.beam, common, asked.spread.edge, asked.threads)


def settled(asked: Question, common: FloatArray, members: Sequence[Member], frame: Frame) -> Fit:
    """Fit of a set in the noise that goes with it, which goes with the fit: a few rounds, the most probable is kept.

    It begins with heights at given shapes, so that no line of the set is taken for unknown and then given up.
    """
    fit = refine(asked.setting(frame), common, members, rounds=0, shared=False)
    best, lowest = fit, math.inf
    for _ in range(_SETTLE + 1):
        frame = asked.frame(fit.common, fit)
        fit = refine(asked.setting(frame), fit.common, fit.members, rounds=_ROUNDS)
        law = law_of(asked.data, fit.common, asked.tolerance, fit.model, fit.background)
        white = law.whitened(asked.data.y - fit.model)
        cost = 0.5 * float(white @ white) + 0.5 * law.log_determinant
        if cost > lowest - 0.5:
            return fit if cost < lowest else best
        best, lowest = fit, cost
    return best


def weakest_member(asked: Question, fit: Fit) -> tuple[int, float]:
    """The member that is worth least, and its worth."""
    worth = worths(asked, fit)
    weakest = int(worth.argmin())
    return weakest, float(worth[weakest])


def worths(asked: Question, fit: Fit) -> FloatArray:
    """Nats that each member (M,) of a set adds to the rest, in the noise of the rest, where its lines are unknown."""
    found = np.zeros(len(fit.members))
    for j in range(len(fit.members)):
        without = rest_of(asked, fit, j)
        frame = asked.frame(fit.common, without)
        moves = [k == j for k in range(len(fit.members))]
        setting = asked.setting(frame)
        others = [one for k, one in enumerate(fit.members) if k != j]
        whole = refine(setting, fit.common, fit.members, 0, shared=False, movable=moves)
        rest = refine(setting, fit.common, others, 0, shared=False, movable=[False] * len(others))
        found[j] = rest.free_energy - whole.free_energy
    return found


def rest_of(asked: Question, fit: Fit, j: int) -> Fit | None:
    """Fit of a set without one of its members, shapes as they are; None if nothing is left."""
    others = [one for k, one in enumerate(fit.members) if k != j]
    if not others:
        return None
    frozen = [False] * len(others)
    known = replace(fit, model=fit.model - fit.members[j].height * fit.parts[j])
    for _ in range(2):
        setting = asked.setting(asked.frame(fit.common, known))
        known = refine(setting, fit.common, others, 0, shared=False, movable=frozen)
    return known
