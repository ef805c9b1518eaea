"""Checks of the section ``integration``: groups of measurements that share parameters.

Decides what may be shared: free parameters of parts, with one prior in all measurements and one unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bayesbeam.config.checks import Context
from bayesbeam.config.places import Problems
from bayesbeam.config.schema import Integration
from bayesbeam.config.specs import COMMON, NOISE, CandidateSpec, Expanded, ParameterSpec
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
            _check_shared(context, group, models[-1].spec, here, problems)


def _check_members(context: Context, group: Integration, here: KeyPath, problems: Problems) -> None:
    """Measurements that are unknown, named twice, or fewer than two."""
    ids = [row.id for row in context.rows]
    for index, identifier in enumerate(group.measurements):
        path = (*here, "measurements", index)
        if identifier in group.measurements[:index]:
            problems.add(path, f"{identifier!r} a second time", "every measurement once", "Remove it.")
        elif context.sheet_is_whole and identifier not in ids:
            found = f"the unknown measurement {identifier!r}"
            problems.add(path, found, "an id of the sheet", nearest(identifier, ids))
    if len(set(group.measurements)) < 2:
        found = f"{len(set(group.measurements))} measurement(s)"
        remedy = "Name two or more, or remove the group."
        problems.add((*here, "measurements"), found, "at least 2, as integration compares measurements", remedy)


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
    ids = {row.id for row in context.rows}
    missing = [i for i in group.measurements if i in ids and i not in members[group.candidate]]
    if missing and not context.cut_below("candidates", group.candidate):
        found = f"{group.candidate!r}, which does not apply to {', '.join(missing)}"
        remedy = f"Widen candidates.{group.candidate}.measurements."
        problems.add(path, found, "a candidate of all measurements of the group", remedy)


def _check_shared(context: Context, group: Integration, spec: CandidateSpec, here: KeyPath, problems: Problems) -> None:
    """Shared parameters that are unknown, fixed, of the noise, or not the same in all measurements."""
    choices: dict[str, ParameterSpec] = {
        f"{part.name}.{parameter.name}": parameter
        for part in spec.parts
        for parameter in part.parameters
        if not parameter.prior.fixed
    }
    choices |= {f"{COMMON}.{one.name}": one for one in spec.common if not one.prior.fixed}
    fixed = {f"{p.name}.{q.name}" for p in spec.parts for q in p.parameters if q.prior.fixed}
    tied = {f"{p.name}.{word}": formula for p in spec.parts for word, formula in p.ties}
    if not group.shared:
        remedy = f"Name some of {', '.join(choices)}."
        problems.add((*here, "shared"), "no shared parameter", "at least one", remedy)
    for index, word in enumerate(group.shared):
        path = (*here, "shared", index)
        if word in group.shared[:index]:
            problems.add(path, f"{word!r} a second time", "every parameter once", "Remove it.")
        elif word.split(".")[0] == NOISE:
            remedy = "Every measurement keeps its own noise; remove it."
            problems.add(path, f"the noise parameter {word!r}", "a parameter of a part", remedy)
        elif word in fixed:
            remedy = f"It has one value in all measurements already; remove it or free it in {group.candidate}."
            problems.add(path, f"{word!r}, which is fixed", "a free parameter", remedy)
        elif word in tied:
            found, names = f"{word!r}, which is tied: {tied[word]}", ", ".join(tied[word].names)
            problems.add(path, found, "a free parameter", f"Share what it follows from: {names}.")
        elif word not in choices:
            found, expected = f"{word!r}, which is not in {group.candidate}", "part.parameter of the candidate"
            problems.add(path, found, expected, nearest(word, tuple(choices)))
        else:
            _check_same(context, group, word, choices[word], path, problems)
            _check_units(context, group, spec, word, path, problems)


def _check_same(
    context: Context, group: Integration, word: str, parameter: ParameterSpec, path: KeyPath, problems: Problems
) -> None:
    """Prior that depends on the data, and so would differ between the measurements."""
    if parameter.prior.needs:
        default = "the component's default " if parameter.source == "default" else ""
        found = f"{word!r} with {default}{parameter.prior}, which differs between measurements"
        remedy = f"Write it under candidates.{group.candidate} with numbers instead of data words."
        problems.add(path, found, "one prior for a shared parameter", remedy)


def _check_units(
    context: Context, group: Integration, spec: CandidateSpec, word: str, path: KeyPath, problems: Problems
) -> None:
    """Axes or signals in different units, in which a shared number would mean different things."""
    part, name = word.split(".", 1)
    common = {one.name: one.unit for one in spec.common} if part == COMMON else None
    unit = common[name] if common else next(p.unit for p in spec.part(part).build().parameters if p.name == name)
    rows = [row.treatment for row in context.rows if row.id in group.measurements]
    axes = sorted({t.axis.convert_to or t.axis.unit for t in rows})
    signals = sorted({t.signal.unit for t in rows})
    for letter, units in (("x", axes), ("y", signals)):
        if letter in unit and len(units) > 1 and not context.cut_below("treatments"):
            found = f"{word!r} with {letter} in {' and '.join(u or 'no unit' for u in units)}"
            problems.add(path, found, f"one unit of {letter} in the group", "Set axis.convert_to, or the same unit.")
