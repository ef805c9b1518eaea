"""The level of the noise in the report: figure, numbers and sentence, from curves known in closed form."""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesbeam.report import style, svg
from bayesbeam.report.figures.noise import noise_figure
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.loading import load_results
from bayesbeam.report.noise_view import NoiseView, noise_view
from bayesbeam.report.records import Candidate, MeasurementResult, Results
from bayesbeam.report.tables import tables_of, write_tables

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture

FACTOR = 10.0 ** np.linspace(0.0, 1.0, 21)
N = 200


def curve(best: float, lowest: float, sigma: float | None = 0.05, **more: Any) -> dict[str, Any]:
    """Curve of N points whose scatter about the fit is ``best`` times the stated level: N (ln s + (best/s)^2 / 2)."""
    free = N * (np.log(FACTOR / best) + 0.5 * (best / FACTOR) ** 2 - 0.5) + lowest
    numbers = {"best": best, "best_sd": best / math.sqrt(2 * N), "best_error": 0.001, "lowest": lowest}
    numbers |= {"lowest_error": 0.05, "marginal": lowest + 2.0, "marginal_error": 0.06, "sigma": sigma}
    numbers |= {"lowest_probability": 0.7, "lowest_probability_error": 0.01}
    numbers |= {"marginal_probability": 0.6, "marginal_probability_error": 0.02}
    return numbers | {"factor": FACTOR.tolist(), "free_energy": free.tolist(), "standard_error": [0.1] * 21} | more


def result_of(*curves: dict[str, Any] | None) -> MeasurementResult:
    candidates = [
        Candidate("a", "peaks", f"peaks-k{k}", k, noise_curve=one, model_probability=0.5)
        for k, one in enumerate(curves, 1)
    ]
    return MeasurementResult("a", "a", None, tuple(candidates))


def view_of(folder: Path, *curves: dict[str, Any] | None) -> NoiseView | None:
    with style.figure_style():
        return noise_view(result_of(*curves), Gallery(folder))


def said(view: NoiseView | None) -> str:
    """Sentence with plain spaces."""
    assert view is not None
    return view.sentence.replace("\xa0", " ")


def texts(content: bytes) -> str:
    return content.decode("utf-8")


def test_a_stated_level_that_is_too_small_is_told(tmp_path: Path) -> None:
    found = view_of(tmp_path, curve(4.0, 90.0, marginal_probability=0.0), curve(2.0, 0.0))
    assert "K = 2 is the most probable (0.60 ± 0.02)" in said(found)
    # 0.1 = 2 x 0.05, and its sd is 0.1 / sqrt(400) = 0.005
    assert "best level is 0.100 ± 0.005" in said(found)
    assert said(found).endswith("the stated level does not agree with the data.")
    assert found is not None
    assert found.table.marked == {1}
    assert [row[1].text.replace("\xa0", " ") for row in found.table.rows] == ["0.200 ± 0.010", "0.100 ± 0.005"]
    content = (tmp_path / "figures" / "a+noise.svg").read_bytes()
    assert "standard deviation of the noise" in texts(content)
    assert "probability" in texts(content)


def test_a_stated_level_that_agrees_and_one_at_the_end(tmp_path: Path) -> None:
    assert said(view_of(tmp_path, curve(1.05, 0.0))).endswith("which agrees with the stated one.")
    at_end = view_of(tmp_path, curve(1.0, 0.0, best_sd=None, best_error=None))
    assert "0.05 or below" in said(at_end)
    assert "State a smaller level" in said(at_end)


def test_uncertainties_of_points_have_levels_in_their_units(tmp_path: Path) -> None:
    assert "2.00 ± 0.10 times the stated one" in said(view_of(tmp_path, curve(2.0, 0.0, sigma=None)))


def test_only_candidates_of_one_stated_level_are_compared(tmp_path: Path) -> None:
    found = view_of(tmp_path, curve(2.0, 0.0), curve(2.0, 1.0), curve(4.0, 0.5, sigma=0.025), None)
    assert found is not None
    assert len(found.table.rows) == 2
    prior = "log_uniform(low=0.05, high=0.5)"
    found = view_of(tmp_path, curve(2.0, 0.0), curve(2.0, 1.0, prior=prior), curve(4.0, 0.5, prior=prior))
    assert found is not None
    assert len(found.table.rows) == 2
    assert said(found).startswith(f"With the level of the noise left open, with the prior {prior}, K = 2 is")
    assert view_of(tmp_path, None) is None


def test_probabilities_at_each_level_add_up_and_follow_the_curves() -> None:
    with style.figure_style():
        figure = noise_figure(result_of(curve(4.0, 30.0), curve(2.0, 0.0)).candidates, ["one", "two"])
    shares = [line.get_ydata() for line in figure.axes[1].lines[:2]]
    np.testing.assert_allclose(np.sum(shares, axis=0), 1.0, rtol=1e-12)
    difference = np.array(curve(4.0, 30.0)["free_energy"]) - np.array(curve(2.0, 0.0)["free_energy"])
    np.testing.assert_allclose(shares[1], 1.0 / (1.0 + np.exp(-difference)), rtol=1e-9)
    assert svg.svg_bytes(figure, "a")


def test_the_table_of_levels_reads_back(tmp_path: Path) -> None:
    results = report_fixture.write_results(tmp_path / "results")
    found = load_results(report_fixture.facts(), results)
    assert not {"noise_curve", "noise_level"} & set(tables_of(found))
    one = found.measurements[0]
    numbers = curve(2.0, -3.25, prior="half_normal(sd=1)")
    stated = replace(one, candidates=(replace(one.candidates[0], noise_curve=numbers), *one.candidates[1:]))
    write_tables(Results(found.facts, (stated, *found.measurements[1:]), found.groups), tmp_path / "tables")
    with (tmp_path / "tables" / "noise_level.csv").open(encoding="utf-8", newline="") as file:
        (row,) = list(csv.DictReader(file))
    assert row["candidate"] == one.candidates[0].candidate
    assert row["level_prior"] == "half_normal(sd=1)"
    pairs = {"free_energy_at_best": "lowest", "probability_integrated": "marginal_probability", "best_sd": "best_sd"}
    pairs |= {"standard_error_integrated": "marginal_error", "sigma": "sigma"}
    for column, name in pairs.items():
        assert float(row[column]) == pytest.approx(numbers[name], rel=1e-15)
