"""Checks of the section ``integration``: groups of measurements that share parameters.

Decides which measurements and candidate a group may have; what they may share is in ``shared_checks``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bayesbeam.config.checks import Context, matching
from bayesbeam.config.grouping import members_of
from bayesbeam.config.mixed_checks import check_shared_of_all
from bayesbeam.config.pattern_checks import check_comparisons
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Integration
from bayesbeam.config.shared_checks import Group
from bayesbeam.config.specs import Expanded
from bayesbeam.config.yaml_text import KeyPath
from bayesbeam.errors import nearest


def check_groups(
    context: Context,
    members: Mapping[str, Sequence[str]],
    expanded: Mapping[str, Sequence[Expanded]],
    problems: Problems,
) -> None:
    """Note everything wrong with the groups.

    Parameters
    ----------
    context : Context
        Campaign and sheet.
    members : mapping of str to sequence of str
        Measurements of each candidate.
    expanded : mapping of str to sequence of Expanded
        Models of each candidate; empty for one with mistakes.
    problems : Problems
        Where mistakes are noted.
    """
    first: dict[str, int] = {}
    for index, group in enumerate(context.campaign.integration):
        here: KeyPath = ("integration", index)
        earlier = first.setdefault(group.group.lower(), index)
        if earlier != index:
            found = f"the group {group.group!r} a second time (first in integration[{earlier}])"
            problems.add((*here, "group"), found, "every group name once", "Rename one of them.")
        _check_members(context, group, here, problems)
        ids = [row.id for row in context.rows]
        everyone = matching(group.measurements, ids)
        chosen = members_of(group, everyone)
        _check_mapping(group, ids if context.sheet_is_whole else (), chosen.pop("", ()), here, problems)
        for candidate, own in chosen.items():
            _check_candidate(context, candidate, own, members, here, problems)
        rows = {row.id: row for row in context.rows}
        asked = {
            name: Group(context, name, models[-1].spec, [rows[i] for i in own], group.shared, everyone)
            for name, own in chosen.items()
            if (models := expanded.get(name, ()))
            and not context.cut_below("candidates", name)
            and models[-1].spec.phases is None
        }
        check_shared_of_all(group.shared, asked, len(asked) == len(chosen), (*here, "shared"), problems)
        check_comparisons(group, everyone, here, problems)


def _check_members(context: Context, group: Integration, here: KeyPath, problems: Problems) -> None:
    """Measurements that are unknown, named twice, or fewer than two."""
    ids = [row.id for row in context.rows]
    for index, word in enumerate(group.measurements):
        path = (*here, "measurements", index)
        if word in group.measurements[:index]:
            problems.add(path, f"{word!r} a second time", "every measurement once", "Remove it.")
        elif context.sheet_is_whole and not matching([word], ids):
            kind = "pattern" if "*" in word or "?" in word else "measurement"
            found = (
                f"the {kind} {word!r}, which matches nothing" if kind == "pattern" else f"the unknown {kind} {word!r}"
            )
            problems.add(path, found, "an id of the sheet", nearest(word, ids))
    named = set(matching(group.measurements, ids) if context.sheet_is_whole else group.measurements)
    unsure = not context.sheet_is_whole and any("*" in word or "?" in word for word in group.measurements)
    if len(named) < 2 and not unsure:
        remedy = "Name two or more, or remove the group."
        found, expected = f"{len(named)} measurement(s)", "at least 2, as integration compares measurements"
        problems.add((*here, "measurements"), found, expected, remedy)


def _check_mapping(
    group: Integration, ids: Sequence[str], left: Sequence[str], here: KeyPath, problems: Problems
) -> None:
    """Measurements that no pattern of a mapping matches, and patterns that match none of them, or none first."""
    names = matching(group.measurements, ids)
    earlier: list[str] = []
    for pattern in group.candidate if ids and isinstance(group.candidate, dict) else ():
        path, own = (*here, "candidate", pattern), matching([pattern], names)
        if not own:
            found, remedy = f"{pattern!r}, which matches no measurement of the group", "Remove or correct it."
            problems.add(path, found, "ids or patterns of its measurements", remedy)
        elif set(own) <= set(matching(earlier, names)):
            found = f"{pattern!r}, whose measurements all match an earlier pattern"
            problems.add(path, found, "the first pattern of a measurement", "Write it above the wider ones.")
        earlier.append(pattern)
    if left:
        found = f"no candidate for {', '.join(left)}"
        problems.add(
            (*here, "candidate"), found, "one for each measurement of the group", "Add a pattern, such as '*'."
        )


def _check_candidate(
    context: Context,
    candidate: str,
    ids: Sequence[str],
    members: Mapping[str, Sequence[str]],
    here: KeyPath,
    problems: Problems,
) -> None:
    """Candidate that is unknown or does not apply to a member."""
    path = (*here, "candidate")
    if candidate not in context.campaign.candidates:
        if candidate not in context.declared:
            found, remedy = f"the unknown candidate {candidate!r}", nearest(candidate, sorted(context.declared))
            problems.add(path, found, "a candidate of this campaign", remedy)
        return
    missing = [i for i in ids if i not in members[candidate]]
    if missing and not context.cut_below("candidates", candidate):
        found = f"{candidate!r}, which does not apply to {', '.join(missing)}"
        remedy = f"Widen candidates.{candidate}.measurements, or name a candidate for each pattern of measurements."
        problems.add(path, found, "a candidate of all measurements of the group", remedy)
