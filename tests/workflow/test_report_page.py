"""The whole report of a made-up campaign: the page as a reader and as an attacker would see it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bayesbeam.errors import StoreError
from bayesbeam.stages import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture
from page_reader import Page

COMMAND = "make run CAMPAIGN=<made_up>"


Small = tuple[report.Facts, Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with a report in them."""
    results = report_fixture.write_results(tmp_path_factory.mktemp("a folder") / "results")
    report.report_from_files(report_fixture.facts(), results, results / "report", COMMAND)
    return results


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Campaign of one measurement, and its results with a report in them."""
    facts, results = report_fixture.write_one(tmp_path_factory.mktemp("small") / "results")
    report.report_from_files(facts, results, results / "report", COMMAND)
    return facts, results


@pytest.fixture(scope="module")
def source(made: Path) -> str:
    """Source of the page."""
    return (made / "report" / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    """Return the page, parsed."""
    return Page(source)


def test_page_is_well_formed(page: Page) -> None:
    assert page.unbalanced == []
    assert page.open == []
    names = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert [name for name, count in names.items() if count > 1] == []


def test_links_inside_and_beside_the_page_lead_somewhere(page: Page, made: Path) -> None:
    names = {attributes.get("id") for _, attributes in page.tags}
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]
    for link in links:
        target = made / "report" / link
        assert link[1:] in names if link.startswith("#") else target.exists(), link
    assert any(link.endswith(".nc") for link in links)
    labels = [attributes["for"] for tag, attributes in page.tags if tag == "label"]
    assert set(labels) <= names


def test_page_needs_no_network(page: Page, source: str) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name) or ""
            assert not re.match(r"[a-z]+:|//", value), (tag, value)
    assert "@import" not in source
    assert "url(http" not in source
    policies = [str(one["content"]) for tag, one in page.tags if tag == "meta" and "http-equiv" in one]
    assert policies[0].startswith("default-src 'none'")


def test_names_from_data_are_text_only(page: Page, source: str) -> None:
    """One script, ours; the nasty names are readable as they are, in text and in figures."""
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert report_fixture.NASTY not in source
    assert report_fixture.NASTY_TITLE in page.words
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_answers_come_first(page: Page) -> None:
    words = page.words
    order = [
        "Four measurements: 2 reliable, 1 not reliable and 1 refused", "undecided between three components (0.55",
        "three components (probability 0.962 ± 0.004; next: four components, 0.038 ± 0.004)",
        "0 numbers; expected at least 5",
        "integrate nagata and run2", "How to read it.", "smaller is better", "log_uniform(low=0.01, high=1)",
        "Integrate nagata and run2", "3 round trips; at least 20 wanted", COMMAND,
        "Read 301 points from columns 0 (x)", "ab" * 32, "tables/free_energy.csv", "How to cite",
    ]  # fmt: skip
    places = [words.find(one) for one in order]
    assert -1 not in places, order[places.index(-1)]
    main = words.find("Answers", words.find("How it was made"))
    heads = ("Data and fit", "Which model", "Parameters", "Integration", "Can it be believed", "How it was made")
    found = [words.find(head, main + 1) for head in heads]
    assert found[0] > words.find("integrate nagata")
    assert found[:3] == sorted(found[:3])


def test_free_energies_are_shown_in_full_and_above_the_best(page: Page) -> None:
    for one in ("−244.20 ± 0.08", "96.60", "172.28", "0.55 ± 0.03", "not reliable"):  # noqa: RUF001
        assert one in page.words


def test_switch_needs_no_script(page: Page) -> None:
    """Every choice is a radio button whose panel follows; one is chosen; the style sheet shows it."""
    radios = [attributes for tag, attributes in page.tags if tag == "input"]
    groups = Counter(one["name"] for one in radios)
    chosen = Counter(one["name"] for one in radios if "checked" in one)
    assert groups["fit--nagata"] == 4
    assert set(chosen.values()) == {1}
    assert set(chosen) == set(groups)


def test_same_results_give_the_same_bytes(small: Small, tmp_path: Path) -> None:
    report.report_from_files(*small, tmp_path / "again", COMMAND)
    first, again = small[1] / "report", tmp_path / "again"
    files = sorted(one.relative_to(first) for one in first.rglob("*") if one.is_file())
    assert files == sorted(one.relative_to(again) for one in again.rglob("*") if one.is_file())
    for one in files:
        if one.suffix != ".nc":
            assert (first / one).read_bytes() == (again / one).read_bytes(), one


def test_failed_report_leaves_the_old_one(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "report"
    shutil.copytree(small[1] / "report", out)
    before = (out / "index.html").read_bytes()

    def full(content: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "render", full)
    with pytest.raises(StoreError, match="No space left on device"):
        report.report_from_files(*small, out, COMMAND)
    assert (out / "index.html").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["report"]


def test_killed_report_is_cleared_by_the_next(small: Small, tmp_path: Path) -> None:
    (tmp_path / ".report.tmp" / "figures").mkdir(parents=True)
    (tmp_path / ".report.old").mkdir()
    report.report_from_files(*small, tmp_path / "report", COMMAND)
    assert [one.name for one in tmp_path.iterdir()] == ["report"]


def test_folder_with_other_things_is_left_alone(made: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(StoreError, match=r"thesis\.tex, which is no part of a report"):
        report.report_from_files(report_fixture.facts(), made, tmp_path, COMMAND)
    assert (tmp_path / "thesis.tex").exists()


def test_report_of_a_loaded_campaign(made: Path, tmp_path: Path) -> None:
    from bayesbeam.config.load import load_campaign

    campaign = load_campaign(report_fixture.write_campaign(tmp_path / "campaign"))
    assert report.facts_of(campaign) == report_fixture.facts()


def test_report_brings_no_sampler() -> None:
    """The report starts fast: neither torch nor a sampler is imported."""
    check = (
        "import sys, bayesbeam.stages.report; sys.exit(any(m in sys.modules for m in ('torch', 'bayesbeam.sampling')))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_empty_campaign_has_a_page(tmp_path: Path) -> None:
    facts = report.Facts("none", "Nothing worked", ("a", "b"), ("g",))
    report.report_from_files(facts, tmp_path / "results", tmp_path / "report", COMMAND)
    words = Page((tmp_path / "report" / "index.html").read_text(encoding="utf-8")).words
    assert "Two measurements: 2 refused" in words
    assert "not integrated" in words


@pytest.mark.slow
def test_report_of_six_measurements_is_quick_and_small(tmp_path: Path) -> None:
    """Six measurements with four candidates each: 25 s of one core, 6 MB of page."""
    results = report_fixture.write_results(tmp_path / "results", n_copies=3)
    start = time.process_time()
    report.report_from_files(report_fixture.facts(3), results, results / "report", COMMAND)
    assert time.process_time() - start < 25
    assert (results / "report" / "index.html").stat().st_size < 6e6
