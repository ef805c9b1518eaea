"""Sizes of fuel-cell catalysts: which columns predict the size by scattering, with free energies by another route."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shipped_results import Shipped, analyse, parameter

Array = NDArray[np.float64]
HOME = Path("config") / "campaigns" / "ptc_table"
WIDTHS = {"saxs_width": 3.0, "hall_size": 2.0, "pt_percent": 0.1, "cobalt": 5.0}


@pytest.fixture(scope="module")
def results(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    return analyse(root / HOME, tmp_path_factory.mktemp("ptc"))


def columns_of(root: Path) -> dict[str, Array]:
    with (root / HOME / "data" / "sizes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in (*WIDTHS, "saxs_size")}


def free_energy(columns: dict[str, Array], names: tuple[str, ...]) -> float:
    """Of a constant and some columns, by the covariance of the data summed over levels of the noise."""
    y = columns["saxs_size"]
    design = np.column_stack([np.ones_like(y), *(columns[name] for name in names)])
    width = np.array([4.0, *(WIDTHS[name] for name in names)])
    level = np.geomspace(0.05, 10.0, 801)
    prior = (design * width**2) @ design.T
    mean = 4.0 * np.ones_like(y)
    values = [stats.multivariate_normal.logpdf(y, mean, prior + s * s * np.eye(len(y))) for s in level]
    share = np.r_[0.5, np.ones(len(level) - 2), 0.5] / (len(level) - 1)
    return -float(np.logaddexp.reduce(np.array(values) + np.log(share)))


def best_of(columns: dict[str, Array]) -> tuple[str, ...]:
    """The best of the sets of three columns or fewer that hold the width."""
    sets = [("saxs_width",), ("saxs_width", "cobalt"), ("saxs_width", "pt_percent"),
            ("saxs_width", "cobalt", "pt_percent")]  # fmt: skip
    return min(sets, key=lambda names: free_energy(columns, names))


def test_free_energies_are_those_of_another_route(root: Path, results: Shipped) -> None:
    columns = columns_of(root)
    for tag, names in (
        ("saxs_by_width_alloy_load", ("saxs_width", "cobalt", "pt_percent")),
        ("saxs_by_hall_load", ("hall_size", "pt_percent")),
        ("saxs_by_nothing", ()),
    ):
        record = results.records["saxs", tag]
        assert (record["engine"], record["standard_error"]) == ("exact", 0.0)
        # the trapezoidal rule over a smooth peak
        assert abs(record["free_energy"] - free_energy(columns, names)) < 1e-6


def test_the_size_by_scattering_follows_width_alloy_and_load(results: Shipped) -> None:
    best = results.best("saxs")
    assert best["tag"] == "saxs_by_width_alloy_load"
    assert 0.7 < best["model_probability"] < 0.9
    load = parameter(best, "pt_percent.coefficient", None)
    assert 0.02 < load["mean"] < 0.045
    assert load["mean"] > 3.5 * load["sd"]
    assert parameter(best, "noise.sigma", None)["mean"] < 0.4


def test_what_predicts_the_scherrer_size_is_open(results: Shipped) -> None:
    odds = {tag: one["model_probability"] for (m, tag), one in results.records.items() if m == "scherrer"}
    named = ("scherrer_by_width_alloy", "scherrer_by_width", "scherrer_by_size_width")
    assert sorted(odds, key=lambda tag: -odds[tag])[:3] == list(named)
    assert odds["scherrer_by_width_alloy"] < 0.6
    assert odds["scherrer_by_size"] < 1e-4


def test_a_load_of_other_samples_would_be_seen(root: Path) -> None:
    columns = columns_of(root)
    assert best_of(columns) == ("saxs_width", "cobalt", "pt_percent")
    columns["pt_percent"] = np.random.default_rng(1).permutation(columns["pt_percent"])
    assert best_of(columns) == ("saxs_width", "cobalt")


def test_the_better_fit_is_no_matter_of_the_number_of_columns(results: Shipped) -> None:
    """All columns at once fit best, and cost more than they tell."""
    own = {tag: one for (m, tag), one in results.records.items() if m == "saxs"}
    sigma = {tag: parameter(one, "noise.sigma", None)["mean"] for tag, one in own.items()}
    assert min(sigma, key=lambda tag: sigma[tag]) == "saxs_by_everything"
    gap = results.records["saxs", "saxs_by_everything"]["free_energy"] - results.best("saxs")["free_energy"]
    assert gap > math.log(20.0)
