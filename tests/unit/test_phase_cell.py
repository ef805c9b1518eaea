"""Edges of a cell told by a search: what of the instrument is read, who gets a report, and what the page says."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.treatment import GEOMETRY
from bayesbeam.diffraction.aberrations import Diffractometer
from bayesbeam.errors import DataError
from bayesbeam.io.readers.instrument import WORDS, kept, sentence
from bayesbeam.io.store import Measurement, read_measurement
from bayesbeam.report.cell_words import cell_report_rows, cell_words
from bayesbeam.report.records import Candidate, Facts, MeasurementResult, Results
from bayesbeam.stages.beams import beam_of, diffractometer_of, zero_sd_of
from bayesbeam.stages.phase_cell import cell_facts, descriptions_of
from bayesbeam.stages.phase_question import asked_of
from bayesbeam.stages.preprocess import preprocess_rows
from campaign_problems import problems_of
from phase_lab import X, counts, lab, library_in
from stage_fixture import rows

STATED = {"radius_mm": 200.0, "source_mm": 12.0, "specimen_mm": 16.0, "detector_mm": 8.0, "slit_mm": 0.2,
          "divergence_deg": 1.0, "soller_deg": 5.0, "zero_sd_deg": 0.003}  # fmt: skip
COPPER_LINES = {"wavelength_angstrom": 1.5405929, "wavelength_2_angstrom": 1.5444274, "ratio": 0.5}
GRID = np.linspace(0.0, 1.0, 9)


def measured(**facts: float) -> Measurement:
    return Measurement(id="m", x=GRID, y=GRID, instrument=facts)


def test_lengths_are_halves_over_the_radius() -> None:
    m = measured(**STATED)
    assert diffractometer_of(m) == Diffractometer(0.03, 0.04, 0.02, 1.0, 0.001, 5.0)
    assert zero_sd_of(m, 0.05) == 0.003
    assert zero_sd_of(measured(), 0.05) == 0.05


@pytest.mark.parametrize(
    ("lost", "words"), [(("radius_mm",), "no radius"), (("source_mm", "specimen_mm", "detector_mm"), "no lengths")]
)
def test_what_is_not_known_is_named(lost: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        diffractometer_of(measured(**{word: value for word, value in STATED.items() if word not in lost}))


def test_copper_has_its_spectrum_and_other_tubes_their_doublet() -> None:
    copper = measured(**STATED, **COPPER_LINES)
    beam, others = descriptions_of(beam_of(copper), copper)
    assert len(beam.spectrum) == len(beam.wavelengths) == 4
    assert list(others) == ["doublet"]
    assert others["doublet"].instrument == beam.instrument
    cobalt = measured(**STATED, wavelength_angstrom=1.788996, wavelength_2_angstrom=1.792835, ratio=0.5)
    beam, others = descriptions_of(beam_of(cobalt), cobalt)
    assert (beam.wavelengths, beam.spectrum, others) == ((1.788996, 1.792835), (), {})


def test_facts_of_the_treatment_are_kept_and_said() -> None:
    assert set(GEOMETRY) <= set(WORDS)
    facts = kept(STATED)
    assert {word: facts[word] for word in GEOMETRY} == {word: STATED[word] for word in GEOMETRY}
    assert "length of the source 12 mm" in sentence(facts, "campaign")
    assert "Soller slits 5 deg" in sentence(facts, "campaign")


CAMPAIGN = """\
campaign: test
treatments: {plain: {axis: {quantity: 2theta, unit: degree}, LENGTHS}}
candidates: {which: {phases: {library: cifs, cell_report: true}}}
"""


def test_a_report_of_cells_needs_lengths(tmp_path: Path) -> None:
    (tmp_path / "cifs").mkdir()
    (tmp_path / "cifs" / "one.cif").write_text("data_x\n")
    sheet = "id\tfile\na\ta.csv\n"
    good = CAMPAIGN.replace("LENGTHS", "instrument: {specimen_mm: 15}")
    assert problems_of(tmp_path, good, sheet) == []
    (message,) = problems_of(tmp_path, CAMPAIGN.replace(", LENGTHS", ""), sheet)
    assert "candidates.which.phases.cell_report: cell_report, and a has no lengths of its instrument" in message


def test_who_gets_no_report_is_told_why(tmp_path: Path) -> None:
    library_in(tmp_path)
    made = lab(tmp_path, {"good": rows(X, counts())}, "  which:\n    phases: {library: cifs}\n")
    preprocess_rows(made.campaign, made.campaign.ids, made.measurements)
    m = read_measurement(made.measurements / "good.h5")
    spec = made.campaign.models["which"][0].spec.phases
    assert spec is not None
    question = asked_of(spec, m).question
    assert cell_facts(spec, question, m, ["ZnO-Zincite"]) is None
    wanted = replace(spec, cell_report=True)
    two = cell_facts(wanted, question, m, ["ZnO-Zincite", "NiO-Bunsenite"])
    none = cell_facts(wanted, question, m, ["ZnO-Zincite"])
    assert two is not None
    assert none is not None
    assert two["reason"] == "2 phases were found, and cells are told of one alone"
    assert "no radius of the goniometer" in none["reason"]
    assert cell_words({"cell_report": two}) == (f"Of its cell nothing is told: {two['reason']}.",)


TOLD: dict[str, Any] = {
    "phase": "LaB6",
    "edges": [{"edge": "a", "value": 4.15677275, "statistical": 6.4e-6, "systematic": 2.84e-5,
               "parts": {"zero and displacement": 1.94e-5, "description of lines": 2.07e-5, "wavelength": 0.0}}],
    "described": [{"name": "lengths x 0.65", "above": 0.0, "edges": [4.15677]},
                  {"name": "doublet", "above": 81.6, "edges": [4.15673]}],
    "reason": "",
}  # fmt: skip


def test_the_page_and_the_table_tell_both_parts_apart() -> None:
    first, second = cell_words({"cell_report": TOLD})
    assert "a = 4.156773 \u00c5, with a standard deviation of 0.6\u00d710\u207b\u2075 by counting" in first
    assert "a systematic one of 2.8\u00d710\u207b\u2075 (zero and displacement 1.9" in first
    assert "wavelength" not in first
    assert second == "Lines are described best with lengths x 0.65; worse are doublet (81.6 nats)."
    assert cell_words({}) == ()
    one = Candidate("m", "which", "which", None, phases={"cell_report": TOLD})
    results = Results(Facts("c", "", ()), (MeasurementResult("m", "m", None, (one,)),), ())
    (row,) = cell_report_rows(results)
    assert row[:7] == ("m", "which", "LaB6", "a", 4.15677275, 6.4e-6, 2.84e-5)
