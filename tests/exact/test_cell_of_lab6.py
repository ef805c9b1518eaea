"""The cell of SRM 660c, from a pattern that it was certified with: within 5e-5 angstrom of what the file states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bayesbeam.crystals.geometry import Optics
from bayesbeam.crystals.library import admit
from bayesbeam.crystals.lines import Physics
from bayesbeam.crystals.radiation import copper_spectrum
from bayesbeam.crystals.scattering import TabulatedFactors
from bayesbeam.diffraction.aberrations import Diffractometer
from bayesbeam.diffraction.cell_report import cell_report, close_question, scaled_instruments
from bayesbeam.diffraction.greedy import question_of
from bayesbeam.diffraction.phase import phase_of
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.io.readers import read_raw
from bayesbeam.io.readers.base import ReadOptions

CONFIG = Path(__file__).resolve().parents[2] / "config"
DATA = CONFIG / "campaigns" / "lab6" / "data" / "nist_srm660c_100a.cif"
BLOCK = "pd_proc_660_cert_cif_mosaic_consensus_100a_meas"
RADIUS = 217.5
STATED = 4.156780


@pytest.mark.nightly
def test_the_cell_is_that_of_the_certificate_within_its_own_error() -> None:
    """Lengths, slits and radius as the file has them; the lengths of rays that count are fewer, and are compared."""
    raw = read_raw(DATA, ReadOptions(format="cif", dataset=BLOCK, uncertainty="sd"))
    content = (CONFIG / "libraries" / "inorganic" / "LaB6-cod1000055.cif").read_bytes()
    admitted = admit(content, "LaB6.cif", 0.78, Physics(TabulatedFactors(1.5406)))
    assert isinstance(admitted, tuple)
    phase = phase_of(admitted[1])
    data = powder(raw.x, raw.y, np.square(raw.uncertainty), terms=10)
    wavelengths, shares, spectrum = copper_spectrum()
    optics = Optics(monochromator_two_theta_deg=26.6)
    instrument = Diffractometer(6.0 / RADIUS, 7.5 / RADIUS, 7.5 / RADIUS, 1.05, 0.0, 6.776)
    beam = Beam(wavelengths, shares, optics, spectrum, instrument)
    beams = scaled_instruments(beam, [0.6, 0.65, 0.7])
    beams["doublet"] = Beam(optics=optics, instrument=beams["lengths x 0.65"].instrument)
    asked = close_question(question_of(data, [phase], beam, log_prior_of_sets(1, 1, 1.0)), 0.002)
    report = cell_report(asked, beams)
    off = float(report.value[0]) - STATED
    assert abs(off) < 5e-5
    assert abs(off) < 3.0 * float(np.hypot(report.statistical, report.systematic)[0])
    assert float(report.statistical[0]) < 1e-5
    assert 1e-5 < float(report.systematic[0]) < 5e-5
    assert report.described[0].name == "lengths x 0.65"
    # Without a word on the instrument the value is not good enough.
    plain = cell_report(asked, {"plain": Beam(optics=optics)})
    assert abs(float(plain.value[0]) - STATED) > 5e-5
