"""Checks of what measurements of different candidates share: one number must mean the same in all of them.

Decides that it has one unit and one prior, and is not of one of several peaks; each candidate by itself is checked in
``shared_checks``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bayesbeam.config.places import Problems
from bayesbeam.config.shared import Shared
from bayesbeam.config.shared_checks import Group, check_shared
from bayesbeam.config.specs import COMMON
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest
from bayesbeam.units import resolve_unit


def check_shared_of_all(
    entries: Sequence[Shared], groups: Mapping[str, Group], whole: bool, here: KeyPath, problems: Problems
) -> None:
    """Note everything wrong with what a group shares, in each of its candidates and between them.

    Parameters
    ----------
    entries : sequence of Shared
        As in the campaign.
    groups : mapping of str to Group
        Of each candidate, with its measurements.
    whole : bool
        Whether these are all candidates of the group; others have mistakes of their own.
    here : tuple of str and int
        Key that holds the entries.
    problems : Problems
        Where mistakes are noted.
    """
    first = len(problems.found)
    good = not whole or _check_names(entries, groups, here, problems)
    for name, group in groups.items():
        check_shared(replace(group, entries=[entry.of(name) for entry in entries]), here, problems)
    # What is wrong in every candidate, such as a column that is not there, is said once.
    problems.found[first:] = dict.fromkeys(problems.found[first:])
    if good and len(groups) > 1 and len(problems.found) == first:
        for index, entry in enumerate(entries):
            _check_one(entry, groups, (*here, index), problems)


def _check_names(entries: Sequence[Shared], groups: Mapping[str, Group], here: KeyPath, problems: Problems) -> bool:
    """Whether parameters that are named by candidates are named for all of them, and for no others."""
    before = len(problems.found)
    for index, entry in enumerate(entries):
        path = (*here, index, "parameters")
        for name in entry.parameters:
            if name not in groups:
                remedy = nearest(name, sorted(groups))
                problems.add((*path, name), f"{name!r}, which describes none of the group", "its candidates", remedy)
        lacking = [name for name in groups if entry.parameters and name not in entry.parameters]
        if lacking:
            found = f"no parameter of {' and '.join(lacking)}"
            problems.add(path, found, "one of each candidate of the group", "What is shared is in all of them.")
    return len(problems.found) == before


def _check_one(entry: Shared, groups: Mapping[str, Group], path: KeyPath, problems: Problems) -> None:
    """Units, priors and counts of one entry in all candidates."""
    words = {name: entry.of(name).parameter for name in groups}
    for k in range(min(map(len, words.values()))):
        chosen = {name: words[name][k] for name in groups}
        several = [f"{name}: {word}" for name, word in chosen.items() if _count(groups[name], word) > 1]
        if several:
            found = f"{several[0]}, of one of several peaks"
            problems.add(path, found, "a parameter of a single part", "Make the peaks parts of their own.")
        units = {name: _unit(groups[name], word) for name, word in chosen.items()}
        if len(set(units.values())) > 1:
            found = " and ".join(f"{chosen[name]} of {name} in {unit}" for name, unit in units.items())
            remedy = "Set axis.convert_to, or share something else."
            problems.add(path, found, "one unit of what is shared", remedy)
        priors = {name: str(groups[name].choices[word].prior) for name, word in chosen.items()}
        used = entry.formula is None or any(word in entry.formula for word in chosen.values())
        if used and len(set(priors.values())) > 1:
            found = " and ".join(f"{prior} of {name}" for name, prior in priors.items())
            problems.add(path, found, "one prior of what is shared", "Write the same prior in all candidates.")


def _count(group: Group, word: str) -> int:
    """How many there may be of the part that has a parameter."""
    part = word.split(".", 1)[0]
    return 1 if part == COMMON else group.spec.part(part).count


def _unit(group: Group, word: str) -> str:
    """Unit of a parameter in the measurements of a candidate."""
    treatment = group.rows[0].treatment
    return resolve_unit(group.unit(word), treatment.axis.convert_to or treatment.axis.unit, treatment.signal.unit)


__all__ = ["check_shared_of_all"]
