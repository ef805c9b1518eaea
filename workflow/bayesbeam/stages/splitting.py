"""Whether two edges of a cell are equal or split, along a series: from measurements to a record for the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bayesbeam.config.load import LoadedCampaign
from bayesbeam.config.specs import PhasesSpec
from bayesbeam.config.splitting import Splitting
from bayesbeam.config.splitting_checks import splitting_of
from bayesbeam.crystals.cif import name_of
from bayesbeam.crystals.library import Library
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.splitting import splitting_along, tied
from bayesbeam.errors import BayesbeamError, DataError
from bayesbeam.io.results import write_result
from bayesbeam.io.store import Measurement
from bayesbeam.stages.free_energy import FORMAT
from bayesbeam.stages.keep import say
from bayesbeam.stages.phase_question import asked_of
from bayesbeam.stages.sample import usable

_EDGES = "abc"


def write_splitting(
    campaign: LoadedCampaign, name: str, measurements: Path, cache: Path, out: Path, threads: int = 1
) -> None:
    """Write what is found of two edges.

    Parameters
    ----------
    measurements : Path
        Folder of the preprocessed measurements.
    cache : Path
        Folder in which lines of structures are kept.
    out : Path
        JSON file: ``name``, ``column``, ``structure``, ``edges``; ``frames``, one for each measurement in the order of
        the column, with ``log_odds`` (nats, for split edges, of each of the ``scales`` of differences ``by_scale``),
        ``gap``, the size of the difference (angstrom: median, and the ends of 95 %), ``first_longer`` (a probability),
        ``mean`` of both edges and ``third``, the other one, as pairs of value and standard deviation (angstrom), and
        ``worth`` (nats that each phase adds); and ``reason`` where there are none.
    """
    asked, spec, ids = splitting_of(campaign, name)
    told: dict[str, Any] = {
        "format": FORMAT, "name": name, "column": asked.along, "structure": name_of(asked.structure),
        "edges": list(asked.edges), "scales": [], "frames": [], "reason": "",
    }  # fmt: skip
    began = time.monotonic()
    present = sorted(usable(ids, measurements), key=lambda m: (float(m.metadata[asked.along]), m.id))
    try:
        told |= _frames(asked, spec, present, cache, threads)
    except BayesbeamError as problem:
        told["reason"] = str(problem)
    say(f"{name}: {len(told['frames'])} patterns, {time.monotonic() - began:.1f} s")
    write_result(out, told)


def _frames(
    asked: Splitting, spec: PhasesSpec, present: Sequence[Measurement], cache: Path, threads: int
) -> dict[str, Any]:
    """Scales of differences, and what is told of each measurement."""
    questions = []
    for m in present:
        found = asked_of(spec, m, cache, threads)
        questions.append(_in_order(found.question, found.library, [name_of(place) for place in asked.places]))
    if not questions:
        raise DataError.at(f"splitting {asked.name}", "no measurement that can be used", "patterns", "")
    first, second = (_EDGES.index(edge) for edge in asked.edges)
    along = splitting_along(questions, first, second)
    groups = tied(questions[0].phases[0], first, second).edges
    both, other = groups.index((min(first, second), max(first, second))), 3 - first - second
    third = [groups.index((other,))] if (other,) in groups else []
    names = [phase.name for phase in questions[0].phases]
    frames = [
        {
            "measurement": m.id,
            "x": float(m.metadata[asked.along]),
            "log_odds": float(along.log_odds[k]),
            "by_scale": along.by_scale[:, k].tolist(),
            "gap": along.gap[k].tolist(),
            "first_longer": float(along.first_longer[k]),
            "mean": [float(along.cell[k, both]), float(along.sd[k, both])],
            "third": [[float(along.cell[k, j]), float(along.sd[k, j])] for j in third],
            "worth": {name: float(nats) for name, nats in zip(names, along.worth[k], strict=True)},
        }
        for k, m in enumerate(present)
    ]
    return {"scales": along.scales.tolist(), "frames": frames}


def _in_order(question: Question, library: Library, names: Sequence[str]) -> Question:
    """The question with all phases in the order in which they are named.

    Raises
    ------
    DataError
        If one was left out of the library, with its reason.
    """
    phases = {one.name: one for one in question.phases}
    for name in names:
        if name not in phases:
            reasons = [", ".join(one.reasons) for one in library.skipped if name_of(one.file) == name]
            reasons += ["a copy of another" for others in library.copies.values() if name in others]
            found = f"it is left out ({'; '.join(reasons) or 'it has no line'})"
            raise DataError.at(f"structure {name}", found, "a structure that can be believed", "Correct its CIF.")
    return replace(question, phases=tuple(phases[name] for name in names))


__all__: Sequence[str] = ("write_splitting",)
