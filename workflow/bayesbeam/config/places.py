"""Where a mistake stands: file, line and key path, and the list that collects mistakes.

Decides how places are written; not what a mistake is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from bayesbeam.config.yaml_text import KeyPath, YamlText
from bayesbeam.errors import Problem


@dataclass
class Problems:
    """Mistakes found so far in one campaign file, each with its place."""

    shown: str
    text: YamlText
    found: list[Problem] = field(default_factory=list)

    def at(self, path: KeyPath) -> str:
        """Place of a key, e.g. ``campaign.yaml line 12: candidates.peaks.parts[0].count``."""
        line = self.text.line(path)
        place = f"{self.shown} line {line}" if line else self.shown
        return f"{place}: {key_text(path)}" if path else place

    def add(self, path: KeyPath, found: str, expected: str, remedy: str = "") -> None:
        """Note one mistake.

        Parameters
        ----------
        path : tuple of str and int
            Keys and indices from the top of the file.
        found, expected, remedy : str
            The three parts.
        """
        self.found.append(Problem(self.at(path), found, expected, remedy))

    def move(self, problem: Problem, path: KeyPath) -> None:
        """Note a mistake that was found without knowing its place."""
        self.found.append(replace(problem, where=self.at(path)))


def key_text(path: KeyPath) -> str:
    """Key path as people write it: ``candidates.peaks.parts[0].count``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def shown_path(path: Path) -> str:
    """Path for messages: below the working folder where it is there, else the last two names."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):  # the last for a loop of links
        return "/".join(path.parts[-2:])
