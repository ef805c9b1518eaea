"""Candidates with phases through the stages: what is found, what is kept of it, what repeats, and what is refused."""

from __future__ import annotations

import csv
import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import load_campaign
from bayesbeam.crystals.likeness import Window
from bayesbeam.diffraction.phase import phase_of
from bayesbeam.diffraction.profile import Beam, pattern
from bayesbeam.diffraction.shapes import common_start
from bayesbeam.io.crystal_library import LineRequest, crystal_library
from bayesbeam.io.samples import Record, read_records
from bayesbeam.stages import phases
from bayesbeam.stages.keep import Running
from bayesbeam.stages.memory import phases_mb
from bayesbeam.stages.plan import assign_batches, table_text
from bayesbeam.stages.report import build_report
from bayesbeam.stages.rulebook import Rulebook
from bayesbeam.stages.sample import sample_batch
from phase_lab import SHARES, WHICH, X, counts, lab, library_in
from stage_fixture import Lab, content, no_news, record, rows, strict


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, dict[str, Any]]:
    """A measurement, searched in the whole library and among two elements that exclude a phase of it."""
    folder = tmp_path_factory.mktemp("phases")
    library_in(folder)
    few = WHICH + "  zinc:\n    phases: {library: cifs, most: 4, elements: [Zn, O], search: exact}\n"
    made = lab(folder, {"a": rows(X, counts())}, few)
    return made, strict(made.separate())


def test_phases_are_found_with_what_is_told_of_each(done: tuple[Lab, dict[str, Any]]) -> None:
    found = record(done[1], "which")
    facts = found["phases"]
    assert set(facts["best"]) == set(SHARES)
    told = {row["name"]: row for row in facts["phases"]}
    for name, share in SHARES.items():
        row = told[name]
        assert (row["kind"], row["probability"] > 0.99) == ("present", True)
        assert row["probability_half"] > 0.99
        assert row["probability_double"] > 0.9
        # Lines are exact but for counting; the background at first sight takes some of the intensity.
        assert row["share"]["mean"] == pytest.approx(share, abs=0.03)
        assert row["lines_seen"] >= 3
    assert sum(row["weight_fraction"]["mean"] for row in told.values()) == pytest.approx(1.0, abs=1e-4)
    zinc = told["ZnO-Zincite"]
    assert [edge["edge"] for edge in zinc["cell"]] == ["a", "c"]
    assert all(abs(edge["value"] - edge["library"]) < 5.0 * edge["sd"] for edge in zinc["cell"])
    assert zinc["weight_fraction"]["sd_fit"] < zinc["weight_fraction"]["sd"]
    assert not facts["unknown"]["open"]
    assert facts["arms"]["variational"]["agrees"]
    assert set(facts["arms"]["variational"]["top"]) == set(facts["best"])
    assert facts["library"]["skipped"][0]["file"] == "BN.cif"
    assert (facts["library"]["entries"], facts["library"]["candidates"]) == (6, 5)
    assert facts["beam"]["source"] == "campaign"
    assert facts["beam"]["shares"] == pytest.approx([2 / 3, 1 / 3])


def test_model_errors_are_estimated_where_nothing_is_open(done: tuple[Lab, dict[str, Any]]) -> None:
    """Lines are exact but for counting, so that estimated errors are the least there are."""
    facts, other = (record(done[1], tag)["phases"] for tag in ("which", "zinc"))
    noise = facts["noise"]
    assert (noise["assumed"], noise["estimated"], noise["again"]) == ({"line": 0.15, "form": 0.1}, True, False)
    assert noise["line"] < 0.5 * noise["assumed"]["line"]
    assert all(row["probability_estimated"] > 0.99 for row in facts["phases"] if row["name"] in SHARES)
    assert not other["noise"]["estimated"]
    assert (other["noise"]["line"], other["noise"]["form"]) == (0.15, 0.1)
    assert all(row["probability_estimated"] is None for row in other["phases"])


def test_free_energies_have_errors(done: tuple[Lab, dict[str, Any]]) -> None:
    """Amounts are integrated nearly exactly, and errors are those of 500 draws: some hundredths of a nat."""
    one = record(done[1], "which")
    first, *rest = one["phases"]["sets"]
    assert 0.01 < first["error"] < 0.2
    assert one["standard_error"] == first["error"]
    checked = [row["error"] for row in rest if row["probability"] > 1e-3]
    assert all(0.01 < error < 0.3 for error in checked[:4])
    assert all(row["error"] is None for row in rest if row["probability"] < 1e-3)
    assert one["phases"]["error"] < 1e-3


def test_a_search_goes_without_its_check(done: tuple[Lab, dict[str, Any]]) -> None:
    assert record(done[1], "zinc")["phases"]["arms"]["variational"] is None


def test_weights_follow_from_scales_masses_and_volumes(done: tuple[Lab, dict[str, Any]]) -> None:
    """Hill and Howard's formula by hand, from shares, which are areas: heights of lines a cell are in the library."""
    made, found = done
    rows_of = {row["name"]: row for row in record(found, "which")["phases"]["phases"]}
    window = LineRequest(Window(1.5405929, 20.0, 75.0))
    files = {f"{name}.cif": made.campaign.folder / "cifs" / f"{name}.cif" for name in SHARES}
    mass = {}
    for lines in crystal_library(files, window).lines:
        phase = phase_of(lines)
        area = pattern(X, phase, Beam(), common_start(0.2), np.zeros(phase.strains + 3)).sum()
        mass[lines.name] = SHARES[lines.name] / area * lines.mass * lines.volume
    for name, row in rows_of.items():
        true = mass[name] / sum(mass.values())
        assert abs(row["weight_fraction"]["mean"] - true) < 3.0 * row["weight_fraction"]["sd"]


def test_parameters_are_rows_and_draws_as_of_any_candidate(done: tuple[Lab, dict[str, Any]]) -> None:
    made, found = done
    one = record(found, "which")
    table = {row["parameter"]: row for row in one["parameters"]}
    assert {"ZnO-Zincite.weight_fraction", "ZnO-Zincite.a", "NiO-Bunsenite.a", "instrument.zero"} <= set(table)
    assert "NiO-Bunsenite.texture" not in table  # cubic
    kept = read_records(made.draws("which"))["a"]
    place = [q["name"] for q in one["phases"]["quantities"]].index("ZnO-Zincite.a")
    draws = kept.arrays["theta"][..., place]
    assert draws.shape == (500, 1, 4)
    assert draws.mean() == pytest.approx(table["ZnO-Zincite.a"]["mean"], rel=1e-12)


def test_the_better_library_is_the_more_probable_candidate(done: tuple[Lab, dict[str, Any]]) -> None:
    """Without nickel oxide its lines stay: unknown ones, told with their places, at a cost in free energy."""
    which, zinc = (record(done[1], tag) for tag in ("which", "zinc"))
    assert zinc["phases"]["best"] == ["ZnO-Zincite"]
    assert zinc["phases"]["unknown"]["open"]
    assert zinc["phases"]["unknown"]["lines"][0]["two_theta"] == pytest.approx(37.34, abs=0.1)  # NiO 111
    assert zinc["phases"]["unknown"]["lines"][0]["d"] == pytest.approx(2.41, abs=0.01)
    assert "NiO-Bunsenite.cif" in zinc["phases"]["library"]["outside"]
    assert which["model_probability"] > 0.99


def test_results_repeat_byte_for_byte_whatever_the_batch(done: tuple[Lab, dict[str, Any]], tmp_path: Path) -> None:
    library_in(tmp_path)
    data = {"z": rows(X, counts(2)), "a": rows(X, counts())}
    made = lab(tmp_path, data)
    made.preprocess()
    sample_batch(
        made.campaign, ["z", "a"], "which", made.measurements, made.draws("which"), no_news, Running(threads=2)
    )
    again = read_records(made.draws("which"))["a"]
    first = read_records(done[0].draws("which"))["a"]
    assert timeless(again) == timeless(first)


def test_another_campaign_copies_a_search_with_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    search = phases.find

    def find(*given: Any) -> phases.Found:
        asked.append(1)
        return search(*given)

    monkeypatch.setattr(phases, "find", find)
    written = []
    for name in ("one", "two"):
        library_in(tmp_path / name)
        made = lab(tmp_path / name, {"a": rows(X, counts())})
        made.preprocess()
        running = Running(cache=tmp_path / "shelf")
        sample_batch(made.campaign, ["a"], "which", made.measurements, made.draws("which"), no_news, running)
        written.append(made.draws("which").read_bytes())
    assert written[0] == written[1]
    assert len(asked) == 1


def timeless(one: Record) -> Any:
    arrays, facts = content(one)
    return arrays, facts | {"phases": {key: value for key, value in facts["phases"].items() if key != "seconds"}}


def test_memory_that_is_asked_for_grows_with_the_library(done: tuple[Lab, dict[str, Any]]) -> None:
    made = done[0]
    spec = made.campaign.expanded("which")[0].spec.phases
    assert spec is not None
    less = dataclasses.replace(spec, library=spec.library[:0])
    assert phases_mb(spec) == phases_mb(less) + 6 * 5
    assert phases_mb(spec, 2) == 2 * phases_mb(spec)


def test_a_report_has_tables_of_phases(done: tuple[Lab, dict[str, Any]], tmp_path: Path) -> None:
    made = done[0]
    (made.results / "batches.tsv").write_text(table_text({"a": "b"}))
    build_report(made.campaign, made.results, tmp_path / "report", "make run")
    tables = {
        name: list(csv.DictReader((tmp_path / "report" / "tables" / f"{name}.csv").read_text().splitlines()))
        for name in ("phases", "phase_sets", "unexplained_lines", "library", "parameters")
    }
    whole = [row for row in tables["phases"] if row["candidate"] == "which" and row["kind"] == "present"]
    assert {row["phase"] for row in whole} == set(SHARES)
    assert tables["phase_sets"][0]["phases"].split("+") == sorted(SHARES)
    assert {row["candidate"] for row in tables["unexplained_lines"]} == {"zinc"}
    kinds = {(row["candidate"], row["structure"]): row["kind"] for row in tables["library"]}
    assert kinds["which", "BN.cif"] == "broken"
    assert kinds["zinc", "NiO-Bunsenite.cif"] == "elements"
    assert "ZnO-Zincite.weight_fraction" in {row["parameter"] for row in tables["parameters"]}


def test_torch_has_one_thread_in_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the variational arm took nine times as long with two (8.5 s for 0.9)."""
    library_in(tmp_path, ("NiO-Bunsenite",))
    made = lab(tmp_path, {"a": rows(X, counts(shares={"NiO-Bunsenite": 1.0}))})
    made.preprocess()
    seen = []
    search = phases.find

    def find(*given: Any) -> phases.Found:
        seen.append(torch.get_num_threads())
        return search(*given)

    monkeypatch.setattr(phases, "find", find)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        sample_batch(made.campaign, ["a"], "which", made.measurements, made.draws("which"), no_news, Running(threads=2))
    finally:
        torch.set_num_threads(before)
    assert seen == [1]


def test_long_searches_are_started_first(tmp_path: Path) -> None:
    """One of which the winners are sampled is longer than many; a group is searched, and nothing of it is sampled."""
    library_in(tmp_path)
    long = WHICH.replace("which", "long").replace("most: 4", "most: 4, refine: winners")
    made = lab(tmp_path, dict.fromkeys("abc", rows(X, counts())), WHICH + long)
    book = Rulebook(made.campaign.folder / "campaign.yaml", made.results)
    assert book.work("long", ["a"]) > 10 * book.work("which", ["a", "b", "c"])
    assert book.work("long", ["a", "b"], together=True) == book.work("which", ["a", "b"])


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (5, [2, 2, 1]), (17, [5, 5, 5, 2]), (80, [16] * 5)])
def test_few_searches_are_shared_out_among_jobs(tmp_path: Path, count: int, sizes: list[int]) -> None:
    library_in(tmp_path, ("NiO-Bunsenite",))
    made = lab(tmp_path, {f"m{k:02d}": "1 1\n" for k in range(count)})
    assert [len(ids) for ids in assign_batches(made.campaign, {}).values()] == sizes
    words = (made.campaign.folder / "campaign.yaml").read_text().replace("seed: 7", "seed: 7, batch: 3")
    (made.campaign.folder / "campaign.yaml").write_text(words)
    stated = assign_batches(load_campaign(made.campaign.folder), {})
    assert max(len(ids) for ids in stated.values()) == min(3, count)
