"""Which sharings of a group are compared: declared partial ones, divisions of the measurements, and by what means."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from bayesbeam.config.shared import Shared

if TYPE_CHECKING:
    from bayesbeam.config.schema import Integration

ALL = "all"
MOST_OF_ALL = 4
"""Shared entries of which `patterns: all` takes every subset: 14 of 4 without none and all."""
MOST_JOINT = 12
"""Measurements that `method: auto` samples together; of more, posteriors are multiplied."""
MOST_DIVIDED = 8
"""Measurements of which `partitions: auto` compares every division."""
MOST_JOINT_DIVIDED = 6
"""The same where every block of them is sampled: 56 without the whole."""

OF_PHASES = ("phases.share", "phases.cell")
"""What scans of one sample have in common where the candidate is made of the phases of a library."""

_LONGEST = 64


def patterns_of(group: Integration) -> dict[str, tuple[Shared, ...]]:
    """What is shared in each partial sharing of a group, by its name; neither none nor all of it."""
    if not isinstance(group.patterns, dict):
        entries = group.shared
        subsets = (one for size in range(1, len(entries)) for one in combinations(entries, size))
        return _named(tuple(subsets), entries)
    return {name: entries_of(group, words) for name, words in group.patterns.items()}


def shared_of(group: Integration, pattern: str) -> tuple[Shared, ...]:
    """What is shared in a pattern; all of it where the pattern has no name."""
    return patterns_of(group)[pattern] if pattern else group.shared


def entries_of(group: Integration, words: tuple[str, ...]) -> tuple[Shared, ...]:
    """Entries of what is shared that have some of the words, in their order."""
    return tuple(entry for entry in group.shared if set(words_of(entry)) & set(words))


def words_of(entry: Shared) -> tuple[str, ...]:
    """Names ``part.parameter`` of an entry, in all candidates."""
    return entry.parameter or tuple(dict.fromkeys(entry.parameters.values()))


def divided(group: Integration) -> str:
    """How divisions of the measurements are compared: all, greedy or none."""
    if group.partitions != "auto":
        return group.partitions
    if len(group.measurements) < 3 or not is_plain(group):
        return "none"
    if group.method == "joint":
        return "all" if len(group.measurements) <= MOST_JOINT_DIVIDED else "none"
    return "all" if len(group.measurements) <= MOST_DIVIDED else "greedy"


def is_mixed(group: Integration) -> bool:
    """Whether measurements of a group have different candidates."""
    return not isinstance(group.candidate, str) and len(set(group.candidate.values())) > 1


def of_phases(group: Integration) -> bool:
    """Whether what is shared is of the phases of a library, and not of parts."""
    return bool(group.shared) and all(set(entry.parameter) & set(OF_PHASES) for entry in group.shared)


def is_plain(group: Integration) -> bool:
    """Whether what is shared is equal in all, and of one candidate, so that posteriors can be multiplied."""
    if is_mixed(group) or of_phases(group):
        return False
    return all(not entry.kind and not entry.parameters for entry in group.shared)


def samples_jointly(group: Integration) -> bool:
    """Whether sharings of all measurements are sampled together."""
    if group.method == "auto":
        return len(group.measurements) <= MOST_JOINT or not is_plain(group)
    return group.method == "joint"


def joint_patterns(group: Integration) -> tuple[str, ...]:
    """Patterns sampled together in any case; of others posteriors are multiplied, and those that decide are sampled.

    ``patterns: all`` are many, and most of them far from probable.
    """
    if not samples_jointly(group) or (group.method == "auto" and group.patterns == ALL and is_plain(group)):
        return ()
    return tuple(patterns_of(group))


def needs_blocks(group: Integration) -> bool:
    """Whether blocks of the measurements are looked at: to compare divisions, and to see who disagrees."""
    return is_plain(group) or divided(group) != "none"


def _named(subsets: tuple[tuple[Shared, ...], ...], entries: tuple[Shared, ...]) -> dict[str, tuple[Shared, ...]]:
    """Subsets by their parameters, without their parts where that is clear; what is too long ends in a number."""
    words = [word for entry in entries for word in words_of(entry)]
    clear = len({word.rpartition(".")[2] for word in words}) == len(words)
    found = {}
    for number, chosen in enumerate(subsets, start=1):
        names = [word.rpartition(".")[2] if clear else word for entry in chosen for word in words_of(entry)]
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(names))
        found[name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}-{number:02d}"] = chosen
    return found
