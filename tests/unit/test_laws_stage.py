"""Laws of quantities along series: from results to records, the table and the page."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from bayesbeam import kinetics
from bayesbeam.config import laws
from bayesbeam.io.store import Measurement
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.records import Candidate, Facts, Followed, MeasurementResult, Results, Row
from bayesbeam.report.series_view import series_views
from bayesbeam.report.style import figure_style
from bayesbeam.report.tables import write_tables
from bayesbeam.stages.laws import laws_along

TIMES = np.linspace(0.0, 60.0, 13)
FRACTION = 0.6 * (1.0 - np.exp(-0.1 * TIMES)) + 0.004 * np.random.default_rng(3).standard_normal(13)
GRID = np.linspace(0.0, 1.0, 9)
ASKED = Followed("oxide-1.weight_fraction", "time", laws=("constant", "linear", "exponential"), start=0.0)
NOTHING = {
    "phases": [], "sets": [], "unknown": {"lines": [], "open": False},
    "library": {"skipped": [], "copies": [], "outside": []},
    "beam": {"wavelengths": [1.5406]},
}  # fmt: skip


def frame(t: float, fraction: float, inclusion: float = 1.0) -> MeasurementResult:
    """A pattern of an oxide; most of its error is that of the structure, which all patterns have in common."""
    row = Row("oxide-1.weight_fraction", None, "1", mean=fraction, sd=0.02, q025=0.0, q975=1.0, inclusion=inclusion)
    one = Candidate(f"at{t:g}", "which", "which", None, model_probability=1.0, parameters=(row,), phases=NOTHING,
                    verdict="reliable")  # fmt: skip
    data = Measurement(id=f"at{t:g}", x=GRID, y=GRID, metadata={"time": float(t)})
    return MeasurementResult(f"at{t:g}", f"at{t:g}", data, (one,))


def results(frames: list[MeasurementResult], asked: Followed = ASKED) -> Results:
    return Results(Facts("c", "", (), series=(asked,)), tuple(frames), ())


def whole() -> Results:
    return results([frame(float(t), float(y)) for t, y in zip(TIMES, FRACTION, strict=True)])


def test_names_of_laws_are_those_of_the_library() -> None:
    assert tuple(kinetics.LAWS) == laws.LAWS == get_args(laws.LawName)
    assert kinetics.FEWEST == laws.FEWEST


def test_a_fraction_relaxes_and_the_page_and_the_table_say_so(tmp_path: Path) -> None:
    found = whole()
    (told,) = laws_along(found, ASKED, seed=1)
    assert told["points"] == 13
    best = told["laws"][0]
    assert best["name"] == "exponential"
    assert best["probability"] > 0.95
    mean, sd = best["parameters"]["law.rate"]
    assert abs(mean - 0.1) < 3.0 * sd
    # Values scatter by a fifth of their errors.
    assert best["parameters"]["noise.scale"][0] < 0.4
    with_laws = replace(found, laws=(told,))
    with figure_style():
        (view,) = series_views(with_laws, Gallery(tmp_path / "figures"))
    (said,) = view.law_words
    assert said.startswith("oxide-1.weight_fraction relaxes exponentially, probability ")
    assert "rate 0.096" in said
    assert view.laws is not None
    assert [row[1].text for row in view.laws.rows] == [one["name"] for one in told["laws"]]
    write_tables(with_laws, tmp_path / "tables")
    with (tmp_path / "tables" / "laws.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["law"] == "exponential"]
    assert {row["of_law"] for row in rows} == {"level", "change", "rate", "half_time", "scatter"}
    assert all(float(row["probability"]) == best["probability"] for row in rows)


def test_the_same_seed_gives_the_same_digits_wherever_the_series_stands() -> None:
    again = results(list(reversed(whole().measurements)))
    assert laws_along(whole(), ASKED, seed=1) == laws_along(again, ASKED, seed=1)


def test_frames_in_which_a_phase_is_hardly_there_are_no_points() -> None:
    frames = [frame(float(t), float(y), inclusion=float(t >= 40.0)) for t, y in zip(TIMES, FRACTION, strict=True)]
    (told,) = laws_along(results(frames), ASKED, seed=1)
    assert told["laws"] == []
    assert told["reason"] == "5 reliable points, and 6 are needed"


def test_tables_have_no_laws_where_none_are_asked(tmp_path: Path) -> None:
    write_tables(whole(), tmp_path)
    assert not (tmp_path / "laws.csv").exists()


@pytest.mark.parametrize("inclusion", [0.4, 0.6])
def test_trends_know_which_points_count(inclusion: float) -> None:
    from bayesbeam.report.series_data import all_series

    frames = [frame(float(t), 0.1, inclusion) for t in TIMES]
    (series,) = all_series(results(frames))
    assert {point.reliable for point in series.trends[0]} == {inclusion > 0.5}
