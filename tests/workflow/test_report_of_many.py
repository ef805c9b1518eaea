"""The page of a campaign of more measurements than it shows one by one, and pages of single ones on demand."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from bayesbeam.errors import ConfigError, StoreError
from bayesbeam.io.results import write_result
from bayesbeam.io.seal import seal
from bayesbeam.io.store import read_measurement, write_measurement
from bayesbeam.launch.pages import make_pages
from bayesbeam.report.records import Facts
from bayesbeam.stages import report
from bayesbeam.stages.plan import table_text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import report_fixture
from page_reader import Page

COUNT, REFUSED = 45, "s44"
KINDS = ("records", "averaged")
Made = tuple[Facts, Path]


def copies(folder: Path, count: int = COUNT, of_all: bool = False, size: int = 100) -> Made:
    """Results of many measurements that are copies of one, with their own names; the last of 45 was refused.

    ``of_all``: with four candidates, not with two. Curves and draws of all members of a batch are links to one.
    """
    if of_all:
        results, one = report_fixture.write_results(folder), "nagata"
    else:
        facts, results = report_fixture.write_one(folder)
        (one,) = facts.measurements
    names = [f"s{number:02d}" for number in range(count)]
    first = read_measurement(results / "measurements" / f"{one}.h5")
    content = json.loads((results / "free_energy" / "b0.json").read_text(encoding="utf-8"))
    kinds = {kind: [record for record in content[kind] if record["measurement"] == one] for kind in KINDS}
    table = dict[str, str]()
    for start in range(0, count, size):
        some, batch = names[start : start + size], f"c{start}"
        table.update(dict.fromkeys(some, batch))
        for number, name in enumerate(some, start):
            metadata = {"title": name, "temperature_K": 100.0 + number}
            changed = {"status": "refused", "reason": "empty file"} if name == REFUSED else {}
            copy = replace(first, id=name, metadata=metadata, **changed)
            write_measurement(results / "measurements" / f"{name}.h5", copy)
        used = [name for name in some if name != REFUSED]
        made = {kind: [{**record, "measurement": name} for name in used for record in kinds[kind]] for kind in KINDS}
        where = results / "free_energy" / f"{batch}.json"
        write_result(where, {**content, **made, "batch": batch})
        with h5py.File(results / "free_energy" / "b0.h5") as given, h5py.File(where.with_suffix(".h5"), "w") as file:
            given.copy(one, file, used[0])
            for name in used[1:]:
                file[name] = file[used[0]]
        seal(where.with_suffix(".h5"))
    (results / "batches.tsv").write_text(table_text(table), encoding="utf-8")
    return Facts("many", "Many", tuple(names)), results


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Results of many measurements with a report in them."""
    facts, results = copies(tmp_path_factory.mktemp("many") / "results" / "many")
    report.report_from_files(facts, results, results / "report", "make run CAMPAIGN=many")
    return facts, results


def source_of(made: Made) -> str:
    """Source of the page."""
    return (made[1] / "report" / "index.html").read_text(encoding="utf-8")


def test_page_begins_with_the_whole_and_shows_a_few(made: Made) -> None:
    page = Page(source_of(made))
    assert page.unbalanced == []
    assert f"{COUNT} measurements: 44 with reservations and 1 refused" in page.words
    order = ["Of 44 measurements that were analysed", "Refused", "s44 : empty file", "Quantities over all measurements",
             "All measurements", "make page CAMPAIGN=many NAME=s", "Data and fit", "How it was made"]  # fmt: skip
    places = [page.words.find(one, page.words.find("Answers", 200)) for one in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    drawn = {path.name.partition("+")[0] for path in (made[1] / "report" / "figures").iterdir()}
    kept = {path.stem for path in (made[1] / "report" / "draws").iterdir()}
    assert kept == drawn - {"all", "series", "selection"}
    assert 0 < len(kept) < 6


def test_links_lead_somewhere(made: Made) -> None:
    page = Page(source_of(made))
    names = {attributes.get("id") for _, attributes in page.tags}
    for link in [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]:
        assert link[1:] in names if link.startswith("#") else (made[1] / "report" / link).exists(), link


def test_every_number_of_every_measurement_is_in_the_tables(made: Made) -> None:
    for table, rows in (("measurements", COUNT), ("free_energy", 2 * (COUNT - 1) + 1)):
        with (made[1] / "report" / "tables" / f"{table}.csv").open(encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        assert len(found) == rows
        assert {row["measurement"] for row in found} == set(made[0].measurements)


def test_scripts_are_ours_and_no_others_may_run(made: Made) -> None:
    source = source_of(made)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', source)
    assert policy is not None
    assert policy[1].count("sha256-") == 2
    assert "default-src &#39;none&#39;" in policy[1]
    scripts = re.findall(r"<script([^>]*)>", source)
    assert sorted(scripts) == ["", "", ' type="application/json" id="all-data"']


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium, which runs the script of the page")
def test_table_is_sorted_and_searched_by_its_script(made: Made, tmp_path: Path) -> None:
    """In a browser: sorted by the temperature from the highest on, and found by a name."""
    clicks = """<script>
      const heads = [...document.querySelectorAll(".sorter")];
      const head = heads.find((one) => one.textContent === "temperature_K");
      head.click(); head.click();
      const names = () => [...document.querySelectorAll("#all-table tbody th")].map((one) => one.textContent);
      const sorted = names().slice(0, 3).join(" ");
      const find = document.getElementById("find");
      find.value = "S1"; find.dispatchEvent(new Event("input"));
      document.title = `sorted ${sorted}; found ${names().length}; ${document.getElementById("where").textContent}`;
    </script></body>"""
    source = re.sub(r"<meta http-equiv[^>]*>", "", source_of(made)).replace("</body>", clicks)
    (tmp_path / "page.html").write_text(source, encoding="utf-8")
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    words += ["--dump-dom", f"file://{tmp_path / 'page.html'}"]
    shown = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False).stdout
    assert "<title>sorted s44 s43 s42; found 10; 1 to 10 of 10 found among 45</title>" in shown


def test_page_of_one_measurement_is_made_on_demand(made: Made, tmp_path: Path) -> None:
    campaign = report_fixture.write_campaign(tmp_path / "campaign")
    text = campaign.read_text(encoding="utf-8").replace("campaign: made_up", "campaign: many")
    campaign.write_text(re.sub(r"(?ms)^  doublets:.*?(?=^report)", "", text), encoding="utf-8")
    rows = "".join(f"{name}\tdata/{name}.txt\n" for name in made[0].measurements)
    (tmp_path / "campaign" / "measurements.tsv").write_text("id\tfile\n" + rows, encoding="utf-8")
    (page,) = make_pages(campaign, made[1].parent, ["s17"])
    assert page == made[1] / "pages" / "s17" / "index.html"
    words = Page(page.read_text(encoding="utf-8")).words
    assert "A made-up campaign: s17" in words
    assert "Data and fit" in words
    assert (page.parent / "draws" / "s17.nc").is_file()
    with pytest.raises(ConfigError, match=r"measurement 's99'.*not in the sheet"):
        make_pages(campaign, made[1].parent, ["s99"])
    with pytest.raises(StoreError, match=r"no results of this campaign.*Run it first"):
        make_pages(campaign, tmp_path, ["s17"])


REPORT = """
import resource, sys
from pathlib import Path
from bayesbeam.report.records import Facts
from bayesbeam.stages.report import report_from_files
names = tuple(f"s{number:02d}" for number in range(int(sys.argv[2])))
report_from_files(Facts("many", "Many", names), Path(sys.argv[1]), Path(sys.argv[1]) / "report", "make run")
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "seconds", "mebibytes"), [(1000, 75, 600), (10_000, 300, 2000)])
def test_thousands_take_bounded_time_and_memory_and_open_at_once(
    tmp_path: Path, count: int, seconds: float, mebibytes: float
) -> None:
    """Four candidates each; bounds are two to three times what docs/results.md says, and three seconds to open it."""
    _, results = copies(tmp_path / "many", count, of_all=True)
    words = [sys.executable, "-c", REPORT, str(results), str(count)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    print(f"{count} measurements: {said[0]} s of processor time, {said[1]} MiB")
    assert float(said[0]) < seconds
    assert float(said[1]) < mebibytes
    if shutil.which("chromium") is not None:
        (tmp_path / "empty.html").write_text("<p>nothing</p>", encoding="utf-8")
        pairs = [(_opened(results / "report" / "index.html", tmp_path), _opened(tmp_path / "empty.html", tmp_path))
                 for _ in range(3)]  # fmt: skip
        took = min(page for page, _ in pairs) - min(empty for _, empty in pairs)
        print(f"opened in {took:.2f} s more than an empty page")
        assert took < 3.0


def _opened(page: Path, folder: Path) -> float:
    """Seconds that a browser takes to start, open a page and write down its elements."""
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    start = time.monotonic()
    subprocess.run([*words, "--dump-dom", f"file://{page}"], capture_output=True, timeout=120, check=True)
    return time.monotonic() - start
