"""Series: which measurements make one, lines through reliable points alone, tables and figures of it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from bayesbeam.io.store import Measurement
from bayesbeam.report.records import Candidate, Facts, MeasurementResult, Results, Row
from bayesbeam.report.series import selection_figure
from bayesbeam.report.series_data import along, find_series, line_of, trends_of
from bayesbeam.report.tables import write_tables

PLACES = (40.0, 10.0, 20.0, 30.0, 50.0)


def member(x: float, doubtful: bool = False, tag: str = "peaks-k2") -> MeasurementResult:
    """Return a measurement whose position is 5 - 0.01 x; a doubtful one is far off."""
    row = Row("peak.position", 1, "eV", mean=(9.0 if doubtful else 5.0) - 0.01 * x, sd=0.02, q025=4.0, q975=6.0)
    best = Candidate(
        f"at{x:g}", "peaks", tag, 2, model_probability=0.9, parameters=(row,),
        verdict="not reliable" if doubtful else "reliable",
    )  # fmt: skip
    other = Candidate(f"at{x:g}", "peaks", "peaks-k1", 1, model_probability=0.1, verdict="reliable")
    grid = np.linspace(0.0, 1.0, 9)
    data = Measurement(id=f"at{x:g}", x=grid, y=grid, metadata={"temperature": x, "who": "me", "same": 1.0})
    return MeasurementResult(f"at{x:g}", f"at{x:g}", data, (best, other))


def test_a_line_along_the_column_that_differs() -> None:
    ((column, members),) = find_series([member(x) for x in PLACES])
    assert column == "temperature"
    (trend,) = trends_of(column, members)
    assert [point.x for point in trend] == sorted(PLACES)
    fit = line_of(trend)
    assert fit is not None
    assert fit.slope == pytest.approx(-0.01, rel=1e-9)
    assert fit.standard_error == pytest.approx(0.02 / np.sqrt(1000.0), rel=1e-9)


def test_what_is_not_reliable_pulls_no_line() -> None:
    members = [member(x, doubtful=x == 50.0) for x in PLACES]
    fit = line_of(trends_of("temperature", members)[0])
    assert fit is not None
    assert (fit.points, fit.stretch) == (4, 1.0)
    assert fit.slope == pytest.approx(-0.01, rel=1e-9)


def test_tables_hold_points_and_lines(tmp_path: Path) -> None:
    results = Results(Facts("c", "", ()), tuple(member(x) for x in PLACES), ())
    write_tables(results, tmp_path)
    with (tmp_path / "series.csv").open(encoding="utf-8") as file:
        points = list(csv.DictReader(file))
    assert [float(row["x"]) for row in points] == sorted(PLACES)
    assert {row["parameter"] for row in points} == {"peak.position"}
    assert [float(row["mean"]) for row in points] == [5.0 - 0.01 * x for x in sorted(PLACES)]
    with (tmp_path / "series_lines.csv").open(encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    assert (line["column"], line["tag"], line["parameter"], line["points"]) == (
        "temperature", "peaks-k2", "peak.position", "5",
    )  # fmt: skip
    assert float(line["q025"]) < -0.01 < float(line["q975"]) < 0


def test_the_map_of_models_takes_every_measurement_of_the_column() -> None:
    members = [member(x, tag="peaks-k3" if x > 30 else "peaks-k2") for x in PLACES]
    ordered = along("temperature", members)
    assert [one.id for one in ordered] == ["at10", "at20", "at30", "at40", "at50"]
    figure = selection_figure("temperature", ordered)
    assert figure is not None
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["peaks-k2", "peaks-k1", "peaks-k3"]
    assert len(axes.lines) == 10
    assert axes.lines[0].get_markersize() / axes.lines[1].get_markersize() == pytest.approx(3.0)  # areas as 0.9 to 0.1
    alone = [MeasurementResult(one.id, one.name, one.measurement, one.candidates[:1]) for one in ordered[:3]]
    assert selection_figure("temperature", alone) is None
