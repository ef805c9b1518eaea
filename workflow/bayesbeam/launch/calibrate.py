"""Short measured runs of a campaign's own jobs on a few of its measurements, and what earlier runs took.

Decides which measurements are looked at, and what of a job is its start. Nothing here changes a result: the files go
into a folder of their own and are removed.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

from bayesbeam.errors import StoreError
from bayesbeam.io.atomic import write_text
from bayesbeam.io.samples import Record, read_records
from bayesbeam.launch.snakemake import Order
from bayesbeam.stages.amount import DRAWS, FULL, SUMMARY
from bayesbeam.stages.cost import Costs, TagCost, draws_bytes, error_of_mean, mean_cost
from bayesbeam.stages.plan import table_text
from bayesbeam.stages.resources import choose_device
from bayesbeam.stages.rulebook import Rulebook

# Measurements of a first look, of a second one, and the seconds that the second may take for one candidate: each of
# a job of those that run at once, of which there are so many at most.
FEW, MORE, BUDGET_S, MOST_AT_ONCE = 3, 16, 30.0, 8
# Of a long campaign that share is looked at, for so many seconds at most: what a measurement takes can differ by more
# than tenfold.
SHARE, LONGEST_S = 0.01, 120.0
# Records of an earlier run that make a look needless.
ENOUGH = 24
BATCH, CPU = "bca11b8a7e", "cpu"
# Where no candidate was run.
USUAL_START_S = 2.5
Tell = Callable[[str], None]


@dataclass(frozen=True)
class _Jobs:
    """Scripts of the workflow, called as the rules call them, with results in a folder.

    ``at_once`` of them run at a time, as in the run that is foretold: on a busy machine each takes longer.
    """

    order: Order
    book: Rulebook
    folder: Path
    at_once: int

    def run(self, script: str, *calls: Sequence[str]) -> float:
        """Run a script once with each list of words, all at once; return the mean seconds of a core that they took.

        Raises
        ------
        StoreError
            If one fails; the message has its last words.
        """
        command = [sys.executable, str(self.order.root / "scripts" / script), "--config", str(self.order.campaign)]
        command += ["--arrivals", str(self.order.place.results)] if self.book.campaign.campaign.incoming else []
        one = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")}
        began, environment = _children_s(), {**os.environ, **one}
        with ExitStack() as stack:
            said = [stack.enter_context(TemporaryFile("w+", encoding="utf-8", errors="replace")) for _ in calls]
            running = []
            for words, log in zip(calls, said, strict=True):
                process = subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=log, env=environment)
                running.append(process)
                stack.callback(process.kill)  # of one that has ended nothing is killed
            codes = [started.wait() for started in running]
            for log in (log for log, code in zip(said, codes, strict=True) if code != 0):
                log.seek(0)
                last = (log.read().strip().splitlines() or ["no word"])[-1]
                remedy = "Run the campaign without a plan to see the whole of it, or correct what it says."
                raise StoreError.at(f"calibration, {script}", last, "a job that succeeds on a few measurements", remedy)
        return (_children_s() - began) / len(calls)

    def batch(self, number: int = 0) -> tuple[str, ...]:
        """Words that name a batch of a look."""
        return "--batch", f"{BATCH}{number}", "--batches", str(self.folder / "batches.tsv")

    def samples(self, number: int = 0) -> Path:
        """Folder of the draws of one of the jobs that run at once."""
        return self.folder / "samples" / str(number)

    def sample(self, tag: str, ids: Sequence[str]) -> tuple[float, list[Record]]:
        """Sample a candidate, the measurements shared out; return mean seconds of the jobs, and all records."""
        shares = [share for k in range(self.at_once) if (share := ids[k :: self.at_once])]
        self.only(*shares)
        outs = [self.samples(k) / f"{tag}.h5" for k in range(len(shares))]
        for out in outs:  # nothing of an earlier look is to be taken over
            out.unlink(missing_ok=True)
        words = ["--tag", tag, "--measurements", str(self.folder / "measurements")]
        took = self.run("sample.py", *([*self.batch(k), *words, "--output", str(out)] for k, out in enumerate(outs)))
        return took, [record for out in outs for record in read_records(out).values()]

    def only(self, *batches: Sequence[str]) -> None:
        """Make batches of these measurements."""
        table = {identifier: f"{BATCH}{k}" for k, ids in enumerate(batches) for identifier in ids}
        write_text(self.folder / "batches.tsv", table_text(table))


def calibrate(order: Order, book: Rulebook, tell: Tell) -> Costs:
    """Measure what each candidate takes on a few measurements, a minute or so for a campaign of quick ones.

    Parameters
    ----------
    tell : callable
        Receives a line for each candidate.
    """
    folder = order.place.workdir / book.folder / "calibration"
    shutil.rmtree(folder, ignore_errors=True)
    jobs = _Jobs(order, book, folder, _at_once(order, book))
    known = earlier(order, book)
    tags: dict[str, TagCost] = {}
    starts, treated, summed, sizes = [], [], [], []
    try:
        for kind, ids in _kinds(book).items():
            wanted = [tag for tag in kind if tag not in tags]
            if not wanted:
                continue
            looked = _spread(ids, max(MORE * jobs.at_once, int(SHARE * len(ids))))
            jobs.only(looked)
            table = folder / "measurements" / "looked.tsv"
            treated.append((jobs.run("preprocess.py", [*jobs.batch(), "--output", str(table)]), len(looked)))
            for tag in wanted:
                tags[tag], begun = _look(jobs, tag, looked, len(ids), known.get(tag))
                starts += begun
                found = tags[tag]
                tell(f"{tag}: {found.seconds:.2f} +- {found.error:.1g} s a measurement, of {found.measured}")
            summed += _summaries(jobs, kind)
            sizes += [path.stat().st_size for path in (folder / "measurements").glob("*.h5")]
        start = min(starts, default=USUAL_START_S)
        summary_start, summary, size = _line(summed, start)
        treat = mean_cost(max(took - start, 0.0) / n for took, n in treated)
        return Costs(tags, start, summary_start, treat, summary, mean_cost(sizes), size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _at_once(order: Order, book: Rulebook) -> int:
    """Jobs that a run has at work at once on this machine; one for jobs that run elsewhere, or on a GPU."""
    sampling = book.campaign.campaign.sampling
    here = not order.elsewhere and choose_device(sampling.device, sampling.engine) == CPU
    return min(order.cores, MOST_AT_ONCE) if here else 1


def earlier(order: Order, book: Rulebook) -> dict[str, list[Record]]:
    """Records of earlier runs by tag, some dozens of each: what they took is known."""
    found: dict[str, list[Record]] = {}
    for batch, tags in book.tags.items():
        for tag in tags:
            path = order.place.workdir / book.path("samples", batch, f"{tag}.h5")
            if len(found.get(tag, ())) < ENOUGH and path.is_file():
                try:
                    found.setdefault(tag, []).extend(read_records(path).values())
                except StoreError:
                    continue
    return found


def _look(
    jobs: _Jobs, tag: str, ids: Sequence[str], of: int, known: Sequence[Record] | None
) -> tuple[TagCost, list[float]]:
    """Cost of a candidate, from some of its measurements, and the start of a job where one was run."""
    have = [record for record in known or () if record.facts.get("cpu_seconds") is not None]
    if len(have) >= ENOUGH or (have and len(have) >= len(ids)):
        return _cost(jobs, have, of), []
    # Whatever is compiled once for a candidate is compiled by a first job, which is not counted.
    _sampled(jobs, tag, _spread(ids, 1))
    took, first = _sampled(jobs, tag, _spread(ids, FEW * jobs.at_once))
    cost = _cost(jobs, first, of)
    more = jobs.at_once * _more(cost.seconds, of / jobs.at_once)
    if more > len(first) and len(ids) > len(first):
        _, second = _sampled(jobs, tag, _spread(ids, more))
        cost = _cost(jobs, second, of)
        cost = replace(cost, seconds=min(cost.seconds, _each(first, second, _word(cost.device))))
    return cost, [max(took - cost.seconds * len(first) / jobs.at_once, 0.0)]


def _more(seconds: float, of: float) -> int:
    """Measurements that each of the jobs of a second look samples, of so many that it would in the run."""
    wanted = max(MORE, int(SHARE * of))
    budget = min(max(BUDGET_S, SHARE * of * seconds), LONGEST_S)
    return wanted if seconds == 0.0 else min(wanted, int(budget / seconds))


def _each(few: Sequence[Record], many: Sequence[Record], word: str) -> float:
    """Seconds of a measurement without what a job takes before it begins, from jobs of few and of many.

    What is of each goes with the rows of the likelihood; infinite where the two jobs do not tell.
    """
    (few_s, few_rows), (many_s, many_rows) = (
        [sum(float(record.facts[name]) for record in records) for name in (word, "likelihood_rows")]
        for records in (few, many)
    )
    if many_rows <= few_rows or many_s <= few_s:
        return math.inf
    return (many_s - few_s) / (many_rows - few_rows) * many_rows / len(many)


def _word(device: str) -> str:
    """Fact that counts: a GPU is taken up for as long as the job lasts, a core only while it computes."""
    return "cpu_seconds" if device == CPU else "wall_seconds"


def _sampled(jobs: _Jobs, tag: str, ids: Sequence[str]) -> tuple[float, list[Record]]:
    """Seconds of a job for these measurements, and the records of those that are not refused."""
    took, records = jobs.sample(tag, ids)
    return took, [record for record in records if record.facts.get("cpu_seconds") is not None]


def _cost(jobs: _Jobs, records: Sequence[Record], of: int) -> TagCost:
    """Means over records of some of so many measurements."""
    draws = jobs.book.campaign.campaign.sampling.draws
    disk = {}
    for store in (FULL, DRAWS, SUMMARY):
        sizes = []
        for record in records:
            _, _, chains, slots = record.arrays["theta"].shape
            rungs, kept = len(record.arrays["beta"]), int(record.facts["sweeps"] - record.facts["burn_in"])
            sizes.append(draws_bytes(max(kept, 1), chains, rungs, slots, draws, store))
        disk[store] = mean_cost(sizes)
    devices = [str(record.facts["device"]) for record in records]
    device = next((one for one in devices if one != CPU), CPU)
    took = [float(record.facts[_word(device)]) for record in records]
    return TagCost(mean_cost(took), device, len(records), disk, error_of_mean(took, of))


def _summaries(jobs: _Jobs, kind: Sequence[str]) -> list[tuple[float, int, int]]:
    """Seconds of summaries of few and of more measurements, how many candidates those are, and bytes."""
    files = [jobs.samples() / f"{tag}.h5" for tag in kind]
    if not all(path.is_file() for path in files):
        return []
    ids = sorted(set.intersection(*(set(read_records(path)) for path in files)))
    outs = [jobs.folder / f"free_energy{k}.json" for k in range(jobs.at_once)]
    words = ["--measurements", str(jobs.folder / "measurements"), "--samples", str(jobs.samples())]
    # All of them the same: it is about how long they take beside each other.
    calls = [[*jobs.batch(), *words, "--output", str(o), "--arrays", str(o.with_suffix(".h5"))] for o in outs]
    found = []
    for some in dict.fromkeys(tuple(_spread(ids, number)) for number in (1, len(ids)) if ids):
        jobs.only(some)
        took = jobs.run("free_energy.py", *calls)
        size = sum(path.stat().st_size for path in (outs[0], outs[0].with_suffix(".h5")))
        found.append((took, len(some) * len(kind), size))
    return found


def _line(summed: Sequence[tuple[float, int, int]], start: float) -> tuple[float, float, float]:
    """Start of a job that summarises, seconds and bytes of a candidate: from the smallest job and the largest."""
    if not summed:
        return start, 0.0, 0.0
    (few_s, few, _), (many_s, many, size) = (pick(summed, key=lambda one: one[1]) for pick in (min, max))
    each = max(many_s - few_s, 0.0) / (many - few) if many > few else max(few_s - start, 0.0) / few
    return max(few_s - each * few, 0.0), each, size / many


def _children_s() -> float:
    """CPU seconds of all processes that were started and have ended: other work on the machine is not in it."""
    spent = os.times()
    return spent.children_user + spent.children_system


def _kinds(book: Rulebook) -> dict[tuple[str, ...], list[str]]:
    """Measurements by the tags of their candidates."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for row in book.campaign.sheet:
        kinds.setdefault(tuple(book.campaign.tags(row.id)), []).append(row.id)
    return {kind: ids for kind, ids in kinds.items() if kind}


def _spread(ids: Sequence[str], number: int) -> list[str]:
    """So many of the measurements, evenly spread over the sheet."""
    if len(ids) <= number:
        return list(ids)
    return [ids[(2 * k + 1) * len(ids) // (2 * number)] for k in range(number)]
