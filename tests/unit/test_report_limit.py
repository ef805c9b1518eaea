"""What the report says of a study: counts, intervals, coverage, and from where on a measurement is long enough."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from bayesbeam.report.gallery import Gallery
from bayesbeam.report.limit import Share, examples, limits, without_studies
from bayesbeam.report.limit_view import answer, limit_views
from bayesbeam.report.records import Candidate, Facts, MeasurementResult, Results, Row
from bayesbeam.report.studied import Member, Study
from bayesbeam.report.style import figure_style
from bayesbeam.report.tables import write_tables

LINEAR = {"peaks-k1": frozenset({"peaks.amplitude"}), "peaks-k2": frozenset({"peaks.amplitude"})}


def result(name: str, level: float, right: bool, position: float = 1.0, verdict: str = "reliable") -> MeasurementResult:
    """Result of a measurement: two candidates, of which the second is true."""
    sd = 0.1 / level**0.5

    def rows(count: int) -> tuple[Row, ...]:
        found = []
        for index in range(1, count + 1):
            at, height = position + index - 1.0, 3.0 * level
            ends = {"q025": at - 1.96 * sd, "q975": at + 1.96 * sd}
            found.append(Row("peaks.position", index, "eV", mean=at, sd=sd, **ends))
            ends = {"q025": height * 0.9, "q975": height * 1.1}
            found.append(Row("peaks.amplitude", index, "counts", mean=height, sd=height * 0.05, **ends))
        return (*found, Row("peaks.area", 1, "counts", kind="derived", mean=1.0, sd=0.1))

    one, two = (
        Candidate(name, "peaks", f"peaks-k{k}", k, model_probability=p, verdict=verdict, parameters=rows(k))
        for k, p in ((1, 0.1 if right else 0.7), (2, 0.9 if right else 0.3))
    )
    return MeasurementResult(name, name, None, (one, two))


def results(refused: bool = False) -> Results:
    """Study of two exposures: one of four right at 1, four of four at 100."""
    found = [result(f"s_T1_{i}", 1.0, right=i == 1) for i in range(1, 5)]
    found += [result(f"s_T100_{i}", 100.0, True, position=1.0 if i > 1 else 1.03) for i in range(1, 5)]
    if refused:
        found[-1] = MeasurementResult("s_T100_4", "s_T100_4", None, refusal="gone")
    members = tuple(Member(one.id, float(one.id.split("_")[1][1:]), int(one.id[-1])) for one in found)
    places = {("peaks.position", 1): 1.0, ("peaks.position", 2): 2.0}
    truth = places | {("peaks.amplitude", 1): 3.0, ("peaks.amplitude", 2): 5.0}
    study = Study("s", "exposure", members, LINEAR, "peaks-k2", truth)
    other = result("run", 1.0, True)
    return Results(Facts("c", "", ("run", *(one.id for one in found)), (), (study,)), (other, *found), ())


@pytest.mark.parametrize(("cases", "among"), [(0, 7), (3, 10), (95, 100), (20, 20)])
def test_interval_is_that_of_clopper_and_pearson(cases: int, among: int) -> None:
    exact = stats.binomtest(cases, among).proportion_ci(0.95, "exact")
    assert Share(cases, among).interval == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_counts_and_coverage() -> None:
    (limit,) = limits(results())
    low, high = limit.levels
    assert (low.value, low.selected.cases, low.selected.among, high.selected.cases) == (1.0, 1, 4, 4)
    assert low.probability == pytest.approx((0.9 + 3 * 0.3) / 4)
    at = {(one.name, one.index): one for one in high.parameters}
    assert set(at) == {(f"peaks.{name}", index) for name in ("position", "amplitude") for index in (1, 2)}
    assert at["peaks.position", 1].sd_median == pytest.approx(0.01)
    # One replicate is off by three standard deviations; truths in units of y grow with the exposure.
    assert at["peaks.position", 1].covered == Share(3, 4)
    assert at["peaks.amplitude", 1].truth == 300.0
    assert at["peaks.amplitude", 1].covered == Share(4, 4)
    assert at["peaks.amplitude", 2].covered == Share(0, 4)


def test_peaks_numbered_by_assignment_are_held_against_the_true_ones_they_resemble() -> None:
    """Two peaks that nearly coincide, whose heights tell them apart, numbered the other way round than the truth."""
    found = results()
    truth = {("peaks.position", 1): 1.0, ("peaks.position", 2): 1.01}
    truth |= {("peaks.amplitude", 1): 3.0, ("peaks.amplitude", 2): 9.0}

    def swapped(one: Candidate, by: str) -> Candidate:
        level = 100.0 if "T100" in one.measurement else 1.0
        rows = []
        for index, height in ((1, 9.0 * level), (2, 3.0 * level)):
            rows.append(Row("peaks.position", index, "eV", mean=1.005, sd=0.05, q025=0.9, q975=1.1))
            ends = {"q025": height * 0.9, "q975": height * 1.1}
            rows.append(Row("peaks.amplitude", index, "counts", mean=height, sd=height * 0.05, **ends))
        return replace(one, parameters=tuple(rows), numbering=({"part": "peaks", "by": by},))

    def coverage(by: str) -> dict[tuple[str, int | None], int]:
        measurements = tuple(
            replace(m, candidates=tuple(swapped(c, by) if c.count == 2 else c for c in m.candidates))
            for m in found.measurements
        )
        study = replace(found.facts.studies[0], truth=truth)
        (limit,) = limits(replace(found, facts=replace(found.facts, studies=(study,)), measurements=measurements))
        assert [(p.name, p.index) for p in limit.levels[0].parameters] == [
            ("peaks.position", 1), ("peaks.position", 2), ("peaks.amplitude", 1), ("peaks.amplitude", 2),
        ]  # fmt: skip
        return {(p.name, p.index): p.covered.cases for p in limit.levels[0].parameters}

    assert set(coverage("assignment").values()) == {4}
    assert coverage("order")["peaks.amplitude", 1] == 0


def test_enough_is_where_it_stays_enough() -> None:
    (limit,) = limits(results())
    assert limit.enough is limit.levels[1]
    said = answer(limit)
    assert said.sentence.startswith(
        "the true model, peaks-k2, is selected in at least 95 of 100 cases from exposure 100"
    )
    assert "4 of 4 (95 % interval 0.40 to 1.00)" in said.sentence
    swapped = limit.__class__(limit.study, limit.tag, limit.levels[::-1])
    assert swapped.enough is None
    assert "fewer than 95 of 100" in answer(swapped).sentence


def test_enough_of_a_study_of_noise_is_the_largest_level_below_which_it_stays() -> None:
    (limit,) = limits(results())
    quiet = replace(limit, study=replace(limit.study, column="noise_level"), levels=limit.levels[::-1])
    assert quiet.levels[0].selected.value == 1.0
    assert quiet.enough is quiet.levels[0]
    assert replace(quiet, levels=limit.levels).enough is None


def test_refused_and_unreliable_ones_are_told() -> None:
    found = results(refused=True)
    (limit,) = limits(found)
    assert (limit.levels[1].refused, limit.levels[1].selected) == (1, Share(3, 3))
    assert answer(limit).reasons == ("1 measurements were not analysed",)
    bad = tuple(result(one.id, 100.0, True, verdict="not reliable") for one in found.measurements)
    (limit,) = limits(Results(found.facts, bad, ()))
    assert "8 of 8 analyses are not reliable" in answer(limit).reasons
    assert answer(limit).verdict == "with reservations"


def test_thinned_study_is_held_against_the_whole_spectrum() -> None:
    found = results()
    whole = result("run", 100.0, True)
    study = Study("t", "exposure", found.facts.studies[0].members[:4], LINEAR, whole="run", exposure=100.0)
    found = Results(Facts("c", "", found.facts.measurements, (), (study,)), (whole, *found.measurements[1:]), ())
    (limit,) = limits(found)
    at = {(one.name, one.index): one for one in limit.levels[0].parameters}
    assert limit.tag == "peaks-k2"
    assert at["peaks.amplitude", 2].truth == pytest.approx(3.0)
    assert at["peaks.position", 2].truth == 2.0
    lost = Results(found.facts, found.measurements[1:], ())
    assert limits(lost)[0].lost == "the whole spectrum run was not analysed"


def test_the_page_shows_the_first_of_every_level() -> None:
    assert [one.id for one in examples(results())] == ["run", "s_T1_1", "s_T100_1"]
    assert [one.id for one in without_studies(results())] == ["run"]


def test_table_and_figures(tmp_path: Path) -> None:
    write_tables(results(), tmp_path)
    with (tmp_path / "measurement_limit.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    first = next(row for row in rows if row["level"] == "100.0" and row["parameter"] == "peaks.position")
    assert (first["frequency"], first["selected"], first["covered"], first["coverage"]) == ("1.0", "4", "3", "0.75")
    with figure_style():
        (view,) = limit_views(limits(results()), Gallery(tmp_path))
    assert view.selection is not None
    assert view.precision is not None
    assert view.hidden == 6
    assert (tmp_path / "figures/s+selection.svg").stat().st_size > 2000
