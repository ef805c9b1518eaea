"""One family of errors for everything a user can put right.

Every message has three parts: where and what was found, what was expected, what to do next.
Scripts print them as one line and leave with exit code 2; any other exception is our own mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Self


class BayesbeamError(Exception):
    """Base of all errors that a user can put right."""

    @classmethod
    def at(cls, where: str, found: str, expected: str, remedy: str = "") -> Self:
        """Error with the three-part message of this project.

        Parameters
        ----------
        where : str
            File and place, e.g. ``campaign.yaml: candidates.peaks.noise``.
        found, expected : str
            What is there, and what should be.
        remedy : str
            What to do next, a whole sentence; may be empty.
        """
        return cls(message(where, found, expected, remedy))


class ConfigError(BayesbeamError):
    """A mistake in a campaign file or its sheet."""


class DataError(BayesbeamError):
    """A data file that cannot be used as it is."""


class ModelError(BayesbeamError):
    """A candidate model, prior or noise model that cannot be used."""


class LadderError(BayesbeamError):
    """A ladder of inverse temperatures that is not one."""


class SamplingError(BayesbeamError):
    """A sampling run that cannot start or go on."""


class StoreError(BayesbeamError):
    """A results file or folder that cannot be read or written."""


class DamagedError(StoreError):
    """A results file that is damaged, foreign or lost, and is made anew once it is out of the way.

    Attributes
    ----------
    path : Path or None
        The file.
    """

    path: Path | None = None

    @classmethod
    def of(cls, path: Path | str, found: str, expected: str, remedy: str = "") -> Self:
        """Error with the three-part message for a file."""
        error = cls.at(str(path), found, expected, remedy)
        error.path = Path(path)
        return error


@dataclass(frozen=True)
class Problem:
    """One mistake of a campaign: where it is, what was found and expected, and the remedy."""

    where: str
    found: str
    expected: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the three-part message."""
        return message(self.where, self.found, self.expected, self.remedy)


class ConfigErrors(ConfigError):
    """All mistakes of a campaign at once, the fatal ones first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        head = "1 mistake" if count == 1 else f"{count} mistakes"
        super().__init__("\n".join([f"{head} in the campaign:", *(f"  {problem}" for problem in self.problems)]))


def message(where: str, found: str, expected: str, remedy: str = "") -> str:
    """Three-part message: where, found, expected, and what to do next."""
    tail = f" {remedy}" if remedy else ""
    return f"{where}: {found}; expected {expected}.{tail}"


def unforeseen(where: str, problem: BaseException) -> str:
    """Three-part message for one measurement of many that failed in a way that nobody foresaw."""
    said = " ".join(str(problem).split())[:200]
    found = f"it cannot be computed ({type(problem).__name__}{': ' if said else ''}{said})"
    remedy = "The log of its job has the traceback; the other measurements are not affected."
    return message(where, found, "data that the program can work with", remedy)


def nearest(word: str, words: Sequence[str]) -> str:
    """Sentence that names the nearest valid word, or lists all where none is near; nothing where there is none."""
    close = get_close_matches(word, words, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]}?"
    if not words:
        return ""
    return f"Choose one of: {', '.join(sorted(words))}."
