"""Draws of what is asked of phases: shares, weights, cells and widths, by the fits of the sets that may be there.

A set is drawn by its probability, then its shapes and heights: from those that were sampled, else by the covariance of
its fit; what a set lacks is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.complete import Complete, complete_fit
from bayesbeam.diffraction.fractions import Doubt, Matter, matter_of, weight_draws
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.members import Member
from bayesbeam.diffraction.search import Answer
from bayesbeam.diffraction.shapes import LOSS, Fit, refine
from bayesbeam.stages.phase_question import Asked

FloatArray = NDArray[np.float64]
States = tuple[FloatArray, FloatArray]

DRAWS = 2000
LEAST_SET, MOST_SETS, LEAST_RIVAL = 1e-3, 12, 0.05
_ROUNDS, _EDGES, _ANGLES = 3, "abc", ("alpha", "beta", "gamma")
_TRIES = 4
FACTORS = ("size_factor", "strain_factor", "texture")


@dataclass(frozen=True)
class Shaped:
    """A set of phases with its fit and its probability among those that are drawn."""

    fit: Fit
    probability: float

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its phases."""
        return tuple(one.phase.name for one in self.fit.members)


@dataclass(frozen=True)
class Quantity:
    """One column of the draws; ``phase`` is the one that it is of, empty for the instrument."""

    name: str
    unit: str
    kind: str
    phase: str = ""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws (D, Q) of quantities, whether each phase (K,) is in a draw (D, K), and weights without doubt (D, K)."""

    quantities: tuple[Quantity, ...]
    values: FloatArray
    phases: tuple[str, ...]
    present: NDArray[np.bool_]
    fit_weights: FloatArray

    def column(self, name: str) -> FloatArray | None:
        """Draws of one quantity, None where it is not kept."""
        places = [k for k, one in enumerate(self.quantities) if one.name == name]
        return self.values[:, places[0]] if places else None


def shaped_sets(asked: Question, answer: Answer) -> tuple[list[Shaped], Complete]:
    """The most probable sets with a fit of each, sets of the same phases taken together; the most probable first.

    The noise of all is that of the most probable one as it is settled, which is the second thing returned.
    """
    weights: dict[tuple[int, ...], float] = {}
    columns: dict[tuple[int, ...], tuple[int, ...]] = {}
    for members, weight in zip(answer.sets.members, answer.sets.probability, strict=True):
        owners = tuple(sorted(int(answer.owner[j]) for j in members))
        weights[owners] = weights.get(owners, 0.0) + float(weight)
        columns.setdefault(owners, members)
    order = sorted(weights, key=lambda one: -weights[one])
    kept = [one for i, one in enumerate(order[:MOST_SETS]) if i == 0 or weights[one] > LEAST_SET]
    total = sum(weights[one] for one in kept)
    own = tuple(sorted(_number(asked, one.phase.name) for one in answer.fit.members))
    best = answer.fit
    if kept[0] != own:
        setting = asked.setting(answer.frame)
        best = refine(setting, best.common, [answer.columns[j] for j in columns[kept[0]]], _ROUNDS)
    settled = complete_fit(asked, best)
    found, setting = [Shaped(settled.fit, weights[kept[0]] / total)], asked.setting(settled.frame)
    for owners in kept[1:]:
        fit = refine(setting, settled.fit.common, [answer.columns[j] for j in columns[owners]], _ROUNDS)
        found.append(Shaped(fit, weights[owners] / total))
    return found, settled


def _number(asked: Question, name: str) -> int:
    """Number of the phase of a name."""
    return next(k for k, one in enumerate(asked.phases) if one.name == name)


def draw(
    asked: Asked, answer: Answer, sets: Sequence[Shaped], doubt: Doubt, rng: np.random.Generator,
    sampled: Mapping[int, States] | None = None,
) -> Drawn:  # fmt: skip
    """Draws of all quantities of the phases of the best set, and of rivals of some probability.

    Parameters
    ----------
    sampled : mapping of int to arrays, or None
        Shapes (S, P) and heights (S, M) of sets, by their places, that are taken instead of the normal approximation.
    """
    question = asked.question
    names = [*sets[0].names]
    probability = {one.name: float(p) for one, p in zip(question.phases, answer.probability, strict=True)}
    rivals = {name for one in sets[1:] for name in one.names if probability[name] > LEAST_RIVAL}
    names += sorted(rivals - set(names), key=lambda name: (-probability[name], name))
    every = [*names, *sorted({name for one in sets for name in one.names} - set(names))]
    phases = [question.phases[_number(question, name)] for name in names]
    quantities = [one for phase in phases for one in quantities_of(Member(phase, np.zeros(0), 0.0, 0.0))]
    quantities += [Quantity("instrument.zero", "degree", "parameter")]
    quantities += [Quantity("instrument.displacement", "degree", "parameter")]
    if question.common_sd[LOSS] > 0.0:
        quantities += [Quantity("instrument.low_angle_loss", "1", "parameter")]
    place = {one.name: k for k, one in enumerate(quantities)}
    values = np.zeros((DRAWS, len(quantities)))
    scales, present = np.zeros((DRAWS, len(every))), np.zeros((DRAWS, len(every)), dtype=bool)
    which = rng.choice(len(sets), DRAWS, p=np.array([one.probability for one in sets]))
    for t, one in enumerate(sets):
        rows = np.flatnonzero(which == t)
        known = (sampled or {}).get(t)
        shapes, heights = _states(one.fit, len(rows), rng) if known is None else _some_of(known, len(rows), rng)
        factors = one.fit.share_of_height(question.data)
        values[rows, place["instrument.zero"]] = shapes[:, 0]
        values[rows, place["instrument.displacement"]] = shapes[:, 1]
        if "instrument.low_angle_loss" in place:
            values[rows, place["instrument.low_angle_loss"]] = shapes[:, LOSS]
        at = len(one.fit.common)
        for j, member in enumerate(one.fit.members):
            own = shapes[:, at : at + len(member.own)]
            at += len(member.own)
            k = every.index(member.phase.name)
            scales[rows, k], present[rows, k] = heights[:, j] * member.unit, True
            if k < len(names):
                values[rows, place[f"{member.phase.name}.share"]] = heights[:, j] * factors[j]
                for name, column in own_values(member, own).items():
                    values[rows, place[name]] = column
    matter = matter_of_phases(asked, every)
    normal = rng.standard_normal((2, DRAWS, len(every)))
    weights = weight_draws(scales, matter, doubt, normal)
    for k, name in enumerate(names):
        values[:, place[f"{name}.weight_fraction"]] = weights[:, k]
    certain = weight_draws(scales, matter, Doubt(0.0, 0.0), normal)
    count = len(names)
    return Drawn(tuple(quantities), values, tuple(names), present[:, :count], certain[:, :count])


def quantities_of(member: Member) -> list[Quantity]:
    """What is drawn of a phase."""
    name = member.phase.name
    kinds = [("share", "1", "parameter"), ("weight_fraction", "1", "derived")]
    kinds += [(word, "angstrom" if word in _EDGES else "degree", "parameter") for word, _ in _cell(member)]
    kinds += [(word, "1", "parameter") for word in FACTORS[: 2 if len(member.phase.edges) == 1 else 3]]
    return [Quantity(f"{name}.{word}", unit, kind, name) for word, unit, kind in kinds]


def own_values(member: Member, own: FloatArray) -> dict[str, FloatArray]:
    """Cell, factors of widths and texture of a phase by their names, for parameters (D, P) of its own."""
    phase, found = member.phase, dict[str, FloatArray]()
    for i, (word, j) in enumerate(_cell(member)):
        change = own[:, i]
        changed = phase.cell[j] * (1.0 + change) if j < 3 else phase.cell[j] + np.degrees(change)
        found[f"{phase.name}.{word}"] = np.asarray(changed)
    for i, word in enumerate(FACTORS[: 2 if len(phase.edges) == 1 else 3]):
        found[f"{phase.name}.{word}"] = np.exp(own[:, phase.strains + i])
    return found


def _cell(member: Member) -> list[tuple[str, int]]:
    """Name and place of the first of the edges or angles that go with each parameter of a cell."""
    words = [*_EDGES, *_ANGLES]
    return [(words[group[0]], group[0]) for group in (*member.phase.edges, *member.phase.angles)]


def _states(fit: Fit, count: int, rng: np.random.Generator) -> States:
    """Shapes (D, P) and heights (D, M), none below 0; where there is no phase, shared shapes are as at the start."""
    mean = np.concatenate([fit.common, *(one.own for one in fit.members), fit.heights])
    if not fit.members:
        return np.tile(fit.common, (count, 1)), np.zeros((count, 0))
    covariance = 0.5 * (fit.whole_covariance + fit.whole_covariance.T)
    value, vector = np.linalg.eigh(covariance)
    root = vector * np.sqrt(np.maximum(value, 0.0))
    shapes = len(mean) - len(fit.members)
    states = np.tile(mean, (count, 1))
    left = np.arange(count)
    for _ in range(_TRIES):
        states[left] = mean + rng.standard_normal((len(left), len(mean))) @ root.T
        left = left[(states[left, shapes:] < 0.0).any(1)]
        if not len(left):
            break
    return states[:, :shapes], np.maximum(states[:, shapes:], 0.0)


def _some_of(sampled: States, count: int, rng: np.random.Generator) -> States:
    """So many of the shapes and heights that were sampled, each as often as the others or once more."""
    places = np.resize(rng.permutation(len(sampled[1])), count)
    return sampled[0][places], sampled[1][places]


def matter_of_phases(asked: Asked, names: Sequence[str]) -> Matter:
    """What weights of phases depend on, by the entries of the library."""
    entries = {one.name: one for one in asked.library.entries}
    phases = {one.name: one for one in asked.question.phases}
    chosen = [entries[name] for name in names]
    wavelength = asked.question.beam.wavelengths[0]
    return matter_of(
        [phases[name].mass_volume for name in names], [one.volume for one in chosen],
        [one.content for one in chosen], wavelength,
    )  # fmt: skip


def statistics_of(values: FloatArray) -> dict[str, float] | None:
    """Mean, sd and quantiles of draws; None where there are none."""
    if not len(values):
        return None
    low, middle, high = np.quantile(values, (0.025, 0.5, 0.975))
    found = {"mean": values.mean(), "sd": values.std(), "q025": low, "median": middle, "q975": high}
    return {name: float(value) for name, value in found.items()}
