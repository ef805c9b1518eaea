"""Scans that may be of one sample, searched for phases together: shares and cells they have in common, and the odds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import Expanded, PhasesSpec
from bayesbeam.diffraction.fractions import Doubt, weight_draws
from bayesbeam.diffraction.one_sample import OneSample, complete_fits, one_sample, with_all
from bayesbeam.diffraction.several import Together, find_in_all
from bayesbeam.diffraction.shapes import Fit
from bayesbeam.errors import BayesbeamError, DataError, ModelError, SamplingError
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.known import still_run
from bayesbeam.sampling.run import GroupName
from bayesbeam.sparse.draws import generator_of
from bayesbeam.stages.keep import say
from bayesbeam.stages.memory import measured_mib
from bayesbeam.stages.pack import REFUSED, pack
from bayesbeam.stages.phase_draws import DRAWS, Quantity, matter_of_phases
from bayesbeam.stages.phase_question import Asked, asked_of
from bayesbeam.stages.phase_summary import PHASES
from bayesbeam.stages.resources import settings_of

FloatArray = NDArray[np.float64]

_TOLD, _SAME_RANGE = 0.01, 0.5
"""Probability from which a phase is told, and degrees that the ends of scans may differ by."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws (D, Q) of what scans have in common."""

    quantities: tuple[Quantity, ...]
    values: FloatArray


def solve_group(
    campaign: LoadedCampaign,
    expanded: Expanded,
    present: Sequence[Measurement],
    name: GroupName,
    key: str,
    cache: Path,
    threads: int = 1,
) -> Record:
    """Record of scans that may be of one sample.

    Its free energy is relative: of one sample, less that of all scans each by itself. Scans that cannot be compared, or
    that have no phase, make a refused record.

    Raises
    ------
    SamplingError
        Naming the candidate, if its question cannot be answered.
    """
    assert expanded.spec.phases is not None
    settings = settings_of(campaign, len(present), threads)
    began = time.monotonic(), time.process_time()
    try:
        asked = [asked_of(expanded.spec.phases, m, cache, threads) for m in present]
        _check_ranges(present, asked)
        together, fits, one = _found(asked)
    except (DataError, ModelError) as problem:
        return Record({}, {"key": key, REFUSED: str(problem)})
    except BayesbeamError as problem:
        raise SamplingError(f"candidate {expanded.tag}: {problem}") from problem
    say(f"{name.name}: {', '.join(together.found())}; log odds of one sample {one.log_odds:.1f}")
    drawn = draw_group(expanded.spec.phases, asked[0], fits, one, generator_of(settings.seed, name.name, "phases"))
    length = len(drawn.values) // settings.chains
    theta = drawn.values[: length * settings.chains].reshape(length, 1, settings.chains, -1)
    run = still_run(name.name, theta, -one.log_odds, len(present), "sets of phases")
    spent = time.monotonic() - began[0], time.process_time() - began[1]
    (record,) = pack(expanded, [present], [key], [run], settings, "cpu", spent, (measured_mib(), None))
    if REFUSED in record.facts:
        return record
    there = {"phase_present": np.ones_like(drawn.values)}
    facts = _facts(present, asked[0], together, drawn)
    return Record({**record.arrays, **there}, {**record.facts, PHASES: facts})


def _found(asked: Sequence[Asked]) -> tuple[Together, list[Fit], OneSample]:
    """Phases of all scans, fits of each with all of them, and whether they are of one sample."""
    questions = [one.question for one in asked]
    together = find_in_all(questions)
    done = complete_fits(questions, with_all(questions, together.fits))
    return together, [one.fit for one in done], one_sample(questions, done)


def _check_ranges(present: Sequence[Measurement], asked: Sequence[Asked]) -> None:
    """Refuse scans of different ranges or geometry: shares of the intensity are not the same in them."""
    first = asked[0].question
    for m, other in zip(present, asked, strict=True):
        ends = [(one.data.x[0], one.data.x[-1]) for one in (first, other.question)]
        if max(abs(a - b) for a, b in zip(*ends, strict=True)) > _SAME_RANGE:
            found = f"{ends[1][0]:g} to {ends[1][1]:g} degrees, and {ends[0][0]:g} to {ends[0][1]:g} of {present[0].id}"
            remedy = "Write the range that all have under range of the treatment."
            raise DataError.at(f"measurement {m.id}", found, "one range of all scans of a sample", remedy)
        if other.question.beam.optics != first.beam.optics:
            remedy = "Group scans of one geometry."
            raise DataError.at(f"measurement {m.id}", f"another geometry than {present[0].id}", "one geometry", remedy)


def draw_group(spec: PhasesSpec, asked: Asked, fits: Sequence[Fit], one: OneSample, rng: np.random.Generator) -> Drawn:
    """Draws of shares, weights and edges of the cells of one sample, by their normal posterior."""
    value, vector = np.linalg.eigh(0.5 * (one.covariance + one.covariance.T))
    root = vector * np.sqrt(np.maximum(value, 0.0))
    common = one.value + rng.standard_normal((DRAWS, len(one.value))) @ root.T
    at = [i for i, label in enumerate(one.names) if label.endswith(".share")]
    names = [one.names[i].removesuffix(".share") for i in at]
    common[:, at] = np.maximum(common[:, at], 0.0)
    units = [{member.phase.name: member.unit / float(part.sum())
              for member, part in zip(fit.members, fit.parts, strict=True)} for fit in fits]  # fmt: skip
    logs = np.log([[own[name] for name in names] for own in units])
    # Counts of a scan go as its counting time, the same for all phases.
    unit = np.exp((logs - logs.mean(1, keepdims=True)).mean(0))
    normal = rng.standard_normal((2, DRAWS, len(names)))
    weights = weight_draws(
        common[:, at] * unit, matter_of_phases(asked, names), Doubt(spec.structure, spec.grain_radius), normal
    )
    quantities, columns = [], []
    for i, label in enumerate(one.names):
        unit_of = "1" if i in at else "angstrom"
        phase = names[sum(k <= i for k in at) - 1]
        quantities.append(Quantity(label, unit_of, "parameter", phase))
        columns.append(common[:, i])
        if i in at:
            quantities.append(Quantity(f"{phase}.weight_fraction", "1", "derived", phase))
            columns.append(weights[:, names.index(phase)])
    return Drawn(tuple(quantities), np.column_stack(columns))


def _facts(present: Sequence[Measurement], asked: Asked, together: Together, drawn: Drawn) -> dict[str, Any]:
    """What is told of phases: how probable in any scan and in each, and what the columns of the draws are."""
    formulas = {one.name: one.formula for one in asked.library.entries}
    order = sorted(range(len(together.names)), key=lambda k: (-together.probability[k], together.names[k]))
    best = {one.phase for one in drawn.quantities}
    rows = [
        {
            "name": together.names[k],
            "formula": formulas[together.names[k]],
            "probability": float(together.probability[k]),
            "present": {m.id: float(p) for m, p in zip(present, together.present[:, k], strict=True)},
        }
        for k in order
        if together.probability[k] >= _TOLD or together.names[k] in best
    ]
    quantities = [{"name": q.name, "unit": q.unit, "kind": q.kind, "phase": q.phase} for q in drawn.quantities]
    return {"best": [row["name"] for row in rows if row["name"] in best], "phases": rows, "quantities": quantities}


__all__: Sequence[str] = ("Drawn", "draw_group", "solve_group")
