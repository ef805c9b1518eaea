"""Where the cell of a phase begins before it is fitted: edges one by one, beside a set of which shapes stay.

A change that is alike along all edges is where a search begins. Where edges change by different amounts, as of a
crystal that is cooled, narrow lines lie widths away from theirs, out of reach of any slope.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.candidates import gain_of
from bayesbeam.diffraction.members import FARTHEST_CELL, Member, parts_of
from bayesbeam.diffraction.shapes import Setting

FloatArray = NDArray[np.float64]

STEPS = ((1e-3, 4.0), (5e-4, 2.0), (2e-4, 1.0))
"""Of relative changes of an edge, one after the other, with factors by which lines are made wider meanwhile."""
_REACH = 3
"""Steps to each side in all but the first look, which goes as far as cells may change."""
_PASSES, _CLEARLY = 3, 6.0


def begun(setting: Setting, common: FloatArray, member: Member, parts: FloatArray) -> Member:
    """A phase with the cell by which it would add most to a set of given patterns (M, N), edges tried one by one.

    Its own is kept where no other is clearly better.
    """
    edges = len(member.phase.edges)
    frame = setting.frame
    own = frame.columns(np.ascontiguousarray(parts.T)) if len(parts) else np.zeros((len(frame.target), 0))
    found = member
    for step, wider in STEPS:
        found = _wide(found, wider)
        best = float(_worth(setting, common, [found], own)[0])
        for _ in range(_PASSES):
            before = best
            for edge in range(edges):
                tried = _changed(setting, found, edge, step, step == STEPS[0][0])
                worth = _worth(setting, common, tried, own)
                if worth.max() > best:
                    best, found = float(worth.max()), tried[int(worth.argmax())]
            if best <= before:
                break
        found = _wide(found, 1.0 / wider)
    before, after = _worth(setting, common, [member, found], own)
    return found if after > before + _CLEARLY else member


def _wide(member: Member, factor: float) -> Member:
    """The phase with Lorentzian parts of its lines so many times as wide."""
    own = member.own.copy()
    own[member.phase.strains : member.phase.strains + 2] += math.log(factor)
    return replace(member, own=own)


def _changed(setting: Setting, member: Member, edge: int, step: float, far: bool) -> list[Member]:
    """The phase with one edge at a range of changes, its prior's limits kept."""
    limit = FARTHEST_CELL * setting.spread.edge
    count = int(limit / step) if far else _REACH
    around = 0.0 if far else float(member.own[edge])
    made = []
    for value in around + step * np.arange(-count, count + 1):
        if abs(value) <= limit + 1e-9:
            own = member.own.copy()
            own[edge] = value
            made.append(replace(member, own=own))
    return made


def _worth(setting: Setting, common: FloatArray, members: Sequence[Member], own: FloatArray) -> FloatArray:
    """Nats that each would add, the prior of its cell counted."""
    parts = parts_of(setting.data.x, setting.beam, common, members)
    frame = setting.frame
    white = frame.columns(np.ascontiguousarray(parts.T))
    gain = gain_of(np.einsum("nc,nc->c", white, white), white.T @ frame.target, own.T @ white, own, frame.target)
    strains = np.array([one.own[: len(one.phase.edges)] for one in members])
    found: FloatArray = gain - 0.5 * np.square(strains / setting.spread.edge).sum(1)
    return found
