"""Series: which measurements make one, lines through reliable points alone, tables and figures of it."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from bayesbeam.io.seal import seal
from bayesbeam.io.store import Measurement
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.page import Content, render
from bayesbeam.report.records import Candidate, Facts, Followed, MeasurementResult, Results, Row
from bayesbeam.report.series import selection_figure
from bayesbeam.report.series_data import all_series, along, find_series, line_of, trends_of
from bayesbeam.report.series_view import SeriesView, sentence, series_views
from bayesbeam.report.studied import Member, Study
from bayesbeam.report.style import figure_style
from bayesbeam.report.tables import write_tables
from bayesbeam.report.text import TIMES_TEN

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
    assert float(line["scatter"]) == 0
    assert (line["column"], line["tag"], line["parameter"], line["points"]) == (
        "temperature", "peaks-k2", "peak.position", "5",
    )  # fmt: skip
    assert float(line["q025"]) < -0.01 < float(line["q975"]) < 0


def test_thinned_copies_of_a_member_pull_no_line(tmp_path: Path) -> None:
    """They have the sheet's columns of the measurement that they were made from, and are of the same counts."""
    copies = [replace(member(50.0), id=f"t_{k}") for k in range(6)]
    study = Study("t", "exposure", tuple(Member(one.id, 3.0, k) for k, one in enumerate(copies)), {}, whole="at50")
    results = Results(Facts("c", "", (), studies=(study,)), (*(member(x) for x in PLACES), *copies), ())
    write_tables(results, tmp_path)
    with (tmp_path / "series_lines.csv").open(encoding="utf-8") as file:
        assert [line["points"] for line in csv.DictReader(file)] == ["5"]
    with (tmp_path / "series.csv").open(encoding="utf-8") as file:
        assert not any(row["measurement"].startswith("t_") for row in csv.DictReader(file))


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


def asked(folder: Path, *wanted: Followed, places: Sequence[float] = PLACES, doubtful: float = -1.0) -> Results:
    """Return results that follow something, with draws of two positions that are 5 - 0.01 x and 7 + 0.02 x."""
    members = []
    path = folder / "b0.h5"
    with h5py.File(path, "w") as file:
        for x in places:
            one = member(x, doubtful=x == doubtful)
            rng = np.random.default_rng(int(x))
            noise = rng.standard_normal((2, 500, 2)) * (0.02, 0.04)
            node = file.create_group(f"{one.id}/peaks-k2")
            node["draws"] = noise - noise.mean((0, 1)) + (5.0 - 0.01 * x, 7.0 + 0.02 * x)
            names = [{"name": "peak.position", "index": k, "unit": "eV", "kind": "parameter"} for k in (1, 2)]
            node.attrs["columns"] = json.dumps(names)
            members.append(replace(one, arrays=path))
    seal(path)
    return Results(Facts("c", "", (), series=wanted), tuple(members), ())


def test_a_formula_is_followed_through_its_draws(tmp_path: Path) -> None:
    wanted = Followed("peak[2].position - peak[1].position", "temperature")
    (series,) = all_series(asked(tmp_path, wanted, Followed("peak.position", "temperature")))
    assert (series.column, series.tag, series.missed) == ("temperature", "peaks-k2", ())
    difference, position = series.trends
    assert [point.mean for point in difference] == pytest.approx([2.0 + 0.03 * x for x in sorted(PLACES)], rel=1e-12)
    assert difference[0].row.unit == "eV"
    assert difference[0].row.sd == pytest.approx(math.hypot(0.02, 0.04), rel=0.1)  # 1000 draws: 2 % at one sd
    fit = line_of(difference)
    assert fit is not None
    assert fit.slope == pytest.approx(0.03, rel=1e-9)
    assert [point.mean for point in position] == [5.0 - 0.01 * x for x in sorted(PLACES)]


def test_units_of_formulas_are_those_that_follow(tmp_path: Path) -> None:
    formulas = ("peak[2].position / peak[1].position", "peak[2].position * peak[1].position", "log(peak[1].position)")
    (series,) = all_series(asked(tmp_path, *(Followed(one, "temperature") for one in formulas)))
    assert [trend[0].row.unit for trend in series.trends] == ["", "", ""]
    quotient = [point.mean for point in series.trends[0]]
    assert quotient == pytest.approx([(7.0 + 0.02 * x) / (5.0 - 0.01 * x) for x in sorted(PLACES)], rel=1e-3)


def test_one_candidate_is_followed_whatever_is_the_best(tmp_path: Path) -> None:
    members = []
    for x in PLACES:
        one = member(x)
        edge = Candidate(one.id, "edge", "edge", model_probability=0.95, verdict="reliable")
        members.append(replace(one, candidates=(*one.candidates, edge)) if x > 30 else one)
    facts = Facts("c", "", (), series=(Followed("peak.position", "temperature", "peaks", 2),))
    (series,) = all_series(Results(facts, tuple(members), ()))
    assert len(series.trends[0]) == len(PLACES)
    nothing = Facts("c", "", (), series=(Followed("peak.position", "temperature", "peaks", 1),))
    (series,) = all_series(Results(nothing, tuple(members), ()))
    assert (series.trends, series.missed) == ((), ("peak.position",))
    assert find_series(members) == []  # without being asked there is none, as no best candidate has four


def test_one_model_of_a_grid_of_counts_is_followed(tmp_path: Path) -> None:
    """That of all counts given; where some are left open, the most probable one that has the others."""

    def model(name: str, broad: int, sharp: int, p: float) -> Candidate:
        row = Row("sharp.position", 1, "eV", mean=10.0 * broad + sharp, sd=0.1)
        counts = {"broad": broad, "sharp": sharp}
        return Candidate(
            name, "mixed", f"mixed-k{broad}-{sharp}", (broad, sharp), counts, model_probability=p, parameters=(row,),
            verdict="reliable",
        )  # fmt: skip

    members = []
    for x in PLACES:
        one = member(x)
        grid = model(one.id, 1, 1, 0.2), model(one.id, 1, 2, 0.5), model(one.id, 2, 1, 0.3)
        members.append(replace(one, candidates=grid))
    for count, mean in (({"broad": 1, "sharp": 1}, 11.0), ({"sharp": 1}, 21.0), ({"broad": 1}, 12.0), (None, 12.0)):
        facts = Facts("c", "", (), series=(Followed("sharp.position", "temperature", "mixed", count),))
        (series,) = all_series(Results(facts, tuple(members), ()))
        assert [point.mean for point in series.trends[0]] == [mean] * len(PLACES)


def test_a_simulated_study_is_a_series_where_it_is_asked_for(tmp_path: Path) -> None:
    made = []
    for level in (10.0, 20.0, 40.0):
        for replicate in (1, 2):
            one = member(level)
            assert one.measurement is not None
            data = replace(one.measurement, metadata={"exposure": level, "replicate": float(replicate)})
            made.append(replace(one, id=f"s_T{level:g}_{replicate}", measurement=data))
    levels = tuple(Member(one.id, 10.0 * 2 ** (k // 2), k % 2 + 1) for k, one in enumerate(made))
    study = Study("s", "exposure", levels, {}, "peaks-k2")
    wanted = Followed("peak.position", "exposure", study="s"), Followed("peak.position", "temperature")
    facts = Facts("c", "", (), studies=(study,), series=wanted)
    results = Results(facts, (*(member(x) for x in PLACES), *made), ())
    along_study, along_sheet = all_series(results)
    assert [point.measurement for point in along_study.trends[0]] == [one.id for one in made]
    assert line_of(along_study.trends[0]) is not None
    assert len(along_sheet.trends[0]) == len(PLACES)
    write_tables(results, tmp_path)
    with (tmp_path / "series.csv").open(encoding="utf-8") as file:
        rows = [(row["study"], row["measurement"]) for row in csv.DictReader(file)]
    assert rows == [("s", one.id) for one in made] + [("", f"at{x:g}") for x in sorted(PLACES)]
    with (tmp_path / "series_lines.csv").open(encoding="utf-8") as file:
        assert [(row["study"], row["points"]) for row in csv.DictReader(file)] == [("s", "6"), ("", "5")]
    with figure_style():
        views = series_views(results, Gallery(tmp_path))
    assert [one.column for one in views] == ["exposure, simulated study s", "temperature"]


def test_what_the_page_says(tmp_path: Path) -> None:
    results = asked(tmp_path, Followed("peak[1].position", "temperature"), doubtful=50.0)
    with figure_style():
        (view,) = series_views(results, Gallery(tmp_path))
    (said,) = view.sentences
    assert said.startswith(
        "Position of peak moves: \u22120.0100\u00a0±\u00a00.0009\u00a0eV per unit of temperature, 95%"
    )
    assert said.endswith("from 10 to 50.")
    assert view.lines is not None
    assert [cell.text for cell in view.lines.rows[0]][-1] == "4"
    assert view.lines.marked == {0}
    assert view.trends is not None
    assert view.selection is not None
    page = render(Content(results, [], [], [view, SeriesView("time", missed=("<b>",))], [], "make run"))
    assert f"<li>{said}</li>" in page
    assert "Straight lines along temperature" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.partition("Along time")[2].partition("</section>")[0]


def test_what_does_not_move_is_said_not_to(tmp_path: Path) -> None:
    (trend,) = trends_of("temperature", [member(x) for x in PLACES])
    still = [replace(point, mean=5.0 + 0.05 * (-1) ** k) for k, point in enumerate(trend)]
    said = sentence("temperature", still, line_of(still))
    assert said.startswith("Position of peak 1 is not seen to move: ")
    assert "points scatter about the line by 0.06" in said  # root of 5 * 0.05^2 / 3 less 0.02^2
    assert sentence("temperature", still, line_of(still), numbered=False).startswith("Position of peak is not")
    few = [replace(point, reliable=k < 2) for k, point in enumerate(trend)]
    assert "there are 2 reliable points" in sentence("temperature", few, line_of(few))


def test_hundreds_of_measurements(tmp_path: Path) -> None:
    """400 of them, a formula of draws each: some seconds, of which the bound leaves ten times as many."""
    wanted = Followed("peak[2].position / peak[1].position", "temperature"), Followed("peak.position", "temperature")
    results = asked(tmp_path, *wanted, places=np.arange(1.0, 401.0).tolist())
    start = time.process_time()
    with figure_style():
        (view,) = series_views(results, Gallery(tmp_path))
    write_tables(results, tmp_path)
    assert time.process_time() - start < 60
    assert len(view.sentences) == 2
    assert view.trends is not None
    assert len(view.trends.markup) < 500_000
    with (tmp_path / "series.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["parameter"] == wanted[0].quantity]
    assert [float(row["x"]) for row in rows] == np.arange(1.0, 401.0).tolist()


def test_both_ends_of_an_interval_have_the_same_digits() -> None:
    (trend,) = trends_of("temperature", [member(x) for x in PLACES])
    fit = line_of(trend)
    assert fit is not None
    near = replace(fit, standard_error=1.7e-4, interval=(-9.2e-4, -6.1e-5))
    assert "95% \u22120.00092 to \u22120.00006" in sentence("temperature", trend, near)
    tiny = replace(fit, slope=-5e-7, standard_error=1.7e-7, interval=(-9.23e-7, -6.1e-8))
    assert f"95% (\u22129.2 to \u22120.6){TIMES_TEN}⁻⁷" in sentence("temperature", trend, tiny)
