"""The page and the tables of candidates of which few terms are in."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.report.records import Candidate
from bayesbeam.report.terms_view import sentence
from bayesbeam.report.terms_words import terms_line
from bayesbeam.stages.plan import table_text
from bayesbeam.stages.report import facts_of, report_from_files
from stage_fixture import Lab, make_lab, record, rows, strict

X = np.linspace(0.0, 3.0, 60)
CANDIDATES = """\
  few:
    parts: [{component: constant, priors: {level: "normal(mean=0, sd=2)"}}]
    sparse:
      dictionary: [{component: gaussian, name: bell, grid: [0, 3, 0.5], fixed: {sd: 0.3}}]
      most: 2
      prior: normal(mean=0, sd=1)
    noise: {sigma: 0.1}
  sampled:
    sparse:
      dictionary: [{component: gaussian, name: bell, grid: [0, 3, 0.5], fixed: {sd: 0.3}}]
      most: 2
      prior: normal(mean=0, sd=1)
      search: exchange
    noise: {sigma: 0.1}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    y = 0.8 * np.exp(-0.5 * ((X - 1.5) / 0.3) ** 2) + 0.1 * np.random.default_rng(1).standard_normal(60)
    made = make_lab(tmp_path_factory.mktemp("terms"), {"a": rows(X, y)}, CANDIDATES)
    made.separate()
    (made.results / "batches.tsv").write_text(table_text({"a": "b"}))
    report_from_files(facts_of(made.campaign), made.results, made.results / "report", "make run")
    return made


def table(lab: Lab, name: str) -> list[dict[str, str]]:
    with (lab.results / "report" / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_page_says_which_terms_are_in_and_shows_the_figures(lab: Lab) -> None:
    page = (lab.results / "report" / "index.html").read_text(encoding="utf-8")
    for words in (
        "Which terms are in", "29 sets of up to 2 of 7 terms, all looked at", "sampled by exchange Monte Carlo",
        "Surely in: bell_4.", "all sets of terms were looked at", "least probable of its terms",
    ):  # fmt: skip
        assert words in page, words
    names = {path.name for path in (lab.results / "report" / "figures").glob("*.svg")}
    assert {"a+few+terms.svg", "a+few+states.svg", "a+sampled+terms.svg", "a+sampled+sampling.svg"} <= names
    assert "a+few+sampling.svg" not in names


def test_tables_hold_all_terms_sets_sizes_and_states(lab: Lab) -> None:
    found = record(strict(lab.results / "free_energy" / "b.json"), "few")["sparse"]
    terms = [row for row in table(lab, "terms") if row["candidate"] == "few"]
    assert [row["term"] for row in terms] == ["constant.level", *(f"bell_{j}" for j in range(1, 8))]
    assert [row["always"] for row in terms] == ["1", *"0000000"]
    assert [float(row["inclusion"]) for row in terms] == [one["inclusion"] for one in found["terms"]]
    sets = [row for row in table(lab, "supports") if row["candidate"] == "few"]
    assert len(sets) == 29
    assert sets[0]["terms"] == "+".join(found["ranking"][0]["terms"])
    assert sum(float(row["probability"]) for row in sets) == pytest.approx(1.0)
    sizes = [row for row in table(lab, "sizes") if row["candidate"] == "few"]
    assert [float(row["prior"]) for row in sizes] == pytest.approx([1 / 3] * 3)
    states = [row for row in table(lab, "density_of_states") if row["candidate"] == "few"]
    for size, count in enumerate((1, 7, 21)):
        assert sum(float(row["sets"]) for row in states if row["size"] == str(size)) == count
    assert all(float(row["low"]) < float(row["high"]) for row in states)
    assert all(float(row["standard_error"]) == 0.0 for row in states)
    sampled = [row for row in table(lab, "density_of_states") if row["candidate"] == "sampled"]
    assert any(float(row["standard_error"]) > 0.0 for row in sampled)


def test_the_sentence_names_what_is_sure_and_what_is_open() -> None:
    terms = [
        {"term": name, "inclusion": p} for name, p in (("level", 1.0), ("a", 0.99), ("b", 0.4), ("c", 0.01))
    ]  # fmt: skip
    sizes = [{"size": k, "probability": p, "error": 0.0} for k, p in enumerate((0.1, 0.7, 0.2))]
    facts = {"terms": terms, "always": ["level"], "sizes": sizes, "sets": 7, "search": "exhaustive"}
    words = sentence(facts)
    assert "7 sets of up to 2 of 3 terms, all looked at." in words
    assert "Surely in: a." in words
    assert "Open (probability above 0.05): b." in words
    assert "most probable number of terms is 1, with 0.70" in words
    nothing = facts | {"terms": [{"term": "a", "inclusion": 0.01}], "always": []}
    assert "No term is surely in." in sentence(nothing)
    assert "Open" not in sentence(nothing)


def test_the_answer_names_terms_with_coefficients_and_open_ones_with_their_odds() -> None:
    terms = [
        {"term": "a", "inclusion": 0.999, "mean": 1.0, "sd": 0.1},
        {"term": "b", "inclusion": 0.51, "mean": 0.1, "sd": 0.1},
        {"term": "c", "inclusion": 0.01, "mean": 0.0, "sd": 0.1},
    ]
    one = Candidate("m", "few", "few", sparse={"terms": terms})
    lines = [line.replace("\u00a0", " ") for line in terms_line(one)]
    assert lines == ["in: a 1.00 ± 0.10", "open, with their probability: b (0.51)"]
    assert terms_line(Candidate("m", "few", "few", sparse={"terms": terms[2:]})) == ["no term is surely in"]
    (many,) = terms_line(Candidate("m", "few", "few", sparse={"terms": terms * 7}))
    assert many == "7 terms are surely in, 7 are open: see the parameters"
    assert terms_line(Candidate("m", "few", "few")) == []
