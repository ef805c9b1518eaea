"""Columns that sets are made of: members of one, what may come besides, what instead, each at its best shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.candidates import degrees_of_strain, gains, white_columns
from bayesbeam.diffraction.cell_start import begun
from bayesbeam.diffraction.greedy import Found, Question, rest_of, worths
from bayesbeam.diffraction.members import Member, member_of
from bayesbeam.diffraction.sets import MOST_COLUMNS
from bayesbeam.diffraction.shapes import Fit, Setting, refine

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ADDED, _RIVALS, _WORTH_A_LOOK, _NEAR = 10, 4, -6.0, 12.0
_ALONE = 10
_BEGUN = 4
"""Phases that add most, of which edges are looked for one by one where a usual change moves lines by their width."""
_FEW_LINES = 100
"""Families of planes that they may have: where there are many, some line shows the way, and each look is dear."""


@dataclass(frozen=True)
class Choice:
    """Columns to choose from, the members of a set first.

    ``owner`` (C,) are the numbers of their phases, ``cost`` (C,) nats that their shapes cost; ``stand_in`` (C,) is the
    number of the member that a column may replace, -1 where it comes besides; ``worth`` (M,) what each member adds to
    the rest.
    """

    shapes: list[Member]
    owner: IntArray
    cost: FloatArray
    stand_in: IntArray
    worth: FloatArray


def setting_of(asked: Question, found: Found) -> Setting:
    """Setting of fits beside a set: what all phases share stays."""
    return replace(asked.setting(found.frame), common_sd=np.zeros_like(asked.common_sd))


def choice_of(asked: Question, found: Found) -> Choice:
    """Members of a set, what may come besides and what instead, each at its best shape."""
    setting, worth = setting_of(asked, found), worths(asked, found.fit)
    shapes, members = list(found.fit.members), set(range(len(found.names)))
    stand_in = list(range(len(shapes)))
    pairs = [*((one, -1) for one in _added(asked, found, setting)), *_rivals(asked, found, worth, setting)]
    for one, place in pairs[: MOST_COLUMNS - len(shapes)]:
        shapes.append(one)
        stand_in.append(place)
    beside = [sorted(members - {j, place}) for j, place in enumerate(stand_in)]
    cost = np.array([shape_cost(setting, found.fit, shapes, j, others) for j, others in enumerate(beside)])
    owner = np.array([number_of(asked, one.phase.name) for one in shapes], dtype=np.int64)
    return Choice(shapes, owner, cost, np.array(stand_in, dtype=np.int64), worth)


def _added(asked: Question, found: Found, setting: Setting) -> list[Member]:
    """Phases that may be there besides, at their best shapes beside the set."""
    frame = found.frame
    gain, strain = gains(found.raw, white_columns(found.raw, frame), frame, found.fit.members, found.fit.parts)
    names = set(found.names)
    order = [k for k in np.argsort(-gain, kind="stable") if asked.phases[k].name not in names]
    chosen = [k for k in order[:_ADDED] if gain[k] > _WORTH_A_LOOK]
    near = asked.data.width < degrees_of_strain(asked.data, asked.spread.edge)
    made = [_shaped(asked, setting, found.fit, list(found.fit.members), int(k), float(strain[k]),
                    near and i < _BEGUN and len(asked.phases[k].strength) <= _FEW_LINES)
            for i, k in enumerate(chosen)]  # fmt: skip
    return [one for one in made if one is not None]


def _rivals(asked: Question, found: Found, worth: FloatArray, setting: Setting) -> list[tuple[Member, int]]:
    """Phases that may be there instead of one of the set, at their best shapes beside the others."""
    made: list[tuple[Member, int]] = []
    for j, member in enumerate(found.fit.members):
        others = [one for k, one in enumerate(found.fit.members) if k != j]
        without = rest_of(asked, found.fit, j)
        frame = asked.frame(found.fit.common, without)
        parts = np.delete(found.fit.parts, j, axis=0)
        gain, strain = gains(found.raw, white_columns(found.raw, frame), frame, others, parts)
        own = gain[number_of(asked, member.phase.name)]
        for k in np.argsort(-gain, kind="stable")[: _RIVALS + 1]:
            if asked.phases[k].name in found.names or gain[k] < min(own, worth[j]) - _NEAR:
                continue
            rival = _shaped(asked, setting, found.fit, others, int(k), float(strain[k]))
            if rival is not None:
                made.append((rival, j))
    return made


def _shaped(
    asked: Question, setting: Setting, fit: Fit, others: Sequence[Member], k: int, strain: float, look: bool = False
) -> Member | None:
    """A phase at its best shape beside others, whose shapes stay; ``look`` for each of its edges, beside the fit's."""
    new = member_of(asked.phases[k], asked.data, asked.beam, fit.common, strain)
    if new is None:
        return None
    if look:
        new = begun(setting, fit.common, new, fit.parts)
    movable = [*(False for _ in others), True]
    return refine(setting, fit.common, [*others, new], _ALONE, shared=False, movable=movable).members[-1]


def number_of(asked: Question, name: str) -> int:
    """Number of the phase of a name."""
    return [phase.name for phase in asked.phases].index(name)


def shape_cost(setting: Setting, fit: Fit, shapes: Sequence[Member], j: int, beside: Sequence[int]) -> float:
    """Nats that the shape of a column costs, beside others."""
    others = [shapes[k] for k in beside]
    movable = [*(False for _ in others), True]
    whole = refine(setting, fit.common, [*others, shapes[j]], 0, shared=False, movable=movable)
    pull = sum(0.5 * float(np.square(one.own / setting.spread.of(one.phase)).sum()) for one in others)
    return whole.shape_cost - pull
