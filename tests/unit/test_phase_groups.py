"""Scans searched for phases together: whether they are of one sample, and what they have in common then."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.io.samples import read_records
from bayesbeam.stages.plan import table_text
from bayesbeam.stages.report import build_report
from bayesbeam.stages.rulebook import Rulebook
from bayesbeam.stages.sample import sample_group
from phase_lab import SHARES, X, counts, lab, library_in
from stage_fixture import Lab, content, no_news, rows, strict

TRACE = {"ZnO-Zincite": 0.58, "NiO-Bunsenite": 0.38, "CaF2-Fluorite": 0.04}
OTHER = {"ZnO-Zincite": 0.2, "NiO-Bunsenite": 0.8}


def group(name: str, *members: str) -> str:
    return (
        f"  - {{group: {name}, measurements: [{', '.join(members)}], candidate: which, "
        "shared: [phases.share, phases.cell]}\n"
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, dict[str, Any]]:
    """A short and a long scan of one sample, one of another, one of another range; groups of two of them."""
    folder = tmp_path_factory.mktemp("scans")
    library_in(folder)
    data = {
        "short": rows(X, counts(1, TRACE, times=0.25)),
        "long": rows(X, counts(2, TRACE)),
        "other": rows(X, counts(3, OTHER)),
        "narrow": rows(X[:700], counts(4, SHARES)[:700]),
    }
    groups = group("same", "short", "long") + group("apart", "short", "other") + group("ranges", "long", "narrow")
    made = lab(folder, data, integration=groups)
    made.separate()
    answers = {}
    for name in ("same", "apart", "ranges"):
        made.join(name)
        answers[name] = strict(made.integrate(name))
    return made, answers


def parameters(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["parameter"]: one for one in row["parameters"]}


def alone(made: Lab, measurement: str) -> dict[str, Any]:
    found = strict(made.results / "free_energy" / "b.json")["records"]
    return next(one for one in found if one["measurement"] == measurement)


def test_two_scans_of_one_sample_are_integrated_and_those_of_two_are_not(done: tuple[Lab, dict[str, Any]]) -> None:
    same, apart = done[1]["same"], done[1]["apart"]
    assert same["best"]["probability"] > 0.99
    assert same["decision"].startswith("Integrate: ")
    assert apart["best"]["probability"] < 0.01
    assert apart["decision"].startswith("Do not integrate: ")


def test_the_free_energy_is_that_of_the_scans_apart_less_the_log_odds(done: tuple[Lab, dict[str, Any]]) -> None:
    made, answers = done
    (row,) = answers["same"]["rows"]
    separate = sum(alone(made, name)["free_energy"] for name in ("short", "long"))
    log_odds = -read_records(made.results / "integration/same/which.h5")["same"].facts["free_energy"]["value"]
    assert row["gain"] == pytest.approx(log_odds, abs=1e-6)
    assert row["free_energy"] == pytest.approx(separate - log_odds)
    assert row["probability"] == pytest.approx(1.0 / (1.0 + np.exp(-log_odds)))


def test_what_is_integrated_is_narrower_and_near_each(done: tuple[Lab, dict[str, Any]]) -> None:
    made, answers = done
    (row,) = answers["same"]["rows"]
    together = parameters(row)
    assert set(answers["same"]["common"]) == {name for name in together if not name.endswith("weight_fraction")}
    for name in ("ZnO-Zincite.share", "ZnO-Zincite.a", "NiO-Bunsenite.share", "ZnO-Zincite.weight_fraction"):
        each = [parameters(alone(made, scan))[name] for scan in ("short", "long")]
        assert min(one["mean"] for one in each) - each[0]["sd"] < together[name]["mean"]
        assert together[name]["mean"] < max(one["mean"] for one in each) + each[0]["sd"]
        if not name.endswith("weight_fraction"):
            assert together[name]["sd"] < min(one["sd"] for one in each)
    assert together["ZnO-Zincite.share"]["mean"] == pytest.approx(0.58, abs=0.05)
    weights = [one["mean"] for name, one in together.items() if name.endswith("weight_fraction")]
    assert sum(weights) == pytest.approx(1.0)


def test_phases_found_together_are_told_with_the_scans_that_have_them(done: tuple[Lab, dict[str, Any]]) -> None:
    (row,) = done[1]["same"]["rows"]
    told = {one["name"]: one for one in row["phases"]}
    assert set(TRACE) == {name for name, one in told.items() if one["probability"] > 0.5}
    assert told["CaF2-Fluorite"]["present"]["long"] > 0.9
    assert told["ZnO-Zincite"]["formula"] == "O Zn"


def test_scans_of_different_ranges_are_refused(done: tuple[Lab, dict[str, Any]]) -> None:
    found = done[1]["ranges"]
    assert found["rows"] == []
    assert found["decision"].startswith("Not integrated: measurement narrow: 25 to ")
    assert "Write the range that all have under range of the treatment." in found["decision"]


def test_a_group_is_searched_alike_again_and_its_record_kept(done: tuple[Lab, dict[str, Any]], tmp_path: Path) -> None:
    made = done[0]
    first = made.results / "integration/same/which.h5"
    out = tmp_path / "test" / "integration" / "same" / "which.h5"
    sample_group(made.campaign, "same", "which", made.measurements, out, no_news)
    once, again = (content(read_records(path)["same"]) for path in (first, out))
    assert once[0] == again[0]
    kept = out.stat().st_size, content(read_records(out)["same"])
    sample_group(made.campaign, "same", "which", made.measurements, out, no_news)
    assert (out.stat().st_size, content(read_records(out)["same"])) == kept


def test_a_group_is_one_job_and_no_blocks_are_compared(done: tuple[Lab, dict[str, Any]]) -> None:
    made = done[0]
    book = Rulebook(made.campaign.folder / "campaign.yaml", made.results)
    assert (book.joint_names("same"), book.block_names("same")) == (["which"], [])
    assert book.group_mb("same", "which") > 0
    assert book.integrate_key("same") != book.integrate_key("apart")


def test_the_report_shows_the_groups(done: tuple[Lab, dict[str, Any]]) -> None:
    made = done[0]
    (made.results / "batches.tsv").write_text(table_text(dict.fromkeys(made.campaign.ids, "b")))
    build_report(made.campaign, made.results, made.results / "report", "make run")
    page = (made.results / "report" / "index.html").read_text()
    assert "ntegrate short and long: one common share and cell describes both" in page
    assert "eep short and other apart" in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    i = text.index("Phases of same phase probability wt % together short long")
    mass = r"(\S+) ± \S+ "
    found = re.search(rf"ZnO-Zincite &gt; 0.999 {mass}{mass}{mass}", text[i : i + 400])
    assert found is not None
    expected = [done[1]["same"]["rows"][0], alone(made, "short"), alone(made, "long")]
    zinc = [100.0 * parameters(one)["ZnO-Zincite.weight_fraction"]["mean"] for one in expected]
    assert [float(one) for one in found.groups()] == pytest.approx(zinc, abs=0.6)
    assert "What structures get wrong is the same in all scans" in text
    with (made.results / "report" / "tables" / "phases_together.csv").open(newline="") as file:
        rows_of = [row for row in csv.DictReader(file) if row["phase"] == "ZnO-Zincite"]
    of_groups = [("same", "", "short", "long"), ("apart", "", "short", "other")]
    wanted = [(name, scan) for name, *scans in of_groups for scan in scans]
    assert [(row["group"], row["measurement"]) for row in rows_of] == wanted
    for row, numbers in zip(rows_of, expected, strict=False):
        told = parameters(numbers)
        assert float(row["share"]) == told["ZnO-Zincite.share"]["mean"]
        assert float(row["weight_q975"]) == told["ZnO-Zincite.weight_fraction"]["q975"]
        assert row["cell"].startswith(f"a={told['ZnO-Zincite.a']['mean']:.7g}(")
    assert float(rows_of[0]["probability"]) > 0.999
    table = (made.results / "report" / "tables" / "integration.csv").read_text()
    assert "same,which: phases.share+phases.cell," in table
