"""What `bayesbeam plan` foretells is what a run then does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from bayesbeam.stages.plan import read_batches
from bayesbeam.stages.rulebook import Rulebook
from bayesbeam.stages.works import works_of

if TYPE_CHECKING:
    from tests.workflow.conftest import Lab


def test_every_job_of_a_measurement_is_known_by_the_words_of_its_rule(lab: Lab) -> None:
    book = Rulebook(lab.campaign, lab.results.parent)
    planned = {
        name for name in lab.planned() if not re.match("plan |integrate |compare blocks |sample .* jointly", name)
    }
    assert planned == set(works_of(book))


@pytest.mark.nightly
def test_a_plan_says_what_a_run_takes_and_a_run_follows_it(lab: Lab) -> None:
    lab.replace(", batch: 2", "")
    said = lab.cli("plan", "--cores", "2")
    assert said.returncode == 0, said.stderr
    plan = json.loads((lab.results / "plan.json").read_text())
    assert plan["measurements"] == 3
    assert f"{plan['jobs']} jobs" in said.stdout
    assert set(plan["costs"]["tags"]) == {"peaks-k1", "peaks-k2", "flat"}
    assert plan["relative_error"] == 0.0, "all of them were looked at"
    assert plan["disk_bytes"]["full"] >= plan["disk_bytes"]["summary"] > 0
    assert not (lab.results / "calibration").exists()
    assert not (lab.results / "samples").exists()
    before = read_batches(lab.results / "batches.tsv")
    assert set(before) == {"a", "b", "c"}
    done = lab.cli("run", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    # The job that writes batches.tsv is not counted: the plan has written it.
    jobs = len(re.findall(r"^\[", done.stdout, flags=re.MULTILINE))
    assert plan["jobs"] <= jobs <= plan["jobs"] + 1
    assert read_batches(lab.results / "batches.tsv") == before
    again = lab.cli("plan")
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1] == "Nothing is left to be done."
