"""CuCr2O4 along the temperature: edges split below a transition, by free energies, and an oxide beside it."""

from __future__ import annotations

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
from bayesbeam.diffraction.splitting import Difference, splitting_along, tied
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
    """The same lines with two edges equal or not, under one noise.

    Literature has the transition at 125 to 135 K. Temperatures of the files are those at the start of scans in which it
    rises by 5 K.
    """
    whole = structure(CAMPAIGN / "structures" / "CuCr2O4-orthorhombic.cif")
    oxide = structure(CONFIG / "libraries" / "inorganic" / "CuO-Tenorite.cif")
    pairs = [question(name, (whole, oxide)) for name in FRAMES]
    along = splitting_along([asked for _, asked in pairs], 1, 2)
    temperatures = np.array([temperature for temperature, _ in pairs])
    found = switch_along(temperatures, along.by_scale)
    assert found.probability["first below second"] > 0.99
    assert found.interval() in ((111.43, 122.73), (111.43, 134.02))
    # Below, the split is many times its standard deviation, and it falls; above it is none.
    apart, least, most = along.gap.T
    assert (np.diff(apart[:4]) < 0.0).all()
    assert (most[:3] - least[:3] < 0.4 * apart[:3]).all()
    assert 0.005 < apart[0] < 0.007
    assert (least[4:] < 5e-5).all()
    assert (most[4:] < 0.0016).all()
    # In the series the oxide has a log odds of 50 and more, each pattern being as likely as not to have it.
    assert (np.logaddexp(0.0, along.worth[:, 1]) - np.log(2.0)).sum() > 50.0


def test_edges_that_change_together_cannot_be_tied() -> None:
    whole = structure(CAMPAIGN / "structures" / "CuCr2O4-orthorhombic.cif")
    one = tied(whole, 2, 1)
    assert one.edges == ((0,), (1, 2))
    assert one.cell[1] == one.cell[2] == pytest.approx(8.536)
    assert one.strains == 2
    apart = tied(whole, 1, 2, 1e-3)
    assert apart.cell[1] - apart.cell[2] == pytest.approx(8.536e-3)
    with pytest.raises(ModelError, match="two edges that change alone"):
        tied(one, 1, 2)


def test_an_open_difference_is_integrated_over_a_normal_prior() -> None:
    """Two likelihoods of normal form around a difference and its opposite, integrated in closed form."""
    places = np.linspace(-0.003, 0.003, 601)
    here, width, sd = 0.0011, 1e-4, 7e-4
    bump = np.logaddexp(-0.5 * ((places - here) / width) ** 2, -0.5 * ((places + here) / width) ** 2)
    found = Difference(places, -bump)
    spread = np.hypot(width, sd)
    none = 2.0 * np.exp(-0.5 * (here / width) ** 2)
    for scale in (3e-5, sd, 3e-3):
        total = np.hypot(width, scale)
        wide = 2.0 * width / total * np.exp(-0.5 * (here / total) ** 2)
        # Of the widest prior a tenth lies beyond the ends, where the likelihood is nothing.
        assert found.log_odds(scale) == pytest.approx(np.log(wide / none), abs=0.01)
    # So far off that the likelihood would be 0 in floating point.
    far = Difference(places, 0.5 * ((places - 0.002) / 2e-6) ** 2)
    assert np.isfinite(far.log_odds(3e-5))
    mean = here * sd**2 / spread**2
    middle, low, high = found.size(np.array([sd]), np.ones(1))
    assert middle == pytest.approx(mean, abs=2e-6)
    assert high - low == pytest.approx(2.0 * 1.96 * width * sd / spread, rel=0.02)
    assert found.first_longer(np.array([sd]), np.ones(1)) == pytest.approx(0.5, abs=1e-6)
