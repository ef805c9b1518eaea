"""Edges of a cell by several descriptions of lines: found where an instrument is known, and missed where it is not."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.aberrations import Diffractometer
from bayesbeam.diffraction.cell_report import cell_report, close_question, report_by_lengths, scaled_instruments
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


@pytest.mark.slow
def test_the_factor_of_the_lengths_is_found_by_free_energy() -> None:
    """The pattern is of lengths that are 0.7 times those that are stated."""
    asked = question()
    stated = replace(BEAM, instrument=Diffractometer(0.02 / 0.7, 0.02 / 0.7, 0.02 / 0.7, 1.0))
    report = report_by_lengths(asked, stated, {"none": replace(BEAM, instrument=Diffractometer(0.001))})
    names = [one.name for one in report.described]
    assert names[0] in ("lengths x 0.65", "lengths x 0.7", "lengths x 0.75")
    assert len(names) == 4
    truth = asked.phases[0].cell[0] * (1.0 + STRAIN)
    assert abs(float(report.value[0]) - truth) < 3.0 * float(np.hypot(report.statistical, report.systematic)[0])
    # Other descriptions of the spectrum have the best lengths, not those that they come with.
    other = next(one for one in report.described if one.name == "none")
    assert float(other.edges[0]) == pytest.approx(float(report.value[0]), abs=1e-9)


def test_what_is_not_one_phase_is_refused() -> None:
    asked = question()
    with pytest.raises(ModelError, match="2 phases, 1 descriptions"):
        cell_report(replace(asked, phases=tuple(phases(2))), {"one": BEAM})
    with pytest.raises(ModelError, match="nothing known of the instrument"):
        scaled_instruments(Beam(), [1.0])
