"""Made-up mixtures are what their recipe says, one by one; the benchmark of searches counts what is right."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.diffraction.made_up import Recipe, decoys, mixture
from bayesbeam.diffraction.profile import pattern
from bayesbeam.errors import ModelError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import phase_search

from made_up_phases import phases

FAMILIES = (("phase 0", "phase 3"), ("phase 1", "phase 4", "phase 7"))
SMALL = Recipe(candidates=8, most=4, points=1500, last=70.0)


def test_a_mixture_is_the_same_whatever_was_made_before_it() -> None:
    first = mixture(SMALL, 5, phases(12))
    mixture(SMALL, 6, phases(12))
    again = mixture(SMALL, 5, phases(12))
    assert first.y.tobytes() == again.y.tobytes()
    assert first.names == again.names
    assert mixture(SMALL, 6, phases(12)).y.tobytes() != first.y.tobytes()


@pytest.mark.parametrize("removed", [False, True])
def test_candidates_are_those_of_the_mixture_and_others(removed: bool) -> None:
    recipe = replace(SMALL, removed=removed)
    sizes = set()
    for number in range(30):
        made = mixture(recipe, number, phases(12), FAMILIES)
        offered = [one.name for one in made.candidates]
        sizes.add(len(made.names))
        assert len(set(offered)) == len(offered) == 8
        assert set(made.names) - {made.removed} <= set(offered)
        assert made.weight.sum() == pytest.approx(1.0)
        assert made.share.min() >= recipe.least_share
        assert (made.removed is not None) == removed
        for family in FAMILIES:
            assert len(set(family) & set(made.names)) <= 1
            assert not (made.removed in family and set(family) & set(offered))
        if removed:
            assert made.removed not in offered
            assert made.share[made.names.index(str(made.removed))] >= recipe.least_removed
    assert sizes == ({2, 3, 4} if removed else {1, 2, 3, 4})


def test_errors_and_noise_are_those_of_the_recipe() -> None:
    # One phase without errors of cell or width: areas of separate lines are off by the error of lines alone.
    exact = replace(SMALL, fewest=1, most=1, cell_error=0.0, width_error=0.0, line_error=0.0, seconds=1e7)
    same, off = mixture(exact, 1, phases(12)), mixture(replace(exact, line_error=0.05), 1, phases(12))
    assert same.names == off.names
    ratio = off.y / same.y
    strong = same.y > 0.2 * same.y.max()
    assert 0.01 < ratio[strong].std() < 0.15
    # Counts of two seconds scatter about those of very many as counts do: sd of the mean square is sqrt(2 / 1500).
    few = mixture(replace(exact, seconds=2.0), 1, phases(12))
    mean = same.y / 1e7 * 2.0
    assert np.mean(np.square(few.y - mean) / mean) == pytest.approx(1.0, abs=5.0 * np.sqrt(2.0 / 1500))


def test_weights_are_masses() -> None:
    recipe = replace(SMALL, fewest=2, most=2, cell_error=0.0, width_error=0.0, line_error=0.0)
    made = mixture(recipe, 3, phases(12))
    by_name = {one.name: one for one in phases(12)}
    common = np.array([0, 0, np.log(0.05), 0, np.log(0.3), np.log(0.03), np.log(0.03), 0, 0])
    area = [
        pattern(made.x, by_name[n], recipe.beam, common, np.zeros(by_name[n].strains + 3)).sum() for n in made.names
    ]
    mass = made.share / np.array(area) * np.array([by_name[n].mass_volume for n in made.names])
    # The form of lines at the ends of the range is another one: 3 %.
    np.testing.assert_allclose(mass / mass.sum(), made.weight, rtol=0.03)


def test_too_few_phases_are_refused() -> None:
    with pytest.raises(ModelError, match="at least 20"):
        mixture(replace(SMALL, candidates=20), 0, phases(12))


def test_decoys_are_other_cells() -> None:
    given = phases(6)
    made = decoys(given, 14)
    assert len({one.name for one in made}) == 14
    for number, one in enumerate(made):
        change = np.abs(one.cell[:3] / given[number % 6].cell[:3] - 1.0)
        assert (change >= 0.03 - 1e-12).all()
        assert (change <= 0.10 + 1e-12).all()
    assert made[0].cell.tobytes() == decoys(given, 1)[0].cell.tobytes()


def test_the_benchmark_counts_what_is_right(tmp_path: Path) -> None:
    base = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "open": False, "agrees": True}
    right = {"exact": True, "family": True, "phase_odds": [[0.99, True], [0.3, False]], "family_odds": [[0.99, True]]}
    wrong = {"exact": False, "family": True, "phase_odds": [[0.97, False]], "family_odds": [[0.99, True]]}
    records = [
        {"candidates": 8, "removed": False, "threads": 1, "value": base | one | {"open": one is wrong}}
        for one in (right, wrong, right, wrong)
    ]
    text = phase_search.table(records)
    assert "2 (50.0 %)  4 (100.0 %)    2 (50.0 %)  4 (100.0 %)" in text
    top = next(line.split() for line in text.splitlines() if "0.95 to 1" in line)
    assert top[-6:] == ["4", "0.980", "0.500", "4", "0.990", "1.000"]


def test_the_benchmark_searches_a_mixture_of_the_library() -> None:
    found = phase_search.measure(Recipe(candidates=20, most=2), 2)
    assert found["names"] == ("LaB6-cod1000055",)
    assert found["exact"]
    assert found["family"]
    assert not found["open"]
    assert found["phase_odds"][0][1]
