"""Sharings on the page: sentences, tables, figures of a made-up comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bayesbeam.report import style, svg
from bayesbeam.report.figures.mergers import mergers_figure
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.integration_words import group_answer, own_sentences
from bayesbeam.report.records import Candidate, Facts, GroupResult, GroupRow, MeasurementResult, Results
from bayesbeam.report.rows import Row
from bayesbeam.report.sharing import best_sharing, is_richer, pairs, rows_alone, sharing_rows, worst_conflicts
from bayesbeam.report.sharing_view import sharing_view
from bayesbeam.report.sharing_words import conflict_sentences, sharing_sentence


def row(sharing: str, kind: str, probability: float, blocks: list[list[str]], shared: list[str]) -> dict[str, Any]:
    return {
        "sharing": sharing, "kind": kind, "shared": shared, "blocks": blocks, "free_energy": 5.0 - 10 * probability,
        "standard_error": 0.1, "gain": 10 * probability, "gain_standard_error": 0.1, "probability": probability,
        "probability_error": 0.01, "method": "joint", "verdict": "reliable", "reasons": [],
    }  # fmt: skip


def group(none: float, everything: float, part: float, division: float, p_value: float = 0.5) -> GroupResult:
    apart, together = [["a"], ["b"], ["c"]], [["a", "b", "c"]]
    rows = [
        row("none", "none", none, apart, []),
        row("peak.position+peak.sd", "all", everything, together, ["peak.position", "peak.sd"]),
        row("peak.sd", "pattern", part, together, ["peak.sd"]),
        row("a+b | c", "division", division, [["a", "b"], ["c"]], ["peak.position", "peak.sd"]),
    ]
    tension = {
        "measurement": "c", "parameter": "peak.position", "index": None, "mean": 1.6, "sd": 0.01, "rest_mean": 1.5,
        "rest_sd": 0.01, "difference": 0.1, "tension": 7.1, "gain": 20.0, "gain_standard_error": 0.2,
        "p_value": p_value, "doubt": "",
    }  # fmt: skip
    sharing = {
        "rows": rows, "compared": 6, "conflict": [tension], "members": ["a", "b", "c"],
        "together": [[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]], "together_error": [[0.0] * 3] * 3,
    }  # fmt: skip
    shared = ("peak.position", "peak.sd")
    return GroupResult("g", "line", ("a", "b", "c"), shared, rows=(GroupRow("line"),), sharing=sharing)


@pytest.mark.parametrize(
    ("odds", "words"),
    [
        ((0.99, 0.0, 0.0, 0.01), "keep a, b and c apart (probability among 6 sharings 0.99"),
        ((0.0, 0.99, 0.0, 0.01), "integrate a, b and c: one common position and sd describes all (probability"),
        ((0.0, 0.0, 0.99, 0.01), "integrate a, b and c in part: sd in common, position of each its own (probability"),
        ((0.0, 0.01, 0.0, 0.99), "integrate a and b, keep c apart: position and sd in common within each (probability"),
        ((0.0, 0.0, 0.6, 0.4), "undecided among 6 sharings: most probable is to integrate a, b and c in part"),
    ],
)
def test_sentence_of_the_best_sharing(odds: tuple[float, float, float, float], words: str) -> None:
    result = group(*odds)
    assert sharing_sentence(result).startswith(words)
    assert is_richer(result)
    assert best_sharing(sharing_rows(result)).probability == max(odds)


def test_parameters_of_one_name_are_told_with_their_parts() -> None:
    result = group(0.0, 0.99, 0.0, 0.01)
    rows = [one | {"shared": ["left.position", "right.position"]} for one in result.sharing["rows"]]
    result = replace(result, sharing=dict(result.sharing) | {"rows": rows})
    assert "one common left.position and right.position describes all" in sharing_sentence(result)


def test_who_disagrees_is_said_with_how_much() -> None:
    (said,) = conflict_sentences(group(0, 0, 0, 1, p_value=1e-8))
    said = said.replace("\u00a0", " ")
    assert said.startswith("c disagrees with the others most in peak.position: it lies 0.100 ± 0.014 from theirs, 7.1")
    (said,) = conflict_sentences(group(0, 0, 0, 1, p_value=0.4))
    assert said.startswith("No measurement disagrees with the others: the largest tension is that of c (p = 0.4)")


def test_who_disagrees_is_said_with_number_and_unit_of_the_parameter() -> None:
    result = group(0, 0, 0, 1, p_value=1e-8)
    tension = {**result.sharing["conflict"][0], "index": 2}
    shared = Row("peak.position", 2, "eV", mean=1.5, sd=0.01)
    result = replace(
        result, sharing={**result.sharing, "conflict": [tension]}, rows=(GroupRow("line", parameters=(shared,)),)
    )
    (said,) = conflict_sentences(result)
    assert "most in peak.position 2: it lies 0.100 ± 0.014 eV from" in said.replace("\u00a0", " ")


def test_leaving_out_what_belongs_raises_the_free_energy() -> None:
    result = group(0, 0, 0, 1, p_value=1e-8)
    tension = {**result.sharing["conflict"][0], "gain": -0.12, "gain_standard_error": 0.5, "doubt": "few draws"}
    (said,) = conflict_sentences(replace(result, sharing={**result.sharing, "conflict": [tension]}))
    assert said.replace("\u00a0", " ").endswith("leaving it out raises the free energy by 0.1 ± 0.5 nats, a guess.")


def plain_group(probability: float, shared: str = "peak.sd") -> tuple[GroupResult, Results]:
    """Group of two in which only all and none were compared, with one shared parameter and a constant of a formula."""
    rows = Row("peak.sd", unit="eV", mean=1.0, sd=0.05), Row("common.rest", unit="K", mean=300.0, sd=40.0)
    row = GroupRow(
        "line", gain=3.0, gain_standard_error=0.1, probability=probability, parameters=rows, verdict="reliable"
    )
    alone = tuple(
        MeasurementResult(
            one, one, None, (Candidate(one, "line", "line", parameters=(Row("peak.sd", mean=1.0, sd=0.1),)),)
        )
        for one in "ab"
    )
    result = GroupResult("g", "line", ("a", "b"), (shared,), rows=(row,))
    return result, Results(Facts("c", "", ("a", "b")), alone, (result,))


def test_what_is_integrated_is_told_with_its_precision_and_the_constants_of_a_formula(tmp_path: Path) -> None:
    result, results = plain_group(0.99, "peak.sd as common.rest / 300")
    said = group_answer(result, results, {})
    assert "one common peak.sd = common.rest / 300 describes both" in said.sentence
    assert [one.replace("\u00a0", " ") for one in said.details] == [
        "peak.sd: 1.00 ± 0.05 eV; best single measurement 1.00 ± 0.10 (2 times wider)",
        "common.rest: 300 ± 40 K",
    ]
    precision = sharing_view(result, results, Gallery(tmp_path)).precision
    assert precision is not None
    assert [cell.text for cell in precision.rows[0][3:]] == ["0.1", "2 \u00d7", "1.4 \u00d7"]


def test_what_is_kept_apart_has_no_gain_in_precision(tmp_path: Path) -> None:
    result, results = plain_group(0.01)
    assert group_answer(result, results, {}).details == ()
    assert sharing_view(result, results, Gallery(tmp_path)).precision is None


def test_a_measurement_disagrees_in_its_worst_parameter_the_worst_measurement_first() -> None:
    result = group(0, 0, 0, 1)
    found = [
        {"measurement": name, "parameter": parameter, "tension": tension, "p_value": p}
        for name, p, tensions in (("a", 0.3, (1.0, -0.5)), ("b", 1e-4, (2.0, -5.0)))
        for parameter, tension in zip("xy", tensions, strict=True)
    ]
    worst = worst_conflicts(replace(result, sharing={"conflict": found}))
    assert [(one["measurement"], one["parameter"]) for one in worst] == [("b", "y"), ("a", "x")]


def test_the_page_shows_sharings_without_a_free_energy_last_and_by_full_names(tmp_path: Path) -> None:
    result = group(0.0, 0.99, 0.0, 0.01)
    names = ["left.position", "right.position"]
    rows = [{**one, "shared": names} if one["kind"] == "all" else one for one in result.sharing["rows"]]
    lost = [{**rows[2], "sharing": f"lost {k}", "free_energy": None, "probability": None} for k in range(2)]
    result = replace(result, sharing={**result.sharing, "rows": [*lost, *rows]})
    with style.figure_style():
        view = sharing_view(result, Results(Facts("c", "", ()), (), (result,)), Gallery(tmp_path))
    assert view.table is not None
    assert view.table.rows[0][0].text == "left.position+right.position"
    assert [row[1].text for row in view.table.rows[-2:]] == ["\u2013", "\u2013"]


def test_a_shared_parameter_alone_is_that_of_each_member_by_its_own_name_and_candidate() -> None:
    def member(name: str, tag: str, parameter: str, sd: float) -> MeasurementResult:
        rows = (Row(parameter, mean=1.0, sd=sd), Row("other", mean=1.0, sd=9.0))
        found = Candidate(name, tag, tag, parameters=rows), Candidate(name, "rival", "rival", parameters=rows)
        return MeasurementResult(name, name, None, found)

    members = member("a", "line", "peak.sd", 0.1), member("b", "broad", "bump.sd", 0.2)
    row = GroupRow("line", tags={"b": "broad"}, called={"b": {"peak.sd": "bump.sd"}})
    result = replace(group(0, 1, 0, 0), rows=(row,), measurements=("a", "b", "lost"))
    results, shared = Results(Facts("c", "", ("a", "b")), members, (result,)), Row("peak.sd", mean=1.0, sd=0.05)
    assert [one.sd for one in rows_alone(result, results, shared)] == [0.1, 0.2]
    assert [one.sd for one in rows_alone(result, results, shared, "b")] == [0.2]


def test_pairs_are_each_named_once() -> None:
    assert pairs(group(0, 0, 0, 1)) == [("a", "b", 0.9, 0.0), ("a", "c", 0.1, 0.0), ("b", "c", 0.2, 0.0)]


def test_a_group_without_a_comparison_says_nothing() -> None:
    assert sharing_rows(GroupResult("g")) == ()
    assert not is_richer(GroupResult("g"))
    assert conflict_sentences(GroupResult("g")) == ()


def test_offsets_of_measurements_are_told_from_their_reference() -> None:
    parameters = (
        Row("common.shift", unit="x", measurement="a", mean=0.0, sd=1.0),
        Row("common.shift", unit="x", measurement="b", mean=0.5, sd=0.1),
        Row("common.shift", unit="x", measurement="c", mean=-2.0, sd=0.2),
    )
    made = {"common.shift": {"kind": "offset", "moves": ["peak.position"], "reference": "a"}}
    result = replace(group(0, 1, 0, 0), rows=(GroupRow("line", parameters=parameters),), own=made)
    (said,) = own_sentences(result)
    assert said.replace("\u00a0", " ").replace("\u2212", "-") == (
        "Offset of peak.position, from a: b 0.50 ± 0.10 and c -2.00 ± 0.20 x."
    )
    many = tuple(Row("common.shift", unit="x", measurement=f"m{k}", mean=float(k), sd=0.1) for k in range(20))
    (said,) = own_sentences(replace(result, rows=(GroupRow("line", parameters=many),)))
    assert "means from 0 to 19" in said
    assert own_sentences(group(0, 1, 0, 0)) == ()


def test_tree_of_mergers_is_drawn_without_crossings() -> None:
    mergers = [
        {"step": 1, "first": ["a"], "second": ["c"], "gain": 4.0, "kept": True},
        {"step": 2, "first": ["b"], "second": ["d"], "gain": 3.0, "kept": True},
        {"step": 3, "first": ["a", "c"], "second": ["b", "d"], "gain": -9.0, "kept": False},
    ]
    with style.figure_style():
        figure = mergers_figure(["a", "b", "c", "d"], mergers)
        labels = [one.get_text() for one in figure.axes[0].get_yticklabels()]
        assert labels == ["a", "c", "b", "d"]
        assert svg.svg_bytes(figure, "mergers")
