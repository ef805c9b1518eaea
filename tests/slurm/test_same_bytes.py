"""A campaign through a SLURM of three nodes has the results of one machine, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.slurm.cluster import Cluster
from tests.slurm.conftest import Site, finish

pytestmark = [pytest.mark.slurm, pytest.mark.xdist_group("slurm")]


def test_a_campaign_on_three_nodes(idle: Cluster, tmp_path: Path) -> None:
    # Groups of jobs, for each wait for SLURM's answer costs seconds. Each job that samples has a fake GPU.
    groups = {"preprocess": "one", "sample": "one", "free_energy": "end", "report": "end"}
    settings = {"slurm-init-seconds-before-status-checks": 12, "groups": groups}
    settings |= {"set-resources": {"sample": {"gpu": 1}}}
    here = Site(tmp_path / "here").make(batch=1)
    there = Site(tmp_path / "on a cluster", idle, settings).make(batch=1)
    local = here.start()
    said = there.run()
    finish(local)
    assert "Done in" in said
    assert there.content() == here.content()
    assert {name.split("/")[0] for name in here.content()} >= {"measurements", "samples", "free_energy", "report"}
    form = "comment:100,state:20,nodelist:20,tres-per-job:40"
    jobs = sorted(job.split() for job in idle.command("squeue", "-h", "--states=all", "-O", form).splitlines())
    assert [job[0].startswith("rule_one") for job in jobs] == [False, True, True]
    assert {job[1] for job in jobs} == {"COMPLETED"}
    assert len({job[2] for job in jobs[1:]}) == 2
    assert [job[3] for job in jobs] == ["N/A", "gres:gpu:1", "gres:gpu:1"]
