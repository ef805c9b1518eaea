"""What a campaign will take: jobs, seconds, memory and disk, from what a measurement was seen to take.

Arithmetic only; who measures, and which jobs there are, is said elsewhere.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bayesbeam.stages.amount import DRAWS, FULL, SUMMARY, SUMMARY_DRAWS, SUMMARY_LIKELIHOODS

BYTES = 8


@dataclass(frozen=True)
class TagCost:
    """What one candidate takes.

    Attributes
    ----------
    seconds : float
        Of a core, or of a GPU, for a measurement.
    device : str
        ``cpu``, or the name of a GPU.
    measured : int
        Measurements that were looked at.
    disk : mapping of str to float
        Bytes of draws a measurement, by ``sampling.store``.
    error : float
        Standard error of the seconds, for measurements differ and some were looked at.
    """

    seconds: float
    device: str
    measured: int
    disk: Mapping[str, float] = field(default_factory=dict)
    error: float = 0.0


@dataclass(frozen=True)
class Costs:
    """What jobs of a campaign take on this machine.

    Attributes
    ----------
    tags : mapping of str to TagCost
    start_s, summary_start_s : float
        Seconds before a job begins its work, and before one that summarises does.
    preprocess_s, summary_s : float
        Seconds of a measurement to be preprocessed, and of a candidate of one to be summarised.
    measurement_bytes, summary_bytes : float
        Disk of a preprocessed measurement, and of the summary of a candidate of one.
    """

    tags: dict[str, TagCost]
    start_s: float
    summary_start_s: float
    preprocess_s: float
    summary_s: float
    measurement_bytes: float
    summary_bytes: float

    def to_json(self) -> dict[str, Any]:
        """Return a value that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class Work:
    """One job that is to be done: its stage, its candidate if it has one, its measurements, what it waits for."""

    name: str
    stage: str
    tag: str
    measurements: int
    candidates: int = 1
    after: tuple[str, ...] = ()
    memory_mb: int = 0


def seconds_of(work: Work, costs: Costs) -> float:
    """Seconds that a job takes on one core."""
    n = work.measurements
    each = {
        "preprocess": costs.preprocess_s * n,
        "sample": costs.tags[work.tag].seconds * n if work.tag in costs.tags else 0.0,
        "free_energy": costs.summary_s * n * work.candidates,
    }
    start = costs.summary_start_s if work.stage == "free_energy" else costs.start_s
    return start + each.get(work.stage, 0.0)


def error_of(works: Sequence[Work], costs: Costs) -> float:
    """Relative standard error of all seconds together, for what differs between measurements."""
    counts = Counter[str]()
    for work in works:
        counts[work.tag] += work.measurements if work.stage == "sample" else 0
    errors = (costs.tags[tag].error * n for tag, n in counts.items() if tag in costs.tags)
    whole = sum(seconds_of(work, costs) for work in works)
    return math.hypot(*errors) / whole if whole else 0.0


def finish_s(works: Sequence[Work], costs: Costs, slots: int, wait_s: float = 0.0) -> float:
    """Seconds until all jobs are done where so many run at once and each waits a while in a queue.

    Long jobs are started first, as the rules ask for; a job starts when all that it waits for are done.
    """
    length = {work.name: wait_s + seconds_of(work, costs) for work in works}
    left = {work.name: len({name for name in work.after if name in length}) for work in works}
    followers: dict[str, list[str]] = {name: [] for name in length}
    for work in works:
        for name in {name for name in work.after if name in length}:
            followers[name].append(work.name)
    ready = [(-length[name], name) for name, waits in left.items() if not waits]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            _, name = heapq.heappop(ready)
            heapq.heappush(running, (now + length[name], name))
        now, done = heapq.heappop(running)
        for name in followers[done]:
            left[name] -= 1
            if not left[name]:
                heapq.heappush(ready, (-length[name], name))
    return now


def draws_bytes(sweeps: int, chains: int, rungs: int, slots: int, most_draws: int, store: str) -> float:
    """Bytes of the draws of one run: draws of all chains at the first rung, and log-likelihoods of all rungs."""
    kept = sweeps / max(1, -(-sweeps // most_draws))
    likelihoods = {FULL: sweeps, DRAWS: min(sweeps, kept), SUMMARY: min(sweeps, SUMMARY_LIKELIHOODS)}[store]
    kept = min(kept, SUMMARY_DRAWS / chains) if store == SUMMARY else kept
    return BYTES * chains * (kept * slots + likelihoods * rungs)


def disk_bytes(counts: Mapping[str, int], measurements: int, costs: Costs, store: str) -> float:
    """Bytes that results will take: measurements, draws of every candidate, summaries; ``counts`` by tag."""
    draws = sum(costs.tags[tag].disk.get(store, 0.0) * n for tag, n in counts.items() if tag in costs.tags)
    return draws + costs.summary_bytes * sum(counts.values()) + costs.measurement_bytes * measurements


def error_of_mean(values: Sequence[float], of: int) -> float:
    """Standard error of a mean of values that were picked from so many; the mean itself where one is known."""
    if len(values) >= of:
        return 0.0
    spread = statistics.stdev(values) if len(values) > 1 else mean_cost(values)
    return spread * math.sqrt((1.0 - len(values) / of) / max(len(values), 1))


def mean_cost(seconds: Iterable[float]) -> float:
    """Mean seconds of a measurement; nothing where none is known."""
    values = list(seconds)
    return sum(values) / len(values) if values else 0.0
