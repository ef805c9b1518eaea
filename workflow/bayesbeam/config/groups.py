"""Checks of the section ``integration``: groups of measurements that share parameters.

Decides which measurements and candidate a group may have; what they may share is in ``shared_checks``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bayesbeam.config.checks import Context, matching
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Integration
from bayesbeam.config.shared_checks import Group, check_shared
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
        _check_candidate(context, group, members, here, problems)
        models = expanded.get(group.candidate, ())
        if models and not context.cut_below("candidates", group.candidate):
            chosen = matching(group.measurements, [row.id for row in context.rows])
            rows = [row for row in context.rows if row.id in chosen]
            asked = Group(context, group.candidate, models[-1].spec, rows, group.shared)
            check_shared(asked, (*here, "shared"), problems)


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


def _check_candidate(
    context: Context, group: Integration, members: Mapping[str, Sequence[str]], here: KeyPath, problems: Problems
) -> None:
    """Candidate that is unknown or does not apply to a member."""
    known = tuple(context.campaign.candidates)
    path = (*here, "candidate")
    if group.candidate not in known:
        if group.candidate not in context.declared:
            found = f"the unknown candidate {group.candidate!r}"
            problems.add(
                path, found, "a candidate of this campaign", nearest(group.candidate, sorted(context.declared))
            )
        return
    chosen = matching(group.measurements, [row.id for row in context.rows])
    missing = [i for i in chosen if i not in members[group.candidate]]
    if missing and not context.cut_below("candidates", group.candidate):
        found = f"{group.candidate!r}, which does not apply to {', '.join(missing)}"
        remedy = f"Widen candidates.{group.candidate}.measurements."
        problems.add(path, found, "a candidate of all measurements of the group", remedy)
