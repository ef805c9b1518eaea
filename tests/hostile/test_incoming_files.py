"""Files that arrive in a folder: the rows that their names make, and every name that makes none, with the reason."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

# A plain helper beside these tests, which no import path of the package leads to.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.incoming_rows import Arrived, ledger_text, natural, read_ledger
from bayesbeam.config.load import load_campaign
from bayesbeam.config.outline import outline_campaign
from bayesbeam.errors import StoreError
from campaign_problems import assert_said, problems_of

HEAD = """\
campaign: arriving
treatments: {counted: {signal: {counts: true}}, plain: {}}
candidates:
  flat: {measurements: ["fh_*", "ref"], parts: [{component: constant, priors: {level: "uniform(0, 9)"}}]}
integration:
  - {group: cold, measurements: [fh_5, fh_15], candidate: flat, shared: [constant.level]}
report: {series: {quantity: constant.level, against: kelvin}}
"""
INCOMING = """\
incoming:
  folder: landing
  files: "*.dat"
  name: '(?P<_kind>[a-z]+)_(?P<kelvin>[^_]+)(_(?P<operator>[A-Z]+))?[.]dat'
  id: "{_kind}_{kelvin}"
  treatment: counted
  columns: {sample: ferrihydrite, run: 7}
"""


def write(folder: Path, *names: str, sheet: str = "", incoming: str = INCOMING) -> Path:
    """Write a campaign, its sheet if there is one, and files that arrived."""
    (folder / "landing").mkdir(exist_ok=True)
    (folder / "campaign.yaml").write_text(HEAD + incoming)
    if sheet:
        (folder / "measurements.tsv").write_text(sheet)
    for name in names:
        (folder / "landing" / name).write_text("1\n2\n")
    return folder


def test_names_become_rows_behind_those_of_the_sheet_numbers_in_their_order(tmp_path: Path) -> None:
    sheet = "id\tfile\ttreatment\tkelvin\nref\tref.csv\tplain\t300\n"
    write(tmp_path, "fh_15.dat", "fh_5.dat", "fh_105_AG.dat", ".fh_7.dat", "notes.txt", sheet=sheet)
    campaign = load_campaign(tmp_path)
    assert campaign.ids == ("ref", "fh_5", "fh_15", "fh_105")
    row = campaign.row("fh_105")
    assert row.file == (tmp_path / "landing" / "fh_105_AG.dat").resolve()
    assert row.file_in_sheet == "landing/fh_105_AG.dat"
    assert row.treatment_name == "counted"
    assert row.treatment.signal.counts
    assert row.metadata == {"sample": "ferrihydrite", "run": 7.0, "kelvin": 105.0, "operator": "AG"}
    assert campaign.row("fh_5").metadata == {"sample": "ferrihydrite", "run": 7.0, "kelvin": 5.0}
    assert [one.group for one in campaign.campaign.integration] == ["cold"]
    assert not campaign.aside


def test_before_anything_has_arrived_the_campaign_has_no_mistake(tmp_path: Path) -> None:
    campaign = load_campaign(write(tmp_path))
    assert campaign.ids == ()
    assert not campaign.campaign.integration, "a group joins in when two of its members are there"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fh5.dat", ["landing/fh5.dat: a name that does not fit; expected one like (?P<_kind>", "Rename the file"]),
        ("fh_a b.dat", ["landing/fh_a b.dat: a name that makes the id 'fh_a b'; expected 1 to 64 of"]),
        ("fh_x..y.dat", ["a name that makes the id 'fh_x..y'", "correct incoming.id; until then it is left out"]),
        ("fh_5_AG.dat", ["a name that makes the id fh_5, which is that of landing/fh_5.dat, fh_5; expected ids that"]),
        ("iron_5.dat", ["the measurement iron_5, which no candidate describes", "Widen the measurements"]),
    ],
)
def test_a_name_that_makes_no_row_is_left_out_with_its_reason(tmp_path: Path, name: str, words: list[str]) -> None:
    write(tmp_path, "fh_5.dat", "fh_15.dat", name)
    campaign = outline_campaign(tmp_path)
    assert campaign.ids == ("fh_5", "fh_15")
    (problem,) = campaign.aside
    assert all(word in str(problem) for word in words), str(problem)


def test_an_id_of_the_sheet_is_not_given_again_and_an_unknown_treatment_is_told(tmp_path: Path) -> None:
    sheet = "id\tfile\ttreatment\nFH_5\ta.csv\tplain\nref\tb.csv\tplain\n"
    incoming = INCOMING.replace("operator", "treatment").replace("  treatment: counted\n", "")
    write(tmp_path, "fh_5.dat", "fh_7_COLD.dat", sheet=sheet, incoming=incoming)
    (tmp_path / "campaign.yaml").write_text((tmp_path / "campaign.yaml").read_text().replace('"ref"', '"ref", "FH_*"'))
    campaign = outline_campaign(tmp_path)
    assert campaign.ids == ("FH_5", "ref")
    first, second = map(str, campaign.aside)
    assert "which is that of a row of the sheet, FH_5" in first
    assert "landing/fh_7_COLD.dat column treatment: the unknown treatment 'COLD'; expected one of the camp" in second


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("(?P<kelvin>", "(?P<kelvin", "incoming.name", ["a regular expression", "Python says: "]),
        (
            "_(?P<kelvin>[^_]+)(_(?P<operator>[A-Z]+))?",
            "_x",
            "incoming[0]",
            ["'kelvin' in id, which is no named group"],
        ),
        ("{_kind}_{kelvin}", "run", "incoming[0]", ["the id 'run' without a group"]),
        ("treatment: counted", "treatment: count", "incoming[0].treatment", ["unknown treatment", "mean counted?"]),
        ("run: 7", "kelvin: 7", "incoming[0]", ["'kelvin' under columns"]),
        ("operator", "file", "incoming.name", ["a group named file"]),
        ("operator", "treatment", "incoming[0]", ["treatment beside a group of that name"]),
        ("folder: landing", "fodler: landing", "incoming.fodler", ["the unknown key 'fodler'", "Did you mean folder?"]),
        ("  name:", "  order: [time]\n  name:", "incoming[0]", ["'time' in order, which is no named group of name"]),
    ],
)
def test_mistakes_in_the_section(tmp_path: Path, old: str, new: str, place: str, words: list[str]) -> None:
    assert old in INCOMING
    write(tmp_path, "fh_5.dat")
    assert_said(problems_of(tmp_path, HEAD + INCOMING.replace(old, new), None), place, words)


def test_a_folder_that_is_away_is_no_empty_folder(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "landing").rmdir()
    with pytest.raises(StoreError, match="landing: no such folder; expected the folder in which files arrive"):
        load_campaign(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_read_is_no_empty_folder(tmp_path: Path) -> None:
    write(tmp_path, "fh_5.dat")
    (tmp_path / "landing").chmod(0)
    try:
        with pytest.raises(StoreError, match=r"landing: cannot be read \(Permission denied\)"):
            load_campaign(tmp_path)
    finally:
        (tmp_path / "landing").chmod(0o700)


def test_a_folder_whose_disk_is_away_is_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "fh_5.dat")

    def away(*_: object) -> None:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr("bayesbeam.config.incoming_rows.os.scandir", away)
    with pytest.raises(StoreError, match=r"landing: cannot be read \(Stale file handle\); expected the folder"):
        load_campaign(tmp_path)


def test_rows_are_those_of_the_ledger_and_its_order_decides_who_keeps_an_id(tmp_path: Path) -> None:
    write(tmp_path, "fh_5.dat", "fh_5_AG.dat", "fh_9.dat")
    ledger = tmp_path / "results" / "arriving" / "arrivals.tsv"
    assert load_campaign(tmp_path, tmp_path / "results").ids == ()
    ledger.parent.mkdir(parents=True)
    ledger.write_text(ledger_text([Arrived("landing", "fh_5_AG.dat"), Arrived("landing", "fh_5.dat")]))
    campaign = load_campaign(tmp_path, tmp_path / "results")
    assert [row.file.name for row in campaign.sheet] == ["fh_5_AG.dat"]
    ledger.write_text("anything")
    with pytest.raises(StoreError, match=r"arrivals\.tsv: is no list of files; expected .* Delete this file"):
        read_ledger(ledger)


def test_a_new_row_moves_no_other(tmp_path: Path) -> None:
    names = [f"fh_{number}.dat" for number in range(1, 30)]
    source = random.Random(8)
    source.shuffle(names)
    incoming = INCOMING.replace("columns:", "order: kelvin\n  columns:")
    before: list[str] = []
    for first in range(0, len(names), 7):
        now = list(outline_campaign(write(tmp_path, *names[: first + 7], incoming=incoming)).ids)
        assert [one for one in now if one in before] == before
        before = now
    assert before == [f"fh_{number}" for number in range(1, 30)]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=6))
def test_any_names_have_an_order(names: list[str]) -> None:
    ordered = sorted(names, key=lambda name: (natural(name), name))
    assert sorted(reversed(names), key=lambda name: (natural(name), name)) == ordered


def test_numbers_in_names_are_numbers() -> None:
    assert sorted(["a10", "a9b", "a9", "10", "b1"], key=natural) == ["10", "a9", "a9b", "a10", "b1"]
