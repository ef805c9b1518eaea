"""CuCr2O4 along the temperature: edges split below a transition, by free energies, and an oxide beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.crystals.geometry import Optics
from bayesbeam.crystals.library import admit
from bayesbeam.crystals.lines import Physics
from bayesbeam.crystals.scattering import TabulatedFactors
from bayesbeam.diffraction.greedy import Question, question_of
from bayesbeam.diffraction.phase import Phase, phase_of
from bayesbeam.diffraction.powder import powder
from bayesbeam.diffraction.profile import Beam
from bayesbeam.diffraction.sets import log_prior_of_sets
from bayesbeam.diffraction.splitting import splitting_along, tied
from bayesbeam.errors import ModelError
from bayesbeam.io.readers import read_raw
from bayesbeam.io.readers.base import ReadOptions
from bayesbeam.report.changes import switch_along

CONFIG = Path(__file__).resolve().parents[2] / "config"
CAMPAIGN = CONFIG / "campaigns" / "cucr2o4_cooling"
WAVELENGTH = 0.413263
BEAM = Beam((WAVELENGTH,), (1.0,), Optics("debye_scherrer", polarisation=0.99))
FRAMES = ("oh_09", "oh_14", "oh_19", "oh_22", "oh_24", "oh_26", "oh_28", "oh_30", "oh_32", "oh_35")


def structure(file: Path) -> Phase:
    admitted = admit(file.read_bytes(), file.name, 0.9, Physics(TabulatedFactors(WAVELENGTH)))
    assert isinstance(admitted, tuple)
    return phase_of(admitted[1])


def question(name: str, phases: tuple[Phase, ...]) -> tuple[float, Question]:
    raw = read_raw(CAMPAIGN / "data" / f"{name}.fxye", ReadOptions(format="gsas", uncertainty="sd"))
    data = powder(raw.x, raw.y, np.square(raw.uncertainty))
    return float(raw.instrument["temperature_K"]), question_of(data, phases, BEAM, log_prior_of_sets(2, 2))


@pytest.mark.nightly
def test_the_edges_split_below_a_transition_and_the_oxide_is_there() -> None:
    """The same lines with two edges tied or not; both in the noise of the fit with split edges.

    Literature has the transition at 125 to 135 K. Temperatures of the files are those at the start of scans in which it
    rises by 5 K.
    """
    whole = structure(CAMPAIGN / "structures" / "CuCr2O4-orthorhombic.cif")
    start = np.array([7.7139, 8.5367 + 0.0031, 8.5367, 90.0, 90.0, 90.0])
    split = replace(whole, cell=start)
    oxide = structure(CONFIG / "libraries" / "inorganic" / "CuO-Tenorite.cif")
    pairs = [question(name, (split, oxide)) for name in FRAMES]
    along = splitting_along([asked for _, asked in pairs], 1, 2)
    temperatures = np.array([temperature for temperature, _ in pairs])
    found = switch_along(temperatures, along.log_odds)
    assert found.probability["first below second"] > 0.99
    assert found.interval() in ((111.43, 122.73), (111.43, 134.02))
    # Below, the split is many times its standard deviation, and it falls; above it is none.
    apart = np.abs(along.edges[:, 1] - along.edges[:, 2])
    assert (np.diff(apart[:4]) < 0.0).all()
    assert 0.005 < apart[0] < 0.007
    assert (apart[4:] < 3.0 * np.hypot(along.sd[4:, 1], along.sd[4:, 2])).all()
    # In the series the oxide has a log odds of 50 and more, each pattern being as likely as not to have it.
    assert (np.logaddexp(0.0, along.worth[:, 1]) - np.log(2.0)).sum() > 50.0


def test_edges_that_change_together_cannot_be_tied() -> None:
    whole = structure(CAMPAIGN / "structures" / "CuCr2O4-orthorhombic.cif")
    one = tied(whole, 2, 1)
    assert one.edges == ((0,), (1, 2))
    assert one.cell[1] == one.cell[2] == pytest.approx(8.536)
    assert one.strains == 2
    with pytest.raises(ModelError, match="two edges that change alone"):
        tied(one, 1, 2)
