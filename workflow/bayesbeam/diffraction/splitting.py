"""Whether edges of a cell are equal or split, pattern by pattern along a series, by free energies.

A change of symmetry that leaves the atoms nearly where they are shows as a change of the number of lines: those of
equal edges split. Both descriptions have the same lines; one has an edge more. Each fit with equal edges begins where
the one before ended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.cell_start import begun
from bayesbeam.diffraction.gram import Frame
from bayesbeam.diffraction.greedy import Question, settled, worths
from bayesbeam.diffraction.law import law_of
from bayesbeam.diffraction.members import Member, member_of, parts_of
from bayesbeam.diffraction.phase import Phase, changed_cell
from bayesbeam.diffraction.shapes import Fit, refine
from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]
_ROUNDS = 8
LADDER = tuple(5e-5 * 1.6**k for k in range(13))
"""Sizes of relative differences of two edges at which every pattern is looked at, as far as they may be."""
_FAR, _PROBABLE, _STRAIGHT, _MORE, _PIECES, _SCALES = 20.0, 6.0, 1.0, 24, 16, 25
GAPS = (4e-4, 1.2e-3, 4e-3)
"""Relative differences of two edges, to either side, at which split ones are looked for."""


@dataclass(frozen=True)
class Difference:
    """Relative differences (n,) of two edges in ascending order, 0 among them, and the free energy (n,) at each.

    All else is integrated out. A prior of the difference is a sum of normal ones around 0.
    """

    value: FloatArray
    free_energy: FloatArray

    def log_odds(self, sd: float) -> float:
        """Nats for a difference of a normal prior of a standard deviation, over none."""
        none = float(self.free_energy[self.value == 0.0][0] - self.free_energy.min())
        return float(np.logaddexp.reduce(self._fine(np.array([sd]), np.ones(1))[1])) + none

    def size(self, sd: FloatArray, weight: FloatArray, level: float = 0.95) -> tuple[float, float, float]:
        """Median of the size of the difference, whichever edge is longer, with the ends of an interval."""
        places, density = self._fine(sd, weight)
        order = np.argsort(np.abs(places), kind="stable")
        cumulated = np.cumsum(np.exp(density[order] - np.logaddexp.reduce(density)))
        at = np.abs(places)[order]
        low, middle, high = (float(at[min(int(np.searchsorted(cumulated, q)), len(at) - 1)])
                             for q in (0.5 - 0.5 * level, 0.5, 0.5 + 0.5 * level))  # fmt: skip
        return middle, low, high

    def first_longer(self, sd: FloatArray, weight: FloatArray) -> float:
        """Probability that the first of the two is longer, given that they differ."""
        places, density = self._fine(sd, weight)
        return float(np.exp(density[places > 0.0] - np.logaddexp.reduce(density)).sum())

    def _fine(self, sd: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Places between the differences, and the log of prior times likelihood around each, over that of the best."""
        edges = np.linspace(self.value[:-1], self.value[1:], _PIECES + 1, axis=1)
        middles, steps = 0.5 * (edges[:, 1:] + edges[:, :-1]).ravel(), np.diff(edges, axis=1).ravel()
        cost = np.interp(middles, self.value, self.free_energy) - self.free_energy.min()
        with np.errstate(divide="ignore"):
            each = np.log(weight / (sd * math.sqrt(2.0 * math.pi))) - 0.5 * np.square(middles[:, None] / sd)
        return middles, np.log(steps) + np.logaddexp.reduce(each, axis=1) - cost


@dataclass(frozen=True)
class Splitting:
    """Split or equal edges along a series.

    Attributes
    ----------
    scales : array (S,)
        Relative sizes of differences: standard deviations of their prior, which is the same in all patterns.
    by_scale : array (S, M)
        Nats by which each pattern is for split edges of each scale.
    weight : array (S,)
        Probabilities of scales, where each pattern is as likely as not to have split edges.
    gap : array (M, 3)
        Size of the difference of the two edges, angstrom: median, and an interval of 95 %.
    first_longer : array (M,)
        Probability that the first of them is the longer one, if they are split.
    cell, sd : arrays (M, E)
        Edges of the cell (angstrom) at the most probable difference, the two together by their mean; and their standard
        deviations at that.
    worth : array (M, K)
        Nats that each phase adds to the others in each pattern, the one whose edges are split first.
    fits : tuple of Fit
        With each edge its own.
    """

    scales: FloatArray
    by_scale: FloatArray
    weight: FloatArray
    gap: FloatArray
    first_longer: FloatArray
    cell: FloatArray
    sd: FloatArray
    worth: FloatArray
    fits: tuple[Fit, ...]

    @property
    def log_odds(self) -> FloatArray:
        """Nats (M,) by which each pattern is for split edges, of the scales that the series tells."""
        with np.errstate(divide="ignore"):
            found: FloatArray = np.logaddexp.reduce(self.by_scale + np.log(self.weight)[:, None], axis=0)
        return found


def tied(phase: Phase, first: int, second: int, gap: float = 0.0) -> Phase:
    """The phase with two of its edges (0 to 2) changing together, around their mean, at a relative difference.

    Raises
    ------
    ModelError
        If they are not two edges that change alone.
    """
    if first == second or not {(first,), (second,)} <= set(phase.edges):
        raise ModelError.at(f"edges of {phase.name}", f"{first} and {second}", "two edges that change alone", "")
    cell = phase.cell.copy()
    mean = 0.5 * (cell[first] + cell[second])
    cell[first], cell[second] = mean * (1.0 + 0.5 * gap), mean * (1.0 - 0.5 * gap)
    low, high = sorted((first, second))
    edges = tuple(group for group in ((low, high) if group == (low,) else group for group in phase.edges)
                  if group != (high,))  # fmt: skip
    return replace(phase, cell=cell, edges=edges)


def splitting_along(asked: Sequence[Question], first: int, second: int) -> Splitting:
    """Whether two edges of the first phase are split, in every pattern of a series.

    Parameters
    ----------
    asked : sequence of Question
        In the order of the series, all of the same phases, which are taken to be there. Cells may be off by what the
        spread of the edges allows: in each pattern they are looked for edge by edge, and where they were before.
    first, second : int
        Numbers of the edges, 0 to 2.

    Raises
    ------
    ModelError
        If the edges are not two that change alone, or a phase has no line in the range.

    Notes
    -----
    The relative difference of the edges has a normal prior around 0, of a scale that is the same along the series,
    log-uniform up to that of two edges that change by themselves. It is integrated over numerically, for where edges
    are nearly equal the pattern hangs on its square. Everything is under the noise that goes with the fit, of equal
    edges or of each its own, that explains the pattern better, noise counted. From equal edges no slope tells which way
    to go: split ones are looked for at several distances to either side, and at those of the pattern before.
    """
    pair = (first, second)
    held = [replace(one, phases=(tied(one.phases[0], *pair), *one.phases[1:])) for one in asked]
    free: list[Fit] = []
    equal: list[Fit] = []
    found, cells, spread, worth = [], [], [], []
    for one, other in zip(asked, held, strict=True):
        starts = [_start(other), *((fit.common, fit.members) for fit in equal[-1:])]
        equal.append(min((_whole(other, *start) for start in starts), key=lambda fit: total_cost(other, fit)))
        free.append(_whole(one, equal[-1].common, _split(one, equal[-1], free[-1:], pair)))
        fit, plain = free[-1], equal[-1]
        better = fit if total_cost(one, fit) < total_cost(other, plain) else plain
        difference, best = _profile(one, one.frame(better.common, better), (plain, fit), pair)
        found.append(difference)
        phase, start = best.members[0].phase, int((one.common_sd > 0.0).sum())
        count = len(phase.edges)
        lengths = np.array([np.mean(phase.cell[list(group)]) for group in phase.edges])
        cells.append(lengths * (1.0 + best.members[0].own[:count]))
        spread.append(lengths * np.sqrt(np.diag(best.covariance)[start : start + count]))
        worth.append(worths(one, fit))
    column = held[0].phases[0].edges.index((min(pair), max(pair)))
    lengths = np.array(cells)[:, [column]]
    scales = np.geomspace(LADDER[0], math.sqrt(2.0) * asked[0].spread.edge, _SCALES)
    odds = np.array([[each.log_odds(float(scale)) for each in found] for scale in scales])
    evidence = np.logaddexp(odds, 0.0).sum(1)
    weight = np.exp(evidence - evidence.max())
    weight /= weight.sum()
    sizes = lengths * np.array([each.size(scales, weight) for each in found])
    longer = np.array([each.first_longer(scales, weight) for each in found])
    return Splitting(
        scales, odds, weight, sizes, longer, np.array(cells), np.array(spread), np.array(worth), tuple(free)
    )


def _profile(asked: Question, frame: Frame, fits: tuple[Fit, Fit], pair: tuple[int, int]) -> tuple[Difference, Fit]:
    """Free energies of a pattern at differences of two edges, and the fit at the best of them.

    ``fits``: with equal edges, and with each its own.
    """
    setting, (plain, split) = asked.setting(frame), fits
    known: dict[float, Fit] = {}

    def at(gap: float) -> float:
        if gap not in known:
            near = known[min(known, key=lambda one: abs(one - gap))] if known else plain
            members = list(near.members)
            members[0] = replace(members[0], phase=tied(asked.phases[0], *pair, gap))
            known[gap] = refine(setting, near.common, members, rounds=_ROUNDS)
        return known[gap].free_energy

    cell = changed_cell(split.members[0].phase, split.members[0].own[: split.members[0].phase.strains])
    size = 2.0 * abs(float(cell[pair[0]] - cell[pair[1]])) / float(cell[pair[0]] + cell[pair[1]])
    at(0.0)
    for sign in (1.0, -1.0):
        for gap in sorted({*LADDER, *([size] if LADDER[0] < size < LADDER[-1] else [])}):
            if at(sign * gap) > min(fit.free_energy for fit in known.values()) + _FAR and gap > size:
                break
    for _ in range(_MORE):
        places = sorted(known)
        energy = np.array([known[one].free_energy for one in places])
        lower = np.minimum(energy[1:], energy[:-1]) - energy.min()
        # Between two differences of which one is probable the free energy is taken to be straight.
        rough = np.where(lower < _PROBABLE, np.abs(np.diff(energy)), 0.0)
        if rough.max() < _STRAIGHT:
            break
        worst = int(rough.argmax())
        at(0.5 * (places[worst] + places[worst + 1]))
    places = sorted(known)
    energy = np.array([known[one].free_energy for one in places])
    return Difference(np.array(places), energy), known[places[int(energy.argmin())]]


def _start(asked: Question) -> tuple[FloatArray, list[Member]]:
    """Shapes and phases to start from: one phase after the other, its cell looked for beside those before it."""
    common, members = asked.common_mean, list[Member]()
    for phase in asked.phases:
        new = member_of(phase, asked.data, asked.beam, common)
        if new is None:
            raise ModelError.at("phases", f"{phase.name} without a line in the range", "lines of all phases", "")
        parts = parts_of(asked.data.x, asked.beam, common, members)
        frame = asked.frame(common)
        if members:
            fit = refine(asked.setting(frame), common, members, rounds=0, shared=False)
            frame = asked.frame(common, fit)
        members.append(begun(asked.setting(frame), common, new, parts.reshape(len(members), len(asked.data.x))))
        fit = settled(asked, common, members, asked.frame(common))
        common, members = fit.common, list(fit.members)
    return common, members


def _whole(asked: Question, common: FloatArray, members: Sequence[Member]) -> Fit:
    """Fit of all phases from given shapes, in the noise that goes with it."""
    fit = settled(asked, common, members, asked.frame(common))
    return refine(asked.setting(asked.frame(fit.common, fit)), fit.common, fit.members, rounds=_ROUNDS)


def _split(asked: Question, equal: Fit, before: Sequence[Fit], pair: tuple[int, int]) -> list[Member]:
    """Phases of which the first has split edges to start from: those of all tried that explain the pattern best."""
    setting = asked.setting(asked.frame(equal.common, equal))
    rest = list(equal.members[1:])
    gaps = (0.0, *(sign * gap for gap in GAPS for sign in (1.0, -1.0)))
    tried = [opened(equal.members[0], asked.phases[0], pair, gap) for gap in gaps]
    tried += [replace(equal.members[0], phase=asked.phases[0], own=fit.members[0].own) for fit in before]
    movable = [True, *[False] * len(rest)]
    fits = [refine(setting, equal.common, [one, *rest], _ROUNDS, shared=False, movable=movable) for one in tried]
    return list(min(fits, key=lambda fit: _cost(asked, fit)).members)


def total_cost(asked: Question, fit: Fit) -> float:
    """Free energy of a fit in the noise that goes with it, the size of the noise counted, nats."""
    frame = asked.frame(fit.common, fit)
    again = refine(asked.setting(frame), fit.common, fit.members, rounds=0)
    return again.free_energy + 0.5 * frame.law.log_determinant + float(np.log(np.abs(np.diag(frame.triangle))).sum())


def _cost(asked: Question, fit: Fit) -> float:
    """Nats of a fit in the noise that goes with it, the size of which counts: wide lines can be had for much noise."""
    law = law_of(asked.data, fit.common, asked.tolerance, fit.model, fit.background)
    white = law.whitened(asked.data.y - fit.model)
    return 0.5 * float(white @ white) + 0.5 * law.log_determinant


def opened(member: Member, phase: Phase, pair: tuple[int, int], gap: float) -> Member:
    """A phase with two edges tied as one whose edges are split by a relative difference."""
    cell = changed_cell(member.phase, member.own[: member.phase.strains])
    cell[pair[0]] *= 1.0 + 0.5 * gap
    cell[pair[1]] *= 1.0 - 0.5 * gap
    edges = [cell[group[0]] / phase.cell[group[0]] - 1.0 for group in phase.edges]
    return replace(member, phase=phase, own=np.concatenate([edges, member.own[len(member.phase.edges) :]]))
