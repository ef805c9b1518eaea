"""Measurements added to a campaign that is done, taken out of it and put right: only those are worked at."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import h5py
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflow.conftest import Lab

CAMPAIGN = """\
campaign: tiny
candidates:
  flat:
    solve: sample
    parts: [{component: constant, priors: {level: "uniform(0, 3)"}}]
    noise: {family: normal, sigma: 0.1}
simulate:
  name: many
  candidate: flat
  truth: {constant.level: 1}
  axis: {start: 0, stop: 3, points: 31}
  noise_levels: [0.1]
  replicates: 500
sampling: {target_standard_error: 10, seed: 1, max_sweeps: 200, chains: 4, replicas: 8, draws: 100, batch: 50}
report: {title: Many measurements}
"""


def contents(lab: Lab, folder: str) -> dict[Path, str]:
    """Return the hash of every file below a folder of the results."""
    files = (path for path in (lab.results / folder).rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def sampled(lab: Lab) -> dict[str, str]:
    """Return the key of every record of draws, by its measurement."""
    found = {}
    for path in lab.results.glob("samples/*/*.h5"):
        with h5py.File(path) as file:
            found |= {name: str(file[name].attrs["facts"]) for name in file}
    return found


def timed(lab: Lab) -> tuple[float, list[str]]:
    """Run all that is to be done; return the seconds of CPU that it took, all of its jobs included, and these."""
    before = os.times()
    said = lab.run("--quiet", "progress")
    words = said.stdout + said.stderr
    after = os.times()
    spent = sum(getattr(after, kind) - getattr(before, kind) for kind in ("children_user", "children_system"))
    return spent, re.findall(r"^Job \d+: (.*)$", words, flags=re.MULTILINE)


@pytest.mark.nightly
def test_ten_more_than_five_hundred_sample_ten(lab: Lab) -> None:
    lab = replace(lab, timeout_s=1800)
    lab.campaign.write_text(CAMPAIGN)
    (lab.campaign.parent / "measurements.tsv").unlink()
    first, jobs = timed(lab)
    assert len([job for job in jobs if job.startswith("sample flat")]) == 10
    records, draws, energies = sampled(lab), contents(lab, "samples"), contents(lab, "free_energy")
    measurements = contents(lab, "measurements")
    assert len(records) == 500
    lab.replace("replicates: 500", "replicates: 510")
    second, jobs = timed(lab)
    ten = "10 measurements (many_sd0.1_501 ... many_sd0.1_510)"
    assert [job for job in jobs if "sample" in job] == [f"sample flat for {ten}"]
    assert [job for job in jobs if "free energies" in job] == [f"free energies of {ten}"]
    assert len(jobs) == 5, "the table of batches, preprocess, sample, free energy, report"
    for folder, before in (("samples", draws), ("free_energy", energies), ("measurements", measurements)):
        after = contents(lab, folder)
        assert {path: after[path] for path in before} == before
    assert len(sampled(lab)) == 510
    print(f"500 measurements: {first:.0f} s of CPU; 10 more: {second:.0f} s, {second / first:.3f} times as much")
    # Ten of five hundred are 0.02 of the sampling; starting, planning and the report of 510 come besides.
    assert second < first / 3
    lab.replace("replicates: 510", "replicates: 500")
    _, jobs = timed(lab)
    assert jobs == ["write the report"]
