"""What a run writes into its run log, and how it stands: jobs, pace, verdicts so far.

Decides which measurements a job is about, by the words of its command; ``runlog`` writes lines, ``pace`` estimates.
"""

from __future__ import annotations

import os
import platform
import shlex
import socket
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from bayesbeam.errors import StoreError
from bayesbeam.io.results import read_result
from bayesbeam.launch.pace import SAMPLING, Job, Pace
from bayesbeam.launch.runlog import NAME, RunLog
from bayesbeam.launch.snakemake import Order
from bayesbeam.launch.watch import News, Run
from bayesbeam.stages.progress import clock
from bayesbeam.stages.rulebook import Rulebook

EVERY_S = 15.0
IN_THE_RUNNING = 0.01
_VERSIONS = ("bayesbeam", "snakemake", "torch", "numpy")


@dataclass(frozen=True)
class Stand:
    """How a run stands; what is not known yet is None."""

    done: int
    total: int
    running: int
    failed: int
    spectra_per_minute: float | None
    seconds_left: float | None
    judged: int
    not_reliable: int

    @property
    def words(self) -> str:
        """How the run stands in a line; a question mark where that is not known yet."""
        counts = ((self.running, "running"), (self.waiting, "waiting"), (self.failed, "failed"))
        jobs = ", ".join(f"{count} {word}" for count, word in counts if count)
        rate = "?" if self.spectra_per_minute is None else f"{self.spectra_per_minute:.3g}"
        left = "?" if self.seconds_left is None else f"about {clock(self.seconds_left)}"
        doubts = f"{self.not_reliable} not reliable" if self.not_reliable else ""
        return "; ".join(part for part in (jobs, f"{rate} spectra a minute", f"{left} left", doubts) if part)

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return max(self.total - self.done - self.running - self.failed, 0)


class Record:
    """Follows a run: writes its run log, and knows how it stands.

    Parameters
    ----------
    order : Order
        What is run.
    book : Rulebook
        Says which measurements a job has, and how much work it is.
    """

    def __init__(self, order: Order, book: Rulebook) -> None:
        self._order, self._book = order, book
        self._folder = order.place.workdir / book.folder
        self._log = RunLog(self._folder / "logs" / NAME, uuid.uuid4().hex[:12])
        self._start = self._told = time.monotonic()
        self._pace = Pace()
        self._facts: dict[int, dict[str, Any]] = {}
        self._failed: set[int] = set()
        self._verdicts: dict[str, tuple[int, int]] = {}  # by batch: measurements, and those that are not reliable
        self._planned = False
        self._run: Run | None = None

    def started(self) -> None:
        """Write that the run begins, what it is about and by which programs."""
        campaign, order = self._book.campaign, self._order
        models = {tag for tags in self._book.tags.values() for tag in tags}
        versions = {"python": platform.python_version(), **{name: metadata.version(name) for name in _VERSIONS}}
        self._log.write(
            "run started", campaign=campaign.campaign.campaign, command=order.command, cores=order.cores,
            measurements=len(campaign.sheet), candidates=len(models), groups=len(self._book.groups), pid=os.getpid(),
            host=socket.gethostname(), versions=versions,
        )  # fmt: skip

    def take(self, run: Run) -> None:
        """Write what is new of a run; another one, after damaged files were set aside, is followed from its start."""
        if run is not self._run:
            self._run, self._planned, self._facts, self._failed = run, False, {}, set()
            self._pace = Pace(pending={SAMPLING: self._pending()})
        if not self._planned and run.planned and run.total:
            self._planned = True
            self._pace.planned = {rule: count for rule, count in run.planned.items() if rule != "all"}
            self._log.write("jobs planned", jobs=run.total, rules=dict(self._pace.planned))
        news, run.news = run.news, []
        for one in news:
            # A job that failed may be started again.
            (self._failed.add if one.what == "failed" else self._failed.discard)(one.job)
            (self._started if one.what == "started" else self._ended)(one)

    def tick(self, run: Run) -> Stand:
        """Return how the run stands, and write it now and then."""
        stand = self.stand(run)
        if time.monotonic() - self._told >= EVERY_S:
            self._told = time.monotonic()
            self._progress(stand)
        return stand

    def stand(self, run: Run) -> Stand:
        """Return how the run stands."""
        now = time.monotonic()
        rate, left = self._pace.spectra_a_minute(now), self._pace.seconds_left(now)
        judged, doubtful = (sum(counts) for counts in zip((0, 0), *self._verdicts.values(), strict=True))
        return Stand(run.done, run.total, len(run.running), len(self._failed), rate, left, judged, doubtful)

    def ended(self, code: int | None) -> None:
        """Write that the run is over, with its exit code; None where an error of this program ended it."""
        if self._run is not None:
            self._progress(self.stand(self._run))
        self._log.write("run ended", exit_code=code, seconds=round(time.monotonic() - self._start, 3))
        self._log.__exit__()

    def _progress(self, stand: Stand) -> None:
        """Write how the run stands."""
        rate, left = stand.spectra_per_minute, stand.seconds_left
        self._log.write(
            "progress", done=stand.done, total=stand.total, running=stand.running, failed=stand.failed,
            waiting=stand.waiting, spectra_per_minute=None if rate is None else round(rate, 3),
            seconds_left=None if left is None else round(left, 1), judged=stand.judged,
            not_reliable=stand.not_reliable,
        )  # fmt: skip

    def _started(self, news: News) -> None:
        """Write that a job begins, and what it is about."""
        rule, words, log = _command(news.command)
        ids = self._members(rule, words)
        tag = words.get("tag", "")
        self._facts[news.job] = {
            "job": news.job, "rule": rule, "name": news.words, "batch": words.get("batch"), "tag": tag or None,
            "group": words.get("group"), "measurements": ids, "log": log,
        }  # fmt: skip
        self._log.write("job started", **self._facts[news.job])
        batch = words.get("batch", "")
        work, spectra = 1.0, 0.0
        if rule == SAMPLING and tag in self._book.tags.get(batch, {}):
            work, spectra = self._work(batch, tag), self._spectra(batch, tag)
        self._pace.started(news.job, Job(rule, work, time.monotonic(), spectra), f"{batch}/{tag}")

    def _ended(self, news: News) -> None:
        """Write that a job is over."""
        now = time.monotonic()
        seconds = (self._pace.finished if news.what == "finished" else self._pace.failed)(news.job, now)
        facts = self._facts.pop(news.job, {"job": news.job, "rule": news.rule, "name": news.words})
        self._log.write(f"job {news.what}", **facts, seconds=None if seconds is None else round(seconds, 3))
        if news.what == "finished" and facts["rule"] == "free_energy" and facts.get("batch"):
            self._count(str(facts["batch"]))

    def _count(self, batch: str) -> None:
        """Count verdicts of a batch whose free energies are there."""
        path = self._order.place.workdir / self._book.path("free_energy", f"{batch}.json")
        try:
            records = read_result(path)["records"]
            found: dict[str, bool] = {}
            for one in records:
                counts = (one["model_probability"] or 0.0) >= IN_THE_RUNNING and one["verdict"] != "reliable"
                found[one["measurement"]] = found.get(one["measurement"], False) or counts
        except (StoreError, KeyError, TypeError):
            return
        self._verdicts[batch] = len(found), sum(found.values())

    def _members(self, rule: str, words: dict[str, str]) -> list[str]:
        """Measurements of a job."""
        if "measurement" in words:
            return [words["measurement"]]
        if "group" in words:
            return list(self._book.groups[words["group"]].measurements) if words["group"] in self._book.groups else []
        batch = words.get("batch", "")
        members: Sequence[str] = self._book.batches.get(batch, ())
        return list(self._book.tags.get(batch, {}).get(words.get("tag", ""), members))

    def _pending(self) -> dict[str, float]:
        """Work of sampling jobs that have left no mark of being done."""
        workdir = self._order.place.workdir
        return {
            f"{batch}/{tag}": self._work(batch, tag)
            for batch, tags in self._book.tags.items()
            for tag in tags
            if not (workdir / self._book.path("samples", batch, f"{tag}.done")).is_file()
        }

    def _work(self, batch: str, tag: str) -> float:
        """Work of a sampling job."""
        return float(max(self._book.work(tag, self._book.tags[batch][tag]), 1))

    def _spectra(self, batch: str, tag: str) -> float:
        """Measurements of a sampling job, each as the share that this candidate has in the work on it."""
        found = 0.0
        for tags, some in groupby(self._book.tags[batch][tag], key=lambda name: tuple(self._book.campaign.tags(name))):
            members = list(some)
            whole = sum(self._book.work(one, members) for one in tags)
            found += len(members) * self._book.work(tag, members) / whole if whole else len(members) / len(tags)
        return found


def _command(command: str) -> tuple[str, dict[str, str], str]:
    """Rule, named words and log of a job, from its command line."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    script = next((Path(word).stem for word in words if word.endswith(".py")), "")
    named: dict[str, str] = {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            named[name] = value if equals else following
    log = words[words.index(">") + 1] if ">" in words[:-1] else ""
    # Scripts have the names of their rules, but for this one, which two rules call.
    rule = "preprocess_batch" if script == "preprocess" and "batch" in named else script
    return rule, named, log
