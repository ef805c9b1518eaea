"""What a change plans: its own chain and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflow.conftest import Lab

REPORT = "write the report"


def sampling_times(lab: Lab) -> dict[Path, int]:
    """Return when each file of draws was written."""
    return {path: path.stat().st_mtime_ns for path in lab.results.glob("samples/*/*.h5")}


def test_nothing_after_a_finished_run_wherever_it_lies(finished: Lab) -> None:
    assert finished.planned() == set()
    assert finished.planned("--profile", str(finished.root / "workflow" / "profiles" / "local")) == set()


def test_report_title_plans_the_report_only(finished: Lab) -> None:
    finished.replace("title: A tiny campaign", "title: Another title")
    assert finished.planned() == {REPORT}


def test_new_candidate_plans_its_sampling_and_what_follows(finished: Lab) -> None:
    finished.replace("sampling:", "  sloped:\n    measurements: [c]\n    parts: [{component: linear}]\nsampling:")
    assert finished.planned() == {"sample sloped for c", "free energies of c", REPORT}


def test_wider_count_range_plans_the_new_count_only(finished: Lab) -> None:
    finished.replace("count: 1..2", "count: 1..3")
    assert finished.planned() == {
        "sample peaks-k3 for a, b",
        "sample peaks-k3 jointly for group pair",
        "free energies of a, b",
        "compare blocks of group pair",
        "integrate group pair",
        REPORT,
    }


@pytest.mark.nightly
def test_new_measurement_plans_its_own_chain(finished: Lab) -> None:
    finished.sheet("d", "a", "b", "c")
    assert finished.planned() == {
        "plan batches of measurements",
        "preprocess d",
        "sample flat for d",
        "free energies of d",
        REPORT,
    }
    before = sampling_times(finished)
    finished.run()
    after = sampling_times(finished)
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1
    assert finished.planned() == set()


def test_removed_measurement_samples_nothing(finished: Lab) -> None:
    finished.sheet("a", "b")
    assert finished.planned() == {REPORT}


def test_changed_data_file_plans_its_chain_and_samples_one_member(finished: Lab) -> None:
    draws = finished.results / "samples"
    before = {path: members(path) for path in draws.glob("*/peaks-k1.h5")}
    finished.data("b", seed=17)
    chain = {
        "preprocess b",
        "sample flat for a, b",
        "sample peaks-k1 for a, b",
        "sample peaks-k2 for a, b",
        "sample peaks-k1 jointly for group pair",
        "sample peaks-k2 jointly for group pair",
        "free energies of a, b",
        "compare blocks of group pair",
        "integrate group pair",
        REPORT,
    }
    assert finished.planned() == chain
    finished.run()
    for path, old in before.items():
        new = members(path)
        assert all(np.array_equal(old["a"][name], new["a"][name]) for name in old["a"])
        assert any(not np.array_equal(old["b"][name], new["b"][name]) for name in old["b"])
    assert finished.planned() == set()


def test_touched_data_file_plans_nothing(finished: Lab) -> None:
    path = finished.campaign.parent / "data" / "a.txt"
    path.touch()
    assert finished.planned() == set()


def test_reworded_campaign_file_plans_nothing(finished: Lab) -> None:
    text = finished.campaign.read_text()
    finished.campaign.write_text("# a comment\n" + text.replace("sampling: {", "sampling: {device: cpu, "))
    jobs = finished.planned()
    assert jobs <= {REPORT}


def test_a_failed_job_runs_again_although_its_old_draws_are_there(finished: Lab) -> None:
    measurement = finished.results / "measurements" / "c.h5"
    good = measurement.read_bytes()
    measurement.write_bytes(b"not HDF5")
    failed = finished.snakemake("--cores", "2", "--keep-going")
    assert failed.returncode == 1
    assert re.search(r"Error in rule sample", failed.stdout + failed.stderr)
    assert list(finished.results.glob("samples/*/flat.h5"))
    measurement.write_bytes(good)
    assert "sample flat for c" in finished.planned()


def members(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of every measurement in a file of draws."""
    with h5py.File(path) as file:
        return {name: {key: file[name][key][()] for key in file[name]} for name in file}
