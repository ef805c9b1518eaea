"""The question of a search for phases: a measurement made a pattern, a library read for it, priors as asked."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayesbeam.config.library_files import cif_files
from bayesbeam.config.phase_candidates import elements_of
from bayesbeam.config.specs import PhasesSpec
from bayesbeam.crystals.library import Library
from bayesbeam.crystals.likeness import Window
from bayesbeam.diffraction.greedy import Question, question_of
from bayesbeam.diffraction.law import Tolerance
from bayesbeam.diffraction.members import Spread
from bayesbeam.diffraction.phase import phase_of
from bayesbeam.diffraction.powder import Powder, powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.errors import BayesbeamError, DataError
from bayesbeam.io.bragg import axis_of
from bayesbeam.io.crystal_library import LineRequest, crystal_library
from bayesbeam.io.store import Measurement
from bayesbeam.stages.beams import beam_of
from bayesbeam.units import convert

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """A question with the library that its phases are from, in the same order, and the seconds that reading took."""

    question: Question
    library: Library
    elements: tuple[str, ...] | None
    seconds: float


def asked_of(spec: PhasesSpec, m: Measurement, cache: Path | None = None, threads: int = 1) -> Asked:
    """Question of a candidate about a measurement; ``cache`` is the folder of lines, ``threads`` change no number.

    Raises
    ------
    DataError
        If the measurement is no powder pattern, or no structure is left to look for; the message names it.
    """
    data, beam = pattern_of(m, spec.background), beam_of(m)
    began = time.monotonic()
    elements = elements_of(spec, m.metadata)
    library = _library(spec, m, data, beam, elements, cache)
    seconds = time.monotonic() - began
    phases = [phase_of(lines) for lines in library.lines]
    log_prior = log_prior_of_sets(len(phases), spec.most, spec.expected)
    tolerance = Tolerance(spec.line, spec.form, spec.unknown)
    spread = Spread(edge=spec.cell, angle=spec.cell, width=spec.width, texture=spec.texture)
    return Asked(question_of(data, phases, beam, log_prior, tolerance, spread, threads, spec.low_angle_loss),
                 library, elements, seconds)  # fmt: skip


def pattern_of(m: Measurement, background: int) -> Powder:
    """A measurement as a powder pattern, with so many columns of a background.

    Raises
    ------
    DataError
        If x is no angle, or there is no line, or the pattern is too short for lines.
    """
    where = f"measurement {m.id}"
    if axis_of(m.x_unit) != "2theta":
        found = f"x in {m.x_unit}" if m.x_unit not in ("", "1") else "x without a unit"
        remedy = "Write axis: {quantity: 2theta, unit: degree} in the treatment, and convert_to: degree for d or Q."
        raise DataError.at(where, found, "2theta in degrees, for a search for phases", remedy)
    try:
        return powder(convert(m.x, m.x_unit, "degree", where), m.y, variance_of(m), background)
    except BayesbeamError as problem:
        raise type(problem)(f"{where}: {problem}") from problem


def variance_of(m: Measurement) -> FloatArray | None:
    """Variance of every point: by its uncertainty, by counting (None), or in proportion to y at the scatter found.

    Where a background was taken away, what is left says nothing of how many counts there were: at least one a point.
    """
    if m.uncertainty is not None:
        return np.square(m.uncertainty)
    if m.counts:
        return None
    level = max(float(np.median(m.y)), m.noise_estimate)
    if not m.noise_estimate > 0.0:
        remedy = "Write signal: {counts: true} if y are counts, or state the uncertainty."
        raise DataError.at(
            f"measurement {m.id}", "an intensity of unknown scatter", "counts, or an uncertainty", remedy
        )
    return m.noise_estimate**2 * np.maximum(m.y / level, 0.1)


def _library(
    spec: PhasesSpec, m: Measurement, data: Powder, beam: Beam, elements: tuple[str, ...] | None, cache: Path | None
) -> Library:
    """Structures that may be there, with their lines at the wavelength of a pattern."""
    # A folder for each library, for what is kept of one is replaced by what another has.
    kept = None if cache is None else cache / hashlib.sha256("\0".join(spec.library).encode()).hexdigest()[:12]
    window = Window(beam.wavelengths[0], _round(data.x[0], -1), _round(data.x[-1], 1), beam.optics)
    try:
        return crystal_library(cif_files(map(Path, spec.library)), LineRequest(window), elements, kept)
    except OSError as problem:
        found = f"a library that cannot be read ({problem.strerror or problem})"
        raise DataError.at(f"measurement {m.id}", found, "folders and files of CIFs", "Correct the path.") from problem
    except BayesbeamError as problem:
        raise type(problem)(f"measurement {m.id}: {problem}") from problem


def _round(angle: float, side: int) -> float:
    """Angle at the next degree outwards, so that patterns of one instrument share their lines."""
    return float(min(max(np.floor(angle) if side < 0 else np.ceil(angle), 1.0), 175.0))
