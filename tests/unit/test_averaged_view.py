"""Averages over the counts of a group on the page and in the tables."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bayesbeam.report import style
from bayesbeam.report.assemble import group_views
from bayesbeam.report.averaged_view import group_averaged_table
from bayesbeam.report.gallery import Gallery
from bayesbeam.report.loading import load_results
from bayesbeam.report.page import Content, render
from bayesbeam.report.records import Averaged, GroupResult, GroupRow, Results
from bayesbeam.report.tables import tables_of, write_tables

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture

NUMBERS = {"mean": 2.5, "sd": 0.1, "q025": 2.3, "median": 2.5, "q975": 2.7, "error": 0.002, "candidates": 2}
AVERAGES = (
    Averaged("flat.level", "b", "V", **NUMBERS),
    Averaged("common.width", None, "eV", **NUMBERS),
    Averaged("flat.pivot", "b", "eV", **(NUMBERS | {"sd": 0.0})),
)


def group_of(probability: float) -> GroupResult:
    rows = tuple(GroupRow(f"p-k{k}", k, model_probability=p) for k, p in ((1, probability), (2, 1.0 - probability)))
    return GroupResult("pair", "p", ("a", "b"), ("common.width",), rows, averaged=AVERAGES)


def test_what_is_common_comes_first_and_what_is_known_not_at_all() -> None:
    table = group_averaged_table(group_of(0.7))
    assert table is not None
    assert [(row[0].text, row[1].text) for row in table.rows] == [("common.width", "all"), ("flat.level", "b")]
    assert table.rows[0][2].text.replace("\xa0", " ") == "2.50 ± 0.10"
    assert table.rows[0][3].text == "0.002"


@pytest.mark.parametrize("group", [group_of(0.9999), replace(group_of(0.7), averaged=()), GroupResult("pair")])
def test_a_certain_count_has_no_averages(group: GroupResult) -> None:
    assert group_averaged_table(group) is None


def test_the_page_has_the_averages_of_a_group(tmp_path: Path) -> None:
    found = load_results(report_fixture.facts(), report_fixture.write_results(tmp_path / "results"))
    group = replace(found.groups[0], averaged=AVERAGES)
    assert group_averaged_table(group) is not None
    with style.figure_style():
        views = group_views(Results(found.facts, (), (group,)), Gallery(tmp_path / "page"), [])
    page = render(Content(Results(found.facts, (), (group,)), [], views, [], [], "make run"))
    _, head, rest = page.partition("Averaged over the counts of the measurements together, each with its probability")
    assert head
    assert "flat.level" in rest.partition("</article>")[0]


def test_the_table_reads_back(tmp_path: Path) -> None:
    found = load_results(report_fixture.facts(), report_fixture.write_results(tmp_path / "results"))
    assert "integration_averaged" not in tables_of(found)
    results = Results(found.facts, found.measurements, (group_of(0.7),))
    assert "integration_averaged" in tables_of(results)
    write_tables(results, tmp_path / "tables")
    with (tmp_path / "tables" / "integration_averaged.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["group"], row["measurement"], row["parameter"]) for row in rows] == [
        ("pair", "b", "flat.level"), ("pair", "", "common.width"), ("pair", "b", "flat.pivot"),
    ]  # fmt: skip
    assert {name: float(rows[0][name]) for name in NUMBERS} == NUMBERS
