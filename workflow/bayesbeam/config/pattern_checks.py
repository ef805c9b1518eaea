"""Checks of what a group compares: partial sharings, divisions of its measurements, and by what means."""

from __future__ import annotations

from collections.abc import Sequence

from bayesbeam.config.patterns import ALL, MOST_JOINT_DIVIDED, MOST_OF_ALL, entries_of, is_mixed, is_plain, words_of
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Integration
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest

_MOST_DIVIDED = 9


def check_comparisons(group: Integration, ids: Sequence[str], here: KeyPath, problems: Problems) -> None:
    """Note everything wrong with ``patterns``, ``partitions`` and ``method``.

    Parameters
    ----------
    ids : sequence of str
        Measurements of the group.
    """
    members = len(ids)
    if group.patterns == ALL:
        if len(group.shared) > MOST_OF_ALL:
            found = f"all of {len(group.shared)} shared parameters, {2 ** len(group.shared) - 2} partial sharings"
            remedy = "Name those that are meant, e.g. {position: [line.position]}."
            problems.add((*here, "patterns"), found, f"all of {MOST_OF_ALL} at most", remedy)
    else:
        _check_patterns(group, here, problems)
    if not is_plain(group) and (group.method == "two_stage" or group.partitions == "greedy"):
        key, word = ("method", group.method) if group.method == "two_stage" else ("partitions", group.partitions)
        found = f"{word} with several candidates, or an offset, a factor or a formula among what is shared"
        expected = "one candidate, and parameters that are equal"
        problems.add((*here, key), found, expected, "Take method: joint, or share words only.")
    if group.partitions == "all" and is_mixed(group):
        found = "all divisions of measurements of several candidates"
        problems.add((*here, "partitions"), found, "one candidate", "Write none, or make a group of each kind.")
    if group.partitions == "all" and members > _MOST_DIVIDED:
        found = f"all divisions of {members} measurements"
        problems.add((*here, "partitions"), found, f"{_MOST_DIVIDED} or fewer", "Write greedy.")
    joint = group.method == "joint" or not is_plain(group)
    if group.partitions == "all" and joint and members > MOST_JOINT_DIVIDED:
        found = f"all divisions of {members} measurements, each block of which is sampled"
        expected = f"{MOST_JOINT_DIVIDED} or fewer with method: joint"
        problems.add((*here, "partitions"), found, expected, "Write method: auto, which multiplies posteriors.")
    if group.partitions == "greedy" and group.method == "joint":
        problems.add((*here, "partitions"), "greedy with method: joint", "method auto or two_stage", "Write auto.")


def _check_patterns(group: Integration, here: KeyPath, problems: Problems) -> None:
    """Patterns that name what is not shared, nothing, all of it, or the same as another."""
    words = [word for entry in group.shared for word in words_of(entry)]
    seen: dict[tuple[str, ...], str] = {}
    for name, chosen in group.patterns.items() if isinstance(group.patterns, dict) else ():
        path = (*here, "patterns", name)
        unknown = [word for word in chosen if word not in words]
        for word in unknown:
            problems.add(path, f"{word!r}, which is not shared", "a parameter under shared", nearest(word, words))
        if unknown:
            continue
        entries = entries_of(group, chosen)
        if not entries:
            problems.add(path, "no parameter", "one at least", "None shared is compared without being named.")
        elif entries == group.shared:
            problems.add(path, "all that is shared", "a part of it", "All is compared without being named.")
        elif (same := tuple(map(str, entries))) in seen:
            problems.add(path, f"the same as {seen[same]!r}", "every sharing once", "Remove one of them.")
        else:
            seen[same] = name
