"""What a run would do, before it does it: jobs, hours, memory, disk and when it would be done.

Decides the words, and that measurements are put into batches by what they were seen to take.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayesbeam.errors import StoreError
from bayesbeam.io.atomic import write_json
from bayesbeam.launch.calibrate import calibrate
from bayesbeam.launch.snakemake import Order, environment
from bayesbeam.stages.amount import DRAWS, FULL, SUMMARY
from bayesbeam.stages.cost import Costs, Work, disk_bytes, error_of, finish_s, seconds_of
from bayesbeam.stages.plan import JOBS_ELSEWHERE, MOST_PLANNED, write_batches
from bayesbeam.stages.progress import clock
from bayesbeam.stages.rulebook import Rulebook
from bayesbeam.stages.works import works_of

FILE = "plan.json"
GIB = 2.0**30
_JOB = re.compile(r"Job \d+: (.*)$")
# From the submission of a job to its first line, on a cluster with free nodes.
_CLUSTER_WAIT_S = 10.0
# Results that a sampling job may hold of what it has finished, bytes.
HELD_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Forecast:
    """What is left to be done, and what it takes.

    Attributes
    ----------
    works : tuple of Work
        Jobs of known cost.
    others : dict
        Jobs whose cost is not foretold (joint analyses, series), by their words.
    costs : Costs
        What they are foretold from.
    slots : int
        Jobs that run at once.
    """

    works: tuple[Work, ...]
    others: Mapping[str, int]
    costs: Costs
    slots: int
    wait_s: float
    store: str
    measurements: int

    def hours(self, gpu: bool) -> float:
        """Hours of one core, or of one GPU."""
        return sum(seconds_of(work, self.costs) for work in self.works if self._on_gpu(work) == gpu) / 3600.0

    def _on_gpu(self, work: Work) -> bool:
        """Whether a job computes on a GPU."""
        return work.tag in self.costs.tags and self.costs.tags[work.tag].device != "cpu"

    @property
    def seconds(self) -> float:
        """Seconds until the last job is done."""
        return finish_s(self.works, self.costs, self.slots, self.wait_s)

    @property
    def error(self) -> float:
        """Relative standard error of all seconds, for measurements differ and some were looked at."""
        return error_of(self.works, self.costs)

    @property
    def counts(self) -> Counter[str]:
        """Measurements to be sampled, by tag."""
        found: Counter[str] = Counter()
        for work in self.works:
            if work.stage == "sample":
                found[work.tag] += work.measurements
        return found

    def disk(self, store: str) -> float:
        """Bytes of what is still to be written."""
        treated = sum(work.measurements for work in self.works if work.stage == "preprocess")
        return disk_bytes(self.counts, treated, self.costs, store)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers, for other programs."""
        return {
            "format": 1,
            "measurements": self.measurements,
            "jobs": len(self.works) + sum(self.others.values()),
            "not_foretold": dict(self.others),
            "core_hours": self.hours(gpu=False),
            "gpu_hours": self.hours(gpu=True),
            "seconds": self.seconds,
            "relative_error": self.error,
            "at_once": self.slots,
            "memory_mb": max((work.memory_mb for work in self.works), default=0),
            "disk_bytes": {store: self.disk(store) for store in (FULL, DRAWS, SUMMARY)},
            "store": self.store,
            "costs": self.costs.to_json(),
        }


def forecast(order: Order, book: Rulebook) -> tuple[Forecast, Rulebook]:
    """Measure, put new measurements into batches, ask Snakemake what is to be done, and foretell what that takes."""
    costs = calibrate(order, book, print)
    folder = order.place.workdir / book.folder
    seconds = {tag: one.seconds for tag, one in costs.tags.items()}
    at_once = JOBS_ELSEWHERE if order.elsewhere else order.cores
    most = _most(costs, book.campaign.campaign.sampling.store)
    write_batches(book.campaign, folder / "batches.tsv", seconds, at_once, most)
    book = Rulebook(order.campaign, order.place.results, order.place.workdir)
    planned, known = _planned(order), works_of(book)
    works = tuple(known[name] for name in planned if name in known)
    others = Counter(name.split()[0] for name in planned if name not in known and not name.startswith("plan "))
    sampling = book.campaign.campaign.sampling
    slots, wait = (order.profile.jobs, _CLUSTER_WAIT_S) if order.profile and order.elsewhere else (order.cores, 0.0)
    found = Forecast(works, others, costs, slots, wait, sampling.store, len(book.campaign.sheet))
    write_json(folder / FILE, found.to_json())
    return found, book


def _most(costs: Costs, store: str) -> int:
    """Measurements whose results of one candidate a job may hold before it writes them."""
    largest = max((one.disk.get(store, 0.0) for one in costs.tags.values()), default=0.0)
    return max(1, min(MOST_PLANNED, int(HELD_BYTES / largest))) if largest else MOST_PLANNED


def say_forecast(found: Forecast, book: Rulebook, folder: Path) -> None:
    """Print a forecast as a table and a few lines."""
    if not found.works and not found.others:
        print("Nothing is left to be done.")
        return
    jobs: Counter[str] = Counter()
    for work in found.works:
        jobs[work.tag or work.stage] += 1
    print(f"\n{'':24}{'jobs':>6}{'measurements':>14}{'s each':>9}{'hours':>9}{'MB a job':>10}")
    tags = [tag for row in book.campaign.sheet for tag in book.campaign.tags(row.id)]
    for name in [one for one in dict.fromkeys(["preprocess", *tags, "free_energy", "report"]) if one in jobs]:
        mine = [work for work in found.works if (work.tag or work.stage) == name]
        rows = sum(work.measurements for work in mine)
        seconds = sum(seconds_of(work, found.costs) for work in mine)
        memory = max(work.memory_mb for work in mine)
        each = f"{found.costs.tags[name].seconds:9.2f}" if name in found.costs.tags else f"{'':9}"
        size = f"{memory:10d}" if memory else ""
        print(f"{name:24}{jobs[name]:6d}{rows:14d}{each}{seconds / 3600.0:9.2f}{size}")
    disks = {store: found.disk(store) / GIB for store in (FULL, DRAWS, SUMMARY)}
    others = ", ".join(f"{store} {size:.1f}" for store, size in disks.items() if store != found.store)
    free = shutil.disk_usage(folder).free / GIB
    end = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + found.seconds))
    on_gpu = f", {found.hours(gpu=True):.2f} GPU hours" if found.hours(gpu=True) else ""
    number = len(found.works) + sum(found.others.values())
    print(f"\n{number} jobs, {found.hours(gpu=False):.2f} core hours{on_gpu}")
    for name, number in found.others.items():
        print(f"not foretold: {number} jobs '{name} ...', which wait for those above or take little")
    error = f", +- {100.0 * found.error:.0f} % as measurements differ," if found.error > 0.005 else ""
    print(f"{clock(found.seconds)}{error} with {found.slots} jobs at once: done at about {end} if started now")
    print(f"disk: {disks[found.store]:.1f} GiB with store: {found.store} ({others}); {free:.1f} GiB are free")
    if disks[found.store] > 0.9 * free:
        print("The disk is too small: choose another folder with --results, or another sampling.store.")
    print(f"The same numbers are in {folder / FILE}.")


def _planned(order: Order) -> list[str]:
    """Jobs that a dry run lists, by their words.

    Raises
    ------
    StoreError
        If the dry run fails.
    """
    done = subprocess.run(
        [*order.command, "--dry-run"], capture_output=True, text=True, check=False,
        env=environment(order.place.workdir),
    )  # fmt: skip
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise StoreError.at(str(order.place.workdir), last, "a dry run of Snakemake", "Run the campaign to see more.")
    found = (_JOB.match(line) for line in (done.stdout + done.stderr).splitlines())
    return list(dict.fromkeys(match[1] for match in found if match))
