"""Made-up powder patterns of mixtures from a library, off by what structures and crystals are off by in practice.

Mixture number n of a recipe is the same whatever was made before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bayesbeam.diffraction.phase import Phase
from bayesbeam.diffraction.profile import OWN, Beam, pattern
from bayesbeam.diffraction.shapes import common_start
from bayesbeam.errors import ModelError

FloatArray = NDArray[np.float64]
_TRIES = 1000


@dataclass(frozen=True)
class Recipe:
    """How mixtures are made.

    Attributes
    ----------
    fewest, most : int
        Phases of a mixture, all numbers alike.
    candidates : int
        Candidates that are offered, those of the mixture among them.
    removed : bool
        Whether one phase of each mixture, and all of its family, are taken out of the candidates.
    least_share, least_removed : float
        Of the intensity above background, that each phase has at least, and one that is removed; weight fractions are
        even over the simplex (Dirichlet) where that holds.
    line_error, cell_error : float
        Relative standard deviations of the intensity of each line, and of each edge of a cell.
    width_error : float
        Standard deviation of the logarithm of a phase's widths of size and of strain.
    strongest, ground : float
        Counts of the highest line, and of the background at the upper end, in a second ...
    seconds : float
        ... of which a point takes so many.
    first, last : float
        Range of 2 theta, degrees.
    points : int
    """

    fewest: int = 1
    most: int = 6
    candidates: int = 100
    removed: bool = False
    least_share: float = 0.02
    least_removed: float = 0.03
    line_error: float = 0.05
    cell_error: float = 0.0015
    width_error: float = 0.35
    strongest: float = 2500.0
    ground: float = 50.0
    seconds: float = 2.0
    first: float = 10.0
    last: float = 90.0
    points: int = 4000
    seed: int = 0
    beam: Beam = field(default_factory=Beam)


@dataclass(frozen=True)
class Mixture:
    """A pattern and what is in it.

    Attributes
    ----------
    x, y : arrays (N,)
        2 theta in degrees and counts.
    names : tuple of str
        Phases that are there.
    weight, share : arrays
        Of the mass, and of the intensity above background, of each.
    candidates : tuple of Phase
        Those that are offered.
    removed : str or None
        The phase that is not among them.
    """

    x: FloatArray
    y: FloatArray
    names: tuple[str, ...]
    weight: FloatArray
    share: FloatArray
    candidates: tuple[Phase, ...]
    removed: str | None


def mixture(recipe: Recipe, number: int, phases: Sequence[Phase], families: Sequence[Sequence[str]] = ()) -> Mixture:
    """Mixture of a number, of phases of which no two are of one family.

    Raises
    ------
    ModelError
        If there are too few phases, or if no mixture of them keeps to the least shares.
    """
    if len(phases) < max(recipe.candidates, recipe.most):
        raise ModelError.at(
            "phases", f"{len(phases)}", f"at least {max(recipe.candidates, recipe.most)}", "Take fewer candidates."
        )
    rng = np.random.default_rng([recipe.seed, number])
    alike = {name: frozenset(family) for family in families for name in family}
    x = np.linspace(recipe.first, recipe.last, recipe.points)
    common = _instrument(rng)
    for _ in range(_TRIES):
        chosen = _chosen(rng, recipe, phases, alike)
        weight = rng.dirichlet(np.ones(len(chosen)))
        curves = np.array([_curve(rng, recipe, phases[k], x, common) for k in chosen])
        scale = weight / np.array([phases[k].mass_volume for k in chosen])
        parts = scale[:, None] * curves
        share = parts.sum(1) / max(float(parts.sum()), 1e-300)
        lost = [j for j in range(len(chosen)) if share[j] >= recipe.least_removed and len(chosen) > 1]
        if share.min() < recipe.least_share or (recipe.removed and not lost):
            continue
        names = tuple(phases[k].name for k in chosen)
        removed = names[int(rng.choice(lost))] if recipe.removed else None
        clear = parts.sum(0) / parts.sum(0).max()
        y = rng.poisson(recipe.seconds * (recipe.strongest * clear + _ground(rng, recipe, x))).astype(np.float64)
        offered = _offered(rng, recipe, phases, [k for k in chosen if phases[k].name != removed],
                           alike.get(removed or "", frozenset()) | {removed})  # fmt: skip
        return Mixture(x, y, names, weight, share, offered, removed)
    raise ModelError.at("mixture", f"none in {_TRIES} that keeps to the least shares", "one", "Ask for less.")


def decoys(phases: Sequence[Phase], count: int, seed: int = 0) -> tuple[Phase, ...]:
    """Phases that are in no library: those given with edges changed by 3 to 10 %, each set of tied edges by itself."""
    made: list[Phase] = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        one = phases[number % len(phases)]
        cell = one.cell.copy()
        for tied in one.edges:
            cell[list(tied)] *= 1.0 + float(rng.choice([-1.0, 1.0])) * rng.uniform(0.03, 0.10)
        made.append(replace(one, name=f"{one.name} (decoy {number})", cell=cell))
    return tuple(made)


def _instrument(rng: np.random.Generator) -> FloatArray:
    """Shared parameters: lines of 0.07 to 0.16 degrees, shifts, and widths that change with the angle."""
    found = common_start(float(rng.uniform(0.07, 0.16)))
    found[:2] = rng.normal(0.0, [0.02, 0.04])
    found[3:5] += rng.normal(0.0, 0.15, 2)
    found[5:7] += rng.normal(0.0, 0.3, 2)
    found[7] = abs(rng.normal(0.0, 0.05))
    return found


def _chosen(
    rng: np.random.Generator, recipe: Recipe, phases: Sequence[Phase], alike: dict[str, frozenset[str]]
) -> list[int]:  # fmt: skip
    """Numbers of the phases of a mixture."""
    size = int(rng.integers(max(recipe.fewest, 2 if recipe.removed else 1), recipe.most + 1))
    found: list[int] = []
    for k in rng.permutation(len(phases)):
        if not any(phases[j].name in alike.get(phases[k].name, ()) for j in found):
            found.append(int(k))
        if len(found) == size:
            return found
    raise ModelError.at("phases", f"{len(found)} families", f"at least {size}", "Take fewer phases a mixture.")


def _curve(rng: np.random.Generator, recipe: Recipe, phase: Phase, x: FloatArray, common: FloatArray) -> FloatArray:
    """Pattern of a phase as it is off from its structure, of unit scale."""
    strength = phase.strength * np.maximum(rng.normal(1.0, recipe.line_error, len(phase.strength)), 0.0)
    own = np.zeros(phase.strains + len(OWN))
    own[: phase.strains] = rng.normal(0.0, recipe.cell_error, phase.strains)
    own[phase.strains : phase.strains + 2] = rng.normal(0.0, recipe.width_error, 2)
    return pattern(x, replace(phase, strength=strength), recipe.beam, common, own)


def _ground(rng: np.random.Generator, recipe: Recipe, x: FloatArray) -> FloatArray:
    """Background in counts a second: level, air at low angles, and a wide hump."""
    across = (x - x[0]) / (x[-1] - x[0])
    air = rng.uniform(0.5, 3.0) * np.exp(-across / rng.uniform(0.05, 0.15))
    hump = rng.uniform(0.0, 0.5) * np.exp(-0.5 * np.square((across - rng.uniform(0.1, 0.4)) / 0.12))
    found: FloatArray = recipe.ground * (1.0 + rng.uniform(-0.3, 0.3) * (across - 1.0) + air + hump)
    return found


def _offered(
    rng: np.random.Generator, recipe: Recipe, phases: Sequence[Phase], kept: Sequence[int], out: frozenset[str | None]
) -> tuple[Phase, ...]:  # fmt: skip
    """Candidates, in the order of the library: those of the mixture and others, none of those that are out."""
    free = [k for k in range(len(phases)) if k not in set(kept) and phases[k].name not in out]
    others = rng.permutation(free)[: max(recipe.candidates - len(kept), 0)]
    found = sorted([*kept, *(int(k) for k in others)])
    return tuple(phases[k] for k in found)
