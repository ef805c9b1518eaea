"""A search for phases through the workflow: from a pattern and CIFs to tables, and what a change of a CIF plans."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bayesbeam.config.load import load_campaign
from bayesbeam.io.samples import read_records
from bayesbeam.launch.answers import answers, summaries
from bayesbeam.stages.memory import phases_mb
from bayesbeam.stages.rulebook import Rulebook
from phase_lab import SHARES, TREATMENT, X, counts, library_in
from stage_fixture import rows

if TYPE_CHECKING:
    from tests.workflow.conftest import Lab

REPORT = "write the report"
CAMPAIGN = f"""\
campaign: tiny
treatments: {{default: {TREATMENT}}}
candidates:
  which:
    phases: {{library: cifs, most: 4, elements: made_of}}
sampling: {{seed: 1, batch: 16}}
"""


def test_from_cifs_to_tables_and_a_changed_structure_is_searched_anew(lab: Lab) -> None:
    cifs = library_in(lab.workdir)
    lab.campaign.write_text(CAMPAIGN)
    for name in ("good", "empty"):
        (lab.campaign.parent / "data" / f"{name}.txt").write_text(rows(X, counts()))
    sheet = "id\tfile\tmade_of\ngood\tdata/good.txt\tZn Ni O\nempty\tdata/empty.txt\tHe\n"
    (lab.campaign.parent / "measurements.tsv").write_text(sheet)
    # The one that no structure may explain is named, with its reason; the other is finished.
    lab.run()
    with (lab.results / "report" / "tables" / "phases.csv").open(newline="") as file:
        found = {row["phase"] for row in csv.DictReader(file) if row["kind"] == "present"}
    assert found == set(SHARES)
    page = (lab.results / "report" / "index.html").read_text(encoding="utf-8")
    assert "no structure of He alone" in page
    assert list((lab.results / "libraries").glob("*/lines-*.npz"))
    book = Rulebook(lab.campaign, lab.results.parent)
    (line,) = (one for one in answers(book, lab.workdir, summaries(book, lab.workdir)) if one.startswith("good: "))
    assert re.search(r" \(which has F = \d+\.\d+ \+- 0\.\d+\)$", line)
    (draws,) = lab.results.glob("samples/*/which.h5")
    asked = phases_mb(load_campaign(lab.campaign.parent).by_tag("which").spec.phases)
    took = read_records(draws)["good"].facts["peak_memory_mb"] * 1.048576
    assert asked / 4 < took < asked

    assert lab.planned() == set()
    file = cifs / "ZnO-Zincite.cif"
    file.write_bytes(file.read_bytes() + b"\n# looked at again\n")
    planned = lab.planned()
    assert {job.split(" for ")[0] for job in planned} == {"sample which", "free energies of good, empty", REPORT}


def test_threads_of_a_job_are_not_those_of_linear_algebra(lab: Lab) -> None:
    """Whichever script: what Snakemake sets for a job of two threads is set back by the job's own words."""
    dry = lab.snakemake("--dry-run", "--printshellcmds", "--cores", "2", "--set-threads", "sample=2")
    (words,) = {line.strip() for line in dry.stdout.splitlines() if "sample.py" in line and "-k1" in line}
    assert "--threads 2" in words
    assert " env OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 " in words
