"""Jobs cancelled, a node lost, the main process killed, time limits: a campaign ends with the bytes of a quiet run.

And no work is done twice beyond one checkpoint interval: a job that is started again goes on from its checkpoint.
"""

from __future__ import annotations

import itertools
import random
import re
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest
from tests.slurm.cluster import Cluster
from tests.slurm.conftest import Site, finish, until

pytestmark = [pytest.mark.slurm, pytest.mark.nightly, pytest.mark.xdist_group("slurm")]

# Sampling of half a minute or more, and of two minutes or more.
LONG, LONGER = (f"target_standard_error: 0.001, max_sweeps: {sweeps}" for sweeps in (60_000, 400_000))
SAMPLING, GOING_ON = "engine cpu", "Going on from the checkpoint"
SETTINGS = {
    "slurm-init-seconds-before-status-checks": 2,
    "slurm-keep-successful-logs": True,
    "groups": {"free_energy": "end", "report": "end"},
    "set-resources": {"sample": {"gpu": 1}},  # each node has one, so each job has a node to itself
}
ACTIVE = "pending,configuring,running,completing,suspended"


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the results of an undisturbed run on this machine."""
    site = Site(tmp_path_factory.mktemp("quiet") / "here").make(sampling=LONG, batch=1)
    site.run()
    return site.content()


def cluster_site(cluster: Cluster, folder: Path, sampling: str = LONG, **settings: object) -> Site:
    """Return the campaign, to be run through a cluster."""
    return Site(folder / "on a cluster", cluster, SETTINGS | settings).make(sampling=sampling, batch=1)


def samplers(cluster: Cluster, states: str = "running") -> list[str]:
    """Return the numbers of sampling jobs in some states."""
    return [job.split()[0] for job in cluster.jobs(states, "%i %k") if "rule_sample_" in job]


def at_work(site: Site) -> int:
    """Return how many sampling jobs have begun to sample."""
    return sum(SAMPLING in log for log in site.logs().values())


def spans(cluster: Cluster, since: datetime) -> dict[str, list[tuple[datetime, datetime]]]:
    """Return when the jobs of each name ran, of those that were submitted since some time."""
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    for line in cluster.jobs("all", "%V|%S|%e|%k"):
        submitted, *times, name = line.split("|", 3)
        if datetime.fromisoformat(submitted) >= since.replace(microsecond=0) and "N/A" not in times:
            begin, end = map(datetime.fromisoformat, times)
            found.setdefault(name, []).append((begin, end))
    return {name: sorted(times) for name, times in found.items()}


def see_that_nothing_overlaps(cluster: Cluster, since: datetime) -> None:
    """See that no job was there twice at a time."""
    for name, times in spans(cluster, since).items():
        for (_, end), (begin, _) in itertools.pairwise(times):
            assert begin >= end - timedelta(seconds=1), name


def kill_main(process: subprocess.Popen[str]) -> None:
    """Kill a run and its Snakemake as a crash of the login node would; jobs do not notice."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        member.kill()
    process.communicate()


def test_kill_9_of_the_main_process(idle: Cluster, quiet: dict[str, bytes], tmp_path: Path) -> None:
    since = datetime.now()
    site = cluster_site(idle, tmp_path)
    process = site.start()
    until(lambda: at_work(site) == 2, process)
    kill_main(process)
    running = samplers(idle)
    assert len(running) == 2, "jobs are not to end with the main process"
    said = site.run()
    assert "The last run did not come to its end" in said
    assert "2 jobs of a former run still queued or running" in said
    assert site.content() == quiet
    see_that_nothing_overlaps(idle, since)
    # Those jobs came to their end. Where they were started again, nothing was left to sample.
    again = [name for name, times in spans(idle, since).items() if "rule_sample_" in name and len(times) > 1]
    assert [SAMPLING in log for log in site.logs().values()].count(True) == 2 - len(again)


def test_jobs_of_a_killed_run_are_cancelled_where_asked(idle: Cluster, quiet: dict[str, bytes], tmp_path: Path) -> None:
    site = cluster_site(idle, tmp_path)
    process = site.start()
    until(lambda: at_work(site) == 2, process)
    time.sleep(12.0)
    kill_main(process)
    said = site.run("--leftover", "cancel")
    assert "cancelling them" in said
    assert site.content() == quiet
    # SLURM's SIGTERM came first: each job stopped at a checkpoint.
    assert all(GOING_ON in log for log in site.logs().values())


def test_a_watch_goes_on_after_its_snakemake_was_killed(idle: Cluster, quiet: dict[str, bytes], tmp_path: Path) -> None:
    since = datetime.now()
    site = cluster_site(idle, tmp_path)
    process = site.start("--every", "1", "--until-idle", "10", command="watch")
    until(lambda: at_work(site) == 2, process)
    of_snakemake = [one for one in psutil.Process(process.pid).children() if "snakemake" in " ".join(one.cmdline())]
    assert len(of_snakemake) == 1
    of_snakemake[0].kill()
    campaign = site.workdir / "campaign" / "campaign.yaml"
    campaign.write_text(campaign.read_text() + "# Something new, for which the watch runs again.\n")
    said = finish(process)
    assert "Snakemake was ended by signal 9" in said
    assert "2 jobs of a former run still queued or running" in said
    assert site.content() == quiet
    see_that_nothing_overlaps(idle, since)


def test_jobs_cancelled_at_random(idle: Cluster, quiet: dict[str, bytes], tmp_path: Path) -> None:
    since, source = datetime.now(), random.Random(11)
    site = cluster_site(idle, tmp_path, retries=5)
    process, cancelled = site.start(), 0
    until(lambda: at_work(site) == 2, process)
    while process.poll() is None and cancelled < 4:
        if jobs := samplers(idle):
            job = source.choice(jobs)
            idle.command("scancel", job)
            cancelled += 1
            until(lambda ended=job: ended not in samplers(idle, ACTIVE))
        time.sleep(source.uniform(1.0, 15.0))
    finish(process)
    assert cancelled >= 2
    assert site.content() == quiet
    see_that_nothing_overlaps(idle, since)
    assert any(GOING_ON in log for log in site.logs().values())


def test_a_node_that_is_set_down(idle: Cluster, quiet: dict[str, bytes], tmp_path: Path) -> None:
    site = cluster_site(idle, tmp_path)
    process = site.start()
    until(lambda: at_work(site) == 2, process)
    time.sleep(10.0)
    job = samplers(idle)[0]
    node = idle.command("squeue", "-h", "-j", job, "--format=%N").strip()
    idle.command("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    until(lambda: job not in samplers(idle))
    finish(process)
    assert site.content() == quiet
    restarts = re.findall(r"Restarts=(\d+)", idle.command("scontrol", "show", "job", job))
    assert restarts == ["1"], "SLURM is to start a job of a lost node again"


def test_a_time_limit_is_warned_of_and_the_job_goes_on(idle: Cluster, tmp_path: Path) -> None:
    """Two minutes at the first attempt, of which SLURM uses one or two for the warning; the sampling takes longer."""
    here = Site(tmp_path / "here").make(sampling=LONGER, batch=1)
    here.run()
    resources = {"sample": {"runtime": "2 * attempt", "slurm_extra": "'--signal=USR1@60'"}}
    site = cluster_site(idle, tmp_path, LONGER, **{"set-resources": resources})
    process = site.start()
    stopped = set()
    while process.poll() is None:
        stopped |= {tag for tag, log in site.logs().items() if "Stopped as asked, at a checkpoint." in log}
        time.sleep(0.5)
    said = finish(process)
    assert "Done in" in said
    assert site.content() == here.content()
    assert stopped
    assert any(GOING_ON in log for log in site.logs().values())
    assert not [job for job in idle.jobs("timeout", "%k") if "rule_sample_" in job], "the limit was reached"
