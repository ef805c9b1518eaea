"""A phase in a set: its parameters, their priors, and how much of it there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.phase import Phase, isotropic
from bayesbeam.diffraction.powder import Powder
from bayesbeam.diffraction.profile import OWN, Asked, Beam, pattern, patterns
from bayesbeam.diffraction.sets import SHARE_SD

FloatArray = NDArray[np.float64]

STEPS = (2e-5, 2e-5, 2e-2, 1e-2)
"""Of finite differences: by edges, angles (radians), logarithms of widths, logarithm of March's r."""


_NO_TEXTURE = 1e-4
FARTHEST_CELL, _FARTHEST = 3.0, 4.0
"""Standard deviations that edges and angles of a cell, and all else, may be off."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the normal priors of a phase's parameters, all around 0."""

    edge: float = 0.002
    angle: float = 0.004
    width: float = 0.35
    texture: float = 0.15

    def of(self, phase: Phase) -> FloatArray:
        """All of one phase, in order."""
        # In a cubic crystal planes of one family lie at several angles to any axis: it is taken to have no texture.
        texture = _NO_TEXTURE if len(phase.edges) == 1 else self.texture
        return _in_order(phase, (self.edge, self.angle, self.width, texture))

    def farthest(self, phase: Phase) -> FloatArray:
        """Bounds of all parameters of one phase, to either side."""
        times = np.full(phase.strains + len(OWN), _FARTHEST)
        times[: phase.strains] = FARTHEST_CELL
        return times * self.of(phase)


def steps_of(phase: Phase) -> FloatArray:
    """Steps of finite differences, in order."""
    return _in_order(phase, STEPS)


def _in_order(phase: Phase, values: tuple[float, float, float, float]) -> FloatArray:
    """Values by kind, for all parameters of a phase."""
    edge, angle, width, texture = values
    return np.array([edge] * len(phase.edges) + [angle] * len(phase.angles) + [width, width, texture])


@dataclass(frozen=True)
class Member:
    """A phase of a set.

    ``own`` are its parameters, ``height`` its share of what is above the background, ``unit`` the scale of its pattern
    for a height of 1.
    """

    phase: Phase
    own: FloatArray
    height: float
    unit: float
    axis: tuple[int, int, int] = (0, 0, 1)

    def part(self, x: FloatArray, beam: Beam, common: FloatArray) -> FloatArray:
        """Pattern (N,) of unit height."""
        return self.unit * pattern(x, self.phase, beam, common, self.own, self.axis)


def parts_of(x: FloatArray, beam: Beam, common: FloatArray, members: Sequence[Member]) -> FloatArray:
    """Patterns (K, N) of unit height of some members."""
    asked = [Asked(one.phase, common[None], one.own[None], one.axis) for one in members]
    curves = patterns(x, beam, asked)
    return np.array([one.unit * curve[0] for one, curve in zip(members, curves, strict=True)]).reshape(-1, len(x))


def member_of(phase: Phase, data: Powder, beam: Beam, common: FloatArray, strain: float = 0.0) -> Member | None:
    """A phase with a cell of which all edges are changed alike; None if it has no line in range."""
    own = np.concatenate([isotropic(phase, strain), np.zeros(len(OWN))])
    area = float(pattern(data.x, phase, beam, common, own).sum()) * data.step
    return Member(phase, own, 0.0, data.net / area) if area > 0.0 else None


def positive_heights(gram: FloatArray, moment: FloatArray) -> FloatArray:
    """Best heights under their priors, none below 0, by the active set of Lawson and Hanson.

    Source
    ------
    Lawson and Hanson, Solving Least Squares Problems (1974), algorithm 23.10.
    """
    from scipy.optimize import nnls

    whole = gram + np.eye(len(moment)) / SHARE_SD**2
    root = np.linalg.cholesky(whole)
    return np.asarray(nnls(root.T, np.linalg.solve(root, moment))[0], dtype=np.float64)


def weight_fractions(members: Sequence[Member]) -> FloatArray:
    """Mass of each phase as a share of all: scale times mass and volume of the cell's content.

    Source
    ------
    Hill and Howard, Journal of Applied Crystallography 20 (1987) 467: equation 10.
    """
    mass = np.array([one.height * one.unit * one.phase.mass_volume for one in members])
    total = mass.sum()
    return mass / total if total > 0.0 else mass
