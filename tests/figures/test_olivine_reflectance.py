"""Olivine from iron to magnesium: three bands, all of which move to shorter wavelengths with magnesium."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bayesbeam.report.line_fit import LineFit, fit_line

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

pytestmark = [pytest.mark.nightly, pytest.mark.figures]

BANDS = ("first", "second", "third")


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / "config" / "campaigns" / "olivine_reflectance", tmp_path_factory.mktemp("olivine"))


def line(results: Shipped, band: str, tag: str = "curved", turned: bool = False) -> LineFit:
    """Straight line of a band's position against the forsterite number, over what is reliable."""
    names = [name for name in results.metadata if not results.records[name, tag]["reasons"]]
    rows = [parameter(results.records[name, tag], f"{band}.position") for name in names]
    place = [float(results.metadata[name]["fo_number"]) for name in names]
    place = place[::-1] if turned else place
    fit = fit_line(place, [row["mean"] for row in rows], [row["sd"] for row in rows])
    assert fit is not None
    low, high = fit.interval
    print(f"{tag} {band}: {fit.slope:.2e}, {low:.2e} to {high:.2e}, scatter {fit.scatter:.1e}, {fit.points} points")
    return fit


def total(results: Shipped, tag: str) -> float:
    """Free energy of a candidate in all samples together."""
    return sum(float(results.records[name, tag]["free_energy"]) for name in results.metadata)


def test_the_followed_candidate_is_reliable_everywhere(results: Shipped) -> None:
    print(results.doubtful())
    assert not [name for name in results.doubtful() if name.endswith(" curved")]


def test_three_bands_at_their_places(results: Shipped) -> None:
    for name in results.metadata:
        assert results.gap(name, "fewer-k2", "curved")[0] > 50
        places = [parameter(results.records[name, "curved"], f"{band}.position")["mean"] for band in BANDS]
        print(name, [f"{place:.3f}" for place in places])
        assert places == pytest.approx([0.87, 1.04, 1.26], abs=0.06)


def test_the_continuum_is_curved(results: Shipped) -> None:
    totals = {tag: total(results, tag) for tag in ("curved", "straight")}
    print(totals)
    assert totals["straight"] - totals["curved"] > 20


def test_all_bands_move_with_the_composition(results: Shipped) -> None:
    for band in BANDS:
        assert line(results, band).interval[1] < 0
        # against compositions in the wrong order there is no such slope
        assert line(results, band, turned=True).interval[1] > 0
