"""What a set of phases leaves: lines of none of its phases, and phases of which too few lines are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.gram import Frame
from bayesbeam.diffraction.law import Tolerance
from bayesbeam.diffraction.line_loops import add_lines
from bayesbeam.diffraction.members import Member
from bayesbeam.diffraction.powder import Powder, smooth
from bayesbeam.diffraction.profile import Beam, Places, places

FloatArray = NDArray[np.float64]

CLEAR, SEEN = 8.0, 3.0
"""Standard deviations at which a line that nothing explains is told, and at which a line of a phase counts as seen."""
_TIMES = 4.0
"""Relative errors of a line by which the data must be above the model until it is unknown."""
FEWEST_UNKNOWN, CLEAR_SHARE = 2, 0.05
"""Unknown lines that tell of another phase; one is enough where so much of the intensity is unknown."""
FEWEST_LINES, LEAST_SHARE = 3, 0.005
"""Own lines of a phase that is present, if it has as many in range, and its share of the intensity."""


@dataclass(frozen=True)
class Unknown:
    """Lines that no phase explains: where (degrees), how far above noise, and their share of all above background."""

    position: FloatArray
    z: FloatArray
    share: float

    @property
    def is_open(self) -> bool:
        """Whether something is there that is none of the phases."""
        return len(self.position) >= FEWEST_UNKNOWN or (len(self.position) > 0 and self.share > CLEAR_SHARE)


def unknown_lines(data: Powder, model: FloatArray, background: FloatArray, tolerance: Tolerance) -> Unknown:
    """Lines of none of the phases of a model (N,), by a filter of the width of a line on what is left.

    A line that is explained may be off by its tolerance, so many times over; only what is more is unknown, and must be
    clear of counting noise.
    """
    half = data.half_width
    bell = np.hanning(2 * half + 3)
    bell /= bell.sum()
    counting = np.sqrt(np.convolve(data.variance, bell**2, "same"))
    near = np.maximum(smooth(model - background, 2 * half), smooth(model - background, half))
    left = smooth(data.y - model, half)
    z = (left - _TIMES * tolerance.line * np.maximum(near, 0.0)) / counting
    top = np.flatnonzero((z[1:-1] > CLEAR) & (z[1:-1] >= z[:-2]) & (z[1:-1] > z[2:])) + 1
    kept: list[int] = []
    for i in top[np.argsort(-z[top], kind="stable")]:
        if all(abs(i - j) > 3 * half for j in kept):
            kept.append(int(i))
    order = np.sort(np.array(kept, dtype=np.int64))
    whole = float(np.maximum(data.y - background, 0.0).sum())
    share = float(left[z > SEEN].sum()) / whole if whole > 0.0 else 0.0
    return Unknown(data.x[order], z[order], share)


def lines_of_member(
    data: Powder, frame: Frame, beam: Beam, common: FloatArray, members: Sequence[Member], j: int
) -> tuple[int, int]:  # fmt: skip
    """Groups of lines of a member: those that are its own and stand out, and all in range.

    A group is nearer than a width. It is its own where no other member has more there, and stands out where it is
    clear of noise when all other members may be more or less.
    """
    one = members[j]
    lines = places(one.phase, beam, common, one.own, (float(data.x[0]), float(data.x[-1])), one.axis)
    inside = (lines.centre > data.x[0]) & (lines.centre < data.x[-1])
    groups = _groups(lines, inside)
    if not groups or one.height <= 0.0:
        return 0, len(groups)
    columns = np.zeros((len(groups), len(data.x)))
    for column, group in zip(columns, groups, strict=True):
        add_lines(data.x, lines.centre[group], lines.width[group], lines.mixing[group], lines.skew[group],
                  one.unit * one.height * lines.area[group], 1e-3, column)  # fmt: skip
    others = [other.height * other.part(data.x, beam, common) for k, other in enumerate(members) if k != j]
    white = frame.columns(columns.T)
    if others:
        basis = np.linalg.qr(frame.columns(np.array(others).T))[0]
        white = white - basis @ (basis.T @ white)
    own = np.einsum("gn,n->g", columns, columns.sum(0) - sum(others, np.zeros(len(data.x)))) > 0.0
    return int((own & (np.sqrt(np.square(white).sum(0)) > SEEN)).sum()), len(groups)


def lines_seen(data: Powder, frame: Frame, beam: Beam, common: FloatArray, members: Sequence[Member], j: int) -> int:
    """Number of groups of lines of a member that are its own and stand out."""
    return lines_of_member(data, frame, beam, common, members, j)[0]


def _groups(lines: Places, inside: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Lines in range, those nearer than a width to the one before together."""
    order = np.flatnonzero(inside)[np.argsort(lines.centre[inside], kind="stable")]
    if not len(order):
        return []
    apart = np.diff(lines.centre[order]) > lines.width[order][1:]
    return list(np.split(order, np.flatnonzero(apart) + 1))
