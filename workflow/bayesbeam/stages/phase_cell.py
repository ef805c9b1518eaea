"""Edges of the cell of a pattern of one phase, statistical and systematic parts apart, for the record of a search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bayesbeam.config.specs import PhasesSpec
from bayesbeam.crystals.radiation import TUBES, copper_spectrum
from bayesbeam.diffraction.cell_report import close_question, report_by_lengths
from bayesbeam.diffraction.greedy import Question
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.shapes import COMMON_SD
from bayesbeam.errors import BayesbeamError
from bayesbeam.io.store import Measurement
from bayesbeam.stages.beams import diffractometer_of, zero_sd_of

COPPER_SD = 3e-7
"""Relative standard deviation of the wavelength of K alpha 1 of copper (Hoelzer et al. 1997)."""
_SAME, _ZERO = 2e-6, 0
_EDGES = "abc"


def cell_facts(spec: PhasesSpec, question: Question, m: Measurement, best: Sequence[str]) -> dict[str, Any] | None:
    """What is told of the cell of the one phase that a search has found; None where it is not asked for.

    Returns
    -------
    dict
        ``phase``; ``edges``, each with ``edge``, ``value``, ``statistical``, ``systematic`` and ``parts`` of the
        latter, angstrom; ``described``, the descriptions of lines with ``above``, their free energy over that of the
        best, and ``edges``; and ``reason`` where there is no report.
    """
    if not spec.cell_report:
        return None
    began = time.monotonic()
    told: dict[str, Any] = {"phase": "", "edges": [], "described": [], "reason": ""}
    if len(best) != 1:
        return told | {"reason": f"{len(best)} phases were found, and cells are told of one alone"}
    try:
        beam, others = descriptions_of(question.beam, m)
        phase = next(one for one in question.phases if one.name == best[0])
        alone = replace(question, phases=(phase,), log_prior=log_prior_of_sets(1, 1, 1.0))
        asked = close_question(alone, zero_sd_of(m, float(COMMON_SD[_ZERO])))
        wavelength_sd = COPPER_SD if beam.spectrum else 0.0
        report = report_by_lengths(asked, beam, others, wavelength_sd)
    except BayesbeamError as problem:
        return told | {"reason": str(problem)}
    words = [_EDGES[group[0]] for group in phase.edges]
    edges = [
        {
            "edge": word,
            "value": float(report.value[k]),
            "statistical": float(report.statistical[k]),
            "systematic": float(report.systematic[k]),
            "parts": {name: float(part[k]) for name, part in report.parts.items()},
        }
        for k, word in enumerate(words)
    ]
    first = report.described[0].free_energy
    described = [
        {"name": one.name, "above": one.free_energy - first, "edges": one.edges.tolist()} for one in report.described
    ]
    spent = time.monotonic() - began
    return told | {"phase": phase.name, "edges": edges, "described": described, "seconds": spent}


def descriptions_of(beam: Beam, m: Measurement) -> tuple[Beam, dict[str, Beam]]:
    """The beam with all that is known of it, and other descriptions; of copper the spectrum is, besides the doublet.

    Raises
    ------
    DataError
        If nothing is known of the instrument.
    """
    whole = replace(beam, instrument=diffractometer_of(m))
    if len(beam.wavelengths) < 2 or abs(beam.wavelengths[0] / TUBES["Cu"].alpha1 - 1.0) > _SAME:
        return whole, {}
    wavelengths, shares, spectrum = copper_spectrum()
    return replace(whole, wavelengths=wavelengths, shares=shares, spectrum=spectrum), {"doublet": whole}


__all__: Sequence[str] = ("cell_facts", "descriptions_of")
