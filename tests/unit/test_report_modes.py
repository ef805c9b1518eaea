"""Modes of posteriors on the page: a table where they were asked for, dashes where there is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bayesbeam.io.results import write_result
from bayesbeam.report.records import Candidate, Row
from bayesbeam.report.text import NOTHING
from bayesbeam.report.view import modes_table
from bayesbeam.stages import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture


def test_rows_hold_what_was_found() -> None:
    rows = (
        Row("b.b1", None, "y", mean=238.95, sd=2.7, mode=238.94212918, laplace_sd=2.7070075, information_sd=2.7071),
        Row("b.ratio", None, "1", "derived", mean=1.2, sd=0.1, mode=1.25),
        Row("b.b2", None, "x", mean=3.0, sd=0.0, mode=3.0),
        Row("noise.sigma", None, "y", "noise", mean=0.1, sd=0.01),
    )
    table = modes_table(Candidate("m", "c", "c", parameters=rows))
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["b.b1", "238.9421292", "y", "2.707", "2.7071", "238.9\u00a0±\u00a02.7"],
        ["b.ratio", "1.25", "", NOTHING, NOTHING, "1.20\u00a0±\u00a00.10"],
        ["noise.sigma", NOTHING, "y", NOTHING, NOTHING, "0.100\u00a0±\u00a00.010"],
    ]
    assert modes_table(Candidate("m", "c", "c", parameters=rows[3:])) is None


def test_the_page_shows_them_where_they_were_asked_for(tmp_path: Path) -> None:
    facts, results = report_fixture.write_one(tmp_path / "results")
    report.report_from_files(facts, results, tmp_path / "without", "make run")
    path = results / "free_energy" / "b0.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for record in content["records"]:
        for row in record["parameters"]:
            row["mode"], row["laplace_sd"] = row["mean"] + 1e-7, 0.0123
    write_result(path, content)
    report.report_from_files(facts, results, tmp_path / "with", "make run")
    pages = [(tmp_path / name / "index.html").read_text(encoding="utf-8") for name in ("without", "with")]
    assert ["sd of the curvature" in page for page in pages] == [False, True]
    assert "0.0123" in pages[1]
    assert (tmp_path / "with" / "tables" / "modes.csv").is_file()
