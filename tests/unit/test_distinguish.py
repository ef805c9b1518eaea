"""Questions before there are data: which measurements are simulated, exact answers, counts, and what the page says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bayesbeam.config import load_campaign
from bayesbeam.evidence.mesoscopic_lines import Line
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.limit import limits
from bayesbeam.report.records import Candidate, Facts, MeasurementResult, Results
from bayesbeam.report.studied import Distinguished, Member, Study, Theory
from bayesbeam.report.style import figure_style
from bayesbeam.report.tables import write_tables
from bayesbeam.report.told import told
from bayesbeam.report.told_view import answer, told_views
from bayesbeam.stages.report import facts_of

CAMPAIGN = """\
campaign: test
treatments: {{default: {{uncertainty: {{from: value, value: 1}}}}}}
candidates:
  line:
    parts:
      - {{name: line, component: linear, fixed: {{pivot: 0}},
         priors: {{slope: "{slope}", level: "uniform(low=-10, high=10)"}}}}
    noise: {{family: normal, sigma: {sigma}}}
  origin:
    parts:
      - {{name: line, component: linear, fixed: {{pivot: 0, level: 0}}, priors: {{slope: "{slope}"}}}}
    noise: {{family: normal, sigma: {sigma}}}
  curve:
    measurements: ["{curve}"]
    parts:
      - {{name: peak, component: gaussian, priors: {{amplitude: "gamma(2, 2)", position: "uniform(-1, 1)",
         sd: "uniform(0.1, 1)"}}}}
    noise: {{family: normal, sigma: {sigma}}}
distinguish:
  - name: offset
    candidate: {candidate}
    truth: {truth}
    against: {against}
    axis: {{start: -1.7, stop: 1.7}}
    points: [20, 100]
    noise_levels: [0.5, 1]
    replicates: 3
"""
FLAT = "uniform(low=-10, high=10)"


def question(folder: Path, **changes: str) -> Distinguished:
    values = {"slope": FLAT, "sigma": "column", "against": "origin", "curve": "run1", "candidate": "line", **changes}
    values.setdefault("truth", "{line.slope: 1, line.level: 0.3}")
    (folder / "measurements.tsv").write_text("id\tfile\nrun1\ta.csv\n", encoding="utf-8")
    (folder / "campaign.yaml").write_text(CAMPAIGN.format(**values), encoding="utf-8")
    (one,) = facts_of(load_campaign(folder)).distinguished
    return one


def test_measurements_of_every_number_of_points_and_level_are_simulated(tmp_path: Path) -> None:
    one = question(tmp_path)
    campaign = load_campaign(tmp_path)
    assert len(campaign.sheet) == 1 + 2 * 2 * 3
    assert campaign.ids[1] == "offset_N20_sd0.5_001"
    assert campaign.ids[-1] == "offset_N100_sd1_003"
    assert [study.name for study in one.studies] == ["offset_N20", "offset_N100"]
    assert (one.tag, one.others) == ("line", ("origin",))
    assert one.truth == "line.slope = 1, line.level = 0.3"


def test_answers_are_those_of_the_theory_of_lines(tmp_path: Path) -> None:
    """B is independent of a on a centred axis, so that the spread of x is of no consequence."""
    theory = question(tmp_path).theory
    assert theory is not None
    assert theory.method == "closed form"

    def chosen(points: float, level: float) -> float:
        return float(Line(int(points), 1.0, 0.3, level).nested(10.0).sf("known"))

    for level, needed, curve in zip((0.5, 1.0), theory.needed, theory.curves, strict=True):
        assert needed is not None
        assert chosen(needed, level) >= 0.95 > chosen(needed - 1, level)
        for points, found in zip(theory.points, curve, strict=True):
            assert abs(found - chosen(points, level)) < 1e-9
    for points, tolerated in zip((20, 100), theory.tolerated, strict=True):
        assert tolerated is not None
        assert chosen(points, tolerated) >= 0.95 > chosen(points, 1.001 * tolerated)


def test_the_smaller_model_may_be_the_true_one(tmp_path: Path) -> None:
    """The prior of b lets one be seen where there is none in a few data sets of 100, the fewer the more points."""
    one = question(tmp_path, candidate="origin", truth="{line.slope: 1}", against="line")
    assert (one.tag, one.others) == ("origin", ("line",))
    assert one.theory is not None
    for level, curve in zip((0.5, 1.0), one.theory.curves, strict=True):
        for points, found in zip(one.theory.points, curve, strict=True):
            expected = 1.0 - float(Line(points, 1.0, 0.0, level).nested(10.0).sf("known"))
            assert abs(found - expected) < 1e-9
    assert one.theory.needed == (one.theory.points[0],) * 2


def test_a_level_that_is_not_known_takes_more_points(tmp_path: Path) -> None:
    known = question(tmp_path).theory
    unknown = question(tmp_path, sigma="log_uniform(0.001, 100)").theory
    assert known is not None
    assert unknown is not None
    assert unknown.method == "quadrature"
    for few, many in zip(known.needed, unknown.needed, strict=True):
        assert few is not None
        assert many is not None
        assert few < many < 1.2 * few


def test_normal_priors_have_an_exact_answer_too(tmp_path: Path) -> None:
    found = question(tmp_path, slope="normal(mean=0, sd=5)").theory
    flat = question(tmp_path).theory
    assert found is not None
    assert flat is not None
    assert found.method == "draws of exact free energies"
    assert 0.0 < found.standard_error < 0.002
    # The slope is in both models, so its prior hardly matters.
    for one, other in zip(found.needed, flat.needed, strict=True):
        assert one == pytest.approx(other, rel=0.05)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slope": "gamma(2, 2)"}, "line.slope has the prior gamma"),
        ({"sigma": "0.5"}, "neither the true one nor open"),
        ({"against": "curve", "curve": "*"}, "curve is not linear in peak.amplitude, peak.position, peak.sd"),
        ({"against": '""', "curve": "*"}, "line is told from 2 models at once"),
        ({"sigma": "log_uniform(0.2, 100)"}, "ends within a factor 5 of the true one"),
        ({"sigma": "log_uniform(0.001, 100)", "slope": "normal(mean=0, sd=5)"}, "a level that is not known"),
    ],
)
def test_why_there_is_no_exact_answer(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    one = question(tmp_path, **changes)
    assert one.theory is None
    assert words in one.reason


def results(exact: float = 0.6, right: tuple[int, int] = (2, 4), theory: bool = True) -> Results:
    """Two numbers of points, four measurements each, of which so many are better described by the true model."""
    found, studies = [], []
    for points, count in zip((20, 100), right, strict=True):
        members = []
        for replicate in range(1, 5):
            name = f"q_N{points}_sd1_{replicate:03d}"
            free = (10.0, 12.0) if replicate <= count else (12.0, 10.0)
            pair = tuple(
                Candidate(name, tag, tag, free_energy=f, standard_error=0.1, model_probability=0.5, verdict="reliable")
                for tag, f in zip(("line", "origin"), free, strict=True)
            )
            found.append(MeasurementResult(name, name, None, pair))
            members.append(Member(name, 1.0, replicate))
        studies.append(Study(f"q_N{points}", "noise_level", tuple(members), tag="line"))
    exactly = Theory((20, 50, 100), ((exact, 0.9, 0.99),), (61,), (0.4, 0.9), "closed form", 10_000) if theory else None
    one = Distinguished("q", "line", ("origin",), 0.95, "noise_level", (20, 100), (1.0,), tuple(studies), "b = 1",
                        exactly, "" if theory else "it is not linear")  # fmt: skip
    facts = Facts("c", "", tuple(m.id for m in found), (), tuple(studies), distinguished=(one,))
    return Results(facts, tuple(found), ())


def test_counts_of_every_cell_and_where_it_is_enough() -> None:
    (one,) = told(results())
    few, many = one.at(1.0)
    assert (few.points, few.selected.cases, few.selected.among, few.exact) == (20, 2, 4, 0.6)
    assert (many.points, many.selected.cases, many.exact) == (100, 4, 0.99)
    enough = one.enough(1.0)
    assert enough is not None
    assert enough.points == 100
    (none,) = told(results(right=(4, 3)))
    assert none.enough(1.0) is None
    # A question's own studies are not shown a second time.
    assert limits(results()) == []


def test_words_of_an_exact_and_of_a_simulated_answer() -> None:
    exact = answer(told(results())[0])
    assert exact.sentence == "to tell line (b = 1) from origin with probability 0.95 takes N ≥ 61 at noise level 1."
    assert not exact.reasons
    (one,) = told(results(theory=False))
    simulated = answer(one)
    assert "N ≥ 100 at noise level 1 (of the numbers tried; there 4 of 4" in simulated.sentence
    assert simulated.subject == "simulated"
    (lost,) = told(results(theory=False, right=(0, 3)))
    assert "more than 100 points at noise level 1 (there 3 of 4" in answer(lost).sentence
    assert not answer(lost).decided


def test_a_theory_that_the_simulation_contradicts_is_named() -> None:
    wrong = answer(told(results(exact=0.999, right=(0, 4)))[0])
    assert any("at N = 20, noise level 1 the simulation gives 0 of 4" in reason for reason in wrong.reasons)


def test_page_parts_and_table(tmp_path: Path) -> None:
    for found in (results(), results(theory=False)):
        with figure_style():
            (view,) = told_views(told(found), Gallery(tmp_path))
        assert view.figure is not None
        assert "q+told" in view.figure.svg_file
        assert len(view.cells.rows) == 2
        assert view.hidden == 2 * 3  # the first of four is shown in each cell
    assert "it is not linear" in view.note
    write_tables(results(), tmp_path / "tables")
    with (tmp_path / "tables" / "distinguish.csv").open(newline="", encoding="utf-8") as file:
        few, many = csv.DictReader(file)
    assert (few["question"], few["points"], few["better"], few["analysed"]) == ("q", "20", "2", "4")
    assert (float(few["exact"]), few["points_needed"], float(many["level_tolerated"])) == (0.6, "61", 0.9)
    write_tables(Results(Facts("c", "", ()), (), ()), tmp_path / "other")
    assert not (tmp_path / "other" / "distinguish.csv").exists()
