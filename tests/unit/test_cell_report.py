"""Edges of a cell by several descriptions of lines: found where an instrument is known, and missed where it is not."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.aberrations import Diffractometer
from bayesbeam.diffraction.cell_report import cell_report, close_question, scaled_instruments
from bayesbeam.diffraction.greedy import Question, question_of
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam, pattern
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.shapes import common_start
from bayesbeam.errors import ModelError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_up_phases import phases

BEAM = Beam(instrument=Diffractometer(0.02, 0.02, 0.02, 1.0))
STRAIN, SHIFT = 3e-4, 0.04


def question() -> Question:
    """A cubic phase, its cell off by 3e-4 and its lines by 0.04 degrees, as the instrument shows it."""
    x = np.linspace(18.0, 90.0, 2881)
    phase, common = phases(1)[0], common_start(0.1)
    common[1] = SHIFT
    own = np.zeros(phase.strains + 3)
    own[: len(phase.edges)] = STRAIN
    clean = pattern(x, phase, BEAM, common, own)
    y = np.random.default_rng(3).poisson(100.0 + 20000.0 * clean / clean.max()).astype(np.float64)
    asked = question_of(powder(x, y), [phase], BEAM, log_prior_of_sets(1, 1, 1.0))
    return close_question(asked, 0.002)


def test_the_edge_is_found_by_the_right_description_and_by_no_other() -> None:
    asked = question()
    beams = {"right": BEAM, "none": replace(BEAM, instrument=None), **scaled_instruments(BEAM, [1.5])}
    report = cell_report(asked, beams)
    truth = asked.phases[0].cell[0] * (1.0 + STRAIN)
    whole = float(np.hypot(report.statistical, report.systematic)[0])
    assert report.described[0].name == "right"
    right = abs(float(report.value[0]) - truth)
    assert right < 3.0 * float(np.hypot(report.statistical, report.parts["zero and displacement"])[0])
    wrong = {one.name: abs(float(one.edges[0]) - truth) for one in report.described}
    assert wrong["lengths x 1.5"] > 2.0 * right
    assert float(report.parts["wavelength"][0]) == pytest.approx(3e-7 * float(report.value[0]))
    assert 0.0 < float(report.statistical[0]) < whole


def test_what_is_not_one_phase_is_refused() -> None:
    asked = question()
    with pytest.raises(ModelError, match="2 phases, 1 descriptions"):
        cell_report(replace(asked, phases=tuple(phases(2))), {"one": BEAM})
    with pytest.raises(ModelError, match="nothing known of the instrument"):
        scaled_instruments(Beam(), [1.0])
