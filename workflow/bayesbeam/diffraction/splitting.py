"""Whether edges of a cell are equal or split, pattern by pattern along a series, by free energies.

A change of symmetry that leaves the atoms nearly where they are shows as a change of the number of lines: those of
equal edges split. Both descriptions have the same lines; one has an edge more. Each fit begins where the one before
ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.greedy import Question, settled, worths
from bayesbeam.diffraction.members import Member, member_of
from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.shapes import Fit, refine
from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]
_ROUNDS = 8


@dataclass(frozen=True)
class Splitting:
    """Split or equal edges along a series.

    Attributes
    ----------
    log_odds : array (M,)
        Nats by which each pattern is for split edges.
    edges, sd : arrays (M, E)
        Edges of the split cell (angstrom) and their standard deviations.
    worth : array (M, K)
        Nats that each phase adds to the others in each pattern, the one whose edges are split first.
    fits : tuple of Fit
        With split edges.
    """

    log_odds: FloatArray
    edges: FloatArray
    sd: FloatArray
    worth: FloatArray
    fits: tuple[Fit, ...]


def tied(phase: Phase, first: int, second: int) -> Phase:
    """The phase with two of its edges (0 to 2) equal, at their mean.

    Raises
    ------
    ModelError
        If they are not two edges that change alone.
    """
    if first == second or not {(first,), (second,)} <= set(phase.edges):
        raise ModelError.at(f"edges of {phase.name}", f"{first} and {second}", "two edges that change alone", "")
    cell = phase.cell.copy()
    cell[[first, second]] = 0.5 * (cell[first] + cell[second])
    low, high = sorted((first, second))
    edges = tuple(group for group in ((low, high) if group == (low,) else group for group in phase.edges)
                  if group != (high,))  # fmt: skip
    return replace(phase, cell=cell, edges=edges)


def splitting_along(asked: Sequence[Question], first: int, second: int) -> Splitting:
    """Whether two edges of the first phase are split, in every pattern of a series.

    Parameters
    ----------
    asked : sequence of Question
        In the order of the series, all of the same phases, which are taken to be there. The cell of the first phase is
        that of the first pattern, with its edges a little apart: from equal ones no fit tells which way to go.
    first, second : int
        Numbers of the edges, 0 to 2.

    Notes
    -----
    Both free energies of a pattern are under the noise that goes with its fit of split edges.
    """
    free = _along(asked)
    held = [replace(one, phases=(tied(one.phases[0], first, second), *one.phases[1:])) for one in asked]
    equal = _along(held)
    odds, edges, spread, worth = [], [], [], []
    for one, other, fit, plain in zip(asked, held, free, equal, strict=True):
        frame = one.frame(fit.common, fit)
        again = refine(one.setting(frame), fit.common, fit.members, rounds=_ROUNDS)
        less = refine(other.setting(frame), plain.common, plain.members, rounds=_ROUNDS)
        odds.append(less.free_energy - again.free_energy)
        worth.append(worths(one, fit))
        phase = one.phases[0]
        start, count = int((one.common_sd > 0.0).sum()), len(phase.edges)
        lengths = np.array([phase.cell[group[0]] for group in phase.edges])
        edges.append(lengths * (1.0 + again.members[0].own[:count]))
        spread.append(lengths * np.sqrt(np.diag(again.covariance)[start : start + count]))
    return Splitting(np.array(odds), np.array(edges), np.array(spread), np.array(worth), tuple(free))


def _along(asked: Sequence[Question]) -> list[Fit]:
    """Fits of all phases, each from the shapes of the pattern before."""
    fits: list[Fit] = []
    for one in asked:
        common, members = one.common_mean, _members(one)
        if fits:
            common, members = fits[-1].common, list(fits[-1].members)
        fit = settled(one, common, members, one.frame(common))
        fits.append(refine(one.setting(one.frame(fit.common, fit)), fit.common, fit.members, rounds=_ROUNDS))
    return fits


def _members(asked: Question) -> list[Member]:
    """All phases, at the cells that they have."""
    made = [member_of(phase, asked.data, asked.beam, asked.common_mean) for phase in asked.phases]
    if any(one is None for one in made):
        raise ModelError.at("phases", "one without a line in the range", "lines of all phases", "")
    return [one for one in made if one is not None]
