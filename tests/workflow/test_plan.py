"""Batches: who is sampled with whom, remembered from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesbeam.config.load import load_campaign
from bayesbeam.errors import ConfigError, DamagedError, StoreError
from bayesbeam.io.seal import seal_table
from bayesbeam.stages.plan import (
    assign_batches,
    batch_members,
    batches_text,
    read_batches,
    table_text,
    write_batches,
)
from bayesbeam.stages.rulebook import Rulebook, command_of, find_campaign

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflow.conftest import Lab


class Row:
    """A row of the sheet, as far as planning looks at it."""

    class treatment:
        @staticmethod
        def model_dump(**kwargs: object) -> dict[str, str]:
            return {}

    def __init__(self, name: str) -> None:
        self.id = name


class Campaign:
    """A campaign of measurements that all have the same candidates."""

    def __init__(self, ids: list[str], batch: int | str) -> None:
        self.sheet = [Row(name) for name in ids]
        self.campaign = self.sampling = self
        self.batch = batch

    def tags(self, name: str) -> tuple[()]:
        return ()


IDS = st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), unique=True, max_size=30)


@given(IDS, IDS, st.integers(1, 5), st.integers(1, 5))
def test_batches_keep_their_members(first: list[str], second: list[str], size: int, later_size: int) -> None:
    before = assign_batches(Campaign(first, size), {})
    memory = {name: batch for batch, ids in before.items() for name in ids}
    assert [name for ids in before.values() for name in ids] == first
    assert all(1 <= len(ids) <= size for ids in before.values())
    after = assign_batches(Campaign(second, later_size), memory)
    assert sorted(name for ids in after.values() for name in ids) == sorted(second)
    for batch, ids in after.items():
        if batch in before:
            assert set(ids) <= set(before[batch])
        else:
            assert not set(ids) & set(first)
    again = {name: batch for batch, ids in after.items() for name in ids}
    assert assign_batches(Campaign(second, 3), {**memory, **again}) == after


def test_different_candidates_are_different_batches(lab: Lab) -> None:
    batches = assign_batches(load_campaign(lab.campaign), {})
    assert sorted(batches.values()) == [("a", "b"), ("c",)]


def test_table_is_read_as_it_was_written_and_remembers_who_left(lab: Lab) -> None:
    text = lab.campaign.read_text()
    lab.campaign.write_text(text[: text.index("integration:")].replace("[a, b]", '["?"]'))
    table = lab.workdir / "batches.tsv"
    write_batches(load_campaign(lab.campaign), table)
    first = read_batches(table)
    lab.sheet("d", "a", "c")
    campaign = load_campaign(lab.campaign)
    members = batch_members(campaign, table, first["a"])
    write_batches(campaign, table)
    assert read_batches(table) == {**first, "d": read_batches(table)["d"]}
    assert members == batch_members(campaign, table, first["a"]) == ("a",)
    assert table.read_text() == batches_text(campaign, read_batches(table))


@pytest.mark.parametrize("text", ["", "a\tb\n", "measurement\tbatch\na\n", "measurement\tbatch\na\t../b\n", "\xff"])
def test_foreign_table_is_an_error_in_three_parts(tmp_path: Path, text: str) -> None:
    table = tmp_path / "batches.tsv"
    table.write_bytes(seal_table(text).encode("latin-1"))
    with pytest.raises(StoreError, match=r"batches\.tsv: .*; expected a(.*)\. Delete"):
        read_batches(table)


@pytest.mark.parametrize("length", [0, 5, 18, 30, 42, -1])
def test_table_that_is_not_whole_is_an_error(tmp_path: Path, length: int) -> None:
    """Also where what is left is a valid table: its first line alone, or with the first measurements."""
    table = tmp_path / "batches.tsv"
    table.write_text(table_text({"a": "b00000001", "c": "b00000002"}))
    assert read_batches(table) == {"a": "b00000001", "c": "b00000002"}
    content = table.read_bytes()
    assert content.startswith(b"measurement\tbatch\na\tb00000001\nc\tb00000002\n#")
    table.write_bytes(content[:length])
    with pytest.raises(DamagedError, match=r"batches\.tsv: the file (.*); expected a results file as the workflow"):
        read_batches(table)
    table.write_bytes(content.replace(b"b00000001", b"b00000003"))
    with pytest.raises(DamagedError, match="the file was damaged or changed"):
        read_batches(table)


def test_table_that_cannot_be_looked_at_is_an_error(tmp_path: Path) -> None:
    assert read_batches(tmp_path / "none" / "batches.tsv") == {}
    with pytest.raises(DamagedError, match="cannot be read"):
        read_batches(tmp_path / ("too_long" * 99))


def test_unknown_batch(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="batch b00000000: no such batch; expected one of b"):
        batch_members(load_campaign(lab.campaign), lab.workdir / "none.tsv", "b00000000")


def test_paths_in_the_working_directory_are_relative(lab: Lab) -> None:
    book = Rulebook(lab.campaign, lab.workdir / "results", lab.workdir)
    assert str(book.file) == "campaign/campaign.yaml"
    assert book.path("report", "index.html") == "results/tiny/report/index.html"
    assert book.data_files(["a", "b"]) == ["campaign/data/a.txt", "campaign/data/b.txt"]
    elsewhere = Rulebook(lab.campaign, lab.workdir / "results", lab.workdir / "campaign")
    assert elsewhere.path() == str(lab.workdir / "results" / "tiny")


def test_memory_is_asked_for_by_the_size_of_a_job(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesbeam.stages.memory.LEAST_MB", 0)

    def asked() -> tuple[int, ...]:
        book = Rulebook(lab.campaign, lab.workdir / "results", lab.workdir)
        ids = ("a", "b")
        found = [book.sample_mb(tag, ids) for tag in ("peaks-k1", "peaks-k2")]
        return *found, book.group_mb("pair", "peaks-k2"), book.sample_mb("peaks-k1", ids, attempt=2)

    lab.replace("max_sweeps: 200", "max_sweeps: 200, engine: eager")
    one, two, group, again = asked()
    assert 300 < one < two < 1000
    assert group == pytest.approx(two, rel=0.1), "as many measurements, as long a ladder"
    assert again == 2 * one
    data = lab.campaign.parent / "data" / "a.txt"
    data.write_text("".join(f"{number} 1\n" for number in range(50_000)))
    assert all(new > 1.5 * old for new, old in zip(asked(), (one, two, group, again), strict=True))


def test_long_sheets_are_preprocessed_by_batch(lab: Lab) -> None:
    lab.sheet(*(f"m{number:03d}" for number in range(70)), "a", "b")
    lab.replace("batch: 2", "batch: 16")
    book = Rulebook(lab.campaign, lab.workdir / "results", lab.workdir)
    assert book.chunked
    files = book.treated(row.id for row in book.campaign.sheet)
    assert files == [f"results/tiny/measurements/{batch}.tsv" for batch in book.batches]
    assert len(files) == 6


def test_where_the_campaign_comes_from(tmp_path: Path) -> None:
    default = tmp_path / "config" / "campaigns" / "first_look" / "campaign.yaml"
    assert find_campaign({}, [], tmp_path) == default
    assert str(find_campaign({"campaign": "x"}, ["one.yaml", "two.yaml"], tmp_path)) == "two.yaml"
    assert str(find_campaign({"campaign_file": "three.yaml"}, ["one.yaml"], tmp_path)) == "three.yaml"
    with pytest.raises(ConfigError, match="config: seed: settings without a campaign"):
        find_campaign({"seed": 3, "results": "here"}, [], tmp_path)


def test_command_that_makes_results_anew(tmp_path: Path) -> None:
    campaigns = tmp_path / "config" / "campaigns"
    assert command_of(campaigns / "first_look" / "campaign.yaml") == "make run"
    assert command_of(campaigns / "other" / "campaign.yaml") == "make run CAMPAIGN=other"
    assert command_of(tmp_path / "my data" / "campaign.yaml") == f"make run CAMPAIGN='{tmp_path}/my data'"


def test_batches_of_long_sheets_are_of_a_hundred_and_of_slow_candidates_of_few() -> None:
    def sizes(rows: int, at_once: int = 4, most: int = 512, **seconds: float) -> list[int]:
        campaign = Campaign([f"m{i}" for i in range(rows)], "auto")
        campaign.tags = lambda name: ("flat", "peaks")
        campaign.only_phases = lambda name: False
        return [len(ids) for ids in assign_batches(campaign, {}, seconds, at_once, most).values()]

    assert sizes(40) == [16, 16, 8]
    assert sizes(1000) == [125] * 8
    assert max(sizes(10_000)) == 128
    assert sizes(10, peaks=0.5) == [10]
    assert sizes(100, peaks=0.5, flat=0.1) == [25] * 4
    assert sizes(1000, peaks=0.5) == [250] * 4
    assert sizes(1000, at_once=2, peaks=0.5) == [500] * 2
    assert sizes(1000, at_once=2, peaks=1.0) == [334, 334, 332], "the longest job takes 400 s at most"
    assert sizes(1000, at_once=2, peaks=0.01) == [500] * 2
    assert sizes(1000, at_once=2, most=300, peaks=0.01) == [250] * 4, "their results have room in memory"
    assert sizes(1000, at_once=100, peaks=0.01) == [16] * 62 + [8]
    assert sizes(100, at_once=64, peaks=10.0) == [6] * 16 + [4], "a minute each, on many cores"
    assert sizes(100, at_once=64, peaks=99.0) == [2] * 50
    assert sizes(1000, peaks=2.0) == [200] * 5
    assert sizes(4000, peaks=1e-3) == [500] * 8
    assert sizes(100, peaks=60.0, flat=1.0) == [6] * 16 + [4]
    assert sizes(9, peaks=100.0) == [3, 3, 3]
    assert sizes(5, peaks=999.0) == [1] * 5
