"""What a search for phases leaves in the record of a measurement: facts that JSON can hold, and curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesbeam.crystals.library import OUTSIDE, Entry, Library
from bayesbeam.diffraction.complete import Complete, complete_law
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.members import Member
from bayesbeam.diffraction.phase import inverse_squares
from bayesbeam.diffraction.profile import COMMON
from bayesbeam.diffraction.search import Answer
from bayesbeam.diffraction.shapes import Fit
from bayesbeam.diffraction.verdict import PhaseVerdict, Verdict
from bayesbeam.stages.phase_draws import FACTORS, Drawn, Shaped, quantities_of, statistics_of
from bayesbeam.stages.phase_errors import Names, SetError, difference, names_of
from bayesbeam.stages.phase_question import Asked

FloatArray = NDArray[np.float64]
LISTED = 20
Changed = Mapping[str, FloatArray]
"""Probabilities (K,) of phases under other errors of the model, by ``half``, ``double`` and ``estimated``."""


def facts_of(
    asked: Asked,
    answer: Answer,
    verdict: Verdict,
    sets: Sequence[Shaped],
    settled: Complete,
    drawn: Drawn,
    changed: Changed,
    errors: Mapping[Names, SetError],
) -> dict[str, Any]:
    """Everything that is told of a search but for what it took."""
    question, best = asked.question, sets[0].fit
    entries = {one.name: one for one in asked.library.entries}
    members = {one.phase.name: one for shaped in reversed(sets) for one in shaped.fit.members}
    order = [one.name for one in question.phases]
    rows = [_phase(one, entries[one.name], order.index(one.name), members.get(one.name), drawn, changed)
            for one in verdict.phases]  # fmt: skip
    ranking = _ranking(question, answer, errors)
    unknown = verdict.unknown
    tolerance = settled.tolerance
    return {
        "best": [one.phase.name for one in best.members],
        "phases": rows,
        "families": [
            {"name": one.name, "members": list(one.members), "probability": one.probability} for one in verdict.families
        ],
        "sets": ranking[:LISTED],
        "error": answer.sets.error,
        "sets_looked_at": len(answer.sets.members),
        "unknown": {
            "open": unknown.is_open,
            "share": unknown.share,
            "lines": [
                {"two_theta": float(x), "d": float(d), "z": float(z)}
                for x, d, z in zip(unknown.position, verdict.spacing, unknown.z, strict=True)
            ],
        },
        "noise": {
            "line": tolerance.line, "form": tolerance.form, "unknown": tolerance.unknown,
            "estimated": settled.estimated,
            "assumed": {"line": question.tolerance.line, "form": question.tolerance.form},
        },
        "arms": {"exchange": {"top": ranking[0]["phases"]}, "variational": None},
        "fit": {"rwp": weighted_profile(question, best.model), "rexp": _expected(question, best),
                "common": _common(best)},
        "library": library_facts(asked.library, asked.elements),
        "beam": beam_facts(question),
    }  # fmt: skip


def _phase(
    one: PhaseVerdict, entry: Entry, number: int, member: Member | None, drawn: Drawn, changed: Changed
) -> dict[str, Any]:
    """One phase: what it is, how probable, how much, and its shape."""
    there = drawn.present[:, drawn.phases.index(one.name)] if one.name in drawn.phases else np.zeros(0, dtype=bool)
    told = statistics_of(_of(drawn, one.name, "weight_fraction", there))
    certain = drawn.fit_weights[there, drawn.phases.index(one.name)] if one.name in drawn.phases else np.zeros(0)
    row: dict[str, Any] = {
        "name": one.name,
        "formula": entry.formula,
        "space_group": entry.space_group,
        "density": entry.density,
        "file": entry.file,
        "probability": one.probability,
        "probability_half": float(changed["half"][number]) if "half" in changed else None,
        "probability_double": float(changed["double"][number]) if "double" in changed else None,
        "probability_estimated": float(changed["estimated"][number]) if "estimated" in changed else None,
        "kind": one.kind,
        "family": one.family,
        "lines_seen": one.lines_seen,
        "lines_in_range": one.lines_in_range,
        "worth": one.worth,
        "share": statistics_of(_of(drawn, one.name, "share", there)),
        "weight_fraction": None if told is None else told | {"sd_fit": float(certain.std())},
        "cell": [],
    }
    if member is None:
        return row | dict.fromkeys(FACTORS)
    words = [q.name.removeprefix(f"{one.name}.") for q in quantities_of(member)]
    library = {"a": 0, "b": 1, "c": 2, "alpha": 3, "beta": 4, "gamma": 5}
    for word in words:
        values = _of(drawn, one.name, word, there)
        found = {"value": float(values.mean()), "sd": float(values.std())} if len(values) else None
        if word in library and found is not None:
            row["cell"].append({"edge": word, **found, "library": float(entry.cell[library[word]])})
        elif word in FACTORS:
            row[word] = found
    return dict.fromkeys(FACTORS) | row


def _of(drawn: Drawn, phase: str, word: str, there: NDArray[np.bool_]) -> FloatArray:
    """Draws of a quantity of a phase, from those sets that have it."""
    values = drawn.column(f"{phase}.{word}")
    return np.zeros(0) if values is None else values[there]


def _ranking(question: Question, answer: Answer, errors: Mapping[Names, SetError]) -> list[dict[str, Any]]:
    """Sets of phases, the most probable first; columns of one phase are one.

    ``error`` is how far the free energy against the best set is off, of the first itself; None where not checked.
    """
    found: dict[Names, float] = {}
    for members, weight in zip(answer.sets.members, answer.sets.probability, strict=True):
        names = names_of(question, answer, members)
        found[names] = found.get(names, 0.0) + float(weight)
    order = sorted(found, key=lambda names: (-found[names], names))
    most, first = found[order[0]], errors.get(order[0])
    return [
        {
            "phases": list(names),
            "probability": found[names],
            "free_energy": math.log(most / found[names]),
            "error": difference(errors.get(names), first) if names != order[0] else first and first.size,
        }
        for names in order
        if found[names] > 0.0
    ]


def weighted_profile(question: Question, model: FloatArray) -> float:
    """Weighted profile factor, Rwp: by counting statistics alone, of the points that the fit was made of."""
    data = question.data
    return float(np.sqrt((np.square(data.y - model) / data.variance).sum() / (np.square(data.y) / data.variance).sum()))


def _expected(question: Question, fit: Fit) -> float:
    """Profile factor that counting statistics alone would leave."""
    data = question.data
    free = len(data.x) - data.background.shape[1] - len(fit.covariance)
    return float(np.sqrt(max(free, 1) / (np.square(data.y) / data.variance).sum()))


def _common(fit: Fit) -> dict[str, dict[str, float]]:
    """What all phases share, with standard deviations; those that were not fitted have none."""
    sd = np.zeros(len(fit.common))
    if fit.members:
        sd = np.sqrt(np.diag(fit.whole_covariance)[: len(sd)])
    return {
        name: {"value": float(value), "sd": float(s)} for name, value, s in zip(COMMON, fit.common, sd, strict=True)
    }


def library_facts(library: Library, elements: tuple[str, ...] | None) -> dict[str, Any]:
    """What was read of a library, what was left out, what was merged, and what of structures was put right."""
    outside = [one.file for one in library.skipped if any(OUTSIDE in reason for reason in one.reasons)]
    skipped = [one for one in library.skipped if one.file not in set(outside)]
    copies = [{"kept": kept, "copy": copy} for kept, others in library.copies.items() for copy in others]
    candidates = {one.name for one in library.entries}
    return {
        "entries": len(library.entries) + len(library.skipped) + len(copies),
        "candidates": len(candidates),
        "skipped": [{"file": one.file, "reason": "; ".join(one.reasons)} for one in skipped],
        "copies": [one for one in copies if one["kept"] in candidates],
        "notes": [{"structure": one.name, "note": "; ".join(one.notes)} for one in library.entries if one.notes],
        "outside": outside,
        "elements": None if elements is None else list(elements),
    }


def beam_facts(question: Question) -> dict[str, Any]:
    """Wavelengths and geometry."""
    beam, optics = question.beam, question.beam.optics
    return {
        "wavelengths": list(beam.wavelengths),
        "shares": list(beam.shares),
        "geometry": optics.geometry,
        "monochromator_two_theta_deg": optics.monochromator_two_theta_deg or None,
    }


def arrays_of(question: Question, settled: Complete) -> dict[str, FloatArray]:
    """Curves of the best set, and the places of its lines at the first wavelength.

    The deviation of points near lines of no candidate is that of others: what they leave shall be seen.
    """
    data, fit = question.data, settled.fit
    ticks, owners, indices = [np.zeros(0)], [np.zeros(0)], [np.zeros((0, 3))]
    ends = (float(data.x[0]), float(data.x[-1]))
    for j, member in enumerate(fit.members):
        angle, plane = _ticks(question, fit, member, ends)
        ticks.append(angle)
        owners.append(np.full(len(angle), float(j)))
        indices.append(plane)
    return {
        "phase_x": data.x,
        "phase_y": data.y,
        "phase_variance": data.variance,
        "phase_sd": np.sqrt(complete_law(question, fit, settled.tolerance).covariance[:, 0]),
        "phase_model": fit.model,
        "phase_background": fit.background,
        "phase_parts": fit.heights[:, None] * fit.parts.reshape(len(fit.members), len(data.x)),
        "phase_ticks": np.concatenate(ticks),
        "phase_tick_owner": np.concatenate(owners),
        "phase_tick_hkl": np.concatenate(indices),
    }


def _ticks(
    question: Question, fit: Fit, member: Member, ends: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Angles (T,) of the lines of a phase at the first wavelength, and their planes (T, 3)."""
    wavelength, zero, displacement = question.beam.wavelengths[0], float(fit.common[0]), float(fit.common[1])
    sine = 0.5 * wavelength * np.sqrt(inverse_squares(member.phase, member.own[: member.phase.strains]))
    theta = np.arcsin(np.minimum(sine, 1.0))
    angle = np.degrees(2.0 * theta) + zero + displacement * np.cos(theta)
    inside = (sine < 1.0) & (angle > ends[0]) & (angle < ends[1])
    order = np.flatnonzero(inside)[np.argsort(angle[inside], kind="stable")]
    return angle[order], np.asarray(member.phase.planes[order], dtype=np.float64)
