"""Linear models solved exactly: from a target to a run whose draws are independent and whose free energy has no error.

Decides which targets are linear regressions, and writes what is known of them in the form of a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.evidence.exact_posterior import ExactPosterior, NotSolved, exact_posterior
from bayesbeam.evidence.regression import Coefficients, regression
from bayesbeam.models.linear_in import columns, is_linear
from bayesbeam.rng import stream_key, uniforms
from bayesbeam.sampling.groups import GroupName
from bayesbeam.sampling.record import Run, Verdict
from bayesbeam.sampling.settings import Settings
from bayesbeam.targets.marginalise import NOISES
from bayesbeam.targets.parts import SlotPrior, Term
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]
ENGINE = "exact"
ESTIMATOR = "exact"
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
# Families of priors that leave a posterior normal, or normal within a box.
FAMILIES = ("normal", "uniform", "half_normal", "truncated_normal")
# Independent draws of each chain at most: figures need no more.
DRAWS = 400


@dataclass(frozen=True)
class Place:
    """Where a number of the solution stands in states: the slot, and the member, None for all."""

    slot: int
    member: int | None


@dataclass(frozen=True)
class Solution:
    """Posterior of one group: of its coefficients at ``places``, and of the noise's level at slot ``level_slot``."""

    posterior: ExactPosterior
    places: tuple[Place, ...]
    level_slot: int | None

    def table(self, target: SumTarget) -> dict[str, FloatArray]:
        """Mean and sd (D, P) of every number of a state, and quantiles (5, D, P); nan where these are not known."""
        shape = (target.members, len(target.slots))
        mean, sd = np.full(shape, np.nan), np.full(shape, np.nan)
        quantiles = np.full((len(QUANTILES), *shape), np.nan)
        for j, place in enumerate(self.places):
            members = slice(None) if place.member is None else place.member
            mean[members, place.slot], sd[members, place.slot] = self.posterior.mean[j], self.posterior.sd[j]
            for k, share in enumerate(QUANTILES):
                quantiles[k, members, place.slot] = self.posterior.quantile(j, share)
        if self.level_slot is not None and self.posterior.levels is not None:
            mean[:, self.level_slot], sd[:, self.level_slot] = self.posterior.level_moments
            quantiles[:, :, self.level_slot] = self.posterior.levels.quantile(np.array(QUANTILES))[:, None]
        return {"exact_mean": mean, "exact_sd": sd, "exact_quantiles": quantiles}


def why_not_linear(target: SumTarget) -> str:
    """Why a target is no linear regression that can be solved exactly; empty where it is one."""
    if target.noise.name not in NOISES:
        return f"its noise is {target.noise.name}, not normal"
    free_level = _level_slot(target) is not None
    if free_level and target.members > 1:
        return "every measurement of the group has an unknown level of noise of its own"
    moving = [j for j in target.moving if j < target.noise_start]
    if not moving:
        return "only the level of its noise is open" if free_level else "nothing is open"
    for term in target.terms:
        names = _moving_names(target, term)
        if not is_linear(term.component, names):
            words = ", ".join(target.slots[j].name for j in moving if term.start <= j < term.stop)
            return f"the curve is not linear in {words}"
    for j in moving:
        if target.priors[j].family.name not in FAMILIES:
            return f"the prior of {target.slots[j].name} is {target.priors[j].family.name}"
    if any(one.component.exchangeable and (one.index or 0) > 1 for one in target.instances):
        return "parts of one kind can be exchanged for each other"
    return ""


def solve(target: SumTarget) -> Solution:
    """Exact posterior of the only group of a target that is linear.

    Raises
    ------
    ModelError
        If columns with flat priors are made up of others, by their names.
    NotSolved
        If the ends of priors cut three coefficients or more that depend on each other.
    """
    places = _places(target)
    design, rest = _design(target, places)
    points = target.data.weight[0, :, 0, 0].reshape(-1).double().numpy() > 0
    y = target.data.y[0, :, 0, 0].reshape(-1).double().numpy()[points]
    sd = target.data.base_sd[0, :, 0, 0].reshape(-1).double().numpy()[points]
    names = [_words(target, place) for place in places]
    priors = _coefficients(target, places)
    problem = regression(design[points], y - rest[points], sd, priors, names)
    slot = _level_slot(target)
    if slot is None:
        level = _fixed(target, target.noise_start) if target.noise.parameters else 1.0
        return Solution(exact_posterior(problem, level, names=names), places, None)
    prior = target.priors[slot]
    ends = tuple(float(end[0, 0, 0, 0]) for end in prior.family.support(**prior.values))
    found = exact_posterior(problem, None, lambda s: _log_density(prior, s), (ends[0], ends[1]), names)
    return Solution(found, places, slot)


def solved_run(target: SumTarget, name: GroupName, settings: Settings, solution: Solution) -> Run:
    """Run of one group that is solved: independent draws at beta = 1, one rung, a free energy without an error.

    The draws are fixed by seed and name, as those of a sampler are.
    """
    chains, length = settings.chains, min(settings.draws, DRAWS)
    key = torch.tensor(stream_key(settings.seed, name.name, "exact draws"), dtype=torch.int64)
    count = len(solution.places) + 2

    def numbers(k: int) -> FloatArray:
        first, second = uniforms(key, 1, 1, torch.arange(chains * length), torch.arange(count) + k * count, words=2)
        fine = (first + (second - 0.5) * 2.0**-32).reshape(chains * length, count)
        return np.asarray(np.clip(fine.numpy(), 1e-18, 1.0 - 2.0**-53), dtype=np.float64)

    drawn, level = solution.posterior.draw(numbers)
    theta = _states(target, solution, drawn, level)
    likelihood = target.log_likelihood(target.rows(theta).sum(0), theta).sum(1)[0, :, 0]
    value = FreeEnergy(solution.posterior.free_energy, 0.0, chains - 1)
    shape = (length, chains)
    return Run(
        name=name.name,
        theta=theta[0, :, :, 0].permute(1, 0, 2).reshape(*shape, target.members, -1).permute(0, 2, 1, 3).numpy(),
        log_likelihood=likelihood.reshape(*shape, 1).numpy(),
        beta=np.ones(1),
        exchange_rate=np.empty(0),
        round_trips=0.0,
        free_energy=value,
        estimators={ESTIMATOR: value},
        effective_draws=np.full(1, float(chains * length)),
        rhat=np.full(1, np.nan),
        verdict=Verdict(True, ()),
        sweeps=0,
        burn_in=0,
        likelihood_rows=max(len(target.terms), 1) * target.members,
        engine=ENGINE,
    )


def _moving_names(target: SumTarget, term: Term) -> list[str]:
    """Parameters of a term that have a prior."""
    names = term.component.parameter_names
    return [names[j - term.start] for j in target.moving if term.start <= j < term.stop]


def _level_slot(target: SumTarget) -> int | None:
    """Slot of the level of the noise, where it is not known."""
    return next((j for j in target.moving if j >= target.noise_start), None)


def _places(target: SumTarget) -> tuple[Place, ...]:
    """Numbers that are open, shared ones once."""
    found = []
    for j in target.moving:
        if j < target.noise_start:
            alone = target.slots[j].shared or target.members == 1
            found += [Place(j, None)] if alone else [Place(j, d) for d in range(target.members)]
    return tuple(found)


def _design(target: SumTarget, places: Sequence[Place]) -> tuple[FloatArray, FloatArray]:
    """Columns (D * N, P) of all open numbers, and the curve (D * N,) of what is fixed."""
    points = target.points
    design, rest = np.zeros((target.members, points, len(places))), np.zeros((target.members, points))
    for d in range(target.members):
        for term in target.terms:
            names = _moving_names(target, term)
            fixed, own = _term_columns(target, term, names, d)
            rest[d] += fixed.numpy()
            for k, name in enumerate(names):
                slot = term.start + term.component.index(name)
                for p, place in enumerate(places):
                    if place.slot == slot and place.member in (None, d):
                        design[d, :, p] += own[:, k].numpy()
    return design.reshape(-1, len(places)), rest.reshape(-1)


def _term_columns(target: SumTarget, term: Term, names: Sequence[str], member: int) -> tuple[Tensor, Tensor]:
    """Curve (N,) of what of a term is fixed, and its columns (N, names), in double precision."""
    component, x = term.component, target.x[0, member, 0, 0].double()
    if component.column:
        x = target.columns[component.column][0, member, 0, 0].double()
    if component.exponent is not None and names:
        power = torch.from_numpy(np.power(x.numpy(), component.exponent))
        return torch.zeros_like(x), power[:, None]
    held = {
        name: float(target.priors[j].values["value"][0, member, 0, 0])
        for j, name in enumerate(component.parameter_names, start=term.start)
        if name not in names
    }
    return columns(component, x, held, names)


def _coefficients(target: SumTarget, places: Sequence[Place]) -> Coefficients:
    """Priors of all open numbers."""
    rows = []
    for place in places:
        prior = target.priors[place.slot]
        given = {name: float(value[0, place.member or 0, 0, 0]) for name, value in prior.values.items()}
        flat = prior.family.name == "uniform"
        low, high = (float(end[0, place.member or 0, 0, 0]) for end in prior.family.support(**prior.values))
        rows.append((given.get("mean", 0.0), math.inf if flat else given["sd"], low, high))
    mean, sd, low_ends, high_ends = np.array(rows, dtype=np.float64).T
    return Coefficients(mean, sd, low_ends, high_ends)


def _words(target: SumTarget, place: Place) -> str:
    """Name of an open number, for people; of what shares one part, the number of it."""
    slot = target.slots[place.slot]
    number = "" if slot.index is None else f" {slot.index}"
    return slot.name + number + ("" if place.member is None else f" of measurement {place.member + 1}")


def _fixed(target: SumTarget, slot: int) -> float:
    """Value of a number that is not open."""
    return float(target.priors[slot].values["value"][0, 0, 0, 0])


def _log_density(prior: SlotPrior, level: FloatArray) -> FloatArray:
    """Logarithm of the prior density of the level."""
    values = torch.from_numpy(np.ascontiguousarray(level)).reshape(1, 1, -1, 1)
    found: FloatArray = prior.log_prob(values).reshape(-1).numpy()
    return found


def _states(target: SumTarget, solution: Solution, drawn: FloatArray, level: FloatArray) -> Tensor:
    """States (1, D, S, 1, P) of draws of the open numbers."""
    count = len(drawn)
    u = torch.full((len(target.slots), 1, target.members, 1, 1), 0.5, dtype=torch.float64)
    theta = target.from_uniform(u).expand(1, target.members, count, 1, len(target.slots)).clone()
    for j, place in enumerate(solution.places):
        members = range(target.members) if place.member is None else (place.member,)
        for d in members:
            theta[0, d, :, 0, place.slot] = torch.from_numpy(drawn[:, j])
    if solution.level_slot is not None:
        theta[0, :, :, 0, solution.level_slot] = torch.from_numpy(level)
    return theta


__all__ = ["ENGINE", "ESTIMATOR", "NotSolved", "Solution", "solve", "solved_run", "why_not_linear"]
