"""Linear candidates without a sampler: solved exactly where they can be, and beside the sampler where both are asked.

Decides which measurements are solved; what is solved has the same record as what is sampled.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.solve import AUTO, EXACT, SAMPLE, unlike_linear
from bayesbeam.config.specs import CandidateSpec, Expanded
from bayesbeam.errors import ModelError, message
from bayesbeam.evidence.closed_form import level_of_least_free_energy
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.groups import GroupName
from bayesbeam.sampling.solved import ENGINE, ESTIMATOR, NotSolved, Solution, solve, solved_run, why_not_linear
from bayesbeam.stages.build import build_target
from bayesbeam.stages.memory import measured_mib
from bayesbeam.stages.pack import REFUSED, pack
from bayesbeam.stages.resources import settings_of
from bayesbeam.targets.sum import SumTarget

FloatArray = NDArray[np.float64]
NOT_SOLVED = "not_solved"
# Data that a model fits to this have no noise to speak of.
LEAST_LEVEL = 1e-100


def solution_of(
    spec: CandidateSpec, members: Sequence[Measurement], shared: frozenset[str] = frozenset()
) -> tuple[SumTarget, Solution]:
    """Target of one group in double precision, and its exact posterior.

    Raises
    ------
    NotSolved
        If it has none in closed form or by quadrature of the level; the message says why.
    ModelError
        If columns with flat priors are made up of others.
    """
    target = build_target(spec, [list(members)], shared, "float64")
    reason = why_not_linear(target)
    if reason:
        raise NotSolved.at("candidate", reason, "a linear model with normal or flat priors", "")
    try:
        return target, solve(target)
    except NotSolved:
        raise
    except ModelError as problem:
        raise _singular(spec, members, problem) from problem


def solved(
    campaign: LoadedCampaign, expanded: Expanded, members: Sequence[Measurement], name: GroupName, key: str,
    shared: frozenset[str] = frozenset(),
) -> Record | None:  # fmt: skip
    """Record of one group that is solved exactly, or refused where it cannot be; None where it is to be sampled."""
    spec = expanded.spec
    if not _may_be_solved(spec):
        return None
    began = time.monotonic(), time.process_time()
    settings = settings_of(campaign, len(members))
    try:
        target, solution = solution_of(spec, members, shared)
        run = solved_run(target, name, settings, solution)
    except NotSolved as problem:
        if spec.solve == EXACT:
            return Record({}, {"key": key, REFUSED: _refusal(expanded, members, str(problem))})
        return None
    except ModelError as problem:
        return Record({}, {"key": key, REFUSED: str(problem)})
    spent = time.monotonic() - began[0], time.process_time() - began[1]
    (record,) = pack(expanded, [members], [key], [run], settings, "cpu", spent, (measured_mib(), None))
    if REFUSED in record.facts:
        return record
    return Record({**record.arrays, **solution.table(target)}, {**record.facts, "exact": _facts(solution)})


def beside_exact(
    expanded: Expanded, members: Sequence[Measurement], record: Record, shared: frozenset[str] = frozenset()
) -> Record:
    """Sampled record with the exact solution beside it where that is asked for, or the reason why there is none."""
    asked = expanded.spec.solve
    if REFUSED in record.facts or asked in (EXACT, SAMPLE) or (asked == AUTO and unlike_linear(expanded.spec)):
        return record
    try:
        target, solution = solution_of(expanded.spec, members, shared)
    except ModelError as problem:
        return Record(record.arrays, {**record.facts, NOT_SOLVED: str(problem)})
    found = FreeEnergy(solution.posterior.free_energy, 0.0, int(record.facts["free_energy"]["degrees_of_freedom"]))
    estimators = {**record.facts["estimators"], ESTIMATOR: asdict(found)}
    value = record.facts["free_energy"]
    error = float(value["standard_error"])
    z = (float(value["value"]) - found.value) / error if error > 0.0 else math.nan
    facts = {**record.facts, "estimators": estimators, "exact": {**_facts(solution), "z": z}}
    return Record({**record.arrays, **solution.table(target)}, facts)


def solve_each(
    campaign: LoadedCampaign, expanded: Expanded, measurements: Sequence[Measurement], keys: Mapping[str, str]
) -> dict[str, Record]:
    """Records of those measurements of a batch that need no sampler, by their names."""
    if not _may_be_solved(expanded.spec):
        return {}
    found = {}
    for m in measurements:
        record = solved(campaign, expanded, [m], GroupName(f"{m.id}/{expanded.tag}", (m.id,)), keys[m.id])
        if record is not None:
            found[m.id] = record
    return found


def _may_be_solved(spec: CandidateSpec) -> bool:
    """Whether it is asked for, and not impossible whatever the data."""
    return spec.solve == EXACT or (spec.solve == AUTO and not unlike_linear(spec))


def exact_levels(spec: CandidateSpec, m: Measurement, level: FloatArray) -> FloatArray:
    """Exact free energies at levels of a noise whose stated level is 1; nan where ends of priors are not negligible."""
    _, solution = solution_of(spec, [m])
    given = solution.posterior.problem.at(level, solution.posterior.cut)
    return np.where(given.neglected < 1e-6, -given.log_evidence, math.nan)


def is_exact(record: Record) -> bool:
    """Whether a record was solved and not sampled."""
    return bool(record.facts.get("engine") == ENGINE)


def _facts(solution: Solution) -> dict[str, Any]:
    """What a record says of its exact solution: free energy, bound of its error, level of the least free energy."""
    posterior = solution.posterior
    least, lowest = _least_level(solution)
    return {
        "free_energy": posterior.free_energy, "bound": posterior.bound, "least_level": least, "lowest": lowest,
        "cut": [solution.places[j].slot for j in posterior.cut],
    }  # fmt: skip


def _least_level(solution: Solution) -> tuple[float | None, float | None]:
    """Level of the noise over the given one at which the free energy is least, and that; none where the level is 0."""
    posterior = solution.posterior

    def free_energy(level: float) -> float:
        return -float(posterior.problem.at(np.array([level]), posterior.cut).log_evidence[0])

    near = math.sqrt(posterior.problem.rest / posterior.problem.points)
    if near < LEAST_LEVEL:
        return None, None
    try:
        return level_of_least_free_energy(free_energy, near)
    except ModelError:
        return None, None


def _singular(spec: CandidateSpec, members: Sequence[Measurement], problem: ModelError) -> ModelError:
    """What is said of columns that are made up of others, in the words of the campaign."""
    found = str(problem).removeprefix("design: ").split("; expected")[0]
    return ModelError.at(
        f"measurement {', '.join(m.id for m in members)}", found,
        "coefficients that the data tell from each other, for flat priors",
        "Leave one of them out, give it a normal prior, or write solve: sample in the candidate.",
    )  # fmt: skip


def _refusal(expanded: Expanded, members: Sequence[Measurement], reason: str) -> str:
    """What is said where an exact solution was asked for and there is none."""
    found = reason.partition(": ")[2].split("; expected")[0]
    where = f"measurement {', '.join(m.id for m in members)}: candidate {expanded.tag}"
    return message(where, found, "what closed forms hold, for solve: exact", "Write solve: auto, to sample it.")


__all__ = ["NOT_SOLVED", "beside_exact", "exact_levels", "is_exact", "solution_of", "solve_each", "solved"]
