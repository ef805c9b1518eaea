"""A candidate made of the phases of a library: from a measurement to its posterior, in the form of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import Expanded, PhasesSpec
from bayesbeam.diffraction.arms import both_arms
from bayesbeam.diffraction.estimated import searched
from bayesbeam.diffraction.fractions import Doubt
from bayesbeam.diffraction.search import Answer
from bayesbeam.diffraction.verdict import verdict_of, with_error, with_tolerance
from bayesbeam.errors import BayesbeamError, DataError, ModelError, SamplingError
from bayesbeam.evidence.estimate import FreeEnergy
from bayesbeam.io.samples import Record
from bayesbeam.io.store import Measurement
from bayesbeam.sampling.known import still_run
from bayesbeam.sampling.record import Run, Verdict
from bayesbeam.sampling.settings import Settings
from bayesbeam.sparse.draws import generator_of
from bayesbeam.stages.beams import beam_of, left_out
from bayesbeam.stages.keep import say
from bayesbeam.stages.memory import measured_mib
from bayesbeam.stages.pack import REFUSED, pack
from bayesbeam.stages.phase_cell import cell_facts
from bayesbeam.stages.phase_draws import Drawn, draw, shaped_sets
from bayesbeam.stages.phase_errors import set_errors
from bayesbeam.stages.phase_facts import arrays_of, facts_of
from bayesbeam.stages.phase_question import asked_of, pattern_of
from bayesbeam.stages.phase_refined import believed, refined_facts, refined_sets
from bayesbeam.stages.phase_summary import PHASES
from bayesbeam.stages.resources import settings_of

FloatArray = NDArray[np.float64]
Result = TypeVar("Result")

LIBRARIES = "libraries"
"""Folder of the results in which lines of structures are kept."""
LARGEST_ERROR = 0.02
"""What a probability may move by as more sets are looked at, and still be believed."""
_FACTORS = {"half": 0.5, "double": 2.0}


@dataclass(frozen=True)
class Found:
    """A run, and what it says of phases: arrays and facts for the record of a measurement."""

    run: Run
    arrays: dict[str, FloatArray]
    facts: dict[str, Any]


def misfit_of_phases(spec: PhasesSpec, m: Measurement) -> None:
    """Refuse a measurement that is no powder pattern of known wavelength; the library is not read for it.

    Raises
    ------
    DataError
        Naming the measurement.
    """
    beam_of(m)
    pattern_of(m, spec.background)


def solve_phases(
    campaign: LoadedCampaign, expanded: Expanded, m: Measurement, key: str, cache: Path, threads: int = 1
) -> Record:
    """Record of a measurement; its ``facts`` have what is known of the phases under ``phases``.

    A measurement of which no structure may be there is refused.

    Raises
    ------
    SamplingError
        Naming the candidate, if its question cannot be answered.
    """
    assert expanded.spec.phases is not None
    settings = settings_of(campaign, threads=threads)
    began = time.monotonic(), time.process_time()
    source = campaign.row(m.id).treatment.instrument.wavelength_angstrom
    try:
        found = find(expanded.spec.phases, m, f"{m.id}/{expanded.tag}", settings, cache, say)
    except (DataError, ModelError) as problem:
        return Record({}, {"key": key, REFUSED: str(problem)})
    except BayesbeamError as problem:
        raise SamplingError(f"candidate {expanded.tag}: {problem}") from problem
    spent = time.monotonic() - began[0], time.process_time() - began[1]
    (record,) = pack(expanded, [[m]], [key], [found.run], settings, "cpu", spent, (measured_mib(), None))
    if REFUSED in record.facts:
        return record
    found.facts["library"]["hash"] = expanded.spec.phases.content
    found.facts["library"]["name"] = _library_name(expanded.spec.phases)
    found.facts["beam"]["source"] = "file" if source is None else "campaign"
    found.facts["beam"]["left_out"] = left_out(m, beam_of(m))
    return Record({**record.arrays, **found.arrays}, {**record.facts, PHASES: found.facts})


def _library_name(spec: PhasesSpec) -> str:
    """Names of the folders that the structures are from."""
    folders = (one if one.is_dir() else one.parent for one in map(Path, spec.library))
    return ", ".join(dict.fromkeys(one.name for one in folders))


def find(
    spec: PhasesSpec, m: Measurement, name: str, settings: Settings, cache: Path | None, tell: Callable[[str], None]
) -> Found:
    """Posterior of a candidate on a measurement; ``name`` and the seed fix every random number."""
    asked = asked_of(spec, m, cache, settings.threads)
    clock = [time.monotonic()]
    tell(f"{name}: {len(asked.question.phases)} phases, {len(asked.question.data.x)} points")
    seed = int(generator_of(settings.seed, name, "search").integers(1 << 31))
    question, answer = searched(asked.question, seed, spec.estimate)
    again, asked = question is not asked.question, replace(asked, question=question)
    clock.append(time.monotonic())
    arms_of = _later(partial(both_arms, question, answer, seed), settings.threads if spec.search == "both" else 1)
    sets, settled = shaped_sets(question, answer)
    clock.append(time.monotonic())
    changed = {word: with_error(question, answer, factor) for word, factor in _FACTORS.items()}
    if settled.estimated:
        changed["estimated"] = with_tolerance(question, answer, settled.tolerance)
    clock.append(time.monotonic())
    sampled = refined_sets(question, sets, settled, settings, name, tell) if spec.refine != "none" else {}
    clock.append(time.monotonic())
    doubt = Doubt(spec.structure, spec.grain_radius)
    drawn = draw(asked, answer, sets, doubt, generator_of(settings.seed, name, "phases"), believed(sampled))
    verdict = verdict_of(question, answer, asked.library.families)
    errors = set_errors(question, answer, sampled, seed)
    facts = facts_of(asked, answer, verdict, sets, settled, drawn, changed, errors)
    if spec.search == "both":
        arms = arms_of()
        facts["arms"]["variational"] = {"top": list(arms.variational), "agrees": arms.agrees, "starts": arms.agreeing}
    facts["noise"]["again"], facts["refined"] = again, refined_facts(sampled)
    facts["cell_report"] = cell_facts(spec, question, m, facts["best"])
    facts["quantities"] = [
        {"name": one.name, "unit": one.unit, "kind": one.kind, "phase": one.phase} for one in drawn.quantities
    ]
    clock.append(time.monotonic())
    words = ("search", "fits", "sensitivity", "refine", "draws")
    facts["seconds"] = {"library": asked.seconds} | dict(zip(words, np.diff(clock).tolist(), strict=True))
    tell(f"{name}: {', '.join(facts['best']) or 'no phase'}; {clock[-1] - clock[0] + asked.seconds:.1f} s")
    arrays = arrays_of(question, settled) | _present(drawn)
    return Found(_run(name, answer, drawn, settings, facts["sets"][0]["error"]), arrays, facts)


def _later(work: Callable[[], Result], threads: int) -> Callable[[], Result]:
    """The result of some work, for when it is asked for; of several threads one is at it until then."""
    if threads == 1:
        return work
    pool = ThreadPoolExecutor(1)
    job = pool.submit(work)
    pool.shutdown(wait=False)
    return job.result


def _present(drawn: Drawn) -> dict[str, FloatArray]:
    """Whether the phase of each quantity is in a draw: (D, Q), 1 or 0; what is of the instrument always is."""
    place = {name: k for k, name in enumerate(drawn.phases)}
    columns = [
        drawn.present[:, place[one.phase]] if one.phase else np.ones(len(drawn.values), dtype=bool)
        for one in drawn.quantities
    ]
    return {"phase_present": np.array(columns, dtype=np.float64).T}


def _run(name: str, answer: Answer, drawn: Drawn, settings: Settings, error: float) -> Run:
    """A search in the form of a run: draws in chains, the free energy of all sets, and whether it is believed.

    The free energy is off by as much as that of the most probable set.
    """
    length = len(drawn.values) // settings.chains
    theta = drawn.values[: length * settings.chains].reshape(length, 1, settings.chains, -1)
    value = free_energy(answer)
    run = still_run(name, theta, value, max(len(answer.sets.members), 1), "sets of phases")
    moved = answer.sets.error
    reasons = (
        (f"probabilities of phases move by {moved:.2g} as more sets are looked at",) if moved > LARGEST_ERROR else ()
    )
    estimate = FreeEnergy(value, error, run.free_energy.degrees_of_freedom)
    return replace(run, free_energy=estimate, estimators={"sets": estimate}, verdict=Verdict(not reasons, reasons))


def free_energy(answer: Answer) -> float:
    """Free energy of all sets together, nats.

    Coefficients of the background have a flat prior of density 1; points are those that were added up for the search.
    """
    return float(answer.sets.free_energy[0] + np.log(answer.sets.probability[0]))


def cache_of(results: Path) -> Path:
    """Folder in which lines of structures are kept, in that of the results of a campaign."""
    return results / LIBRARIES


__all__: Sequence[str] = ("cache_of", "find", "misfit_of_phases", "solve_phases")
