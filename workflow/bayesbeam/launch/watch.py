"""What Snakemake says while it runs, taken in line by line: jobs, steps done, failures.

Decides what a line of Snakemake's output means (version 9); how it is shown is the business of ``display``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_STARTED = re.compile(r"Job (\d+): (.*)")
_SHELL = re.compile(r"Shell command: (.*)")
_FINISHED = re.compile(r"Finished jobid: (\d+) (?:\(Rule: (\w+)\))?")
_PLANNED = re.compile(r"(\w+) +(\d+)$")
_STEPS = re.compile(r"(\d+) of (\d+) steps")
_TOTAL = re.compile(r"total\s+(\d+)\s*$")
_FAILED = re.compile(r"Error in rule (\w+):")
_FIELD = re.compile(r" {4}(jobid|log): (.*)")
# Of bash and of Python: what the signal that cannot be refused leaves, such as the one of the guard of memory.
_KILLED = re.compile(r"Command '(.*)' (?:returned non-zero exit status 137|died with <Signals\.SIGKILL: 9>)\.$")
_STATS, _NOTHING = "Job stats:", "Nothing to be done"
_LOCKED = "LockException"


@dataclass
class Failure:
    """A job that failed: what it was, its log and its command."""

    rule: str
    job: int = -1
    logs: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True)
class News:
    """What happened to a job: ``what`` is started (with its ``command``), finished or failed."""

    what: str
    job: int
    words: str
    command: str = ""
    rule: str = ""


@dataclass
class Run:
    """What is known of a run so far.

    Attributes
    ----------
    running : dict
        Jobs at work, by number, in the words of their rule.
    done, total : int
        Steps finished, and steps in all; the last step of Snakemake's, which only names the targets, is not counted.
    failures : list of Failure
        Jobs that failed.
    planned : dict
        Number of jobs of each rule.
    news : list of News
        What happened to jobs, in order; whoever wants it takes it out.
    nothing_to_do, locked : bool
        Whether all results are up to date; whether another Snakemake holds the folder.
    """

    running: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    failures: list[Failure] = field(default_factory=list)
    planned: dict[str, int] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)
    nothing_to_do: bool = False
    locked: bool = False
    _killed: list[str] = field(default_factory=list)
    _named: int = -1
    _in_stats: bool = False
    _in_failure: bool = False

    def take(self, line: str) -> str | None:
        """Take in one line; return the words of a job if the line says that it is finished."""
        if self._in_failure and self._failure_line(line):
            return None
        if match := _STARTED.match(line):
            self._named = int(match[1])
            self.running[self._named] = self.names[self._named] = match[2]
        elif match := _SHELL.match(line):
            self.news.append(News("started", self._named, self.names.get(self._named, ""), match[1]))
        elif match := _FINISHED.match(line):
            return self._finished(int(match[1]), match[2] or "")
        elif match := _STEPS.match(line):
            self.total = int(match[2]) - 1
        elif match := _TOTAL.match(line):
            self.total = int(match[1]) - 1
            self._in_stats = False
        elif self._in_stats and (match := _PLANNED.match(line)):
            self.planned[match[1]] = int(match[2])
        elif match := _KILLED.match(line):
            self._killed.append(match[1])
        elif match := _FAILED.match(line):
            self.failures.append(Failure(match[1]))
            self._in_failure = True
        self._in_stats |= line.startswith(_STATS)
        self.nothing_to_do |= line.startswith(_NOTHING)
        self.locked |= line.startswith(_LOCKED)
        return None

    def name_of(self, failure: Failure) -> str:
        """Return a failed job in words."""
        return self.names.get(failure.job, failure.rule)

    def was_killed(self, failure: Failure) -> bool:
        """Whether a failed job was ended by SIGKILL."""
        return bool(failure.command) and any(failure.command in command for command in self._killed)

    def _finished(self, job: int, rule: str) -> str | None:
        """Count a finished job; None for the last step, which is no work."""
        words = self.running.pop(job, None)
        if job == 0:
            return None
        self.done += 1
        words = words or self.names.get(job) or f"job {job}"
        self.news.append(News("finished", job, words, rule=rule))
        return words

    def _failure_line(self, line: str) -> bool:
        """Take in an indented line of a failure's description; False at its end."""
        failure = self.failures[-1]
        if not line.startswith("    "):
            self._in_failure = False
            self.running.pop(failure.job, None)
            self.news.append(News("failed", failure.job, self.name_of(failure), rule=failure.rule))
            return False
        if match := _FIELD.match(line):
            if match[1] == "jobid":
                failure.job = int(match[2])
            else:
                failure.logs = tuple(match[2].removesuffix(" (check log file(s) for error details)").split(", "))
        elif line.startswith("        ") and not line.strip().startswith("(command exited"):
            failure.command = line.strip()
        return True
