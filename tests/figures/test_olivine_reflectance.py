"""Olivine from iron to magnesium: three bands, and the one near 1.25 um moves to shorter wavelengths."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bayesbeam.report.line_fit import LineFit, fit_line

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

# Broad bands that overlap: the report says of these two that their free energies are not to be trusted to the digit.
HARD = {"fo29_60um bands-k3", "fo89_165um bands-k3"}


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "olivine_reflectance", tmp_path_factory.mktemp("olivine"))


def line(results: Shipped, band: int, turned: bool = False) -> LineFit:
    """Straight line of a band's position against the forsterite number, over what is reliable."""
    names = [name for name in results.metadata if not results.records[name, "bands-k3"]["reasons"]]
    rows = [parameter(results.records[name, "bands-k3"], "band.position", band) for name in names]
    place = [float(results.metadata[name]["fo_number"]) for name in names]
    place = place[::-1] if turned else place
    fit = fit_line(place, [row["mean"] for row in rows], [row["sd"] for row in rows])
    assert fit is not None
    print(f"band {band}: {fit.slope:.2e}, 95 % {fit.interval[0]:.2e} to {fit.interval[1]:.2e} um, {fit.points} points")
    return fit


def test_what_is_not_reliable_is_known(results: Shipped) -> None:
    print(results.doubtful())
    assert set(results.doubtful()) <= HARD


def test_three_bands_at_their_places(results: Shipped) -> None:
    for name in results.metadata:
        assert results.gap(name, "bands-k2", "bands-k3")[0] > 50
        best = results.records[name, "bands-k3"]
        places = [parameter(best, "band.position", k)["mean"] for k in (1, 2, 3)]
        print(name, [f"{place:.3f}" for place in places])
        assert places == pytest.approx([0.86, 1.04, 1.26], abs=0.05)


def test_the_third_band_moves_with_the_composition(results: Shipped) -> None:
    fit = line(results, 3)
    assert fit.interval[1] < 0
    assert fit.slope == pytest.approx(-0.9e-3, abs=0.3e-3)  # 1.27 near Fo10, 1.20 near Fo90 (literature, approximate)
    # against compositions in the wrong order there is no such slope
    assert line(results, 3, turned=True).interval[1] > 0
