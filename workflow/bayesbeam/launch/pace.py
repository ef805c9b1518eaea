"""How fast a run is and how long it will take, from what is finished: jobs, seconds they took, and their work.

Decides the estimate: seconds for a piece of work are those of finished jobs of the same rule, and nothing is said
before there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SAMPLING = "sample"


@dataclass(frozen=True)
class Job:
    """One job at work: its rule, its work in the measure of the rule, and when it began (seconds)."""

    rule: str
    work: float
    start: float
    spectra: float = 0.0


@dataclass
class Pace:
    """Pace of a run.

    Attributes
    ----------
    planned : mapping
        Number of jobs of each rule.
    pending : dict
        For rules whose jobs differ much in work: work of those that have not begun, by their names.
    """

    planned: Mapping[str, int] = field(default_factory=dict)
    pending: dict[str, dict[str, float]] = field(default_factory=dict)
    running: dict[int, Job] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    _work: dict[str, float] = field(default_factory=dict)
    _begun: dict[str, int] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)
    _spectra: float = 0.0
    _most: int = 0
    _since: float | None = None
    _last: float = 0.0

    def started(self, number: int, job: Job, name: str = "") -> None:
        """Take note of a job that began."""
        again = number in self.running
        self.running[number] = job
        self._begun[job.rule] = self._begun.get(job.rule, 0) + (not again)
        self.pending.get(job.rule, {}).pop(name, None)
        self._most = max(self._most, len(self.running))
        if job.rule == SAMPLING and self._since is None:
            self._since = job.start

    def finished(self, number: int, now: float) -> float | None:
        """Take note of the end of a job, and return how long it took (seconds), None where it was not seen to begin."""
        job = self.running.pop(number, None)
        if job is None:
            return None
        self._seconds[job.rule] = self._seconds.get(job.rule, 0.0) + now - job.start
        self._work[job.rule] = self._work.get(job.rule, 0.0) + job.work
        self._ended[job.rule] = self._ended.get(job.rule, 0) + 1
        self._spectra += job.spectra
        if job.rule == SAMPLING:
            self._last = now
        return now - job.start

    def failed(self, number: int, now: float) -> float | None:
        """Take note of a job that failed, which says nothing of the pace; return how long it took (seconds)."""
        job = self.running.pop(number, None)
        return None if job is None else now - job.start

    def spectra_a_minute(self, now: float) -> float | None:
        """Spectra whose candidates were sampled, a minute since sampling began; None before the first."""
        sampled = self._begun.get(SAMPLING, 0) >= self.planned.get(SAMPLING, 0)
        over = sampled and not any(job.rule == SAMPLING for job in self.running.values())
        end = self._last if over else now
        if self._since is None or self._spectra == 0 or end <= self._since:
            return None
        return 60.0 * self._spectra / (end - self._since)

    def seconds_left(self, now: float) -> float | None:
        """Time to the end at the pace so far; None where no sampling job, or none of what is left, was measured yet."""
        total = sum(self.planned.values()) - self.planned.get("all", 0)
        if not total or self._most == 0:
            return None
        left = 0.0
        for rule, count in self.planned.items():
            waiting = count - self._begun.get(rule, 0)
            going = [job for job in self.running.values() if job.rule == rule]
            if rule == "all" or (waiting <= 0 and not going):
                continue
            if not self._work.get(rule):
                if rule == SAMPLING:
                    return None
                continue
            each = self._seconds[rule] / self._work[rule]
            left += each * self._work_of(rule, waiting)
            left += sum(max(each * job.work - (now - job.start), 0.0) for job in going)
        return left / self._most if left > 0 else None

    def _work_of(self, rule: str, waiting: int) -> float:
        """Work of so many jobs that have not begun: known ones first, others like them or like those that are done."""
        if waiting <= 0:
            return 0.0
        known = sorted(self.pending.get(rule, {}).values(), reverse=True)[:waiting]
        if known:
            return sum(known) * waiting / len(known)
        return waiting * self._work[rule] / self._ended[rule]
