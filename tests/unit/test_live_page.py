"""The live page: the state of every measurement, what is read anew, trends while there are few points."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

# Plain helpers beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.report import wording
from bayesbeam.report.live import ARRIVAL, LiveResults, Night, live_page, row_of, trends
from bayesbeam.report.many import Judged
from bayesbeam.report.records import Facts
from report_fixture import facts, write_results


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> tuple[Facts, Path, dict[str, list[str]]]:
    """Return the names of a made-up campaign, its results, and its batches."""
    folder = write_results(tmp_path_factory.mktemp("live"), 3)
    batches: dict[str, list[str]] = {}
    for line in (folder / "batches.tsv").read_text().splitlines()[1:-1]:
        name, batch = line.split("\t")
        batches.setdefault(batch, []).append(name)
    batches["b1"].append("bad")
    return facts(3), folder, batches


def found(campaign: tuple[Facts, Path, dict[str, list[str]]]) -> dict[str, Judged]:
    """Return all that is known of the made-up campaign."""
    names, folder, batches = campaign
    return LiveResults(folder).of(names, batches)


def test_what_has_a_summary_is_shown_and_read_again_only_where_it_changed(
    campaign: tuple[Facts, Path, dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names, folder, batches = campaign
    live = LiveResults(folder)
    read: list[tuple[str, ...]] = []

    def counted(some: Facts, results: Path) -> object:
        from bayesbeam.report.loading import load_results

        read.append(some.measurements)
        return load_results(some, results)

    monkeypatch.setattr("bayesbeam.report.live.load_results", counted)
    known = live.of(names, {**batches, "b9": ["later"]})
    assert set(known) == set(names.measurements), "a batch without a summary is not finished"
    assert len(read) == 2
    live.of(names, batches)
    assert len(read) == 2
    os.utime(folder / "free_energy" / "b1.json")
    live.of(names, batches)
    assert read[2:] == [tuple(batches["b1"])]


def test_rows_say_the_choice_its_probability_and_the_verdict(
    campaign: tuple[Facts, Path, dict[str, list[str]]],
) -> None:
    known = found(campaign)
    for name, one in known.items():
        row, result = row_of(name, one, Night()), one.result
        if not result.candidates:
            assert (row.kind, row.state) == ("gone", "refused")
            assert "0 numbers; expected at least 5" in row.words
            continue
        assert row.chosen == result.best.tag
        assert row.probability
        verdict, reasons = wording.judged(result)
        state = "undecided" if verdict == wording.GOOD and not one.decided else verdict
        assert (row.state, row.words) == (state, "; ".join(reasons)), "as in the report"
    name = next(iter(known))
    best = known[name].result.best
    pair = (replace(best, model_probability=0.6, probability_error=0.03), replace(best, model_probability=0.4))
    close = Judged(replace(known[name].result, candidates=pair), wording.GOOD, ())
    assert row_of(name, close, Night()).probability == "0.60\u00a0±\u00a00.03"
    assert row_of(name, close, Night()).state == "undecided"
    assert row_of(name, known[name], Night(running=True, changed=frozenset({name}))).state == "at work"
    assert row_of(name, None, Night()).state == "not finished"


def test_the_page_counts_and_escapes(campaign: tuple[Facts, Path, dict[str, list[str]]]) -> None:
    names, known = campaign[0], found(campaign)
    night = Night(
        waiting=["in/<i>new</i>.dat"], aside=["in/<b>.dat: a name that does not fit; expected another."],
        running=True, jobs=["peaks-k2 for a: 5 of 9 sweeps"], trouble="in: no such folder", now="then", every_s=7,
    )  # fmt: skip
    page = live_page(names, {**known, names.measurements[0]: known["bad"]}, night, "../report/index.html")
    measured = len(names.measurements) - 2
    assert f"{measured} analysed, 1 not finished, 2 refused, 1 left out." in page
    assert '<meta http-equiv="refresh" content="7">' in page
    for words in (
        "in/&lt;i&gt;new&lt;/i&gt;.dat",
        "in/&lt;b&gt;.dat",
        "peaks-k2 for a: 5 of 9 sweeps",
        "no such folder",
    ):
        assert words in page
    assert "<script" not in page
    assert "<i>new" not in page
    assert 'href="../report/index.html"' in page


def test_trends_are_along_the_arrival_where_nothing_else_is_asked(
    campaign: tuple[Facts, Path, dict[str, list[str]]],
) -> None:
    known = found(campaign)
    one = next(one.result for one in known.values() if one.result.candidates)
    ids = tuple(f"m{number}" for number in range(5))
    some = {name: Judged(replace(one, id=name), wording.GOOD, ()) for name in ids}
    few = trends(Facts("c", "", ids), {name: some[name] for name in ids[:3]})
    assert [view for view in few if view.trends is not None] == [], "three points are no series"
    along = trends(Facts("c", "", ids), some)
    assert along[0].trends is not None
    assert ARRIVAL in [view.column.split(" (")[0] for view in along]


def test_of_thousands_the_last_ones_and_those_that_need_eyes_are_shown(
    campaign: tuple[Facts, Path, dict[str, list[str]]],
) -> None:
    known = found(campaign)
    good = next(one.result for one in known.values() if one.result.candidates)
    ids = tuple(f"m{number}" for number in range(1000))
    some = {name: Judged(replace(good, id=name), wording.GOOD, ()) for name in ids}
    some["m7"] = Judged(replace(known["bad"].result, id="m7"), wording.GONE, ("no numbers",))
    page = live_page(Facts("c", "", ids), some, Night(), "")
    assert "999 analysed, 0 not finished, 1 refused." in page
    rows = re.findall(r'<th scope="row">(m\d+)</th>', page)
    assert rows == [*reversed(ids[600:]), "m7"]
    assert "599 more are in the report." in page
